"""Settings: every problem is found, all at once, with key, found, expected and the way to fix it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components import settings
from components.settings import KEYS, Settings, SettingsError
from tests.components.stack import SCHEMA

REPOSITORY = Path(__file__).parents[2]
DIGEST = f"sha256:{'ab' * 32}"
IMAGE = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/job@{DIGEST}"

Parse = Callable[..., Settings]


@pytest.fixture
def pipeline_problems(problems: Callable[..., tuple[str, ...]]) -> Callable[[dict[str, Any]], tuple[str, ...]]:
    def run(entry: dict[str, Any]) -> tuple[str, ...]:
        return problems({"pipelines": {"sample": {"context": "jobs/sample", **entry}}})

    return run


def test_defaults(parse: Parse) -> None:
    found = parse()
    (pipeline,) = found.pipelines
    assert (pipeline.vcpus, pipeline.memory_mib, pipeline.timeout_seconds, pipeline.attempts) == (1, 2048, 900, 2)
    assert (pipeline.generation, pipeline.no_cache, pipeline.dockerfile) == (1, False, "Dockerfile")
    assert pipeline.schema == SCHEMA
    assert pipeline.sample is None
    assert (found.retained_images, found.untagged_days, found.max_vcpus) == (10, 1, 16)
    assert (found.stage_name, found.cors_origins, found.job_visibility) == ("default", ("*",), "consumer")
    assert (found.log_retention_days, found.result_retention_days, found.input_retention_days) == (30, 90, 7)
    assert (found.protect_data, found.build_cache, found.build_on_preview) == (False, True, False)
    assert (found.network.kind, found.network.assign_public_ip) == ("new", True)
    (consumer,) = found.consumers
    assert (consumer.name, consumer.key_generations) == ("default", (1, 0))
    assert (consumer.rate, consumer.burst, consumer.quota_per_day) == (20, 40, 10_000)


def test_a_consumer_takes_what_it_lacks_from_the_stack(parse: Parse) -> None:
    found = parse(
        {
            "throttle": {"rate": 5, "burst": 7},
            "quotaPerDay": 9,
            "consumers": {"a": {"rate": 0.5}, "b": {"quotaPerDay": 1}},
        }
    )
    assert [(c.name, c.rate, c.burst, c.quota_per_day) for c in found.consumers] == [("a", 0.5, 7, 9), ("b", 5, 7, 1)]


def test_all_problems_are_raised_at_once_and_each_says_four_things(problems: Callable[..., tuple[str, ...]]) -> None:
    found = problems({"retainedImages": 0, "maxVcpus": "many", "nope": 1, "stageName": "a b"}, region="")
    assert len(found) == 5
    for text in found:
        key, rest = text.split(": ", 1)
        assert key.startswith(("slipway:", "aws:"))
        assert all(part in rest for part in ("found ", "; expected ", ". Fix: "))


def test_a_fraction_that_the_cli_stored_as_text_is_a_number(parse: Parse) -> None:
    """`pulumi config set --path` makes numbers of whole ones only."""
    pipelines = {"sample": {"context": "jobs/sample", "vcpus": "0.5", "memoryMib": 1024}}
    found = parse({"pipelines": pipelines, "throttle": {"rate": "0.25"}})
    assert (found.pipelines[0].vcpus, found.consumers[0].rate) == (0.5, 0.25)


@pytest.mark.parametrize("text", ["0.3", "1", ".5", "0.5x", "1e0"])
def test_no_other_text_is_a_number(problems: Callable[..., tuple[str, ...]], text: str) -> None:
    (found,) = problems({"pipelines": {"sample": {"context": "jobs/sample", "vcpus": text}}})
    assert "a vCPU size of Fargate" in found


def test_the_error_ends_the_program_without_a_stack_trace(parse: Parse) -> None:
    with pytest.raises(pulumi.RunError):
        parse({"retainedImages": 0})


def test_the_error_counts_the_problems_and_names_the_stack(parse: Parse) -> None:
    with pytest.raises(SettingsError, match=r"^The settings of stack 'dev' have 2 problems; nothing was created\."):
        parse({"retainedImages": 0, "untaggedDays": 0})


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ({"retaindImages": 5}, "retainedImages"),
        ({"pipelines": {"sample": {"context": "jobs/sample", "memoryMiB": 2048}}}, "memoryMib"),
        ({"network": {"kin": "new"}}, "kind"),
        ({"consumers": {"a": {"quota": 3}}}, "quotaPerDay"),
        ({"throttle": {"rates": 3}}, "rate"),
        ({"docs": {"mod": "website"}}, "mode"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(
    problems: Callable[..., tuple[str, ...]], given: dict[str, Any], nearest: str
) -> None:
    (text,) = problems(given)
    assert f"did you mean {nearest}?" in text


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("retainedImages", 0, "a whole number of images from 1 to 1000"),
        ("retainedImages", True, "a whole number of images"),
        ("retainedImages", "10", "a whole number of images"),
        ("untaggedDays", 1.5, "a whole number of days"),
        ("maxVcpus", -1, "a whole number of vCPU"),
        ("quotaPerDay", 0, "a whole number of requests"),
        ("logRetentionDays", 31, "a number of days that CloudWatch Logs knows: 1, 3, 5"),
        ("logRetentionDays", "30", "a number of days"),
        ("resultRetentionDays", 0, "a whole number of days"),
        ("inputRetentionDays", None, "a whole number of days"),
        ("protectData", "yes", "true or false"),
        ("buildCache", 1, "true or false"),
        ("stageName", "a/b", "letters, digits, hyphens and underscores"),
        ("permissionsBoundary", "admin", "the ARN of an IAM policy, or nothing"),
        ("jobVisibility", "everyone", "consumer or all"),
        ("throttle", {"rate": 0}, "a number of requests per second above 0"),
        ("throttle", {"burst": 0}, "a whole number of requests from 1"),
        ("throttle", [], "a mapping"),
        ("pipelines", {}, "at least one pipeline"),
        ("pipelines", [], "a mapping"),
        ("consumers", {}, "at least one"),
        ("consumers", {"Team": {}}, "lower-case letters"),
        ("consumers", {"a": {"keyGenerations": [1]}}, "two different whole numbers"),
        ("consumers", {"a": {"keyGenerations": [2, 2]}}, "two different whole numbers"),
        ("consumers", {"a": {"keyGenerations": [0, 0]}}, "two different whole numbers"),
        ("consumers", {"a": {"keyGenerations": [1, -1]}}, "two different whole numbers"),
        ("corsOrigins", [], "origins"),
        ("corsOrigins", "*", "a list of strings"),
        ("corsOrigins", ["*", "https://a.example"], '"*" alone'),
        ("corsOrigins", ["https://a.example/"], "origins as a browser sends them"),
        ("corsOrigins", ["a.example"], "origins as a browser sends them"),
        ("corsOrigins", ["https://A.example"], "in lower case"),
        ("corsOrigins", ["https://a.example", "https://a.example"], "each origin once"),
        ("network", {"kind": "private"}, "new or default or existing"),
        ("network", {"kind": "new", "subnetIds": ["subnet-1"]}, "a new network has its own"),
        ("network", {"kind": "existing", "securityGroupIds": ["sg-1"]}, "at least one id like subnet-"),
        ("network", {"kind": "existing", "subnetIds": ["subnet-1"]}, "at least one id like sg-"),
        ("docs", {"mode": "github"}, "website or cloudfront"),
        (
            "docs",
            {"mode": "website", "domain": "docs.example.org", "certificateArn": "x"},
            "a website has no certificate",
        ),
    ],
)
def test_a_wrong_value_is_refused(
    problems: Callable[..., tuple[str, ...]], key: str, value: object, expected: str
) -> None:
    found = problems({key: value})
    assert any(text.startswith(f"slipway:{key}") and expected in text for text in found), found


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"vcpus": 3}, "a vCPU size of Fargate: 0.25, 0.5, 1, 2, 4, 8, 16"),
        ({"vcpus": "1"}, "a vCPU size of Fargate"),
        ({"vcpus": True}, "a vCPU size of Fargate"),
        ({"vcpus": 0.25, "memoryMib": 3072}, "512, 1024 or 2048"),
        ({"vcpus": 0.25, "memoryMib": 4096}, "goes with 0.25 vCPU"),
        ({"vcpus": 4}, "8192 to 30720 in steps of 1024"),
        ({"vcpus": 8, "memoryMib": 18432}, "16384 to 61440 in steps of 4096"),
        ({"vcpus": 16, "memoryMib": 36864}, "32768 to 122880 in steps of 8192"),
        ({"memoryMib": 1024}, "2048 to 8192 in steps of 1024"),
        ({"memoryMib": 2048.5}, "goes with 1 vCPU"),
        ({"timeoutSeconds": 59}, "a whole number of seconds from 60"),
        ({"timeoutSeconds": 14 * 24 * 3600 + 1}, "to 1209600"),
        ({"attempts": 0}, "a whole number of attempts from 1 to 10"),
        ({"attempts": 11}, "a whole number of attempts from 1 to 10"),
        ({"generation": 0}, "a whole number from 1"),
        ({"noCache": "no"}, "true or false"),
        ({"command": "echo"}, "a list of strings"),
        ({"command": ["sleep", 5]}, "quote numbers"),
        ({"environment": {"1A": "x"}}, "no digit first"),
        ({"environment": {"N": 5}}, "a string (quote numbers and booleans)"),
        ({"environment": {"AWS_BATCH_JOB_ID": "x"}}, "not set by Slipway or AWS Batch"),
        ({"environment": {"JOB_PARAMETERS": "x"}}, "not set by Slipway or AWS Batch"),
        ({"environment": {"RESULTS_URI": "x"}}, "not set by Slipway or AWS Batch"),
        ({"environment": {"INPUTS_URI": "x"}}, "not set by Slipway or AWS Batch"),
        ({"buildArgs": {"a b": "x"}}, "letters, digits and _"),
        ({"dockerfile": "/Dockerfile"}, "a path inside the context"),
        ({"dockerfile": "Dockerfile.arm"}, "which has no Dockerfile.arm"),
        ({"context": "jobs/nothing"}, "which is no folder"),
        ({"context": "long" * 64}, 'longlong", which is no folder'),
        ({"dockerfile": "long" * 64}, "which has no longlong"),
        ({"schema": "long" * 64}, "File name too long"),
        ({"context": "/jobs"}, "relative to Pulumi.yaml"),
        ({"context": "jobs"}, "which has no Dockerfile"),
        ({"schema": "missing.json"}, "no such file in missing.json"),
        ({"schema": "/x.json"}, "a path relative to Pulumi.yaml"),
        ({"image": IMAGE}, "both context and image"),
    ],
)
def test_a_wrong_pipeline_setting_is_refused(
    pipeline_problems: Callable[[dict[str, Any]], tuple[str, ...]], entry: dict[str, Any], expected: str
) -> None:
    found = pipeline_problems(entry)
    assert any(text.startswith("slipway:pipelines.sample") and expected in text for text in found), found


def test_a_reserved_value_is_never_shown(pipeline_problems: Callable[[dict[str, Any]], tuple[str, ...]]) -> None:
    found = pipeline_problems({"environment": {"AWS_BATCH_X": "s3cr3t", "N": ["s3cr3t"]}})
    assert len(found) == 2
    assert "s3cr3t" not in "".join(found)


@pytest.mark.parametrize(
    ("vcpus", "memory_mib"), [(0.25, 512), (0.5, 4096), (1, 8192), (2, 5120), (4, 30720), (8, 20480), (16, 122880)]
)
def test_sizes_that_fargate_has_are_taken(parse: Parse, vcpus: float, memory_mib: int) -> None:
    found = parse({"pipelines": {"sample": {"context": "jobs/sample", "vcpus": vcpus, "memoryMib": memory_mib}}})
    assert (found.pipelines[0].vcpus, found.pipelines[0].memory_mib) == (vcpus, memory_mib)


def test_a_job_larger_than_the_stack_is_refused(problems: Callable[..., tuple[str, ...]]) -> None:
    entry = {"context": "jobs/sample", "vcpus": 4, "memoryMib": 8192}
    (text,) = problems({"maxVcpus": 2, "pipelines": {"sample": entry}})
    assert "slipway:pipelines.sample.vcpus: found 4; expected at most 2, the stack's maxVcpus" in text
    assert text.endswith("pulumi config set --path slipway:pipelines.sample.vcpus 2")


@pytest.mark.parametrize("name", ["Word", "1a", "a_b", "a--b", "a-", "-a", "a/b", "ä", "x" * 33, ""])
def test_a_name_that_is_no_good_for_urls_and_aws_is_refused(
    problems: Callable[..., tuple[str, ...]], name: str
) -> None:
    found = problems({"pipelines": {name: {"context": "jobs/sample"}}})
    assert any("good for a URL and for AWS" in text for text in found)


@pytest.mark.parametrize("name", ["a", "word-count", "p-01", "x" * 32])
def test_a_good_name_is_taken(parse: Parse, name: str) -> None:
    assert parse({"pipelines": {name: {"context": "jobs/sample"}}}).pipelines[0].name == name


def test_a_pipeline_needs_a_context_or_an_image(problems: Callable[..., tuple[str, ...]]) -> None:
    (text,) = problems({"pipelines": {"sample": {}}})
    assert "neither context nor image" in text


def test_an_image_by_digest_is_taken(parse: Parse) -> None:
    found = parse({"pipelines": {"sample": {"image": IMAGE, "schema": "jobs/sample/parameters.schema.json"}}})
    image = found.pipelines[0].image
    assert image is not None
    assert image.reference == IMAGE
    assert image.repository_url == IMAGE.split("@")[0]
    assert image.repository_arn == "arn:aws:ecr:eu-central-1:123456789012:repository/team/job"


@pytest.mark.parametrize(
    ("image", "arn"),
    [
        ("1" * 12 + ".dkr.ecr.cn-north-1.amazonaws.com.cn/a", "arn:aws-cn:ecr:cn-north-1:111111111111:repository/a"),
        (
            "1" * 12 + ".dkr.ecr.us-gov-west-1.amazonaws.com/a",
            "arn:aws-us-gov:ecr:us-gov-west-1:111111111111:repository/a",
        ),
    ],
)
def test_an_image_of_another_partition(parse: Parse, image: str, arn: str) -> None:
    entry = {"image": f"{image}@{DIGEST}", "schema": "jobs/sample/parameters.schema.json"}
    found = parse({"pipelines": {"sample": entry}}).pipelines[0].image
    assert found is not None
    assert found.repository_arn == arn


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (IMAGE.split("@")[0], "an image by digest"),
        (IMAGE.split("@")[0] + ":latest", "an image by digest"),
        (IMAGE.split("@")[0] + f":1@{DIGEST}", "an image by digest"),
        (f"public.ecr.aws/team/job@{DIGEST}", "an image in a private ECR repository"),
        (f"docker.io/library/python@{DIGEST}", "no other registry is pulled from at run time"),
        (7, "an image in a private ECR repository"),
    ],
)
def test_any_other_image_is_refused(problems: Callable[..., tuple[str, ...]], image: object, expected: str) -> None:
    found = problems({"pipelines": {"sample": {"image": image, "schema": "jobs/sample/parameters.schema.json"}}})
    assert len(found) == 1
    assert expected in found[0]


def test_a_digest_alone_is_one_of_the_stacks_registry(parse: Parse) -> None:
    entry = {"image": DIGEST, "schema": "jobs/sample/parameters.schema.json", "imageTag": "release-4.0.0"}
    (pipeline,) = parse({"pipelines": {"sample": entry}}).pipelines
    assert (pipeline.context, pipeline.image, pipeline.digest) == (None, None, DIGEST)
    assert pipeline.image_tag == "release-4.0.0"


@pytest.mark.parametrize("image", [DIGEST.upper(), DIGEST[:-1], f"{DIGEST}0", f"sample@{DIGEST}"])
def test_what_is_no_digest_is_no_image(problems: Callable[..., tuple[str, ...]], image: str) -> None:
    found = problems({"pipelines": {"sample": {"image": image, "schema": "jobs/sample/parameters.schema.json"}}})
    assert len(found) == 1
    assert "or sha256:DIGEST alone in the stack's registry" in found[0]


def test_a_tag_is_named_only_with_an_image(
    pipeline_problems: Callable[[dict[str, Any]], tuple[str, ...]], problems: Callable[..., tuple[str, ...]]
) -> None:
    (text,) = pipeline_problems({"imageTag": "release-4.0.0"})
    assert "slipway:pipelines.sample.imageTag" in text
    assert "only an `image` that was promoted has such a tag" in text
    entry = {"image": IMAGE, "schema": "jobs/sample/parameters.schema.json", "imageTag": "-4"}
    (text,) = problems({"pipelines": {"sample": entry}})
    assert "the tag of an image" in text


def test_an_images_schema_is_looked_for_in_the_pipelines_own_folder(parse: Parse, root: Path) -> None:
    folder = root / "pipelines/sample"
    folder.mkdir(parents=True)
    (folder / "parameters.schema.json").write_text(json.dumps(SCHEMA))
    (pipeline,) = parse({"pipelines": {"sample": {"image": IMAGE}}}).pipelines
    assert pipeline.schema == SCHEMA
    assert pipeline.schema_path == "pipelines/sample/parameters.schema.json"


def test_an_image_needs_a_schema_and_no_build_settings(problems: Callable[..., tuple[str, ...]]) -> None:
    found = problems({"pipelines": {"sample": {"image": IMAGE, "generation": 2}}})
    assert len(found) == 2
    assert any(
        "slipway:pipelines.sample.schema" in text and "no such file in pipelines/sample/" in text for text in found
    )
    assert any("slipway:pipelines.sample.generation" in text for text in found)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "no JSON"),
        ("[]", "JSON of type list"),
        ('{"type": "object"}', "$schema"),
        (json.dumps({**SCHEMA, "type": "array"}), '"type": "object"'),
        (json.dumps({**SCHEMA, "properties": {"n": {"type": "int"}}}), "broken schema"),
        (json.dumps({**SCHEMA, "properties": {"n": {"pattern": "("}}}), "broken schema"),
        (json.dumps({**SCHEMA, "properties": []}), "broken schema"),
        (json.dumps({**SCHEMA, "properties": {"n": {"const": 1}}}), "the keyword const at /properties/n"),
        (json.dumps({**SCHEMA, "properties": {"n": {"type": ["integer", "null"]}}}), "type with several types"),
        (json.dumps({**SCHEMA, "anyOf": [{"patternProperties": {}}]}), "the keyword patternProperties at /anyOf/0"),
        (json.dumps({**SCHEMA, "properties": {"n": {"items": [{}]}}}), "items with several schemas"),
        (json.dumps({**SCHEMA, "definitions": {}}), "the keyword definitions at the top"),
    ],
)
def test_a_schema_that_not_all_its_readers_know_is_refused(
    root: Path, problems: Callable[..., tuple[str, ...]], content: str, expected: str
) -> None:
    (root / "jobs/sample/parameters.schema.json").write_text(content)
    (text,) = problems({})
    assert text.startswith("slipway:pipelines.sample.schema")
    assert expected in text


def test_a_missing_schema_says_where_it_should_be(root: Path, problems: Callable[..., tuple[str, ...]]) -> None:
    (root / "jobs/sample/parameters.schema.json").unlink()
    (text,) = problems({})
    assert "no such file in jobs/sample/parameters.schema.json" in text


def test_a_sample_is_read_and_must_fit(root: Path, parse: Parse, problems: Callable[..., tuple[str, ...]]) -> None:
    sample = root / "jobs/sample/sample-input.json"
    schema = {**SCHEMA, "properties": {"n": {"type": "integer"}, "m": {"type": "integer", "default": 5}}}
    (root / "jobs/sample/parameters.schema.json").write_text(json.dumps(schema))
    sample.write_text('{"n": 1}')
    assert parse().pipelines[0].sample == {"n": 1}
    sample.write_text('{"n": "one"}')
    (text,) = problems({})
    assert "a sample that does not fit" in text
    assert "correct jobs/sample/sample-input.json" in text


def test_more_pipelines_than_the_gateway_has_resources_are_refused(
    parse: Parse, problems: Callable[..., tuple[str, ...]]
) -> None:
    """Five resources a pipeline, and two that are shared, of 300."""
    many = {f"p-{number}": {"context": "jobs/sample"} for number in range(60)}
    (text,) = problems({"pipelines": many})
    assert "found 60 pipelines; expected at most 59" in text
    del many["p-0"]
    assert len(parse({"pipelines": many}).pipelines) == 59


def test_a_public_website_is_for_local_and_dev(parse: Parse, problems: Callable[..., tuple[str, ...]]) -> None:
    assert parse(stack="local").docs.mode == "website"
    for stack in ("staging", "prod", "mine"):
        (text,) = problems({}, stack=stack)
        assert text.startswith("slipway:docs.mode: found website; expected cloudfront")
        assert parse({"docs": {"mode": "cloudfront"}}, stack=stack).docs.mode == "cloudfront"


def test_a_domain_of_ones_own_needs_a_certificate_in_us_east_1(
    parse: Parse, problems: Callable[..., tuple[str, ...]]
) -> None:
    certificate = f"arn:aws:acm:us-east-1:123456789012:certificate/{'a' * 8}"
    docs = {"mode": "cloudfront", "domain": "docs.example.org", "certificateArn": certificate}
    assert parse({"docs": docs}).docs.certificate_arn == certificate
    assert len(problems({"docs": docs | {"certificateArn": certificate.replace("us-east-1", "eu-west-1")}})) == 1
    assert len(problems({"docs": {"mode": "cloudfront", "domain": "docs.example.org"}})) == 1


def test_an_existing_network_is_taken(parse: Parse) -> None:
    network = {"kind": "existing", "subnetIds": ["subnet-0a1"], "securityGroupIds": ["sg-0b2"], "assignPublicIp": True}
    found = parse({"network": network}).network
    assert (found.subnet_ids, found.security_group_ids, found.assign_public_ip) == (("subnet-0a1",), ("sg-0b2",), True)


def test_a_broken_api_document_is_a_problem_too(root: Path, problems: Callable[..., tuple[str, ...]]) -> None:
    (root / "swagger/openapi.yaml").write_text("paths: [")
    (text,) = problems({})
    assert text.startswith("swagger/openapi.yaml: ")


def test_pulumi_yaml_declares_exactly_the_settings() -> None:
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())
    declared = {key: (entry["type"], entry["default"]) for key, entry in project["config"].items()}
    assert declared == dict(KEYS)
    assert all(entry["description"].strip() for entry in project["config"].values())
    # The CLI refuses a project with a list whose items have no type.
    lists = [entry for entry in project["config"].values() if entry["type"] == "array"]
    assert all(entry.get("items") == {"type": "string"} for entry in lists)


STACKS = sorted(path.name.split(".")[1] for path in REPOSITORY.glob("Pulumi.*.yaml"))


def test_there_is_a_stack_for_each_step() -> None:
    assert {"local", "dev", "staging", "prod"} <= set(STACKS)


@pytest.mark.parametrize("stack", STACKS)
def test_the_committed_stack_files_load(stack: str) -> None:
    content = yaml.safe_load((REPOSITORY / f"Pulumi.{stack}.yaml").read_text())["config"]
    values = {key.removeprefix("slipway:"): value for key, value in content.items() if key.startswith("slipway:")}
    found = settings.parse(values, project="slipway", stack=stack, region=content["aws:region"], root=REPOSITORY)
    assert bool(found.registry.repositories) == (stack == "shared")
    if stack in ("local", "dev", "staging", "prod"):
        assert found.protect_data == (stack == "prod")
        assert (found.docs.mode == "cloudfront") == (stack in ("staging", "prod"))
