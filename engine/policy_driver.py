"""Runs a policy pack as the Pulumi engine does: in a process of its own, over gRPC, resource by resource.

The engine starts `python -u -m pulumi.policy <engine address> <folder of the pack>` in that folder, reads the port from
the first line of its output, and calls ConfigureStack, GetAnalyzerInfo and Configure once, Remediate and Analyze with
each resource's checked inputs, and AnalyzeStack at the end with the state of all resources. The process never ends by
itself.
"""

import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from engine.errors import EngineError
from engine.policy_messages import Subject, fill_request, fill_resource, fill_struct, plain_struct

if TYPE_CHECKING:
    from pulumi.runtime.proto import analyzer_pb2

NO_ENGINE: Final = "127.0.0.1:1"
"""A pack never calls the engine, so nothing has to listen there."""
START_SECONDS: Final = 30.0
CALL_SECONDS: Final = 120.0
_AT_A_TIME: Final = 4
"""As many as the policy SDK's server answers at a time."""
LARGEST_MESSAGE: Final = 400 * 1024 * 1024
"""Bytes; the limit of the engine and the policy SDK."""
OPEN_VERDICT: Final = "can't run policy "
"""How the policy SDK begins the advisory that says that a rule could not decide."""
LEVELS: Final = ("advisory", "mandatory", "disabled", "remediate")
"""By their number on the wire."""
SEVERITIES: Final = ("", "low", "medium", "high", "critical")


class PolicyError(EngineError):
    """A policy pack that can't be run or configured."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One diagnostic of a policy pack."""

    policy: str
    urn: str
    """Empty for the stack as a whole."""
    level: str
    """`mandatory` or `advisory`."""
    severity: str
    """`low` to `critical`; empty if the pack doesn't say."""
    description: str
    message: str
    """Without the description."""
    is_open: bool
    """The rule could not decide yet: something isn't known. Not a violation."""


@dataclass(frozen=True, kw_only=True)
class NotApplicable:
    """A rule that had nothing to say, and why."""

    policy: str
    urn: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a pack said about a stack."""

    pack: str
    rules: Sequence[str]
    """Names of all policies of the pack that weren't disabled."""
    findings: Sequence[Finding]
    not_applicable: Sequence[NotApplicable]

    @property
    def violations(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.is_open]

    @property
    def mandatory(self) -> list[Finding]:
        """The violations that stop a deployment."""
        return [finding for finding in self.violations if finding.level == "mandatory"]

    @property
    def advisory(self) -> list[Finding]:
        return [finding for finding in self.violations if finding.level != "mandatory"]

    @property
    def open(self) -> list[Finding]:
        """Verdicts that wait for a value."""
        return [finding for finding in self.findings if finding.is_open]

    def by_resource(self) -> dict[str, list[Finding]]:
        """The violations by URN, mandatory ones first."""
        grouped: dict[str, list[Finding]] = {}
        for finding in sorted(self.violations, key=lambda item: (item.urn, item.level != "mandatory", item.policy)):
            grouped.setdefault(finding.urn, []).append(finding)
        return grouped


def analyze(
    subjects: Sequence[Subject],
    *,
    pack: Path,
    config: Mapping[str, Any] | None = None,
    project: str = "project",
    stack: str = "stack",
    dry_run: bool = True,
    python: str = sys.executable,
) -> Report:
    """Judge resources by a policy pack, as a preview or an update does.

    Args:
        subjects: the resources, in the order of registration.
        pack: folder of `PulumiPolicy.yaml`.
        config: the parsed policy configuration: policy -> level, or an object with `enforcementLevel` and settings.
        dry_run: whether it is a preview.
        python: interpreter of the pack's virtual environment.

    Raises:
        PolicyError: the pack doesn't start or answer, or the configuration isn't one.
    """
    with running_pack(pack, project=project, stack=stack, dry_run=dry_run, python=python) as client:
        return client.judge(subjects, config or {})


@contextmanager
def running_pack(
    pack: Path, *, project: str = "project", stack: str = "stack", dry_run: bool = True, python: str = sys.executable
) -> "Generator[PackClient]":
    """Start a pack, and end it whatever happens."""
    folder = pack.resolve()
    if not (folder / "PulumiPolicy.yaml").is_file():
        raise PolicyError(f"There is no policy pack in {folder}: it has no PulumiPolicy.yaml.")
    environment = {
        **os.environ,
        "PULUMI_PROJECT": project,
        "PULUMI_STACK": stack,
        "PULUMI_DRY_RUN": "true" if dry_run else "false",
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_CONFIG": "{}",
    }
    command = [python, "-u", "-m", "pulumi.policy", NO_ENGINE, str(folder)]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
        try:
            port = _read_port(process, errors)
            with PackClient(port, project=project, stack=stack, dry_run=dry_run) as client:
                yield client
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def _read_port(process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> int:
    output = cast("IO[bytes]", process.stdout)
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        line = output.readline() if selector.select(START_SECONDS) else b""
    try:
        return int(line)
    except ValueError:
        process.kill()
        process.wait()
        errors.seek(0)
        said = (line + errors.read()).decode(errors="replace").strip() or "nothing"
        raise PolicyError(f"The policy pack did not start; it said: {said[-2000:]}") from None


class PackClient:
    """The engine's end of the connection to one pack. Collects what the pack answers."""

    def __init__(self, port: int, *, project: str, stack: str, dry_run: bool) -> None:
        import grpc
        from google.protobuf import empty_pb2
        from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

        options = [
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ("grpc.enable_http_proxy", 0),
        ]
        self._messages = analyzer_pb2
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
        self._stub: Any = analyzer_pb2_grpc.AnalyzerStub(self._channel)
        self._failure = grpc.RpcError
        self._findings: list[Finding] = []
        self._not_applicable: list[NotApplicable] = []
        self._disabled: set[str] = set()
        self._call(
            "ConfigureStack",
            analyzer_pb2.AnalyzerStackConfigureRequest(
                stack=stack, project=project, organization="organization", dry_run=dry_run
            ),
        )
        self.info: analyzer_pb2.AnalyzerInfo = self._call("GetAnalyzerInfo", empty_pb2.Empty())

    def __enter__(self) -> "PackClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=CALL_SECONDS)
        except self._failure as error:
            details = getattr(error, "details", lambda: "")()
            raise PolicyError(f"The policy pack failed in {method}: {details}") from error

    def judge(self, subjects: Sequence[Subject], config: Mapping[str, Any]) -> Report:
        """Send the configuration and all resources, as `analyze` does."""
        self.configure(config)
        self.analyze_all([subject for subject in subjects if not subject.external])
        self.analyze_stack(subjects)
        return self.report()

    def configure(self, config: Mapping[str, Any]) -> None:
        """Send levels and settings as the engine does: the pack's own, then those of `all`, then each policy's."""
        every, _ = _entry("all", config.get("all"))
        request = self._messages.ConfigureAnalyzerRequest()
        for policy in self.info.policies:
            level, settings = _entry(policy.name, config.get(policy.name))
            schemas = plain_struct(policy.configSchema.properties)
            entry = request.policyConfig[policy.name]
            chosen = level or every or LEVELS[policy.enforcementLevel]
            entry.enforcementLevel = cast("Any", LEVELS.index(chosen))
            defaults = {key: schema["default"] for key, schema in schemas.items() if "default" in schema}
            fill_struct(entry.properties, {**defaults, **settings})
            if chosen == "disabled":
                self._disabled.add(policy.name)
        self._call("Configure", request)

    def analyze(self, subject: Subject) -> None:
        """One resource: Remediate, which no rule of ours uses but the engine calls, and Analyze."""
        self._collect(self._ask(subject), subject.urn)

    def analyze_all(self, subjects: Sequence[Subject]) -> None:
        """Many resources, some at a time: nearly all of the time is that of messages on their way."""
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            for subject, response in zip(subjects, threads.map(self._ask, subjects), strict=True):
                self._collect(response, subject.urn)

    def _ask(self, subject: Subject) -> "analyzer_pb2.AnalyzeResponse":
        request = self._messages.AnalyzeRequest()
        fill_request(request, subject)
        self._call("Remediate", request)
        return self._call("Analyze", request)

    def analyze_stack(self, subjects: Sequence[Subject]) -> None:
        """All resources, in another order than they were registered in, so that no rule counts on it."""
        request = self._messages.AnalyzeStackRequest()
        for subject in sorted(subjects, key=lambda item: item.urn[::-1]):
            fill_resource(request.resources.add(), subject)
        self._collect(self._call("AnalyzeStack", request), "")

    def _collect(self, response: "analyzer_pb2.AnalyzeResponse", urn: str) -> None:
        for item in response.diagnostics:
            is_open = item.message.startswith(OPEN_VERDICT)
            text = item.message.partition(" during preview: ")[2] if is_open else item.message
            self._findings.append(
                Finding(
                    policy=item.policyName,
                    urn=item.urn or urn,
                    level=LEVELS[item.enforcementLevel],
                    severity=SEVERITIES[item.severity],
                    description=item.description,
                    message=text.removeprefix(item.description).lstrip("\n"),
                    is_open=is_open,
                )
            )
        self._not_applicable.extend(
            NotApplicable(policy=item.policy_name, urn=urn, reason=item.reason) for item in response.not_applicable
        )

    def report(self) -> Report:
        return Report(
            pack=self.info.name,
            rules=[policy.name for policy in self.info.policies if policy.name not in self._disabled],
            findings=self._findings,
            not_applicable=self._not_applicable,
        )


def _entry(policy: str, entry: object) -> tuple[str, Mapping[str, Any]]:
    """Level, empty if not given, and settings of one entry of the configuration."""
    if entry is None:
        return "", {}
    values: Mapping[str, Any] = (
        cast("Mapping[str, Any]", entry) if isinstance(entry, Mapping) else {"enforcementLevel": entry}
    )
    level = values.get("enforcementLevel", "")
    if level and level not in LEVELS:
        raise PolicyError(
            f"The policy configuration of {policy} has no level {level!r}; there are {', '.join(LEVELS)}."
        )
    return level, {key: value for key, value in values.items() if key != "enforcementLevel"}
