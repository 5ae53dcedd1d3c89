"""Which images a stack runs: in Batch jobs, ECS tasks and functions, of which repository, under which tags.

What is run is named by a text, `host/repository:tag@sha256:...`. In a first preview it isn't known, often because a
whole JSON document waits for it; then the property dependencies tell the build and the repository that it is made of.
"""

import functools
import re
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .build_sources import sources_of
from .job_definitions import JOB_DEFINITION, containers, open_properties
from .resources import Link, Resource, Stack
from .values import UNKNOWN, MalformedError, Node, NotYetKnownError

REPOSITORY: Final = "ecr:Repository"
RUNNERS: Final = (JOB_DEFINITION, "ecs:TaskDefinition", "lambda:Function")
BUILDS: Final = ("docker-build:Image", "docker-build:Index", "docker:Image", "docker:RegistryImage", "awsx:Image")
BUILT_LOCALLY: Final = "docker:RemoteImage"
"""Builds an image for another resource to push."""
_ORIGINS: Final = frozenset({*BUILDS, REPOSITORY, "pulumi:StackReference"})
_TARGETS: Final = ("tags", "tag", "imageName", "name", "repositoryUrl")
"""Properties of a build that name where it pushes."""
_SOURCES: Final = (*_TARGETS, "exports", "sources")
"""Those, and others through which a build depends on the repository or on the image that it passes on."""
_DIGESTS: Final = ("digest", "repoDigest", "sha256Digest")
_REFERENCE: Final = re.compile(
    r"(?P<address>[^\s@]+?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]*))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_ECR_HOST: Final = re.compile(r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\..+")

_NO_ACCOUNT: Final = "000000000000."
"""How a URL begins where the account isn't known: in an offline preview and in emulators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The parts of `host/repository:tag@sha256:...`."""

    address: str
    """Host and repository."""
    place: str
    """The address, the same for each host of one ECR registry."""
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        return self.address.partition("/")[2]

    @property
    def region(self) -> str:
        """Of an ECR host; empty for another."""
        host = _ECR_HOST.fullmatch(self.address.partition("/")[0])
        return host["region"] if host else ""


@functools.lru_cache(maxsize=4096)
def _place(address: str) -> str:
    """An address without what tells the usual, the FIPS and the dual-stack host of an ECR registry apart."""
    host, _, repository = address.partition("/")
    found = _ECR_HOST.fullmatch(host)
    return f"{found['account']}.{found['region']}/{repository}" if found else address


def read_reference(text: str) -> Reference | None:
    """The parts of a reference; None for text that is none."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    address = found["address"]
    return Reference(address=address, place=_place(address), tag=found["tag"] or "", digest=found["digest"] or "")


@dataclass(frozen=True, kw_only=True, eq=False)
class Use:
    """One image that one resource runs."""

    runner: Resource
    node: Node
    """The image, or the document that it will be in."""
    reference: Reference | None
    """None as long as it isn't known."""
    builds: Sequence[Resource]
    """The builds that it is made of, as property dependencies tell."""
    origins: frozenset[str]
    """URNs of all that it is made of, builds followed to what they push to."""
    sources: frozenset[str]
    """Those of them that an image can come from."""

    @property
    def digest(self) -> str:
        """What is run; also if it is known of the build alone. Empty if it isn't known, or only a tag is named."""
        if self.reference is not None:
            return self.reference.digest
        digests = {digest_of(build) for build in self.builds}
        return digests.pop() if len(digests) == 1 else ""


@dataclass(frozen=True, kw_only=True)
class Home:
    """The repositories of the stack that an image is of."""

    own: Sequence[Resource]
    """More than one if it is made of outputs of several."""
    perhaps: Sequence[Resource]
    """Those of which nothing that is known says whether it is."""


class RunningImages:
    """The images that a stack runs, read once for all rules."""

    def __init__(self, stack: Stack) -> None:
        self._stack = weakref.proxy(stack)
        self._repositories = stack.of(REPOSITORY)
        self._ancestors = {repository: stack.ancestors(repository) for repository in self._repositories}
        self._targets = {build: list(_targets(build)) for build in stack.of(*BUILDS)}
        self._sources = {build: self._sources_of(build) for build in self._targets}
        self._by_digest: dict[str, list[Resource]] = {}
        for build in self._targets:
            self._by_digest.setdefault(digest_of(build), []).append(build)
        self._by_runner = {runner.urn: list(self._uses(runner)) for runner in stack.of(*RUNNERS)}
        self.all: Sequence[Use] = [use for uses in self._by_runner.values() for use in uses]
        self._homes = {use: self._find_home(use) for use in self.all}

    def of(self, runner: Resource) -> Sequence[Use]:
        return self._by_runner.get(runner.urn, ())

    def home(self, use: Use) -> Home:
        return self._homes[use]

    def _sources_of(self, build: Resource) -> frozenset[tuple[str, str]]:
        """What a build is made of; for one that pushes what another resource built, what that one is made of."""
        built = [self._stack.find(urn) for urn in sorted(build.property_dependencies.get("name", ()))]
        passed_on = [sources_of(item) for item in built if item is not None and item.kind == BUILT_LOCALLY]
        return sources_of(build).union(*passed_on)

    def _uses(self, runner: Resource) -> Iterator[Use]:
        for node in image_nodes(runner):
            top = node.path.partition(".")[0].partition("[")[0]
            builds, origins = self._made_of(runner.property_dependencies.get(top, frozenset()))
            reference = read_reference(node.text()) if node.known else None
            if reference is not None or not node.known:
                sources = frozenset(urn for urn in origins if _kind(self._stack.find(urn)) in _ORIGINS)
                yield Use(
                    runner=runner, node=node, reference=reference, builds=builds, origins=origins, sources=sources
                )

    def _made_of(self, urns: Iterable[str]) -> tuple[list[Resource], frozenset[str]]:
        found: set[str] = set()
        builds: list[Resource] = []
        waiting = sorted(urns)
        while waiting:
            urn = waiting.pop()
            if urn in found:
                continue
            found.add(urn)
            build = self._stack.find(urn)
            if build is not None and build.kind in BUILDS:
                builds.append(build)
                for key in _SOURCES:
                    waiting.extend(sorted(build.property_dependencies.get(key, ())))
        return builds, frozenset(found)

    def _find_home(self, use: Use) -> Home:
        links = {repository: self._link(use, repository) for repository in self._repositories}
        return Home(
            own=[repository for repository, link in links.items() if link is Link.YES],
            perhaps=[repository for repository, link in links.items() if link is Link.UNKNOWN],
        )

    def _link(self, use: Use, repository: Resource) -> Link:
        if use.reference is not None:
            return Link.YES if names(use.reference, repository, use.origins) else Link.NO
        if repository.urn in use.origins:
            return Link.YES
        targets = [reference for build in use.builds for reference in self._targets[build]]
        if any(names(reference, repository, use.origins) for reference in targets):
            return Link.YES
        # A component of another language is a dependency itself, in place of its children. And where nothing that it is
        # made of is an image's origin, the image may be plain text in a document that waits for something else.
        hidden = use.origins & self._ancestors[repository]
        return Link.UNKNOWN if hidden or not use.sources else Link.NO

    def apart(self, first: Use, second: Use) -> bool:
        """Whether builds of the stack make two images of different sources: two programs that share a repository."""
        ones, others = ([self._sources[build] for build in self._makers(use)] for use in (first, second))
        return bool(ones and others) and all(one and other and one != other for one in ones for other in others)

    def built_here(self, use: Use) -> bool:
        """Whether the stack itself builds the image, so that what runs it moves on with each push."""
        return bool(self._makers(use))

    def _makers(self, use: Use) -> Sequence[Resource]:
        """The builds of the stack that make just this image."""
        if use.reference is None:
            return use.builds
        return self._by_digest.get(use.digest, ()) if use.digest else ()

    def tags(self, use: Use, repository: Resource) -> frozenset[str] | None:
        """The tags that the image has in its repository, as far as the stack tells; None if it tells of none."""
        tags = {use.reference.tag} if use.reference is not None and use.reference.tag else set[str]()
        digest = use.digest
        same = self._by_digest.get(digest, []) if digest else []
        unbuilt = [build for build in use.builds if not (digest and digest_of(build))]
        for target in (target for build in (*same, *unbuilt) for target in self._targets[build]):
            if target.tag and names(target, repository, use.origins):
                tags.add(target.tag)
        return frozenset(tags) or None


_indexes: "weakref.WeakKeyDictionary[Stack, RunningImages]" = weakref.WeakKeyDictionary()


def running_images(stack: Stack) -> RunningImages:
    """The index of a stack, made at the first question."""
    index = _indexes.get(stack)
    if index is None:
        index = _indexes[stack] = RunningImages(stack)
    return index


def image_nodes(runner: Resource) -> list[Node]:
    """Each image of a runner as text, or the unknown property that it will be in.

    What has another shape is left out: other rules refuse it.
    """
    nodes: list[Node] = []
    try:
        nodes.extend(_image_nodes(runner))
    except MalformedError:
        pass
    except NotYetKnownError as error:
        nodes.append(Node(UNKNOWN, error.path))
    return [node for node in nodes if not node.known or isinstance(node.raw, str)]


def _image_nodes(runner: Resource) -> Iterator[Node]:
    match runner.kind:
        case "lambda:Function":
            yield runner["imageUri"]
        case "ecs:TaskDefinition":
            for item in runner["containerDefinitions"].document().items():
                yield item.member("image")
        case _:
            yield from open_properties(runner)
            for item in containers(runner):
                yield item.member("image")


def names(reference: Reference, repository: Resource, origins: frozenset[str] = frozenset()) -> bool:
    """Whether a reference is to a repository: by its URL, else by its name, host and region."""
    url = repository.output("repositoryUrl").raw
    if isinstance(url, str) and not url.startswith(_NO_ACCOUNT):
        return reference.place == _place(url)
    if repository.region and reference.region and repository.region != reference.region:
        return False
    name = repository.output("name").raw
    return reference.repository == name if isinstance(name, str) else repository.urn in origins


def _kind(resource: Resource | None) -> str:
    return resource.kind if resource else ""


def digest_of(build: Resource) -> str:
    """The digest that a build has pushed; empty if it isn't known."""
    for key in _DIGESTS:
        value = build.output(key).raw
        if isinstance(value, str):
            # Some have the repository before it.
            return value.rpartition("@")[2]
    return ""


def _targets(build: Resource) -> Iterator[Reference]:
    """Where a build pushes, as far as it is known."""
    for key in _TARGETS:
        node = build[key]
        entries = node.items() if isinstance(node.raw, list) else [node]
        for entry in entries:
            reference = read_reference(entry.raw) if isinstance(entry.raw, str) else None
            if reference is not None:
                yield reference
