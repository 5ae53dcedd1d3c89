"""What a scan of an image found: ECR's own (basic) scans, and those of Amazon Inspector (enhanced)."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cli.errors import CliError, UsageError
from cli.registry.client import Refusal, Repository
from cli.registry.documents import mapping

WAIT_SECONDS: Final = 300.0
_PAUSE_SECONDS: Final = 3.0
_SETTLING_SECONDS: Final = 15.0
"""How long ECR may take to tell of a scan that it has accepted."""
_FINISHED: Final = frozenset({"COMPLETE", "ACTIVE"})
"""A finished scan, and one that goes on for ever (continuous scanning), whose findings are there."""
_UNDER_WAY: Final = frozenset({"IN_PROGRESS", "PENDING"})


class Severity(StrEnum):
    """How bad a finding is, in ECR's words. `NONE` is a threshold that every finding reaches."""

    NONE = "NONE"
    INFORMATIONAL = "INFORMATIONAL"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return list(Severity).index(self)


def read_severity(text: str) -> Severity:
    """A severity as somebody types it.

    Raises:
        UsageError: it is none.
    """
    try:
        return Severity(text.strip().upper())
    except ValueError as error:
        raise UsageError(f"{text!r} is no severity; expected {', '.join(Severity)}.") from error


def rank(severity: str) -> int:
    """The rank of a word of ECR's; what nobody has judged yet (`UNDEFINED`, `UNTRIAGED`) is as an information."""
    try:
        return Severity(severity).rank
    except ValueError:
        return Severity.INFORMATIONAL.rank


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One weakness."""

    name: str
    """Normally a CVE."""
    severity: str
    package: str
    version: str
    fixed_in: str
    uri: str


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What is known of an image."""

    status: str
    """ECR's word, for example `COMPLETE`; `NOT_SCANNED` if there is no scan."""
    reason: str
    """Why nothing is known; empty if something is."""
    findings: Sequence[Finding] = ()
    """The worst first."""

    @property
    def scanned(self) -> bool:
        """Whether somebody has looked."""
        return not self.reason

    def counts(self) -> dict[str, int]:
        """Severity -> number, the worst first."""
        counted = Counter(finding.severity for finding in self.findings)
        return dict(sorted(counted.items(), key=lambda item: -rank(item[0])))

    def at_least(self, severity: Severity) -> list[Finding]:
        """Findings of that severity or a worse one."""
        return [finding for finding in self.findings if rank(finding.severity) >= severity.rank]

    def above(self, severity: Severity) -> list[Finding]:
        """Findings that are worse."""
        return [finding for finding in self.findings if rank(finding.severity) > severity.rank]


def read_scan(
    repository: Repository,
    digest: str,
    *,
    wait_seconds: float = WAIT_SECONDS,
    pause: Callable[[float], object] = time.sleep,
) -> Scan:
    """The findings of an image; starts a scan if there is none, and waits for one that is under way.

    Raises:
        CliError: the scan is not over in time, or AWS refuses.
    """
    started = False
    waited = 0.0
    while True:
        try:
            page = repository.scan_findings(digest)
        except Refusal as refusal:
            if not started:
                started = True
                reason = _start(repository, digest)
                if reason:
                    return Scan(status="NOT_SCANNED", reason=reason)
            elif waited >= min(wait_seconds, _SETTLING_SECONDS):
                reason = f"ECR knows of no scan, even after one was asked for ({refusal.code})"
                return Scan(status="NOT_SCANNED", reason=reason)
            else:
                pause(_PAUSE_SECONDS)
                waited += _PAUSE_SECONDS
            continue
        status = mapping(page.get("imageScanStatus"))
        word = str(status.get("status", "UNKNOWN"))
        if word in _FINISHED:
            return Scan(status=word, reason="", findings=_all_findings(repository, digest, page))
        if word not in _UNDER_WAY:
            return Scan(status=word, reason=str(status.get("description") or f"the scan's status is {word}"))
        if waited >= wait_seconds:
            raise CliError(
                f"The scan of {digest} is still {word} after {wait_seconds:g} s. Run this again in a minute; "
                "what it finds must be known first."
            )
        pause(_PAUSE_SECONDS)
        waited += _PAUSE_SECONDS


def _start(repository: Repository, digest: str) -> str:
    """Ask for a scan; why there will be none, or nothing."""
    try:
        repository.start_scan(digest)
    except Refusal as refusal:
        # ECR scans an image once in 24 hours by hand; the one that was asked for may only just have begun.
        return "" if refusal.code == "LimitExceededException" else str(refusal)
    return ""


def _all_findings(repository: Repository, digest: str, page: Mapping[str, Any]) -> list[Finding]:
    found: list[Finding] = []
    while True:
        findings = mapping(page.get("imageScanFindings"))
        found += [_basic(item) for item in findings.get("findings", [])]
        found += [_enhanced(item) for item in findings.get("enhancedFindings", []) if _counts(item)]
        if not page.get("nextToken"):
            return sorted(found, key=lambda finding: (-rank(finding.severity), finding.name, finding.package))
        page = repository.scan_findings(digest, str(page["nextToken"]))


def _basic(item: Mapping[str, Any]) -> Finding:
    attributes = {str(pair.get("key")): str(pair.get("value", "")) for pair in item.get("attributes", [])}
    return Finding(
        name=str(item.get("name", "")),
        severity=str(item.get("severity", "UNDEFINED")),
        package=attributes.get("package_name", ""),
        version=attributes.get("package_version", ""),
        fixed_in="",
        uri=str(item.get("uri", "")),
    )


def _counts(item: Mapping[str, Any]) -> bool:
    """Inspector goes on telling of what is suppressed or closed."""
    return str(item.get("status", "ACTIVE")).upper() == "ACTIVE"


def _enhanced(item: Mapping[str, Any]) -> Finding:
    details = mapping(item.get("packageVulnerabilityDetails"))
    packages = [mapping(package) for package in details.get("vulnerablePackages", [])]
    first = packages[0] if packages else {}
    return Finding(
        name=str(details.get("vulnerabilityId") or item.get("title", "")),
        severity=str(item.get("severity", "UNDEFINED")),
        package=", ".join(dict.fromkeys(str(package.get("name", "")) for package in packages)),
        version=str(first.get("version", "")),
        fixed_in=str(first.get("fixedInVersion", "")),
        uri=str(details.get("sourceUrl", "")),
    )
