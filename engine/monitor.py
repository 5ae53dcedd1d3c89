"""The resource monitor of the offline engine: records what the program registers, and asks a provider for outputs."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.mocks import MockMonitor, Mocks
from pulumi.runtime.proto import resource_pb2

from engine.checks import check_inputs
from engine.errors import ProgramError
from engine.provider import Provider
from engine.registration import Registration
from engine.urns import STACK_TYPE, aliases_of, make_urn
from engine.values import UNKNOWN, from_struct, holds_secret, to_value

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

Observer = Callable[[Registration, bool], None]
"""Called with each custom resource twice: False before it is created, True after."""


def _ignore(_registration: Registration, _created: bool) -> None:
    """The observer of a run that nobody watches."""


class RecordingMonitor(MockMonitor):
    """Serves the program's registrations the way the engine does, one record each.

    The SDK's own `MockMonitor` hands on neither parent, dependencies nor options, and builds URNs without the chain of
    parents' types; both are done here as the engine does them.
    """

    def __init__(self, project: str, stack: str, provider: Provider, observer: Observer = _ignore) -> None:
        super().__init__(_NoMocks())
        self._stack, self._project = stack, project
        self._provider = provider
        self._observer = observer
        self._lock = threading.Lock()
        self._by_urn: dict[str, Registration] = {}
        self.stack_outputs: dict[str, Any] = {}
        self.secret_outputs: frozenset[str] = frozenset()

    @property
    def registrations(self) -> list[Registration]:
        """In the order in which the program made them."""
        return list(self._by_urn.values())

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        urn = make_urn(self._stack, self._project, request.parent, request.type, request.name)
        if request.transforms:  # pyright: ignore[reportUnknownMemberType] - typed by another file of the SDK
            raise _transforms_are_refused(urn)
        parent = self._by_urn.get(request.parent)
        registration = _record(request, urn, parent)
        registration.aliases = aliases_of(request, self._stack, self._project, parent)
        with self._lock:
            if urn in self._by_urn:
                raise ProgramError(f"Duplicate resource URN {urn}: two resources of one type and parent share a name.")
            self._by_urn[urn] = registration
        response = resource_pb2.RegisterResourceResponse(urn=urn)
        if not request.custom:
            response.object.CopyFrom(request.object)
            return response
        added = check_inputs(request.type, request.name, urn, registration.inputs)
        registration.inputs |= added
        registration.defaults = frozenset(added)
        self._observer(registration, False)
        started = time.monotonic()
        id_, outputs = self._provider.create(registration)
        registration.seconds = time.monotonic() - started
        registration.id, registration.outputs = id_, dict(outputs)
        self._observer(registration, True)
        response.id = id_
        _fill(response.object, request.object, registration)
        return response

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        outputs = from_struct(request.outputs)
        if request.urn.split("::")[2] == STACK_TYPE:
            self.stack_outputs = outputs
            self.secret_outputs = frozenset(k for k, v in request.outputs.fields.items() if holds_secret(v))
        self._by_urn[request.urn].outputs = outputs
        return empty_pb2.Empty()

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        result = self._provider.invoke(request.tok, from_struct(request.args))
        response = resource_pb2.ResourceInvokeResponse()
        response_object = getattr(response, "return")
        for key, value in result.items():
            response_object.fields[key].CopyFrom(to_value(value))
        return response

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        raise ProgramError(
            f"{request.name} ({request.type}) is read, not made: the offline engine has no state to read it from."
        )

    def RegisterStackTransform(self, request: object) -> empty_pb2.Empty:  # noqa: ARG002 - the name is the SDK's
        raise _transforms_are_refused("The program")

    def RegisterStackInvokeTransform(self, request: object) -> empty_pb2.Empty:  # noqa: ARG002 - the name is the SDK's
        raise _transforms_are_refused("The program")


def _transforms_are_refused(who: str) -> ProgramError:
    """Without them a verdict would be that of another program."""
    return ProgramError(f"{who} has transforms, which run in the real engine alone; `transformations` run here, too.")


class _NoMocks(Mocks):
    """The SDK's base class wants mocks; `RecordingMonitor` overrides every method that would ask them."""

    def call(self, args: object) -> tuple[dict[Any, Any], None]:
        raise AssertionError(f"unexpected call {args}")

    def new_resource(self, args: object) -> tuple[str, dict[Any, Any]]:
        raise AssertionError(f"unexpected resource {args}")


def _record(request: resource_pb2.RegisterResourceRequest, urn: str, parent: Registration | None) -> Registration:
    timeouts = request.customTimeouts
    # The SDK hands on the parent's protection; its retention the engine does [pulumi/pulumi, source_eval.go].
    retained = (
        request.retainOnDelete if parent is None or request.HasField("retainOnDelete") else parent.retain_on_delete
    )
    return Registration(
        urn=urn,
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        inputs=from_struct(request.object),
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(value.urns)) for key, value in request.propertyDependencies.items() if value.urns
        },
        protect=request.protect,
        retain_on_delete=retained,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        ignore_changes=tuple(request.ignoreChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        custom_timeouts={
            key: _seconds(getattr(timeouts, key), urn)
            for key in ("create", "update", "delete")
            if getattr(timeouts, key)
        },
        secret_inputs=frozenset(key for key, value in request.object.fields.items() if holds_secret(value)),
        provider=request.provider,
    )


def _seconds(duration: str, urn: str) -> float:
    parts = _DURATION.findall(duration)
    if duration != "0" and "".join(number + unit for number, unit in parts) != duration:
        raise ProgramError(f"{urn} has the timeout {duration!r}, which is no duration such as 90s or 1h30m.")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _fill(target: struct_pb2.Struct, inputs: struct_pb2.Struct, registration: Registration) -> None:
    """Write the outputs to the response. What came in unchanged keeps its wire form: assets, secrets, unknowns."""
    secret = {*registration.secret_inputs, *registration.additional_secret_outputs}
    outputs: Mapping[str, Any] = registration.outputs
    for key, value in outputs.items():
        if key in inputs.fields and value is registration.inputs.get(key):
            target.fields[key].CopyFrom(inputs.fields[key])
        else:
            target.fields[key].CopyFrom(to_value(value, secret=key in secret and value is not UNKNOWN))
