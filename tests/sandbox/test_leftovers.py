"""What a destroy may leave behind is found in a running sandbox: each kind of resource that a stack is made of, and
nothing in a fresh one. And `slipway doctor` asks the emulator what it asks AWS."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.projects import free_port
from cli.doctor import make_plan
from cli.doctor_account import account_findings, check_credentials
from cli.doctor_finding import Status
from cli.leftovers import find_leftovers
from engine.config import load_project, load_stack_config
from engine.program import Deployment, run_program
from sandbox import process
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider

ROOT = Path(__file__).parent.parent.parent
REGION = "us-east-1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[process.Sandbox, Path]]:
    """A sandbox of this module's own: the shared one is never empty."""
    state = tmp_path_factory.mktemp("leftovers")
    try:
        yield process.start(state, port=free_port(), region=REGION), state
    finally:
        process.stop(state)


@pytest.fixture(scope="module")
def fresh(server: tuple[process.Sandbox, Path]) -> list[str]:
    """What is found before anything was deployed."""
    return find_leftovers(Clients(server[0].endpoint_url, REGION))


@pytest.fixture(scope="module")
def deployed(fresh: list[str], server: tuple[process.Sandbox, Path]) -> Deployment:
    sandbox, state = server
    provider = SandboxProvider(endpoint_url=sandbox.endpoint_url, region=REGION, state=state, root=ROOT)
    config = {
        **load_stack_config(load_project(ROOT), "local"),
        "slipway:functions": {"mailer": {"pipeline": "wordcount"}},
        "slipway:services": {"web": {"pipeline": "wordcount"}},
        "slipway:notifications": {"emails": ["team@example.org"]},
    }
    return run_program(ROOT, "local", provider=provider, preview=False, config=config)


def test_a_fresh_sandbox_is_empty(fresh: list[str]) -> None:
    assert fresh == []


def test_every_kind_of_resource_that_outlives_its_stack_is_found(
    deployed: Deployment, server: tuple[process.Sandbox, Path]
) -> None:
    found = find_leftovers(Clients(server[0].endpoint_url, REGION))
    kinds = {item.rpartition(" ")[0] for item in found}
    assert {
        *("repository", "job queue", "compute environment", "job definition", "function", "REST API", "API key"),
        *("usage plan", "bucket", "table", "log group", "role", "event rule"),
        *("alarm", "cluster", "task definition", "queue", "key", "topic"),
        *("VPC", "subnet", "security group", "internet gateway"),
    } <= kinds
    assert "repository slipway-local/wordcount" in found


def test_doctor_knows_in_the_emulator_whose_names_are_taken(
    deployed: Deployment, server: tuple[process.Sandbox, Path]
) -> None:
    clients = Clients(server[0].endpoint_url, REGION)

    class Session:
        def client(self, service: str) -> object:
            return clients(service)

    plan = make_plan(ROOT, "local", load_stack_config(load_project(ROOT), "local"))
    assert check_credentials(Session(), plan).status is Status.WARN  # the emulator calls everybody root
    own = [item for item in account_findings(Session(), plan) if item.check == "names"]
    assert {item.status for item in own} == {Status.WARN}, own
    assert not [item.found for item in own if "is not known" in item.found]
    others = [item for item in account_findings(Session(), replace(plan, project="other")) if item.check == "names"]
    assert {item.status for item in others} == {Status.FAIL}
