"""Resources as the engine describes them to a policy, and the index of a stack."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from .values import MISSING, UNKNOWN, Node, Unknown

AWS_PACKAGES: Final = frozenset({"aws"})
GLOBAL_MODULES: Final = frozenset(
    {
        "account",
        "billing",
        "budgets",
        "chatbot",
        "cloudfront",
        "costexplorer",
        "cur",
        "ecrpublic",
        "globalaccelerator",
        "iam",
        "networkmanager",
        "organizations",
        "route53",
        "route53domains",
        "savingsplans",
        "shield",
        "waf",
    }
)
"""Modules of services that have no region, whatever the provider says."""
_CREDENTIALS: Final = (
    *("accessKey", "allowedAccountIds", "assumeRole", "assumeRoles", "assumeRoleWithWebIdentity", "profile"),
    *("sharedConfigFiles", "sharedCredentialsFiles"),
)
"""What of a provider decides on the account that it works in."""


@functools.lru_cache(maxsize=4096)
def kind_of(token: str) -> str:
    """The kind of resource that a type token names, the same for each generation of the token.

    `aws:ecr/repository:Repository` is `ecr:Repository`; `aws:s3/bucketV2:BucketV2` and `aws:s3/bucket:Bucket` are both
    `s3:Bucket`; `docker:image:Image` and `docker:index/image:Image` are both `docker:Image`. The S3 resources were
    renamed to V2 in version 6 of the provider and back in version 7. The tokens of `aws-native` stay whole: several of
    its services have a `User`.
    """
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    if not name or package == "aws-native":
        return token
    module = module.partition("/")[0]
    if module == "s3":
        name = name.removesuffix("V2")
        if name == "BucketObjectv2":
            name = "BucketObject"
    return f"{module}:{name}" if package in AWS_PACKAGES else f"{package}:{name}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """One resource: checked inputs, and in a stack also outputs, relations and the provider."""

    urn: str
    type: str
    name: str
    properties: Mapping[str, object] = field(default_factory=dict[str, object])
    """camelCase property -> value as `values.plain` returns it."""
    protect: bool = False
    parent: str = ""
    """URN; empty where there is none or it isn't told."""
    dependencies: frozenset[str] = frozenset()
    property_dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Top-level property -> URNs of the resources whose outputs it was made of."""
    provider: Mapping[str, object] = field(default_factory=dict[str, object])
    """Properties of the provider that manages it."""
    managed: bool = True
    """False for one that the stack only refers to: the program reads it with `get`, or an update leaves it out."""

    @property
    def kind(self) -> str:
        return kind_of(self.type)

    @property
    def label(self) -> str:
        """How a message names it: `Repository 'slipway-dev-wordcount'`."""
        return f"{self.kind.rpartition(':')[2]} '{self.name}'"

    def __getitem__(self, key: str) -> Node:
        """A property. One that the engine left out because something inside it is unknown is unknown, not missing."""
        value = self.properties.get(key, MISSING)
        if (value is MISSING or value is None) and self.property_dependencies.get(key):
            value = UNKNOWN
        return Node(value, key)

    def output(self, key: str) -> Node:
        """A property that the provider answers: unknown where it isn't there yet."""
        value = self.properties.get(key)
        return Node(UNKNOWN if value is None else value, key)

    @property
    def region(self) -> str | None:
        """Where it is deployed, from the resource itself or its provider; None if neither tells."""
        for properties in (self.properties, self.provider):
            region = properties.get("region")
            if isinstance(region, str):
                return region
        return None

    @property
    def credentials(self) -> tuple[object, ...]:
        """What decides on its account; with others it may still be the same one."""
        return tuple(self.provider.get(key) for key in _CREDENTIALS)

    def is_elsewhere(self, other: "Resource") -> bool:
        """Whether it is deployed in another region than `other`, as far as both tell and have one."""
        if {resource.kind.partition(":")[0] for resource in (self, other)} & GLOBAL_MODULES:
            return False
        return self.region is not None and other.region is not None and self.region != other.region


class Link(Enum):
    """Whether one resource refers to another."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Stack:
    """All resources of a stack, by kind and by URN."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        # The engine's order is random; messages must not be.
        self.resources: Sequence[Resource] = sorted(resources, key=lambda resource: resource.urn)
        self._by_urn = {resource.urn: resource for resource in self.resources}
        self._parents = frozenset(resource.parent for resource in self.resources if resource.parent)
        self._by_kind: dict[str, list[Resource]] = {}
        for resource in self.resources:
            self._by_kind.setdefault(resource.kind, []).append(resource)

    def of(self, *kinds: str) -> list[Resource]:
        """The resources of some kinds, as `kind_of` names them."""
        return [resource for kind in kinds for resource in self._by_kind.get(kind, ())]

    def find(self, urn: str) -> Resource | None:
        return self._by_urn.get(urn)

    def ancestors(self, resource: Resource) -> frozenset[str]:
        """URNs of the components that a resource belongs to."""
        found: set[str] = set()
        urn = resource.parent
        while urn and urn not in found:
            found.add(urn)
            parent = self._by_urn.get(urn)
            urn = parent.parent if parent else ""
        return frozenset(found)

    def link(self, source: Resource, node: Node, target: Resource, *identities: str) -> Link:
        """Whether `node`, a property of `source`, names `target`.

        `identities` are the properties of the target that a reference may hold, for example `id` and `arn`; leave out
        those that always equal another. Known values are compared; for unknown ones the property dependencies decide.
        A target in another region is another resource even under the same name; so is one with other credentials, as
        of another account, where the source's own credentials have one of that name.
        """
        if source.is_elsewhere(target):
            return Link.NO
        origins = self._origins(source, node)
        if not node.known:
            return self._by_origin(origins, target)
        if node.missing or not node.is_text:
            return Link.NO
        values = [target.output(identity).raw for identity in identities]
        if node.text() in values:
            return Link.NO if self._has_nearer(source, node.text(), target, identities) else Link.YES
        if any(isinstance(value, Unknown) for value in values):
            return Link.YES if target.urn in origins else Link.UNKNOWN
        return Link.NO

    def _has_nearer(self, source: Resource, value: str, target: Resource, identities: Sequence[str]) -> bool:
        """Whether another resource of the target's kind goes by the same value, with the source's own credentials."""
        return source.credentials != target.credentials and any(
            other.credentials == source.credentials and value in [other.output(identity).raw for identity in identities]
            for other in self.of(target.kind)
        )

    def same(self, first: Resource, node: Node, second: Resource, other: Node) -> Link:
        """Whether two properties of two resources hold the same reference, for example to one REST API.

        Known values are compared. Else they are the same if they were made of outputs of the same resource, or one of
        an output of the other's.
        """
        if node.known and other.known:
            if node.missing or other.missing:
                return Link.NO
            return Link.YES if node.text() == other.text() else Link.NO
        origins, others = self._origins(first, node), self._origins(second, other)
        if origins & (others | {second.urn}) or others & {first.urn}:
            return Link.YES
        if node.known or other.known or not origins or not others or (origins | others) & self._parents:
            return Link.UNKNOWN
        return Link.NO

    def _origins(self, resource: Resource, node: Node) -> frozenset[str]:
        """What a property was made of, also through a property of the same name of another resource."""
        name = node.path.rpartition(".")[2].partition("[")[0]
        found: set[str] = set()
        waiting = [*resource.property_dependencies.get(_top(node.path), ())]
        while waiting:
            urn = waiting.pop()
            if urn not in found:
                found.add(urn)
                origin = self._by_urn.get(urn)
                waiting.extend(origin.property_dependencies.get(name, ()) if origin else ())
        return frozenset(found)

    def _by_origin(self, origins: frozenset[str], target: Resource) -> Link:
        if target.urn in origins:
            return Link.YES
        # A component of another language is a dependency itself, in place of its children.
        return Link.UNKNOWN if not origins or origins & self.ancestors(target) else Link.NO


def _top(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def all_links(links: Iterable[Link]) -> Link:
    """NO as soon as one is, else UNKNOWN if one may be, else YES."""
    found = Link.YES
    for link in links:
        if link is Link.NO:
            return link
        if link is Link.UNKNOWN:
            found = link
    return found


def any_link(links: Iterable[Link]) -> Link:
    """YES as soon as one is, else UNKNOWN if one may be, else NO."""
    found = Link.NO
    for link in links:
        if link is Link.YES:
            return link
        if link is Link.UNKNOWN:
            found = link
    return found
