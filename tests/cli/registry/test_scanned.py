"""`slipway scan`, and what a promotion makes of findings; the scan's own states are in test_findings.py."""

import json
from pathlib import Path

import pytest

from cli.registry import promote as promote_module
from cli.registry import scanned
from cli.registry.findings import Finding, Scan
from tests.cli.conftest import Slipway
from tests.cli.registry.conftest import HOST, FakeRegistry, name_image, sha256


def finding(name: str, severity: str) -> Finding:
    return Finding(name=name, severity=severity, package="zlib", version="1.2", fixed_in="1.3", uri="https://cve")


BAD = Scan(status="COMPLETE", reason="", findings=[finding("CVE-1", "CRITICAL"), finding("CVE-2", "HIGH")])
HIGH = Scan(status="COMPLETE", reason="", findings=[finding("CVE-2", "HIGH")])
CLEAN = Scan(status="ACTIVE", reason="")


@pytest.fixture
def repository(registry: FakeRegistry) -> str:
    return registry.repository()


@pytest.fixture
def digest(registry: FakeRegistry, repository: str, stacks: Path) -> str:
    made = registry.image(repository)
    name_image(stacks, "dev", f"{HOST}/{repository}@{made}")
    return made


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Scan:
    found: Scan = request.param
    for module in (scanned, promote_module):
        monkeypatch.setattr(module, "read_scan", lambda *_: found)
    return found


@pytest.mark.parametrize(
    ("scan", "threshold", "code"),
    [(BAD, "HIGH", 1), (HIGH, "HIGH", 1), (HIGH, "critical", 0), (CLEAN, "NONE", 0), (HIGH, "NONE", 1)],
    indirect=["scan"],
)
def test_the_exit_code_goes_by_the_worst_finding(
    slipway: Slipway, digest: str, scan: Scan, threshold: str, code: int
) -> None:
    assert slipway("scan", "words", "--fail-on", threshold).code == code


@pytest.mark.parametrize("scan", [BAD], indirect=True)
def test_findings_as_a_table_and_for_programs(slipway: Slipway, digest: str, repository: str, scan: Scan) -> None:
    result = slipway("scan", "words")
    lines = [line.split() for line in result.out.splitlines()]
    assert result.out.startswith(f"words of dev: {digest} in {repository}\n")
    assert lines[2] == ["CRITICAL", "CVE-1", "zlib", "1.2", "1.3"]
    assert result.out.endswith("1 CRITICAL, 1 HIGH\n")
    assert "2 of severity HIGH or worse." in result.err
    document = json.loads(slipway("scan", "words", "--json", "--fail-on", "CRITICAL").out)
    assert (document["digest"], document["counts"]) == (digest, {"CRITICAL": 1, "HIGH": 1})
    assert (document["status"], document["scanned"], document["failOn"], document["failed"]) == (
        "COMPLETE",
        True,
        "CRITICAL",
        1,
    )
    assert document["findings"][0] == vars(BAD.findings[0])


@pytest.mark.parametrize("scan", [CLEAN], indirect=True)
def test_an_image_without_findings(slipway: Slipway, digest: str, scan: Scan) -> None:
    result = slipway("scan", "words")
    assert (result.code, "No findings." in result.out, result.err) == (0, True, "")


def test_an_image_that_nobody_scanned_is_never_called_clean(slipway: Slipway, digest: str) -> None:
    result = slipway("scan", "words")
    assert (result.code, "No findings" in result.out) == (0, False)
    assert "WARNING: not scanned" in result.err
    assert "The sandbox has no scanner" in result.err
    result = slipway("scan", "words", "--require-scan", "--json")
    assert (result.code, json.loads(result.out)["scanned"]) == (1, False)
    assert "--require-scan asks for it" in result.err


def test_what_is_not_there_cannot_be_scanned(slipway: Slipway, digest: str, stacks: Path, repository: str) -> None:
    name_image(stacks, "dev", f"{HOST}/{repository}@{sha256(b'gone')}")
    result = slipway("scan", "words")
    assert (result.code, "There is no image" in result.err) == (1, True)
    assert "is no severity" in slipway("scan", "words", "--fail-on", "terrible").err
    assert "has no pipeline" in slipway("scan", "word").err


@pytest.mark.parametrize(
    ("scan", "allowed", "listed"),
    [
        (BAD, "HIGH", ["CRITICAL      CVE-1  zlib 1.2"]),
        (HIGH, "MEDIUM", ["HIGH          CVE-2  zlib 1.2"]),
        (BAD, "NONE", ["CVE-1", "CVE-2"]),
    ],
    indirect=["scan"],
)
def test_findings_above_the_allowed_severity_refuse_a_promotion(
    slipway: Slipway,
    stacks: Path,
    registry: FakeRegistry,
    repository: str,
    digest: str,
    scan: Scan,
    allowed: str,
    listed: list[str],
) -> None:
    before = (stacks / "Pulumi.staging.yaml").read_text()
    result = slipway("promote", "words", "--from", "dev", "--to", "staging", "--allowed-severity", allowed)
    assert result.code == 1
    assert f"{len(listed)} of more than the allowed severity {allowed}" in result.err
    for part in listed:
        assert part in result.err
    assert (stacks / "Pulumi.staging.yaml").read_text() == before
    assert registry.tags(repository, digest) == []


@pytest.mark.parametrize(("scan", "allowed"), [(HIGH, "HIGH"), (BAD, "CRITICAL"), (CLEAN, "NONE")], indirect=["scan"])
def test_findings_up_to_the_allowed_severity_are_told(slipway: Slipway, digest: str, scan: Scan, allowed: str) -> None:
    words = ("promote", "words", "--from", "dev", "--to", "staging", "--require-scan", "--allowed-severity", allowed)
    result = slipway(*words)
    assert result.code == 0, result.err
    expected = {HIGH.status + "HIGH": "scan: 1 HIGH", "COMPLETECRITICAL": "scan: 1 CRITICAL, 1 HIGH"}
    assert expected.get(scan.status + allowed, "scan: no findings") in result.out
    assert "not scanned" not in result.err
