"""What an update would do, offline: the program runs against an account that remembers what it holds.

First the old program fills the account, then the new one runs against it. As in a real deployment each resource arrives
with its inputs resolved and after those that it depends on, so that a new image shows as a new revision of the job
definition, and that as an update of the function that names it. What is deleted before it is made anew takes those
along that can't be without it [pulumi/pulumi, step_generator.go, "calculateDependentReplacements"]. What a preview of
the real engine shows beside: it doesn't know the outputs of what changes, and may say "update" where nothing will
differ in the end.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, cast

import pulumi

from engine.checks import CHECKS
from engine.preview import PreviewProvider
from engine.registration import Registration
from engine.replacement import FORCES_NEW

ACCOUNT_ID: Final = "111122223333"
_ARNS: Final[Mapping[str, str]] = {
    "aws:batch/computeEnvironment:ComputeEnvironment": "batch:{region}:{account}:compute-environment/{name}",
    "aws:batch/jobQueue:JobQueue": "batch:{region}:{account}:job-queue/{name}",
    "aws:cloudfront/distribution:Distribution": "cloudfront::{account}:distribution/{name}",
    "aws:cloudwatch/eventRule:EventRule": "events:{region}:{account}:rule/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "aws:dynamodb/table:Table": "dynamodb:{region}:{account}:table/{name}",
    "aws:ecr/repository:Repository": "ecr:{region}:{account}:repository/{name}",
    "aws:iam/role:Role": "iam::{account}:role/{name}",
    "aws:sqs/queue:Queue": "sqs:{region}:{account}:{name}",
    "aws:sns/topic:Topic": "sns:{region}:{account}:{name}",
}
"""What the ARNs of a type look like, behind `arn:aws:`; what isn't listed gets one of the general shape."""
_JSON_START: Final = ("{", "[")


class Operation(StrEnum):
    """What happens to a resource; the order is that of a report, the gravest first."""

    REPLACE = "replace"
    DELETE = "delete"
    UPDATE = "update"
    CREATE = "create"
    SAME = "same"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where the inputs of a resource differ."""

    path: str
    """For example `containerProperties.resourceRequirements[0].value`; JSON in strings is looked into."""
    old: Any
    new: Any


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one resource."""

    operation: Operation
    urn: str
    type: str
    name: str
    protected: bool
    """Whether the engine would refuse to delete or replace it."""
    retained: bool = False
    """Whether it stays in AWS when it is deleted here."""
    differences: tuple[Difference, ...] = ()
    forced_by: tuple[str, ...] = ()
    """The properties that can't be changed in place."""
    dragged_along: bool = False
    """Whether another replacement forces this one: what a property refers to is deleted first."""


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A resource as the account holds it."""

    registration: Registration
    inputs: Mapping[str, Any]
    """With assets as their digests."""
    generation: int
    """How often it was replaced."""
    revision: int
    """How often it was created or changed."""
    first_urn: str
    """The one that it was created under; aliases lead from one to another."""


@dataclass
class SimulatedAccount:
    """Implements `engine.provider.Provider`. What is created gets ids that stay the same until it is replaced."""

    region: str
    _held: dict[str, _Held] = field(default_factory=dict[str, _Held])
    _seen: dict[str, _Held] = field(default_factory=dict[str, _Held])
    _changes: list[Change] = field(default_factory=list[Change])
    _deleted_first: set[str] = field(default_factory=set[str])
    """URNs of what this run deletes before it makes it anew."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, registration: Registration) -> tuple[str, Mapping[str, Any]]:
        """Take a resource's desired state."""
        inputs = {key: _comparable(value) for key, value in registration.inputs.items()}
        found = (self._held.get(urn) for urn in (registration.urn, *registration.aliases))
        before = next((held for held in found if held is not None), None)
        if before is not None:
            # An auto-name is for life.
            for path in (*registration.ignore_changes, *(registration.defaults & before.registration.defaults)):
                keys = [part for part in re.split(r'[.\[\]"]+', path) if part]
                inputs = _with_old(before.inputs, inputs, keys)
                kept = _with_old(before.registration.inputs, registration.inputs, keys)
                registration = replace(registration, inputs=kept)
        change = _judge(before, registration, inputs, self._deleted_first)
        held = _Held(registration=registration, inputs=inputs, generation=1, revision=1, first_urn=registration.urn)
        if before is not None:
            held = replace(
                held,
                generation=before.generation + (change.operation is Operation.REPLACE),
                revision=before.revision + (change.operation is not Operation.SAME),
                first_urn=before.first_urn,
            )
        with self._lock:
            self._seen[registration.urn] = held
            self._changes.append(change)
            if change.operation is Operation.REPLACE and (change.dragged_along or _is_deleted_first(registration)):
                self._deleted_first.add(registration.urn)
        return self._outputs(held)

    def copy(self) -> "SimulatedAccount":
        """Another account that holds the same, between two runs."""
        return SimulatedAccount(self.region, dict(self._held))

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer of a provider function, always the same."""
        if token == "aws:ecr/getAuthorizationToken:getAuthorizationToken":  # noqa: S105 - a function's name
            return {"userName": "AWS", "password": "simulated", "proxyEndpoint": "https://registry.invalid"}
        return PreviewProvider(self.region).invoke(token, args)

    def finish(self) -> list[Change]:
        """End a run: what it didn't name is deleted. Its changes, the gravest first."""
        kept = {held.first_urn for held in self._seen.values()}
        deleted = [_deletion(held) for held in self._held.values() if held.first_urn not in kept]
        changes = [*self._changes, *deleted]
        self._held, self._seen, self._changes, self._deleted_first = self._seen, {}, [], set()
        order = list(Operation)
        return sorted(changes, key=lambda change: (order.index(change.operation), change.type, change.name))

    def _outputs(self, held: _Held) -> tuple[str, dict[str, Any]]:
        item = held.registration
        id_ = hashlib.sha256(f"{held.first_urn} {held.generation}".encode()).hexdigest()[:10]
        service = item.type.partition(":")[2].partition("/")[0]
        kind = item.type.rpartition(":")[2]
        name = str(held.inputs.get("name", id_))
        arn = _ARNS.get(item.type, f"{service}:{{region}}:{{account}}:{kind}/{{name}}")
        computed: dict[str, Any] = {
            "arn": "arn:aws:" + arn.format(region=self.region, account=ACCOUNT_ID, name=name),
            "value": id_,
            "keyId": id_,
            "rootResourceId": f"{id_}-root",
        }
        computed |= _own_outputs(item.type, held, name, id_, self.region)
        # What the program set itself is an output, too; a file of an earlier run has no way back to the program.
        files = (pulumi.Asset, pulumi.Archive)
        return id_, {**computed, **{key: value for key, value in item.inputs.items() if not isinstance(value, files)}}


def _own_outputs(type_: str, held: _Held, name: str, id_: str, region: str) -> dict[str, Any]:
    """The outputs whose shape the program relies on."""
    inputs = held.inputs
    match type_:
        case "aws:ecr/repository:Repository":
            return {"repositoryUrl": f"{ACCOUNT_ID}.dkr.ecr.{region}.amazonaws.com/{name}", "registryId": ACCOUNT_ID}
        case "docker-build:index:Image":
            digest = "sha256:" + hashlib.sha256(json.dumps(inputs.get("tags"), sort_keys=True).encode()).hexdigest()
            return {"digest": digest, "ref": digest}
        case "aws:batch/jobDefinition:JobDefinition":
            prefix = f"arn:aws:batch:{region}:{ACCOUNT_ID}:job-definition/{name}"
            return {"revision": held.revision, "arnPrefix": prefix, "arn": f"{prefix}:{held.revision}"}
        case "aws:lambda/function:Function":
            arn = f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{name}"
            return {"arn": arn, "invokeArn": f"{arn}/invocations", "version": str(held.revision)}
        case "aws:ecs/taskDefinition:TaskDefinition":
            family = inputs.get("family")
            return {"arn": f"arn:aws:ecs:{region}:{ACCOUNT_ID}:task-definition/{family}:{held.generation}"}
        case "aws:apigateway/restApi:RestApi":
            return {"executionArn": f"arn:aws:execute-api:{region}:{ACCOUNT_ID}:{id_}"}
        case "aws:apigateway/stage:Stage":
            host = f"{inputs.get('restApi')}.execute-api.{region}.amazonaws.com"
            return {"invokeUrl": f"https://{host}/{inputs.get('stageName')}"}
        case "aws:s3/bucket:Bucket":
            bucket = str(inputs.get("bucket"))
            return {
                "arn": f"arn:aws:s3:::{bucket}",
                "bucketRegionalDomainName": f"{bucket}.s3.{region}.amazonaws.com",
                "region": region,
            }
        case "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration":
            return {"websiteEndpoint": f"{inputs.get('bucket')}.s3-website.{region}.amazonaws.com"}
        case "aws:sqs/queue:Queue":
            return {"url": f"https://sqs.{region}.amazonaws.com/{ACCOUNT_ID}/{name}"}
        case "aws:cloudfront/distribution:Distribution":
            return {"domainName": f"{id_}.cloudfront.net"}
        case _:
            return {}


def _with_old(old: Mapping[str, Any], new: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The new values, with the old one at a path whose changes are ignored."""
    key, *rest = path
    if not rest:
        return {
            **{name: value for name, value in new.items() if name != key},
            **({key: old[key]} if key in old else {}),
        }
    if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
        return {**new, key: _with_old(old[key], new[key], rest)}
    return dict(new)


def _is_deleted_first(item: Registration) -> bool:
    """Whether the old one goes before the new one comes.

    As the program says, else where the program gave it its name [pulumi/pulumi-terraform-bridge,
    pkg/tfbridge/schema.go, "nameRequiresDeleteBeforeReplace"].
    """
    if item.delete_before_replace is not None:
        return item.delete_before_replace
    check = CHECKS.get(item.type)
    return check is not None and check.auto_name in item.inputs.keys() - item.defaults


def _judge(
    before: _Held | None, registration: Registration, inputs: Mapping[str, Any], deleted_first: Set[str]
) -> Change:
    change = Change(
        operation=Operation.CREATE,
        urn=registration.urn,
        type=registration.type,
        name=registration.name,
        protected=registration.protect,
    )
    if before is None:
        return change
    secret = registration.secret_inputs | before.registration.secret_inputs
    changed = [key for key in sorted({*before.inputs, *inputs}) if before.inputs.get(key) != inputs.get(key)]
    lost = {
        key for key, urns in before.registration.property_dependencies.items() if not deleted_first.isdisjoint(urns)
    }
    forcing = FORCES_NEW.get(registration.type, frozenset())
    forced = tuple(sorted(forcing & {*changed, *lost}))
    if not changed and not forced:
        return replace(change, operation=Operation.SAME)
    differences = tuple(
        difference
        for key in changed
        for difference in (
            [Difference(path=key, old="[secret]", new="[secret]")]
            if key in secret
            else differences_of(key, before.inputs.get(key), inputs.get(key))
        )
    )
    dragged_along = bool(forcing & lost)
    return replace(
        change,
        operation=Operation.REPLACE if forced else Operation.UPDATE,
        differences=differences,
        forced_by=forced,
        dragged_along=dragged_along,
        # One that is no longer protected may be replaced in the same update, but is deleted for another one before the
        # engine hears of that.
        protected=before.registration.protect and (registration.protect or dragged_along),
    )


def _deletion(held: _Held) -> Change:
    item = held.registration
    return Change(
        operation=Operation.DELETE,
        urn=item.urn,
        type=item.type,
        name=item.name,
        protected=item.protect,
        retained=item.retain_on_delete,
    )


def differences_of(path: str, old: Any, new: Any) -> Iterator[Difference]:
    """The places where two values differ, as deep as they have the same shape."""
    old, new = _parsed(old), _parsed(new)
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        olds, news = cast("Mapping[str, Any]", old), cast("Mapping[str, Any]", new)
        for key in sorted({*olds, *news}):
            yield from differences_of(f"{path}.{key}", olds.get(key), news.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(cast("list[Any]", old)) == len(cast("list[Any]", new)):
        pairs = zip(cast("list[Any]", old), cast("list[Any]", new), strict=True)
        for number, (left, right) in enumerate(pairs):
            yield from differences_of(f"{path}[{number}]", left, right)
    else:
        yield Difference(path=path, old=old, new=new)


def _parsed(value: Any) -> Any:
    """A string that holds a JSON document as that document."""
    if isinstance(value, str) and value.startswith(_JSON_START):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _comparable(value: Any) -> Any:
    """A value in which assets and archives are their content's digest, as the engine compares them."""
    match value:
        case pulumi.StringAsset():
            return _digest(value.text.encode())
        case pulumi.FileAsset():
            with open(value.path, "rb") as file:  # noqa: PTH123 - relative to the project's folder while it runs
                return _digest(file.read())
        case pulumi.AssetArchive():
            assets = cast("Mapping[str, Any]", value.assets)
            return {"archive": {name: _comparable(assets[name]) for name in sorted(assets)}}
        case pulumi.FileArchive():
            with open(value.path, "rb") as file:  # noqa: PTH123
                return _digest(file.read())
        case Mapping():
            items = cast("Mapping[str, Any]", value).items()
            return {key: _comparable(item) for key, item in items}
        case list():
            return [_comparable(item) for item in cast("Sequence[Any]", value)]
        case _:
            return value


def _digest(content: bytes) -> str:
    return f"content {hashlib.sha256(content).hexdigest()[:12]}"
