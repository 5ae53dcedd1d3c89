"""The policy pack's verdicts, and `slipway policy ...`."""

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from rich.text import Text

from cli.console import answer, print_json
from cli.errors import CliError
from cli.project import find_root
from engine.policy_driver import Finding, Report

PACK = Path(__file__).parent.parent / "policy"
"""The pack that comes with this command. It judges the exports of other projects, which have none or another one."""
_COLOURS = {"mandatory": "red", "advisory": "yellow"}


def default_config(root: Path, stack: str) -> Path | None:
    """The committed configuration of the pack for a stack; None if it has none of its own."""
    path = root / "policy" / f"config.{stack}.json"
    return path if path.is_file() else None


def read_config(path: Path | None) -> Mapping[str, Any]:
    """A parsed configuration of the pack; empty for None.

    Raises:
        CliError: the file can't be read, or isn't a JSON object.
    """
    if path is None:
        return {}
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"The policy configuration {path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise CliError(f"The policy configuration {path} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise CliError(f"The policy configuration {path} must be a JSON object of rule ids.")
    return cast("dict[str, Any]", content)


def run_analyze(file: Path, policy_config: Path | None, *, as_json: bool) -> int:
    """Judge an exported stack; 1 if a mandatory policy is violated."""
    from engine.policy_driver import analyze
    from engine.policy_subjects import read_export

    subjects = read_export(file)
    report = analyze(subjects, pack=PACK, config=read_config(policy_config), dry_run=False)
    if as_json:
        print_json(report_document(report))
    else:
        print_report(report)
    return int(bool(report.mandatory))


def run_check_config(files: Sequence[Path]) -> int:
    """Print what is wrong with configurations of the pack; 1 if anything is.

    The exemptions of `config.STACK.json` are held against the preview of that stack, if the project has it.
    """
    from policy.guardrails.catalogue import RULES
    from policy.guardrails.configuration import check_config

    wrong = 0
    for file in files:
        config = read_config(file)
        found = check_config(
            config, RULES, today=datetime.datetime.now(datetime.UTC).date(), resources=_resources(file)
        )
        wrong += bool(found)
        for problem in found:
            answer.print(f"{file}: {problem}")
        if not found:
            answer.print(f"{file}: in order")
    return int(wrong > 0)


def print_report(report: Report) -> None:
    """The verdict for people: violations by resource, mandatory ones first."""
    answer.print(f"\nPolicy pack {report.pack}, {len(report.rules)} rules")
    for urn, findings in report.by_resource().items():
        answer.print(Text(urn.rpartition("::")[2] or "the stack", "bold"), Text(_type_of(urn), "dim"))
        for finding in findings:
            answer.print(Text.assemble("  ", (finding.level, _COLOURS[finding.level]), f" {finding.policy}"))
            for line in finding.message.splitlines():
                answer.print(f"    {line}")
    open_rules = sorted({finding.policy for finding in report.open})
    if open_rules:
        answer.print(f"Not yet known: {', '.join(open_rules)} wait for values that only a deployment can tell.")
    number = len(report.advisory)
    counts = f"{len(report.mandatory)} mandatory and {number} advisory violation{'s' if number != 1 else ''}"
    answer.print(Text(counts, "red" if report.mandatory else "green"))


def report_document(report: Report) -> dict[str, Any]:
    """The verdict for programs."""
    return {
        "pack": report.pack,
        "rules": list(report.rules),
        "violations": [_finding(finding) for finding in report.violations],
        "notYetKnown": [_finding(finding) for finding in report.open],
        "notApplicable": [
            {"policy": item.policy, "urn": item.urn, "reason": item.reason} for item in report.not_applicable
        ],
        "mandatory": len(report.mandatory),
        "advisory": len(report.advisory),
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "policy": finding.policy,
        "urn": finding.urn,
        "level": finding.level,
        "severity": finding.severity,
        "message": finding.message,
    }


def _type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2] if urn.count("::") > 2 else ""


def _resources(config_file: Path) -> list[Any] | None:
    """The resources of the stack that a configuration is named after, as the rules see them."""
    root = find_root()
    stack = config_file.name.removeprefix("config.").removesuffix(".json")
    if not (root / f"Pulumi.{stack}.yaml").is_file():
        return None

    from cli.preview import stack_region
    from engine.policy_subjects import as_resources, from_registrations
    from engine.preview import PreviewProvider
    from engine.program import run_program

    region = stack_region(root, stack)
    deployment = run_program(root, stack, provider=PreviewProvider(region, placeholders=True), preview=True)
    return as_resources(from_registrations(deployment.registrations, region=region, settings=deployment.aws_settings))
