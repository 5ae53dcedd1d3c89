"""No secret is written where everybody who may look at a function, a job or an image can read it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from .job_definitions import JOB_DEFINITION, containers, waiting
from .resources import Resource
from .rules import Finding, Level, NotYetKnown, Rule, Settings, Severity, Violation, each
from .secret_shapes import secret_in, secret_noun
from .values import SEALED, Node

Entry = tuple[str, str, Node]
"""Where a value is, what it is called, and the value."""
Group = Callable[[], Iterable[Entry]]
"""Reads some entries; it may raise what reading raises, without hiding the other groups."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,80}")


def _of_fields(node: Node) -> Iterator[Entry]:
    """The entries of an object: name -> value."""
    for number, (name, value) in enumerate(node.fields().items()):
        yield f"{node.path}.{_shown(name, number)}", name, value


def _of_list(node: Node) -> Iterator[Entry]:
    """The entries of a list of {name, value}, as containers have it."""
    for number, item in enumerate(node.items()):
        label = item.member("name")
        name = label.text("") if label.known else ""
        yield f"{node.path}.{_shown(name, number)}", name, item.member("value")


def _of_arguments(node: Node) -> Iterator[Entry]:
    """The entries of a command line, each called by the option before it."""
    name = ""
    for item in node.items(or_single=True):
        yield item.path, name, item
        option = item.text("") if item.known and item.is_text else ""
        name = option.lstrip("-") if option.startswith("-") and "=" not in option else ""


def _shown(name: str, number: int) -> str:
    """A name for a message, unless it could be a secret itself."""
    return name if _NAME.fullmatch(name) and secret_in("", name) is None else f"entry {number + 1}"


def _function(resource: Resource) -> Iterator[Group]:
    yield lambda: _of_fields(resource["environment"]["variables"])
    for key in ("commands", "entryPoints"):
        yield lambda key=key: _of_arguments(resource["imageConfig"][key])


def _container(container: Node) -> Iterator[Group]:
    if not container.known or not container.is_object:
        yield lambda: _of_fields(container)  # which says what is wrong, once
        return
    for key in ("environment", "env", "envs"):
        yield lambda key=key: _of_list(container.member(key))
    # The provider says `commands` and `envs` for a pod on EKS; AWS and a document say `command` and `env`.
    for key in ("command", "commands", "entryPoint", "args"):
        yield lambda key=key: _of_arguments(container.member(key))


def _job_definition(resource: Resource) -> Iterator[Group]:
    yield lambda: _of_fields(resource["parameters"])
    for container in containers(resource):
        yield from _container(container)


def _task_definition(resource: Resource) -> Iterator[Group]:
    for container in resource["containerDefinitions"].document().items():
        yield from _container(container)


def _built_image(resource: Resource) -> Iterator[Group]:
    yield lambda: _of_fields(resource["buildArgs"])


def _docker_image(resource: Resource) -> Iterator[Group]:
    build = resource["build"]
    if not build.known:
        yield lambda: _of_fields(build)  # which says so, once
    elif build.is_object:  # it may be a path or a flag, too
        for key in ("args", "buildArg", "buildArgs"):
            yield lambda key=key: _of_fields(build[key])


def _build_project(resource: Resource) -> Iterator[Group]:
    variables = resource["environment"]["environmentVariables"].items()
    plain = [item for item in variables if item["type"].text("PLAINTEXT") == "PLAINTEXT"]
    for item in plain:
        yield lambda item=item: [(item.path, item["name"].text(""), item["value"])]


_READERS: Final[Mapping[str, Callable[[Resource], Iterator[Group]]]] = {
    "lambda:Function": _function,
    JOB_DEFINITION: _job_definition,
    "ecs:TaskDefinition": _task_definition,
    "docker-build:Image": _built_image,
    "docker:Image": _docker_image,
    "docker:RegistryImage": _docker_image,
    "docker:RemoteImage": _docker_image,
    "codebuild:Project": _build_project,
}


def check_plain_secrets(resource: Resource, settings: Settings) -> Iterator[Finding]:
    allowed = [pattern.lower() for pattern in settings.texts("allowedNames")]
    if resource.kind == JOB_DEFINITION:
        yield from waiting(resource)
    # One reader at a time: the groups of a document that can't be read are lost, but not those before.
    yield from each([_READERS[resource.kind]], lambda reader: _groups(reader(resource), allowed))


def _groups(groups: Iterator[Group], allowed: list[str]) -> Iterator[Finding]:
    for group in groups:
        yield from each([group], lambda read: _entries(read(), allowed))


def _entries(entries: Iterable[Entry], allowed: list[str]) -> Iterator[Finding]:
    unknown: list[str] = []
    for path, name, value in entries:
        if any(fnmatchcase(name.lower(), pattern) for pattern in allowed):
            continue
        if value.raw is SEALED and secret_noun(name):
            found = f"a value that is kept secret and whose name says {secret_noun(name)}"
            yield _plain(path, found)
        elif not value.known:
            unknown.append(path)
        elif not value.missing and not (value.is_list or value.is_object):
            kind = secret_in(name, value.text())
            if kind:
                yield _plain(path, kind)
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        yield NotYetKnown(path=f"{unknown[0]}{more}", why="may hold a secret")


def _plain(path: str, kind: str) -> Violation:
    return Violation(
        found=f"{path} seems to hold {kind}, in plain text",
        expected="the ARN or name of a secret in Secrets Manager or Parameter Store",
    )


PLAIN_SECRETS: Final = Rule(
    id="no-plain-secrets",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    title="No secrets in plain text",
    description="Environment variables, commands, parameters and build arguments hold no passwords, keys or tokens.",
    why=(
        "Whoever may describe a function, a job or a task, or pull an image, reads them; build arguments stay in the "
        "image's history."
    ),
    fix=(
        "Store it in Secrets Manager; give Batch and ECS its ARN in `secrets`, and a function its name to fetch it. A "
        "build takes secrets as such, not as arguments. Rotate what was deployed in plain text. A variable that holds "
        "no secret can be listed in allowedNames."
    ),
    link="https://docs.aws.amazon.com/securityhub/latest/userguide/ecs-controls.html#ecs-8",
    kinds=tuple(_READERS),
    peers=(
        "checkov CKV_AWS_45, CKV_SECRET_*",
        "trivy AWS-0036",
        "Security Hub ECS.8, CodeBuild.2",
        "prowler awslambda_function_no_secrets_in_variables",
    ),
    schema={
        "allowedNames": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "default": [],
            "description": "Names of variables that hold no secret whatever they look like; `*` stands for any text.",
        }
    },
    check=check_plain_secrets,
)

RULES: Final = (PLAIN_SECRETS,)
