"""`slipway preview`: the program and the policy pack, offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.console import answer, print_json, progress
from cli.project import find_root
from cli.tree import resource_tree
from engine.config import load_project, load_stack_config
from engine.preview import PreviewProvider
from engine.program import Deployment, Registration, run_program


def run_preview(stack: str, policy_config: Path | None, *, judge: bool, as_json: bool) -> int:
    """Preview a stack and print it; 1 if a mandatory policy is violated."""
    root = find_root()
    deployment = preview_stack(root, stack)
    if as_json:
        print_json(preview_document(deployment))
    else:
        answer.print(resource_tree(deployment))
        made = sum(item.custom for item in deployment.registrations)
        answer.print(f"\n{made} resources to create in stack {deployment.stack}.")
    for message in deployment.messages:
        progress.print(message)
    return 0


def preview_stack(root: Path, stack: str) -> Deployment:
    """Run the program offline for a stack of the project in `root`."""
    return run_program(root, stack, provider=PreviewProvider(stack_region(root, stack)), preview=True)


def stack_region(root: Path, stack: str) -> str:
    """The region of a stack file; a fixed one if it leaves that to the environment."""
    return str(load_stack_config(load_project(root), stack).get("aws:region", "eu-central-1"))


def preview_document(deployment: Deployment) -> dict[str, Any]:
    """The preview for programs: each resource with its inputs, secrets masked, unknown values null."""
    return {
        "project": deployment.project,
        "stack": deployment.stack,
        "resources": [_resource(item) for item in deployment.registrations],
        "outputs": _masked(deployment.exports, deployment.secret_exports),
        "messages": deployment.messages,
    }


def _resource(registration: Registration) -> dict[str, Any]:
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
