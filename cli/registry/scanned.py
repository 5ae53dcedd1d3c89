"""`slipway scan`: what is known to be wrong with the image that a stack runs."""

from typing import Final

from cli.console import answer, print_json, print_table, progress
from cli.errors import CliError
from cli.project import find_root
from cli.registry.client import open_repository
from cli.registry.findings import Scan, Severity, read_scan
from cli.registry.stacks import current_image, load_stack

_COLUMNS: Final = ("SEVERITY", "FINDING", "PACKAGE", "VERSION", "FIXED IN")


def run_scan(pipeline: str, stack: str, *, fail_on: Severity, require_scan: bool, as_json: bool) -> int:
    """Print the findings of an image; 1 if one is of the given severity or worse.

    Raises:
        CliError: the image isn't there, its scan isn't over in time, or there is none although it must be.
    """
    root = find_root()
    view = load_stack(root, stack, pipeline)
    image = current_image(root, view, pipeline)
    repository = open_repository(root, view, image)
    repository.manifest(image.digest)
    scan = read_scan(repository, image.digest)
    bad = scan.at_least(fail_on)
    if as_json:
        print_json(
            {
                "pipeline": pipeline,
                "stack": stack,
                "repository": repository.name,
                "digest": image.digest,
                "status": scan.status,
                "scanned": scan.scanned,
                "reason": scan.reason or None,
                "counts": scan.counts(),
                "failOn": fail_on,
                "failed": len(bad),
                "findings": [vars(finding) for finding in scan.findings],
            }
        )
    else:
        _print(scan, f"{pipeline} of {stack}: {image.digest} in {repository.name}")
        if bad:
            progress.print(f"{len(bad)} of severity {fail_on} or worse.")
    if not scan.scanned:
        if require_scan:
            raise CliError(
                f"{image.digest} is not scanned ({scan.status}: {scan.reason}), and --require-scan asks for it."
            )
        progress.print(
            f"WARNING: not scanned. Nobody knows what is wrong with this image ({scan.status}: {scan.reason}).",
            style="bold yellow",
        )
    return int(bool(bad))


def _print(scan: Scan, title: str) -> None:
    answer.print(title)
    if not scan.scanned:
        return
    if not scan.findings:
        answer.print("No findings.")
        return
    rows = [
        (finding.severity, finding.name, finding.package, finding.version, finding.fixed_in)
        for finding in scan.findings
    ]
    print_table(_COLUMNS, rows)
    answer.print(", ".join(f"{number} {severity}" for severity, number in scan.counts().items()))
