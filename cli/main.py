"""The `slipway` command: options, help texts, exit codes.

Exit codes: 0 done, 1 it failed or a mandatory policy is violated, 2 wrong usage, 130 interrupted. Commands import what
they need when they run: `slipway submit` shall not wait for Pulumi's SDK.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import CliError
from engine.errors import EngineError
from sandbox.errors import SandboxError

app = typer.Typer(
    name="slipway",
    help="Private arm64 batch pipelines behind an API key: preview them, run them here, use them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
policy_app = typer.Typer(help="Judge stacks with the policy pack.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(policy_app, name="policy")

Stack = Annotated[str, typer.Option("--stack", "-s", help="Stack; `local` is the one in the sandbox.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Consumer = Annotated[str | None, typer.Option("--consumer", help="Whose API key to use (the default consumer's).")]
PolicyConfig = Annotated[
    Path | None, typer.Option("--policy-config", help="Configuration of the policy pack (policy/config.STACK.json).")
]


@app.command()
def preview(
    stack: Stack = "dev",
    policy_config: PolicyConfig = None,
    no_policy: Annotated[bool, typer.Option("--no-policy", help="Don't run the policy pack.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a first `pulumi up` would make, offline, and what the policy pack says of it."""
    from cli.preview import run_preview

    raise typer.Exit(run_preview(stack, policy_config, judge=not no_policy, as_json=as_json))


@app.command()
def up(
    port: Annotated[int | None, typer.Option("--port", envvar="SLIPWAY_PORT", help="Port of the sandbox.")] = None,
    no_sample: Annotated[bool, typer.Option("--no-sample", help="Don't submit the sample job.")] = False,
    as_json: Json = False,
) -> None:
    """Run the whole stack on this machine, replacing what runs, and submit the sample job."""
    from cli.up import run_up

    raise typer.Exit(run_up(port, sample=not no_sample, as_json=as_json))


@app.command()
def down() -> None:
    """End all that `slipway up` started."""
    from cli.up import run_down

    run_down()


@app.command()
def submit(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    source: Annotated[
        str, typer.Option("--input", "-i", help="File with the job's parameters as JSON; `-` is standard input.")
    ] = "-",
    stack: Stack = "local",
    consumer: Consumer = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait for the job to end; exit 1 if it failed.")] = False,
    as_json: Json = False,
) -> None:
    """Start a job."""
    from cli.jobs import run_submit

    raise typer.Exit(run_submit(pipeline, source, stack, consumer, wait=wait, as_json=as_json))


@app.command()
def status(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    job_id: Annotated[str, typer.Argument(help="Id that `slipway submit` printed.")],
    stack: Stack = "local",
    consumer: Consumer = None,
    as_json: Json = False,
) -> None:
    """Show a job: status, reason, attempts, links to its results."""
    from cli.jobs import run_status

    raise typer.Exit(run_status(pipeline, job_id, stack, consumer, as_json=as_json))


@app.command()
def logs(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    job_id: Annotated[str, typer.Argument(help="Id that `slipway submit` printed.")],
    stack: Stack = "local",
    consumer: Consumer = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    as_json: Json = False,
) -> None:
    """Print what a job wrote to its log."""
    from cli.jobs import run_logs

    raise typer.Exit(run_logs(pipeline, job_id, stack, consumer, follow=follow, as_json=as_json))


@policy_app.command()
def analyze(
    file: Annotated[Path, typer.Argument(help="An exported stack: pulumi stack export --file FILE.")],
    policy_config: PolicyConfig = None,
    as_json: Json = False,
) -> None:
    """Judge an exported stack of any Pulumi project."""
    from cli.policy import run_analyze

    raise typer.Exit(run_analyze(file, policy_config, as_json=as_json))


@policy_app.command("check-config")
def check_config(
    files: Annotated[list[Path], typer.Argument(help="Configuration files of the policy pack.")],
) -> None:
    """Find unknown rules, rules weakened by accident and exemptions that are out of date."""
    from cli.policy import run_check_config

    raise typer.Exit(run_check_config(files))


def main() -> None:
    """Entry point: errors become one text on standard error and exit code 1."""
    try:
        app()
    except (CliError, EngineError, SandboxError) as error:
        sys.stderr.write(f"slipway: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
