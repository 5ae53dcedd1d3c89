"""Resources for a pack: from a run of the program and from exported stacks."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from engine.policy_driver import PolicyError
from engine.policy_messages import UNKNOWN_TEXT
from engine.policy_subjects import as_resources, from_export, from_registrations, read_export
from engine.registration import Registration
from engine.values import UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
URN = "urn:pulumi:dev::shop::aws:ecr/repository:Repository::jobs"


def registration(inputs: dict[str, Any], **more: Any) -> Registration:
    fields: dict[str, Any] = {"custom": True, "parent": "urn:parent", **more}
    return Registration(urn=URN, type="aws:ecr/repository:Repository", name="jobs", inputs=inputs, **fields)


class TestRegistrations:
    def test_everything_is_handed_on(self):
        item = registration(
            {"name": "jobs"},
            dependencies=("urn:d",),
            property_dependencies={"name": ("urn:d",)},
            protect=True,
            ignore_changes=("tags",),
            aliases=("urn:old",),
            delete_before_replace=True,
            additional_secret_outputs=("arn",),
            custom_timeouts={"create": 5.0},
        )
        (found,) = from_registrations([item])
        assert (found.urn, found.type, found.name, found.parent) == (URN, item.type, "jobs", "urn:parent")
        assert (found.dependencies, found.property_dependencies) == (("urn:d",), {"name": ("urn:d",)})
        assert (found.protect, found.ignore_changes, found.delete_before_replace) == (True, ("tags",), True)
        assert found.aliases == ("urn:old",)
        assert (found.additional_secret_outputs, found.custom_timeouts) == (("arn",), {"create": 5.0})
        assert found.provider is None

    def test_region_is_that_of_the_default_provider(self):
        (found,) = from_registrations([registration({})], region="eu-central-1")
        assert found.provider
        assert found.provider.properties == {"region": "eu-central-1"}
        assert found.provider.urn == "urn:pulumi:dev::shop::pulumi:providers:aws::default"

    def test_the_default_provider_has_what_the_stack_sets(self):
        (found,) = from_registrations([registration({})], region="eu-central-1", settings={"profile": "p"})
        assert found.provider
        assert found.provider.properties == {"region": "eu-central-1", "profile": "p"}

    def test_a_provider_that_the_program_names_comes_with_its_own_properties(self):
        provider = registration({"region": "us-east-1", "defaultTags": '{"tags": {"a": "b"}}'})
        provider.urn = "urn:pulumi:dev::shop::pulumi:providers:aws::global"
        provider.type, provider.name = "pulumi:providers:aws", "global"
        item = registration({}, provider=f"{provider.urn}::04da6b54-80e4-46f7-96ec-b56ff0331ba9")
        _, found = from_registrations([provider, item], region="eu-central-1")
        assert found.provider
        assert (found.provider.urn, found.provider.name) == (provider.urn, "global")
        assert found.provider.properties == provider.inputs

    @pytest.mark.parametrize("changes", [{"custom": False}, {"type": "docker-build:index:Image"}])
    def test_components_and_other_packages_have_none(self, changes: dict[str, Any]):
        item = registration({})
        for key, value in changes.items():
            setattr(item, key, value)
        assert from_registrations([item], region="eu-central-1")[0].provider is None

    def test_values_get_the_marks_of_the_wire(self):
        inputs = {
            "unknown": UNKNOWN,
            "list": (UNKNOWN, 1),
            "secret": {"a": "b"},
            "file": pulumi.FileAsset("a"),
            "text": pulumi.StringAsset("t"),
            "remote": pulumi.RemoteAsset("https://x"),
            "folder": pulumi.FileArchive("f"),
            "remoteArchive": pulumi.RemoteArchive("https://y"),
            "archive": pulumi.AssetArchive({"a": pulumi.StringAsset("t")}),
        }
        (found,) = from_registrations([registration(inputs, secret_inputs=frozenset({"secret"}))])
        assert found.inputs == {
            "unknown": UNKNOWN_TEXT,
            "list": [UNKNOWN_TEXT, 1],
            "secret": {SIGNATURE: SECRET, "value": {"a": "b"}},
            "file": {SIGNATURE: ASSET, "path": "a"},
            "text": {SIGNATURE: ASSET, "text": "t"},
            "remote": {SIGNATURE: ASSET, "uri": "https://x"},
            "folder": {SIGNATURE: ARCHIVE, "path": "f"},
            "remoteArchive": {SIGNATURE: ARCHIVE, "uri": "https://y"},
            "archive": {SIGNATURE: ARCHIVE, "assets": {"a": {SIGNATURE: ASSET, "text": "t"}}},
        }

    def test_state_is_inputs_and_outputs_without_what_has_an_unknown_inside(self):
        inputs = {"name": "jobs", "open": UNKNOWN, "nested": {"a": [UNKNOWN]}, "list": [UNKNOWN]}
        (found,) = from_registrations([registration(inputs, outputs={"arn": "arn:x", "name": "jobs-1"}, id="i")])
        assert found.state == {"name": "jobs-1", "open": UNKNOWN_TEXT, "arn": "arn:x", "id": "i"}
        assert "nested" in found.inputs


def test_rules_see_the_same_as_over_the_wire():
    item = registration(
        {"name": "jobs", "nested": {"a": [UNKNOWN]}, "key": "value"},
        outputs={"arn": "arn:x"},
        secret_inputs=frozenset({"key"}),
        property_dependencies={"name": ("urn:d",), "tags": ()},
        protect=True,
        id="i",
    )
    (found,) = as_resources(from_registrations([item], region="eu-central-1"))
    assert (found.name, found.protect, found.parent, found.region) == ("jobs", True, "urn:parent", "eu-central-1")
    assert found.property_dependencies == {"name": {"urn:d"}}
    nested = found["nested"]["a"].items()[0]
    assert (found["key"].text(), found["arn"].text(), found["id"].text()) == ("value", "arn:x", "i")
    assert not nested.known


PROVIDER = {
    "urn": "urn:pulumi:dev::shop::pulumi:providers:aws::default_7",
    "type": "pulumi:providers:aws",
    "custom": True,
    "id": "p1",
    "inputs": {"region": "eu-west-1"},
    "outputs": {"region": "eu-central-1"},
}
RESOURCE = {
    "urn": URN,
    "type": "aws:ecr/repository:Repository",
    "custom": True,
    "id": "jobs",
    "inputs": {"name": "jobs", "tags": {"a": "b"}},
    "outputs": {"arn": "arn:x", "name": "jobs-1"},
    "parent": "urn:parent",
    "dependencies": ["urn:d"],
    "propertyDependencies": {"name": ["urn:d"], "tags": None},
    "provider": f"{PROVIDER['urn']}::p1",
    "protect": True,
    "aliases": ["urn:alias", {"name": "x"}],
    "additionalSecretOutputs": ["arn"],
    "ignoreChanges": ["tags"],
}


def export(*resources: Any) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(resources)}}


class TestExport:
    def test_everything_is_handed_on(self):
        _, found = from_export(export(PROVIDER, RESOURCE))
        assert (found.urn, found.name, found.parent, found.protect) == (URN, "jobs", "urn:parent", True)
        assert found.inputs == {"name": "jobs", "tags": {"a": "b"}}
        assert found.state == {"name": "jobs-1", "tags": {"a": "b"}, "arn": "arn:x"}
        assert found.property_dependencies == {"name": ["urn:d"], "tags": ()}
        assert (found.dependencies, found.aliases) == (["urn:d"], ["urn:alias"])
        assert (found.additional_secret_outputs, found.ignore_changes) == (["arn"], ["tags"])
        assert found.provider
        assert (found.provider.name, found.provider.properties) == ("default_7", {"region": "eu-central-1"})

    def test_bare_resource_is_taken(self):
        (found,) = from_export(export({"urn": URN, "type": "t:m:T"}))
        assert (found.inputs, found.state, found.provider, found.protect) == ({}, {}, None, False)

    def test_what_the_program_only_reads_is_not_managed(self):
        subjects = from_export(export(RESOURCE, {**RESOURCE, "urn": f"{URN}-read", "external": True}))
        assert [item.external for item in subjects] == [False, True]
        assert [item.managed for item in as_resources(subjects)] == [True, False]

    def test_keys_that_the_engine_keeps_to_itself_are_left_out(self):
        nested = {"__defaults": [], "variables": {"__defaults": [], "A": "b"}}
        sealed = {SIGNATURE: SECRET, "plaintext": json.dumps({"__defaults": [], "c": 1})}
        inputs = {"__defaults": ["name"], "environment": nested, "list": [{"__defaults": []}], "secret": sealed}
        provider = {**PROVIDER, "outputs": {"__internal": {}, "region": "eu-central-1"}}
        outputs = {"__meta": "{}", "arn": "arn:x"}
        _, found = from_export(export(provider, {**RESOURCE, "inputs": inputs, "outputs": outputs}))
        assert found.inputs == {
            "environment": {"variables": {"A": "b"}},
            "list": [{}],
            "secret": {SIGNATURE: SECRET, "value": {"c": 1}},
        }
        assert found.state == {**found.inputs, "arn": "arn:x"}
        assert found.provider
        assert found.provider.properties == {"region": "eu-central-1"}

    def test_what_is_about_to_be_deleted_is_left_out(self):
        assert from_export(export({**RESOURCE, "delete": True})) == []

    @pytest.mark.parametrize(
        ("secret", "value"),
        [
            ({"ciphertext": "x"}, "[secret]"),
            ({"plaintext": '{"a": 1}'}, {SIGNATURE: SECRET, "value": {"a": 1}}),
            ({"plaintext": "not json"}, {SIGNATURE: SECRET, "value": "not json"}),
            ({"value": "v"}, {SIGNATURE: SECRET, "value": "v"}),
        ],
    )
    def test_secrets_are_what_the_export_shows(self, secret: dict[str, Any], value: Any):
        inputs = {"list": [{SIGNATURE: SECRET, **secret}]}
        (found,) = from_export(export({**RESOURCE, "inputs": inputs}))
        assert found.inputs == {"list": [value]}

    def test_assets_stay(self):
        asset = {SIGNATURE: ASSET, "hash": "h", "text": "t"}
        (found,) = from_export(export({**RESOURCE, "inputs": {"a": asset}}))
        assert found.inputs == {"a": asset}

    def test_state_file_of_a_local_backend_is_taken(self):
        assert len(from_export({"checkpoint": {"latest": {"resources": [RESOURCE]}}})) == 1

    @pytest.mark.parametrize(
        "document",
        [
            None,
            [],
            {},
            {"deployment": None},
            {"deployment": {"resources": None}},
            {"checkpoint": {"latest": None}},
            export(1),
            export({"urn": URN}),
            export({"urn": 1, "type": "t"}),
        ],
    )
    def test_anything_else_is_an_error_that_says_how(self, document: Any):
        with pytest.raises(PolicyError, match="pulumi stack export --file"):
            from_export(document)

    def test_file_is_read(self, tmp_path: Path):
        path = tmp_path / "stack.json"
        path.write_text(json.dumps(export(RESOURCE)))
        assert [item.urn for item in read_export(path)] == [URN]

    def test_file_that_can_not_be_read_is_an_error(self, tmp_path: Path):
        with pytest.raises(PolicyError, match="can't be read: No such file"):
            read_export(tmp_path / "none.json")
        (tmp_path / "broken.json").write_text("{")
        with pytest.raises(PolicyError, match="is not JSON"):
            read_export(tmp_path / "broken.json")
