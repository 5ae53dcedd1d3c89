"""`slipway preview`: the program and the policy pack, offline."""

from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cli.console import answer, print_json, print_tree, progress
from cli.policy import default_config, print_report, read_config, report_document
from cli.project import find_root
from engine.config import load_project, load_stack_config
from engine.policy_driver import PackClient, Report, running_pack

DEFAULT_REGION = "eu-central-1"
"""Where a stack file leaves the region to the environment, any will do for a preview that asks no account."""


def run_preview(stack: str, policy_config: Path | None, *, judge: bool, as_json: bool) -> int:
    """Preview a stack and print it; 1 if a mandatory policy is violated."""
    root = find_root()
    region = stack_region(root, stack)
    pack_config = read_config((policy_config or default_config(root, stack)) if judge else None)
    with ExitStack() as resources:
        # The pack loads the SDK in its own process meanwhile, on the other core.
        pack = resources.enter_context(_starting_pack(root, stack)) if judge else None

        from cli.tree import resource_tree
        from engine.policy_subjects import from_registrations
        from engine.preview import PreviewProvider
        from engine.program import run_program

        def run(*, placeholders: bool) -> Any:
            provider = PreviewProvider(region, placeholders=placeholders)
            return run_program(root, stack, provider=provider, preview=True)

        deployment = run(placeholders=judge and not as_json)
        report: Report | None = None
        if pack is not None:
            judged = run(placeholders=True) if as_json else deployment
            subjects = from_registrations(judged.registrations, region=region, settings=judged.aws_settings)
            report = pack.result().judge(subjects, pack_config)
    if as_json:
        document = preview_document(deployment)
        print_json({**document, "policy": report_document(report)} if report else document)
    else:
        print_tree(resource_tree(deployment))
        made = sum(item.custom for item in deployment.registrations)
        answer.print(f"\n{made} resources to create in stack {deployment.stack}.")
        if report:
            print_report(report)
    for message in deployment.messages:
        progress.print(message)
    return int(report is not None and bool(report.mandatory))


def stack_region(root: Path, stack: str) -> str:
    """The region of a stack file, or a fixed one."""
    return str(load_stack_config(load_project(root), stack).get("aws:region", DEFAULT_REGION))


def preview_document(deployment: Any) -> dict[str, Any]:
    """The preview for programs: each resource with its inputs, secrets masked, unknown values null."""
    return {
        "project": deployment.project,
        "stack": deployment.stack,
        "resources": [_resource(item) for item in deployment.registrations],
        "outputs": _masked(deployment.exports, deployment.secret_exports),
        "messages": deployment.messages,
    }


@contextmanager
def _starting_pack(root: Path, stack: str) -> Generator[Future[PackClient]]:
    with ExitStack() as running, ThreadPoolExecutor(1) as thread:
        project = load_project(root).name
        yield thread.submit(running.enter_context, running_pack(root / "policy", project=project, stack=stack))


def _resource(registration: Any) -> dict[str, Any]:
    return {
        "urn": registration.urn,
        "type": registration.type,
        "name": registration.name,
        "parent": registration.parent,
        "custom": registration.custom,
        "inputs": _masked(registration.inputs, registration.secret_inputs),
        "dependencies": registration.dependencies,
        "propertyDependencies": registration.property_dependencies,
        "protect": registration.protect,
        "retainOnDelete": registration.retain_on_delete,
    }


def _masked(values: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, Any]:
    return {key: "[secret]" if key in secrets else value for key, value in values.items()}
