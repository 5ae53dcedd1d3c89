"""The commands about images: options and help texts. What they do is imported when they run."""

from typing import Annotated

import typer

from cli.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
RequireScan = Annotated[bool, typer.Option("--require-scan", help="Refuse an image that nobody has scanned.")]


def promote(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    target: Annotated[str, typer.Option("--to", help="Stack that gets the image: its file is changed.")],
    source: Annotated[str | None, typer.Option("--from", help="Stack that runs the image.")] = None,
    tag: Annotated[
        str | None,
        typer.Option("--tag", help="Version, for the tag release-VERSION; by default deployed-STACK-DIGEST."),
    ] = None,
    allowed_severity: Annotated[
        str | None,
        typer.Option("--allowed-severity", help="Findings up to this severity (HIGH) are let through."),
    ] = None,
    require_scan: RequireScan = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Name the image again that the stack had before, by its file's history.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give a stack the very image that another one runs: verified, tagged, and named in the stack's file."""
    from cli.registry.findings import read_severity
    from cli.registry.promote import run_promote, run_rollback

    if rollback:
        if source is not None:
            raise UsageError("--rollback goes by the history of the target's file: leave --from out.")
        for name, given in (("--require-scan", require_scan), ("--allowed-severity", allowed_severity is not None)):
            if given:
                raise UsageError(
                    f"--rollback asks for no scan, for what ran before may be needed at once: leave {name} out."
                )
        run_rollback(pipeline, target, tag=tag, as_json=as_json)
        return
    if source is None:
        raise UsageError(f"Say which stack runs the image: slipway promote {pipeline} --from dev --to {target}")
    allowed = read_severity("HIGH" if allowed_severity is None else allowed_severity)
    run_promote(pipeline, source, target, tag=tag, allowed=allowed, require_scan=require_scan, as_json=as_json)


def releases(
    pipeline: Annotated[str | None, typer.Argument(help="Only of this pipeline.")] = None,
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="Only of this stack.")] = None,
    as_json: Json = False,
) -> None:
    """Show who gave which image to which stack, and when, from the history of the stack files."""
    from cli.registry.released import run_releases

    run_releases(pipeline, stack, as_json=as_json)


def images(
    pipeline: Annotated[str | None, typer.Argument(help="Only of this pipeline.")] = None,
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack; `local` is the one in the sandbox.")] = "dev",
    as_json: Json = False,
) -> None:
    """List what lies in a stack's repositories: tags, platform, age, size, cost, and what runs where."""
    from cli.registry.stored import run_images

    run_images(pipeline, stack, as_json=as_json)


def scan(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack; `local` is the one in the sandbox.")] = "dev",
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Exit with 1 if a finding is of this severity or worse.")
    ] = "HIGH",
    require_scan: RequireScan = False,
    as_json: Json = False,
) -> None:
    """Show what a scan found in the image that a stack runs; starts one if there is none."""
    from cli.registry.findings import read_severity
    from cli.registry.scanned import run_scan

    threshold = read_severity(fail_on)
    raise typer.Exit(run_scan(pipeline, stack, fail_on=threshold, require_scan=require_scan, as_json=as_json))
