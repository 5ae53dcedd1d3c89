"""Scans in each of ECR's states, against botocore's own model of the service; nothing is sent anywhere."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cli.errors import CliError
from cli.registry.client import Repository
from cli.registry.findings import Severity, rank, read_scan, read_severity

DIGEST = f"sha256:{'b2' * 32}"
REQUEST = {"repositoryName": "a/words", "registryId": "123456789012", "imageId": {"imageDigest": DIGEST}}


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = boto3.client(
        "ecr",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        endpoint_url="http://127.0.0.1:9",
    )
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def repository(stub: Stubber) -> Repository:
    return Repository(stub.client, "a/words", account="123456789012")


def status(
    stub: Stubber, word: str, *, description: str = "", token: str = "", more: str = "", **findings: Any
) -> None:
    answer: dict[str, Any] = {"imageScanStatus": {"status": word, "description": description}}
    if findings:
        answer["imageScanFindings"] = findings
    if more:
        answer["nextToken"] = more
    request = {**REQUEST, "nextToken": token} if token else REQUEST
    stub.add_response("describe_image_scan_findings", answer, request)


def no_scan(stub: Stubber) -> None:
    stub.add_client_error(
        "describe_image_scan_findings", "ScanNotFoundException", "no scan", 400, expected_params=REQUEST
    )


def started(stub: Stubber) -> None:
    stub.add_response("start_image_scan", {"imageScanStatus": {"status": "IN_PROGRESS"}}, REQUEST)


def basic(name: str, severity: str) -> dict[str, Any]:
    attributes = [{"key": "package_name", "value": "zlib"}, {"key": "package_version", "value": "1.2"}]
    return {"name": name, "severity": severity, "uri": f"https://cve/{name}", "attributes": attributes}


class Pauses:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, seconds: float) -> None:
        self.seconds += seconds


def test_findings_of_all_pages_the_worst_first(stub: Stubber) -> None:
    status(stub, "COMPLETE", findings=[basic("CVE-1", "LOW"), basic("CVE-2", "CRITICAL")], more="next")
    status(stub, "COMPLETE", token="next", findings=[basic("CVE-3", "HIGH"), basic("CVE-4", "UNDEFINED")])
    scan = read_scan(repository(stub), DIGEST)
    assert scan.scanned
    assert [finding.name for finding in scan.findings] == ["CVE-2", "CVE-3", "CVE-1", "CVE-4"]
    assert scan.counts() == {"CRITICAL": 1, "HIGH": 1, "LOW": 1, "UNDEFINED": 1}
    assert list(scan.counts()) == ["CRITICAL", "HIGH", "LOW", "UNDEFINED"]
    first = scan.findings[0]
    assert (first.package, first.version, first.uri) == ("zlib", "1.2", "https://cve/CVE-2")
    assert [finding.name for finding in scan.above(Severity.HIGH)] == ["CVE-2"]
    assert [finding.name for finding in scan.at_least(Severity.HIGH)] == ["CVE-2", "CVE-3"]
    assert len(scan.above(Severity.NONE)) == len(scan.at_least(Severity.NONE)) == 4
    assert scan.above(Severity.CRITICAL) == []


def test_findings_of_inspector_without_those_that_are_closed(stub: Stubber) -> None:
    packages = [{"name": "openssl", "version": "3.0", "fixedInVersion": "3.1"}, {"name": "libssl"}, {"name": "openssl"}]
    details = {"vulnerabilityId": "CVE-9", "vulnerablePackages": packages, "sourceUrl": "https://cve/9"}
    enhanced = [
        {"severity": "HIGH", "status": "ACTIVE", "packageVulnerabilityDetails": details},
        {"severity": "CRITICAL", "status": "SUPPRESSED", "packageVulnerabilityDetails": details},
        {"severity": "CRITICAL", "status": "CLOSED", "packageVulnerabilityDetails": details},
        {"severity": "UNTRIAGED", "title": "something new"},
    ]
    status(stub, "ACTIVE", enhancedFindings=enhanced)
    scan = read_scan(repository(stub), DIGEST)
    assert scan.counts() == {"HIGH": 1, "UNTRIAGED": 1}
    worst = scan.findings[0]
    assert (worst.name, worst.package, worst.version, worst.fixed_in) == ("CVE-9", "openssl, libssl", "3.0", "3.1")
    assert scan.findings[1].name == "something new"


def test_a_scan_that_is_under_way_is_waited_for(stub: Stubber) -> None:
    for word in ("PENDING", "IN_PROGRESS"):
        status(stub, word)
    status(stub, "COMPLETE", findings=[])
    pauses = Pauses()
    assert read_scan(repository(stub), DIGEST, pause=pauses).findings == []
    assert pauses.seconds > 0


def test_a_scan_that_does_not_end_is_an_error(stub: Stubber) -> None:
    for _ in range(3):
        status(stub, "IN_PROGRESS")
    pauses = Pauses()
    with pytest.raises(CliError, match=r"still IN_PROGRESS after 5 s\. Run this again"):
        read_scan(repository(stub), DIGEST, wait_seconds=5, pause=pauses)
    assert pauses.seconds >= 5


def test_without_a_scan_one_is_started_once(stub: Stubber) -> None:
    no_scan(stub)
    started(stub)
    no_scan(stub)
    status(stub, "IN_PROGRESS")
    status(stub, "COMPLETE", findings=[basic("CVE-1", "LOW")])
    assert read_scan(repository(stub), DIGEST, pause=Pauses()).counts() == {"LOW": 1}


def test_a_scan_of_which_ecr_never_tells_is_none(stub: Stubber) -> None:
    no_scan(stub)
    started(stub)
    for _ in range(6):
        no_scan(stub)
    scan = read_scan(repository(stub), DIGEST, pause=Pauses())
    assert (scan.status, scan.scanned) == ("NOT_SCANNED", False)


@pytest.mark.parametrize("code", ["UnsupportedImageTypeException", "ValidationException"])
def test_an_image_that_cannot_be_scanned_is_not_scanned(stub: Stubber, code: str) -> None:
    no_scan(stub)
    stub.add_client_error("start_image_scan", code, "This feature is disabled", 400)
    scan = read_scan(repository(stub), DIGEST)
    assert (scan.status, "This feature is disabled" in scan.reason) == ("NOT_SCANNED", True)


def test_a_scan_that_was_asked_for_a_moment_ago_is_waited_for(stub: Stubber) -> None:
    no_scan(stub)
    stub.add_client_error("start_image_scan", "LimitExceededException", "once a day", 400)
    status(stub, "COMPLETE", findings=[])
    assert read_scan(repository(stub), DIGEST).scanned


@pytest.mark.parametrize(
    "word",
    [
        *("FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED", "FINDINGS_UNAVAILABLE", "LIMIT_EXCEEDED"),
        *("IMAGE_ARCHIVED", "A_NEW_ONE"),
    ],
)
def test_every_other_state_is_not_scanned_and_says_why(stub: Stubber, word: str) -> None:
    status(stub, word, description=f"because of {word}")
    scan = read_scan(repository(stub), DIGEST)
    assert (scan.status, scan.reason, scan.scanned, scan.counts()) == (word, f"because of {word}", False, {})
    status(stub, word)
    assert read_scan(repository(stub), DIGEST).reason == f"the scan's status is {word}"


def test_severities_are_read_as_they_are_typed() -> None:
    assert read_severity(" high ") is Severity.HIGH
    assert [rank(word) for word in ("NONE", "INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL")] == list(range(6))
    assert rank("UNDEFINED") == rank("UNTRIAGED") == rank("INFORMATIONAL")
    with pytest.raises(CliError, match="expected NONE, INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL"):
        read_severity("BAD")


@pytest.mark.parametrize("code", ["InvalidAction", "UnknownOperationException"])
def test_a_registry_without_scans_has_not_scanned(stub: Stubber, code: str) -> None:
    for operation in ("describe_image_scan_findings", "start_image_scan"):
        stub.add_client_error(operation, code, "Unknown action", 400, expected_params=REQUEST)
    scan = read_scan(repository(stub), DIGEST)
    assert (scan.scanned, scan.status) == (False, "NOT_SCANNED")
    assert scan.reason.endswith("Unknown action")
