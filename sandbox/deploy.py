"""Creates the program's resources in the sandbox: the offline engine's provider.

It creates, and that is all. There is no update and no delete: a sandbox is started anew for each deployment.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs] - it has none

from engine.registration import Registration
from sandbox.context import Clients, Context, Inputs
from sandbox.docker_engine import DockerEngine
from sandbox.errors import DeploymentError
from sandbox.resources import CREATORS, INVOKES

_SERVICES: Final = ("s3", "ecr", "ec2", "iam", "logs", "batch", "dynamodb", "lambda", "apigateway", "events")


class SandboxProvider:
    """Implements `engine.provider.Provider` with boto3 against a running sandbox. Safe for calls from several threads.

    Args:
        endpoint_url: of the running sandbox.
        region: AWS region that the sandbox plays.
        state: the sandbox's folder, in which images are stored.
        root: the project's folder.
        docker: builds the images; without an engine the sandbox interprets Dockerfiles.
        advise: what to do about a failed build (name, texts of the failure), if anything is known.
    """

    def __init__(
        self,
        *,
        endpoint_url: str,
        region: str,
        state: Path,
        root: Path,
        docker: DockerEngine | None = None,
        advise: Callable[[str, Sequence[str]], str | None] = lambda _name, _errors: None,
    ) -> None:
        self._context = Context(
            client=Clients(endpoint_url, region),
            endpoint_url=endpoint_url,
            region=region,
            state=state,
            root=root,
            docker=docker,
            advise=advise,
        )

    def warm(self) -> None:
        """Make the AWS clients ahead of time, about 0.6 s of work: worth a thread while something else is awaited."""
        for service in _SERVICES:
            self._context.client(service)

    def create(self, registration: Registration) -> tuple[str, Mapping[str, Any]]:
        """Create a resource; its id, and its inputs with what AWS adds to them.

        Raises:
            DeploymentError: the sandbox has no such resource type, doesn't know a property, or refused the request.
        """
        creator = CREATORS.get(registration.type)
        if creator is None:
            raise DeploymentError(
                f"The sandbox can't create resources of type {registration.type} ({registration.name!r}); "
                "docs/sandbox.md lists those that it can."
            )
        inputs = Inputs(registration.type, registration.name, registration.inputs)
        try:
            identifier, outputs = creator(self._context, inputs)
        except (ClientError, BotoCoreError) as error:
            raise DeploymentError(f"Creating {registration.type} {registration.name!r} failed: {error}") from error
        inputs.accept(registration.defaults)
        inputs.check()
        return identifier, {**registration.inputs, **outputs}

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a provider function.

        Raises:
            DeploymentError: the sandbox has no such function.
        """
        answer = INVOKES.get(token)
        if answer is None:
            raise DeploymentError(f"The sandbox has no answer for the provider function {token}.")
        return answer(self._context, args)
