"""Kinds of type tokens, and how references are followed in a stack."""

from typing import Any

import pytest

from policy.guardrails.resources import Link, Resource, Stack, all_links, any_link, kind_of
from tests.policy.harness import UNKNOWN, UNKNOWN_TEXT, resource


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("aws:ecr/repository:Repository", "ecr:Repository"),
        ("aws:s3/bucket:Bucket", "s3:Bucket"),
        ("aws:s3/bucketV2:BucketV2", "s3:Bucket"),
        ("aws:s3/bucketVersioningV2:BucketVersioningV2", "s3:BucketVersioning"),
        ("aws:s3/bucketObjectv2:BucketObjectv2", "s3:BucketObject"),
        ("aws:lb/listener:Listener", "lb:Listener"),
        ("aws:apigatewayv2/api:Api", "apigatewayv2:Api"),
        ("docker-build:index:Image", "docker-build:Image"),
        ("docker:index/image:Image", "docker:Image"),
        ("docker:image:Image", "docker:Image"),
        ("aws-native:iam:User", "aws-native:iam:User"),
        ("aws-native:transfer:User", "aws-native:transfer:User"),
        ("pulumi:providers:aws", "pulumi:aws"),
        ("shop:index:RegistryV2", "shop:RegistryV2"),
        ("aws:ec2/vpcEndpointV2:VpcEndpointV2", "ec2:VpcEndpointV2"),
        ("broken", "broken"),
        ("also:broken", "also:broken"),
        ("", ""),
    ],
)
def test_kind_of_a_token(token: str, kind: str):
    assert kind_of(token) == kind


class TestResource:
    def test_label_names_kind_and_name(self):
        assert resource("ecr:Repository", name="jobs").label == "Repository 'jobs'"

    def test_property_that_the_state_lacks_is_unknown_where_it_was_set(self):
        origin = resource("ecr:Repository")
        subject = resource("ecr:LifecyclePolicy", {"policy": None}, depends={"policy": [origin], "repository": []})
        assert not subject["policy"].known
        assert subject["repository"].missing
        assert subject["other"].missing

    def test_output_that_is_not_there_is_unknown(self):
        subject = resource("ecr:Repository", {"arn": "a", "id": None})
        assert subject.output("arn").text() == "a"
        assert not subject.output("id").known
        assert not subject.output("url").known

    def test_region_is_its_own_else_the_providers(self):
        assert resource("s3:Bucket", {"region": "a"}, provider={"region": "b"}).region == "a"
        assert resource("s3:Bucket", provider={"region": "b"}).region == "b"
        assert resource("s3:Bucket", {"region": UNKNOWN}).region is None

    @pytest.mark.parametrize(
        ("first", "second", "elsewhere"), [("a", "a", False), ("a", "b", True), (None, "b", False), ("a", None, False)]
    )
    def test_another_region_counts_only_where_both_are_told(self, first: Any, second: Any, elsewhere: bool):
        pair = [resource("s3:Bucket", {"region": region}) for region in (first, second)]
        assert pair[0].is_elsewhere(pair[1]) is elsewhere

    def test_services_without_regions_are_nowhere_else(self):
        here, there = resource("s3:Bucket", provider={"region": "a"}), {"region": "b"}
        distribution = resource("cloudfront:Distribution", provider=there)
        assert not here.is_elsewhere(distribution)
        assert not distribution.is_elsewhere(here)
        assert here.is_elsewhere(resource("sns:Topic", provider=there))


def reference(value: Any, **more: Any) -> Resource:
    return resource("s3:BucketPolicy", {"bucket": value, "nested": [{"bucket": value}]}, name="reference", **more)


class TestLink:
    def link(self, source: Resource, target: Resource, *others: Resource, identities: tuple[str, ...] = ("bucket",)):
        stack = Stack([source, target, *others])
        return stack.link(source, source["bucket"], target, *identities)

    @pytest.mark.parametrize(
        ("value", "name", "link"),
        [
            ("jobs", "jobs", Link.YES),
            ("jobs", "other", Link.NO),
            ("jobs", None, Link.UNKNOWN),
            ("jobs", UNKNOWN, Link.UNKNOWN),
            (None, "jobs", Link.NO),
            (None, None, Link.NO),
            (["jobs"], "jobs", Link.NO),
            (UNKNOWN, "jobs", Link.UNKNOWN),
        ],
    )
    def test_known_values_are_compared(self, value: Any, name: Any, link: Link):
        assert self.link(reference(value), resource("s3:Bucket", {"bucket": name})) is link

    def test_one_equal_identity_is_enough_and_all_must_differ(self):
        target = resource("s3:Bucket", {"bucket": "jobs", "arn": "arn:jobs"})
        assert self.link(reference("arn:jobs"), target, identities=("bucket", "arn")) is Link.YES
        assert self.link(reference("arn:x"), target, identities=("bucket", "arn")) is Link.NO
        assert self.link(reference("x"), target, identities=("bucket", "id")) is Link.UNKNOWN

    def test_unknown_reference_follows_property_dependencies(self):
        target, other = resource("s3:Bucket", name="a"), resource("s3:Bucket", name="b")
        source = reference(UNKNOWN_TEXT, depends={"bucket": [target]})
        assert self.link(source, target, other) is Link.YES
        assert self.link(source, other, target) is Link.NO

    def test_known_reference_to_an_unknown_target_follows_them_too(self):
        target = resource("s3:Bucket", name="a")
        assert self.link(reference("jobs", depends={"bucket": [target]}), target) is Link.YES

    def test_known_values_win_over_property_dependencies(self):
        target = resource("s3:Bucket", {"bucket": "a"})
        assert self.link(reference("a-copy", depends={"bucket": [target]}), target) is Link.NO

    def test_another_region_is_another_resource(self):
        target = resource("s3:Bucket", {"bucket": "jobs", "region": "eu-west-1"})
        source = reference("jobs", provider={"region": "eu-central-1"})
        assert self.link(source, target) is Link.NO
        assert self.link(reference("jobs"), target) is Link.YES

    def test_another_account_counts_where_the_own_one_has_the_name_too(self):
        def made(kind: str, profile: str, **properties: Any) -> Resource:
            return resource(kind, properties, name=f"{kind}-{profile}", provider={"profile": profile, "version": kind})

        mine, theirs = (made("ecr:Repository", profile, name="jobs") for profile in ("a", "b"))
        source = made("ecr:LifecyclePolicy", "a", repository="jobs")
        node = source["repository"]
        both, alone = Stack([source, mine, theirs]), Stack([source, theirs])
        assert (both.link(source, node, mine, "name"), both.link(source, node, theirs, "name")) == (Link.YES, Link.NO)
        # Two providers may be of one account.
        assert alone.link(source, node, theirs, "name") is Link.YES

    def test_component_in_place_of_its_child_leaves_it_open(self):
        component = resource("shop:index:Store", name="store")
        inner = resource("shop:index:Inner", name="inner", parent=component)
        target = resource("s3:Bucket", {"bucket": "jobs"}, parent=inner)
        source = reference(UNKNOWN_TEXT, depends={"bucket": [component]})
        assert self.link(source, target, component, inner) is Link.UNKNOWN
        stranger = resource("s3:Bucket", {"bucket": "jobs"}, name="stranger")
        assert self.link(source, stranger, component) is Link.NO

    def test_nested_property_has_the_dependencies_of_the_top_one(self):
        target = resource("s3:Bucket", name="a")
        source = reference(UNKNOWN_TEXT, depends={"nested": [target]})
        stack = Stack([source, target])
        assert stack.link(source, source["nested"].items()[0]["bucket"], target, "bucket") is Link.YES


class TestSame:
    def same(self, first: Resource, second: Resource, *others: Resource):
        stack = Stack([first, second, *others])
        return stack.same(first, first["bucket"], second, second["bucket"])

    def holder(self, value: Any, name: str, origins: list[Resource] | None = None) -> Resource:
        depends = {"bucket": origins} if origins is not None else None
        return resource("s3:BucketPolicy", {"bucket": value}, name=name, depends=depends)

    @pytest.mark.parametrize(
        ("first", "second", "link"),
        [
            ("a", "a", Link.YES),
            ("a", "b", Link.NO),
            (None, None, Link.NO),
            ("a", None, Link.NO),
            (1, 1.0, Link.YES),
            (UNKNOWN, "a", Link.UNKNOWN),
            (UNKNOWN, UNKNOWN, Link.UNKNOWN),
        ],
    )
    def test_known_values_are_compared(self, first: Any, second: Any, link: Link):
        assert self.same(self.holder(first, "a"), self.holder(second, "b")) is link

    def test_unknown_values_of_one_origin_are_the_same(self):
        bucket, other = resource("s3:Bucket", name="x"), resource("s3:Bucket", name="y")
        first = self.holder(UNKNOWN_TEXT, "a", [bucket])
        assert self.same(first, self.holder(UNKNOWN_TEXT, "b", [bucket]), bucket, other) is Link.YES
        assert self.same(first, self.holder(UNKNOWN_TEXT, "b", [other]), bucket, other) is Link.NO
        assert self.same(first, self.holder(UNKNOWN_TEXT, "b"), bucket) is Link.UNKNOWN
        assert self.same(first, self.holder("known", "b", [other]), bucket, other) is Link.UNKNOWN

    def test_one_may_be_made_of_the_other(self):
        bucket = resource("s3:Bucket", name="x")
        first = self.holder(UNKNOWN_TEXT, "a", [bucket])
        second = self.holder(UNKNOWN_TEXT, "b", [first])
        assert self.same(first, second, bucket) is Link.YES
        assert self.same(second, first, bucket) is Link.YES

    def test_origins_are_followed_through_siblings(self):
        bucket = resource("s3:Bucket", name="x")
        first = self.holder(UNKNOWN_TEXT, "a", [bucket])
        through = self.holder(UNKNOWN_TEXT, "b", [first])
        last = self.holder(UNKNOWN_TEXT, "c", [through])
        assert self.same(self.holder(UNKNOWN_TEXT, "d", [bucket]), last, bucket, first, through) is Link.YES

    def test_circle_of_origins_ends(self):
        first = self.holder(UNKNOWN_TEXT, "a", [self.holder(UNKNOWN_TEXT, "b", [self.holder(UNKNOWN_TEXT, "a")])])
        second = self.holder(UNKNOWN_TEXT, "b", [first])
        assert self.same(first, second) is Link.YES

    def test_component_as_origin_leaves_it_open(self):
        component = resource("shop:index:Store", name="store")
        bucket = resource("s3:Bucket", parent=component, name="x")
        first = self.holder(UNKNOWN_TEXT, "a", [component])
        second = self.holder(UNKNOWN_TEXT, "b", [bucket])
        assert self.same(first, second, component, bucket) is Link.UNKNOWN


class TestStack:
    def test_order_does_not_depend_on_the_engine(self):
        resources = [resource("s3:Bucket", name=name) for name in "bca"]
        assert [item.name for item in Stack(resources).resources] == ["a", "b", "c"]

    def test_resources_by_kind_and_urn(self):
        old = resource("aws:s3/bucketV2:BucketV2", name="old")
        new = resource("s3:Bucket", name="new")
        stack = Stack([old, new, resource("s3:BucketPolicy")])
        assert {item.name for item in stack.of("s3:Bucket")} == {"old", "new"}
        assert stack.of("s3:Bucket", "s3:BucketPolicy")[-1].kind == "s3:BucketPolicy"
        assert stack.find(old.urn) is old
        assert stack.find("urn") is None

    def test_ancestors_end_even_in_a_circle(self):
        top = resource("shop:index:Top", name="top")
        middle = resource("shop:index:Middle", name="middle", parent=top)
        leaf = resource("s3:Bucket", parent=middle)
        assert Stack([top, middle, leaf]).ancestors(leaf) == {top.urn, middle.urn}
        circle = Resource(urn="u", type="t", name="n", parent="u")
        assert Stack([circle]).ancestors(circle) == {"u"}


def test_links_add_up():
    yes, no, unknown = Link.YES, Link.NO, Link.UNKNOWN
    assert [any_link(links) for links in ([], [no], [no, unknown], [unknown, yes], [unknown, no])] == [
        no,
        no,
        unknown,
        yes,
        unknown,
    ]
    assert [all_links(links) for links in ([], [yes], [yes, unknown], [unknown, no], [unknown, yes])] == [
        yes,
        yes,
        unknown,
        no,
        unknown,
    ]
