"""The `slipway` command: options, help texts, exit codes.

Exit codes: 0 done, 1 it failed or a mandatory policy is violated, 2 wrong usage, 130 interrupted. Commands import what
they need when they run: `slipway submit` shall not wait for Pulumi's SDK.
"""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import CliError, UsageError
from cli.registry import commands as registry_commands
from cli.stack_files import FULL
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
keys_app = typer.Typer(help="API keys of the consumers.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys_app, name="keys")
pulumi_app = typer.Typer(
    help="The real Pulumi CLI on the sandbox's server.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(pulumi_app, name="pulumi")
ci_app = typer.Typer(help="What the workflows run.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(ci_app, name="ci")

Stack = Annotated[str, typer.Option("--stack", "-s", help="Stack; `local` is the one in the sandbox.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Consumer = Annotated[str | None, typer.Option("--consumer", help="Whose API key to use (the default consumer's).")]
SandboxPort = Annotated[
    int | None, typer.Option("--port", envvar="SLIPWAY_PORT", min=1, max=65_535, help="Port of the sandbox.")
]
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
    port: SandboxPort = None,
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


@app.command()
def lifecycle(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    stack: Stack = "dev",
    listing: Annotated[
        Path | None, typer.Option("--listing", help="Images from a file: the JSON of `aws ecr describe-images`.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A lifecycle policy from a file, in place of the one in force.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="When, as 2026-01-31T12:00:00Z; by default now.")] = None,
    aws: Annotated[
        bool, typer.Option("--aws", help="Compare with ECR's own preview; exit 1 if it says something else.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what the lifecycle policy of a repository would expire, image by image with the rule that does it."""
    from cli.lifecycle import run_lifecycle

    raise typer.Exit(
        run_lifecycle(pipeline, stack, listing=listing, policy=policy, at=at, ask_ecr=aws, as_json=as_json)
    )


for command in (
    registry_commands.promote,
    registry_commands.releases,
    registry_commands.images,
    registry_commands.scan,
):
    app.command()(command)


@keys_app.callback()
def keys() -> None:
    """API keys of the consumers."""


@keys_app.command()
def rotate(
    consumer: Annotated[str, typer.Argument(help="Whose key.")],
    stack: Stack = "dev",
) -> None:
    """Give a consumer a new key with the next `pulumi up`; the one in use stays valid until the rotation after."""
    from cli.keys import run_rotate

    run_rotate(consumer, stack)
    raise typer.Exit(0)


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


@app.command()
def doctor(
    stack: Stack = "dev",
    as_json: Json = False,
) -> None:
    """Look, without changing anything, whether this machine and account are ready for a first deployment."""
    from cli.doctor import run_doctor

    raise typer.Exit(run_doctor(stack, as_json=as_json))


@app.command()
def explain(
    message: Annotated[list[str], typer.Argument(help="An error message, or a part of it.")],
) -> None:
    """Say why something failed and what to do, from the failure cards of the documentation."""
    from cli.explain import run_explain

    raise typer.Exit(run_explain(" ".join(message)))


_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@pulumi_app.command("preview", context_settings=_PASS_ON)
def pulumi_preview(context: typer.Context, port: SandboxPort = None) -> None:
    """Preview the local stack; further options go to `pulumi preview`."""
    from cli.pulumi_local import run_local

    raise typer.Exit(run_local("preview", context.args, port))


@pulumi_app.command("up", context_settings=_PASS_ON)
def pulumi_up(context: typer.Context, port: SandboxPort = None) -> None:
    """Deploy the local stack; further options go to `pulumi up`."""
    from cli.pulumi_local import run_local

    raise typer.Exit(run_local("up", context.args, port))


@pulumi_app.command("down", context_settings=_PASS_ON)
def pulumi_down(context: typer.Context, port: SandboxPort = None) -> None:
    """Destroy the local stack, look for leftovers, end the server; further options go to `pulumi destroy`."""
    from cli.pulumi_local import run_local

    raise typer.Exit(run_local("down", context.args, port))


Stacks = Annotated[
    list[str] | None, typer.Option("--stack", "-s", help="Stack; may be repeated. All but `local` by default.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the reports.")]
Reports = Annotated[list[Path], typer.Argument(help="Reports, or folders with reports.")]
RunUrl = Annotated[str, typer.Option("--run-url", help="Address of the run that has the whole output.")]
Publish = Annotated[bool, typer.Option("--publish", help="Write to GitHub, with GITHUB_TOKEN; else print.")]
_REPORTS = Path("build") / "reports"


@ci_app.command("stacks")
def ci_stacks() -> None:
    """Print the stacks that live in an account, as a JSON list."""
    from cli.ci import run_stacks

    raise typer.Exit(run_stacks())


@ci_app.command("changes")
def ci_changes(
    stacks: Stacks = None,
    base: Annotated[Path | None, typer.Option("--base", help="Checkout to compare with.")] = None,
    output: Output = _REPORTS,
) -> None:
    """Tell, offline, what the program would change in each stack, and judge it by the policy pack."""
    from cli.ci import run_changes

    raise typer.Exit(run_changes(stacks or [], base, output))


@ci_app.command("preview", context_settings=_PASS_ON)
def ci_preview(context: typer.Context, stack: Stack = "dev", output: Output = _REPORTS) -> None:
    """Preview a stack with the real CLI and the policy pack; further options go to `pulumi preview`."""
    from cli.ci import run_real

    raise typer.Exit(run_real(stack, output, drift=False, arguments=context.args))


@ci_app.command("drift", context_settings=_PASS_ON)
def ci_drift(context: typer.Context, stack: Stack = "dev", output: Output = _REPORTS) -> None:
    """Look with the real CLI whether a stack's resources are as the program says; changes nothing."""
    from cli.ci import run_real

    raise typer.Exit(run_real(stack, output, drift=True, arguments=context.args))


@ci_app.command("deploy", context_settings=_PASS_ON)
def ci_deploy(context: typer.Context, stack: Stack = "dev") -> None:
    """Deploy a stack with the real CLI and the policy pack; further options go to `pulumi up`."""
    from cli.ci import run_deploy

    raise typer.Exit(run_deploy(stack, context.args))


@ci_app.command("comment")
def ci_comment(
    reports: Reports,
    head: Annotated[str, typer.Option("--head", help="OWNER:BRANCH of the pull request.")] = "",
    commit: Annotated[str, typer.Option("--commit", help="The commit that was looked at.")] = "",
    run_url: RunUrl = "",
    publish: Publish = False,
) -> None:
    """Make the one comment on a pull request from the reports of its stacks."""
    from cli.ci import run_comment

    raise typer.Exit(run_comment(reports, head, commit, run_url, publish=publish))


@ci_app.command("drift-issue")
def ci_drift_issue(
    reports: Reports,
    stacks: Annotated[str, typer.Option("--stacks", help="JSON list of the stacks that were to be looked at.")] = "[]",
    run_url: RunUrl = "",
    publish: Publish = False,
) -> None:
    """Make the one issue about drift from the reports of the stacks, or close it."""
    from cli.ci import run_drift_issue

    raise typer.Exit(run_drift_issue(reports, stacks, run_url, publish=publish))


@ci_app.command("due")
def ci_due(
    since: Annotated[str, typer.Option("--since", help="The commit before the push.")],
    stack: Annotated[str, typer.Option("--stack", help="The only stack, whatever the push changed.")] = "",
    name: Annotated[str, typer.Option("--as", help="Name of a workflow's output to assign the list to.")] = "",
) -> None:
    """Print the stacks that a push makes due for a deployment, as a JSON list."""
    from cli.ci import run_due

    raise typer.Exit(run_due(since, stack, name))


def main() -> None:
    """Entry point: errors become one text on standard error and exit code 1, or 2 for wrong usage."""
    # A command builds thousands of classes that stay, and is over soon: looking for garbage all the time costs a sixth.
    gc.set_threshold(100_000)
    try:
        app()
    except (CliError, EngineError, SandboxError) as error:
        sys.stderr.write(f"slipway: {error}\n")
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except OSError as error:
        if error.errno not in FULL:
            raise
        sys.stderr.write(f"slipway: There is no space left on the disk for what this writes ({error}). Free some.\n")
        # What is still in the buffer would fail again at the interpreter's end [Python documentation, "signal", "Note
        # on SIGPIPE"].
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
