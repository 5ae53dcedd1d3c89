"""What the stacks' files say about images, and which image a stack runs."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cli.errors import CliError
from cli.outputs import stack_exports
from cli.registry.documents import items, mapping
from cli.stack_files import read_stack_file
from components.naming import SHARED_STACK, repository_name
from engine.config import Project, load_project

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REFERENCE = re.compile(
    r"(?P<host>[^/@\s]+)/(?P<repository>[a-z0-9]+(?:[._/-][a-z0-9]+)*)@(?P<digest>sha256:[0-9a-f]{64})"
)
_ECR_HOST = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """An image by digest, in a repository."""

    repository: str
    digest: str
    """`sha256:` and 64 hexadecimal digits."""
    account: str = ""
    """12 digits; empty: that of the credentials."""
    region: str = ""
    """Empty: the stack's."""


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """A stack as its file has it, over the defaults of the project."""

    project: str
    name: str
    region: str
    """Empty where the file leaves it to the environment."""
    pipelines: Mapping[str, Mapping[str, Any]]
    registry: str
    """`own` or `shared`."""
    registry_account: str
    """Of the shared stack; empty: this stack's own."""
    repositories: tuple[str, ...]
    """Pipelines of the shared stack itself."""

    @property
    def file(self) -> str:
        """The file's name."""
        return f"Pulumi.{self.name}.yaml"

    def repository(self, pipeline: str) -> str:
        """The repository in the stack's registry."""
        owner = SHARED_STACK if self.registry == "shared" else self.name
        return repository_name(self.project, owner, pipeline)

    def reference(self, pipeline: str) -> ImageReference | None:
        """The image that the file names; None if it names none.

        Raises:
            CliError: it names something that is no image by digest.
        """
        image: object = self.pipelines[pipeline].get("image")
        if image is None:
            return None
        return self.resolve(pipeline, image)

    def place(self, pipeline: str) -> ImageReference:
        """Where the images of a pipeline are: where the file says, else in the stack's registry, without a digest.

        Raises:
            CliError: the file names something that is no image by digest.
        """
        named = self.reference(pipeline) if pipeline in self.pipelines else None
        return named or self._in_registry(pipeline, "")

    def _in_registry(self, pipeline: str, digest: str) -> ImageReference:
        account = self.registry_account if self.registry == "shared" else ""
        return ImageReference(repository=self.repository(pipeline), digest=digest, account=account, region=self.region)

    def resolve(self, pipeline: str, image: object) -> ImageReference:
        """What an `image` of this stack means.

        Raises:
            CliError: it is no image by digest.
        """
        if isinstance(image, str) and DIGEST.fullmatch(image):
            return self._in_registry(pipeline, image)
        return parse_reference(image, f"the image of {pipeline!r} in {self.file}")

    def value(self, pipeline: str, image: ImageReference, host: str) -> str:
        """How this stack names an image: by the digest alone where it lies in the stack's registry.

        Args:
            pipeline: its name.
            image: with account and region.
            host: the registry's, for an image that lies elsewhere.
        """
        elsewhere = (self.region and image.region != self.region) or (
            self.registry_account and image.account != self.registry_account
        )
        if image.repository == self.repository(pipeline) and not elsewhere:
            return image.digest
        return f"{host}/{image.repository}@{image.digest}"


def parse_reference(text: object, what: str) -> ImageReference:
    """Read `HOST/REPOSITORY@sha256:DIGEST`.

    Args:
        text: what was found.
        what: what it is, for the message.

    Raises:
        CliError: it is something else.
    """
    match = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise CliError(
            f"{what[0].upper()}{what[1:]} is {json.dumps(text, default=str)}; expected "
            "ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY@sha256:DIGEST, or sha256:DIGEST in the stack's registry."
        )
    host = _ECR_HOST.fullmatch(match["host"])
    return ImageReference(
        repository=match["repository"],
        digest=match["digest"],
        account=host["account"] if host else "",
        region=host["region"] if host else "",
    )


def load_stack(root: Path, name: str, pipeline: str | None = None) -> StackFile:
    """Read a stack's file.

    Args:
        root: the project's folder.
        name: the stack's.
        pipeline: one that it must have.

    Raises:
        CliError: there is no such stack, or it has no such pipeline; the text lists those that there are. Or it has
            repositories only.
    """
    project = load_project(root)
    if name not in project.stacks:
        raise CliError(_unknown("stack", name, project.stacks, f"There is no Pulumi.{name}.yaml in {root}."))
    path = root / f"Pulumi.{name}.yaml"
    try:
        stack = parse_stack(project, name, read_stack_file(path))
    except yaml.YAMLError as error:
        raise CliError(f"{path.name} is not YAML: {error}") from error
    if pipeline is not None:
        if stack.repositories:
            raise CliError(f"Stack {name!r} has repositories and runs nothing. Name a stack that runs {pipeline!r}.")
        check_pipeline(stack, pipeline, stack.pipelines)
    return stack


def check_pipeline(stack: StackFile, pipeline: str, known: Iterable[str]) -> None:
    """Refuse a pipeline that is not one of the known ones.

    Raises:
        CliError: it isn't; the text lists them.
    """
    names = sorted(known)
    if pipeline not in names:
        raise CliError(_unknown("pipeline", pipeline, names, f"Stack {stack.name!r} has no pipeline {pipeline!r}."))


def parse_stack(project: Project, name: str, text: str) -> StackFile:
    """A stack from the text of its file, as it is now or was in a commit.

    Raises:
        yaml.YAMLError: it isn't YAML.
    """
    document: object = yaml.safe_load(text)
    config = mapping(mapping(document).get("config"))

    def setting(key: str, default: Any) -> Any:
        full = f"{project.name}:{key}"
        declared = project.declarations.get(full, {})
        fallback = declared.get("value", declared.get("default", default))
        value = config.get(full, config.get(key, fallback))
        return fallback if value is None else value

    pipelines = mapping(setting("pipelines", {}))
    return StackFile(
        project=project.name,
        name=name,
        region=str(config.get("aws:region") or ""),
        pipelines={str(key): mapping(entry) for key, entry in pipelines.items()},
        registry=str(setting("registry", "own")),
        registry_account=str(setting("registryAccount", "")),
        repositories=_texts(setting("repositories", [])),
    )


def current_image(root: Path, stack: StackFile, pipeline: str) -> ImageReference:
    """The image that a stack names in its file; else the one that it runs, by its outputs.

    Raises:
        CliError: neither can be told.
    """
    return stack.reference(pipeline) or running_image(root, stack, pipeline)


def running_image(root: Path, stack: StackFile, pipeline: str) -> ImageReference:
    """The image that a deployed stack runs.

    Raises:
        CliError: the stack isn't deployed, its outputs can't be read, or they know no such pipeline.
    """
    return exported_image(stack_exports(root, stack.name), stack, pipeline)


def exported_image(exports: Mapping[str, Any], stack: StackFile, pipeline: str) -> ImageReference:
    """The image that a stack's outputs tell of.

    Raises:
        CliError: they tell of none.
    """
    image: object = mapping(mapping(exports.get("pipelines")).get(pipeline)).get("imageReference")
    if image is None:
        raise CliError(
            f"Stack {stack.name!r} names no image for {pipeline!r}, and its outputs tell of none that runs. "
            f"Deploy it first: pulumi up --stack {stack.name}"
        )
    return parse_reference(image, f"the output pipelines.{pipeline}.imageReference of stack {stack.name!r}")


def _unknown(kind: str, name: str, known: list[str], sentence: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{sentence} {kind.capitalize()}s: {', '.join(known) or 'none'}.{hint}"


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in items(value))
