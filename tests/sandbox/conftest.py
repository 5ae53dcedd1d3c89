"""One sandbox for all tests that need a running one; each test makes resources under names of its own."""

import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError

from bench.projects import free_port
from engine.registration import Registration
from sandbox import process
from sandbox.context import Clients
from sandbox.deploy import SandboxProvider
from tests import patient

REGION = "eu-central-1"
ACCOUNT = "000000000000"
TAGS = {"Project": "slipway"}
OTHER_TAGS = {"Stack": "dev"}
TAG_LIST = [{"Key": "Project", "Value": "slipway"}]
OTHER_LIST = [{"Key": "Stack", "Value": "dev"}]
CANARY_NAME = "SLIPWAY_TEST_CANARY"
CANARY = "canary-of-the-person-who-starts-it"


@pytest.fixture(scope="session")
def sandbox_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="session")
def sandbox(sandbox_state: Path) -> Iterator[process.Sandbox]:
    """A running sandbox, started by somebody who has a canary in the environment."""
    os.environ[CANARY_NAME] = CANARY
    try:
        yield process.start(sandbox_state, port=free_port(), region=REGION)
    finally:
        process.stop(sandbox_state)
        del os.environ[CANARY_NAME]


@pytest.fixture(scope="session")
def client(sandbox: process.Sandbox) -> Clients:
    """boto3 clients of the running sandbox."""
    return Clients(sandbox.endpoint_url, REGION)


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


class Mailbox:
    """A port of the test's own, to which a process of the sandbox sends one text."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port: int = listener.getsockname()[1]

    def accept(self, deadline_seconds: float = patient.SECONDS) -> socket.socket:
        """The connection of who calls first; fails if nobody does in time."""
        self._listener.settimeout(deadline_seconds)
        return self._listener.accept()[0]

    def read(self) -> str:
        """What was sent, until the sender says that it is all; then hangs up."""
        with self.accept() as connection, connection.makefile() as text:
            return text.read()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Mailbox(listener)


@pytest.fixture
def unique() -> str:
    """A part of names that no other test uses."""
    return f"t{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Created:
    """A resource, whose outputs are read by subscription."""

    id: str
    outputs: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.outputs[name]


Create = Callable[..., Created]


@pytest.fixture(scope="session")
def provider(sandbox: process.Sandbox, sandbox_state: Path) -> SandboxProvider:
    return SandboxProvider(
        endpoint_url=sandbox.endpoint_url,
        region=REGION,
        state=sandbox_state,
        root=Path(__file__).parents[2],
    )


def registration(kind: str, inputs: Mapping[str, Any], name: str = "resource") -> Registration:
    urn = f"urn:pulumi:test::slipway::{kind}::{name}"
    return Registration(urn=urn, type=kind, name=name, custom=True, parent="", inputs=dict(inputs))


@pytest.fixture(scope="session")
def create(provider: SandboxProvider) -> Create:
    """`create(type, **inputs)` makes a resource as the program would."""

    def make(kind: str, /, **inputs: Any) -> Created:
        return Created(*provider.create(registration(kind, inputs)))

    return make


@pytest.fixture(scope="session")
def role(create: Create) -> str:
    """The ARN of a role that functions and jobs may take, and that allows nothing."""
    services = ["lambda.amazonaws.com", "ecs-tasks.amazonaws.com"]
    statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    return create("aws:iam/role:Role", name="idle-role", assumeRolePolicy=json.dumps(trust))["arn"]


@pytest.fixture
def control(create: Create, unique: str) -> Created:
    """What signs the requests of a distribution to its bucket."""
    return create(
        "aws:cloudfront/originAccessControl:OriginAccessControl",
        name=unique,
        originAccessControlOriginType="s3",
        signingBehavior="always",
        signingProtocol="sigv4",
    )


@dataclass(frozen=True)
class Function:
    name: str
    arn: str
    invoke_arn: str


@pytest.fixture
def function(create: Create, unique: str, role: str) -> Callable[[str], Function]:
    """`function(source)` deploys a Python function whose handler is `handle`."""

    def make(source: str) -> Function:
        made = create(
            "aws:lambda/function:Function",
            name=f"{unique}-function",
            code=pulumi.AssetArchive({"handler.py": pulumi.StringAsset(source)}),
            handler="handler.handle",
            runtime="python3.13",
            architectures=["arm64"],
            role=role,
            timeout=60,
        )
        return Function(made.id, made["arn"], made["invokeArn"])

    return make
