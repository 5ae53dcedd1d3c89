"""The settings of functions: AWS's limits, and nothing that would widen a permission."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.components.stack import IMAGE, REGION, Parse, Problems

Check = Callable[[dict[str, Any]], tuple[str, ...]]


@pytest.fixture
def refused(problems: Problems) -> Check:
    def run(entry: dict[str, Any]) -> tuple[str, ...]:
        return problems({"functions": {"report": {"pipeline": "sample", **entry}}})

    return run


def test_a_stack_has_no_functions_unless_it_names_one(parse: Parse) -> None:
    assert parse().functions == ()


def test_defaults(parse: Parse) -> None:
    (found,) = parse({"functions": {"report": {"pipeline": "sample"}}}).functions
    assert (found.name, found.pipeline) == ("report", "sample")
    assert (found.memory_mib, found.timeout_seconds, found.ephemeral_storage_mib) == (512, 60, 512)
    assert found.reserved_concurrency is None
    assert (found.command, found.environment, found.failure_destination) == ((), {}, "")
    assert (found.read_prefixes, found.write_prefixes, found.ses_identities) == ((), (), ())


def test_all_that_can_be_set(parse: Parse) -> None:
    entry = {
        "pipeline": "sample",
        "memoryMib": 10_240,
        "timeoutSeconds": 900,
        "ephemeralStorageMib": 10_240,
        "reservedConcurrency": 0,
        "command": ["report", "--all"],
        "environment": {"MODE": "daily"},
        "readPrefixes": ["some-bucket/in/"],
        "writePrefixes": ["some-bucket/out"],
        "sesIdentities": ["team@example.org", "example.org"],
        "failureDestination": "arn:aws:sqs:eu-central-1:123456789012:failed",
    }
    (found,) = parse({"functions": {"report": entry}}).functions
    assert (found.memory_mib, found.timeout_seconds, found.ephemeral_storage_mib) == (10_240, 900, 10_240)
    assert (found.reserved_concurrency, found.command) == (0, ("report", "--all"))
    assert found.environment == {"MODE": "daily"}
    assert (found.read_prefixes, found.write_prefixes) == (("some-bucket/in/",), ("some-bucket/out",))
    assert found.ses_identities == ("team@example.org", "example.org")
    assert found.failure_destination == entry["failureDestination"]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:eu-central-1:123456789012:failed",
        "arn:aws:lambda:eu-central-1:123456789012:function:failed",
        "arn:aws:lambda:eu-central-1:123456789012:function:failed:live",
        "arn:aws:events:eu-central-1:123456789012:event-bus/default",
        "arn:aws-cn:sqs:cn-north-1:123456789012:failed",
    ],
)
def test_a_failure_goes_to_any_destination_that_lambda_knows(parse: Parse, arn: str) -> None:
    (found,) = parse({"functions": {"report": {"pipeline": "sample", "failureDestination": arn}}}).functions
    assert found.failure_destination == arn


@pytest.mark.parametrize(
    ("entry", "key", "expected"),
    [
        ({"pipeline": "other"}, "pipeline", "the name of a pipeline of this stack (sample)"),
        ({"pipeline": None}, "pipeline", "the name of a pipeline of this stack"),
        ({"memoryMib": 127}, "memoryMib", "a whole number of MiB from 128 to 10240"),
        ({"memoryMib": 10_241}, "memoryMib", "a whole number of MiB from 128 to 10240"),
        ({"timeoutSeconds": 0}, "timeoutSeconds", "a whole number of seconds from 1 to 900"),
        ({"timeoutSeconds": 901}, "timeoutSeconds", "a whole number of seconds from 1 to 900"),
        ({"ephemeralStorageMib": 511}, "ephemeralStorageMib", "from 512 to 10240"),
        ({"ephemeralStorageMib": 10_241}, "ephemeralStorageMib", "from 512 to 10240"),
        ({"reservedConcurrency": -1}, "reservedConcurrency", "a whole number of concurrent executions from 0"),
        ({"reservedConcurrency": None}, "reservedConcurrency", "a whole number of concurrent executions"),
        ({"command": "report"}, "command", "a list of strings"),
        ({"environment": {"A": "x"}}, "environment.A", "at least two letters"),
        ({"environment": {"_A": "x"}}, "environment._A", "a letter first"),
        ({"environment": {"AWS_REGION": "x"}}, "environment.AWS_REGION", "a name that Lambda does not set itself"),
        ({"environment": {"AWS_LAMBDA_X": "x"}}, "environment.AWS_LAMBDA_X", "a name that Lambda does not set itself"),
        ({"readPrefixes": ["some-bucket"]}, "readPrefixes", "bucket/prefix"),
        ({"readPrefixes": ["some-bucket/"]}, "readPrefixes", "bucket/prefix"),
        ({"readPrefixes": ["s3://some-bucket/in"]}, "readPrefixes", "without s3:// and wildcards"),
        ({"readPrefixes": ["some-bucket/*"]}, "readPrefixes", "without s3:// and wildcards"),
        ({"readPrefixes": ["some-bucket/in/*"]}, "readPrefixes", "without s3:// and wildcards"),
        ({"readPrefixes": ["Bucket/in"]}, "readPrefixes", "bucket/prefix"),
        ({"writePrefixes": ["a-b/x", "a-b/x"]}, "writePrefixes", "each once"),
        ({"writePrefixes": "a-b/x"}, "writePrefixes", "a list of strings"),
        ({"writePrefixes": ["*/x"]}, "writePrefixes", "bucket/prefix"),
        ({"sesIdentities": ["team@"]}, "sesIdentities", "a mail address, or a domain"),
        ({"sesIdentities": ["*"]}, "sesIdentities", "a mail address, or a domain"),
        ({"sesIdentities": ["*@example.org"]}, "sesIdentities", "a mail address, or a domain"),
        ({"sesIdentities": ["localhost"]}, "sesIdentities", "a mail address, or a domain"),
        ({"failureDestination": "failed"}, "failureDestination", "the ARN of an SQS queue"),
        ({"failureDestination": "arn:aws:s3:::bucket"}, "failureDestination", "the ARN of an SQS queue"),
        ({"failureDestination": "arn:aws:sqs:eu-central-1:123456789012:a.fifo"}, "failureDestination", "the ARN"),
        ({"failureDestination": "arn:aws:sns:eu-central-1:123456789012:a.fifo"}, "failureDestination", "the ARN"),
        ({"failureDestination": "arn:aws:sqs:eu-central-1:123456789012:*"}, "failureDestination", "the ARN"),
        ({"memory": 512}, "memory", "did you mean memoryMib?"),
        ({"timeout": 5}, "timeout", "did you mean timeoutSeconds?"),
    ],
)
def test_a_wrong_value_is_refused(refused: Check, entry: dict[str, Any], key: str, expected: str) -> None:
    (text,) = refused(entry)
    assert text.startswith(f"slipway:functions.report.{key}: ")
    assert expected in text


def test_a_name_that_aws_would_refuse_is_refused(problems: Problems) -> None:
    (text,) = problems({"functions": {"Report": {"pipeline": "sample"}}})
    assert 'found the name "Report"' in text
    assert 'rename it to "report"' in text


def test_an_image_of_another_region_is_refused_before_lambda_does(problems: Problems, parse: Parse) -> None:
    values = {"pipelines": {"sample": {"image": IMAGE, "schema": "jobs/sample/parameters.schema.json"}}}
    values["functions"] = {"report": {"pipeline": "sample"}}
    assert parse(values, region=REGION).functions
    (text,) = problems(values, region="us-east-1")
    assert text.startswith(
        f"slipway:functions.report.pipeline: found sample, whose image is in {REGION}; expected a pipeline whose image "
        "is in us-east-1, too"
    )


def test_a_missing_pipeline_is_shown_as_such(problems: Problems) -> None:
    (text,) = problems({"functions": {"report": {}}})
    assert text.startswith("slipway:functions.report.pipeline: found nothing; expected the name of a pipeline")
    assert text.endswith("pulumi config set --path slipway:functions.report.pipeline sample")
