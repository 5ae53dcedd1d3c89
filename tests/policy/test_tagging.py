"""Tags: which are required, of what, and where they may come from."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi_aws
import pytest

from policy.guardrails import tagging
from policy.guardrails.resources import kind_of
from tests.policy.harness import UNKNOWN, resource, verdict

TAGS = {"Project": "shop", "Stack": "dev", "ManagedBy": "Pulumi"}
RULE = tagging.REQUIRED_TAGS


def queue(tags: Any = None, provider: Any = None, kind: str = "sqs:Queue"):
    return resource(kind, {"tags": tags}, provider=provider)


class TestRequiredTags:
    @pytest.mark.parametrize("tags", [TAGS, {**TAGS, "Owner": ""}, {**TAGS, "Stack": UNKNOWN}, {**TAGS, "Stack": 1}])
    def test_tagged_passes(self, tags: Any):
        assert verdict(RULE, queue(tags)).status == "pass"

    @pytest.mark.parametrize(
        ("tags", "missing"),
        [
            (None, "Project, Stack, ManagedBy"),
            ({}, "Project, Stack, ManagedBy"),
            ({"Project": "shop", "ManagedBy": "Pulumi"}, "Stack"),
            ({**TAGS, "Stack": ""}, "Stack"),
            ({**TAGS, "Stack": " "}, "Stack"),
            ({"project": "shop", "Stack": "dev", "ManagedBy": "Pulumi"}, "Project"),
        ],
    )
    def test_missing_tag_is_shown(self, tags: Any, missing: str):
        assert verdict(RULE, queue(tags)).found == [f"it lacks the tags {missing}"]

    @pytest.mark.parametrize("default", [{"tags": TAGS}, json.dumps({"tags": TAGS})])
    def test_default_tags_of_the_provider_count(self, default: Any):
        provider = {"defaultTags": default}
        assert verdict(RULE, queue(provider=provider)).status == "pass"
        assert verdict(RULE, queue(UNKNOWN, provider=provider)).status == "pass"

    def test_own_and_default_tags_add_up(self):
        provider = {"defaultTags": {"tags": {"Project": "shop", "ManagedBy": "Pulumi"}}}
        assert verdict(RULE, queue({"Stack": "dev"}, provider)).status == "pass"
        assert verdict(RULE, queue({"Owner": "me"}, provider)).found == ["it lacks the tags Stack"]

    def test_scaling_group_has_a_list_and_no_default_tags(self):
        tags = [{"key": key, "value": value, "propagateAtLaunch": True} for key, value in TAGS.items()]
        assert verdict(RULE, queue(tags, kind="autoscaling:Group")).status == "pass"
        provider = {"defaultTags": {"tags": TAGS}}
        assert verdict(RULE, queue(provider=provider, kind="autoscaling:Group")).status == "violation"

    def test_unknown_tags_are_not_yet_known(self):
        assert verdict(RULE, queue(UNKNOWN)).unknown == ["tags"]
        assert verdict(RULE, queue({}, {"defaultTags": UNKNOWN})).unknown == ["defaultTags"]

    def test_required_tags_are_a_setting(self):
        assert verdict(RULE, queue({"Owner": "me"}), config={"tags": ["Owner"]}).status == "pass"
        untaggable = queue(kind="sqs:QueuePolicy")
        assert verdict(RULE, untaggable, config={"tags": []}).not_applicable == ["the configuration requires no tag"]

    @pytest.mark.parametrize(
        "token", ["aws:sqs/queuePolicy:QueuePolicy", "random:index/randomId:RandomId", "slipway:components:Network"]
    )
    def test_what_takes_no_tags_is_not_applicable(self, token: str):
        assert verdict(RULE, queue(kind=token)).not_applicable == ["it takes no tags"]

    @pytest.mark.parametrize(
        "token", ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:lambda/function:Function"]
    )
    def test_each_generation_is_judged(self, token: str):
        assert verdict(RULE, queue(kind=token)).status == "violation"


def test_list_of_taggable_kinds_is_what_the_provider_has():
    """Read from the sources of the SDK: importing all of it would take seconds."""
    found: dict[str, set[str]] = {}
    token = re.compile(r'@pulumi\.type_token\("(aws:[^"]+)"\)\nclass \w+\(pulumi\.CustomResource\)')
    tags = re.compile(r"    def tags\(self\) -> (?!.*ResourceCollectionTags)")
    for path in Path(pulumi_aws.__file__).parent.glob("*/*.py"):
        if path.name.startswith(("_", "get_", "outputs")):
            continue
        source = path.read_text(encoding="utf-8")
        match = token.search(source)
        if match and tags.search(source, 0, match.start()):
            module, name = kind_of(match[1]).split(":")
            found.setdefault(module, set()).add(name)
    lines = [f"{module} {' '.join(sorted(names))}\n" for module, names in sorted(found.items())]
    assert "".join(lines) == Path(tagging.__file__).with_name("taggable.txt").read_text(encoding="utf-8")
