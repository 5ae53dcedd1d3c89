"""What the functions that create resources work with: AWS clients of the sandbox, and a resource's inputs."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import boto3  # pyright: ignore[reportMissingTypeStubs] - it has none
import botocore.session  # pyright: ignore[reportMissingTypeStubs] - it has none
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] - it has none

from sandbox.docker_engine import DockerEngine
from sandbox.environment import ACCESS_KEY, ACCOUNT_ID
from sandbox.errors import DeploymentError

Outputs = dict[str, Any]

_CLIENT_CONFIG: Final = Config(
    retries={"total_max_attempts": 1},
    # Those of the environment can't reach this machine.
    proxies={},
    s3={"addressing_style": "path"},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=20,
    parameter_validation=True,
)

# A profile, which may not even exist, is for accounts; the sandbox needs none.
_NOBODYS: Final = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}


class Clients:
    """boto3 clients of the sandbox, made once each: the second thread that asks for one waits for the first."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        self._options: dict[str, Any] = {"endpoint_url": endpoint_url, "config": _CLIENT_CONFIG}
        self._session: Any = cast("Any", boto3).Session(
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=ACCESS_KEY,
            region_name=region,
            botocore_session=cast("Any", botocore.session).Session(session_vars=_NOBODYS),
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str) -> Any:
        """The client of a service, by its botocore name."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(service, **self._options)
            return self._clients[service]


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where resources are created."""

    client: Clients
    endpoint_url: str
    region: str
    state: Path
    """The sandbox's folder."""
    root: Path
    """The project's folder, to which paths of assets and build contexts are relative."""
    account_id: str = ACCOUNT_ID
    docker: DockerEngine | None = None
    """Builds the images; without one the sandbox interprets Dockerfiles."""
    advise: Callable[[str, Sequence[str]], str | None] = lambda _name, _errors: None
    """What to do about a build or a push by the engine that failed: the image's name, and the texts of the failure."""

    @property
    def address(self) -> str:
        """Host and port of the sandbox."""
        return self.endpoint_url.partition("//")[2]

    def arn(self, service: str, resource: str, *, region: str | None = None, account: str | None = None) -> str:
        """The ARN of a resource of this account and region."""
        where = self.region if region is None else region
        who = self.account_id if account is None else account
        return f"arn:aws:{service}:{where}:{who}:{resource}"


@dataclass
class Inputs:
    """A resource's inputs, which remembers what was read, so that nothing the program says is dropped silently."""

    type: str
    name: str
    """The resource's logical name."""
    values: Mapping[str, Any]
    _read: set[str] = field(default_factory=set[str])

    def get(self, name: str, default: Any = None) -> Any:
        """A property, or the default where the program left it out."""
        self._read.add(name)
        value = self.values.get(name)
        return default if value is None else value

    def need(self, name: str) -> Any:
        """A property that must be there.

        Raises:
            DeploymentError: it isn't.
        """
        value = self.get(name)
        if value is None:
            raise DeploymentError(f"{self.type} {self.name!r} has no {name!r}.")
        return value

    def accept(self, names: Iterable[str]) -> None:
        """Take note of properties that change nothing in the sandbox."""
        self._read.update(names)

    def pascal(self, names: Iterable[str], **renamed: str) -> dict[str, Any]:
        """The given properties that are set, as a boto3 request spells them: `maxVcpus` -> `MaxVcpus`.

        Args:
            renamed: property -> parameter, where the spelling differs by more.
        """
        found: dict[str, Any] = {}
        for name in (*names, *renamed):
            value = self.get(name)
            if value is not None:
                found[renamed.get(name) or name[0].upper() + name[1:]] = value
        return found

    def camel(self, names: Iterable[str], **renamed: str) -> dict[str, Any]:
        """The given properties that are set, under their own names unless renamed."""
        found = {renamed.get(name) or name: self.get(name) for name in (*names, *renamed)}
        return {name: value for name, value in found.items() if value is not None}

    def check(self) -> None:
        """Refuse properties that nobody read.

        Raises:
            DeploymentError: there are some; the text names them.
        """
        unread = sorted(name for name, value in self.values.items() if value is not None and name not in self._read)
        if unread:
            raise DeploymentError(
                f"The sandbox doesn't know {', '.join(unread)} of {self.type} {self.name!r}; see docs/sandbox.md."
            )


def pascal_keys(value: Any) -> Any:
    """A nested value with its keys as most boto3 requests spell them, without what is unset."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key[0].upper() + key[1:]: pascal_keys(item) for key, item in items if item is not None}
    if isinstance(value, list):
        return [pascal_keys(item) for item in cast("list[Any]", value)]
    return value


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags as a list of pairs."""
    return [{key: name, value: text} for name, text in tags.items()]
