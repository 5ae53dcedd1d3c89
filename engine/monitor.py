"""The resource monitor of the offline engine: records what the program registers, and asks a provider for outputs."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.mocks import MockMonitor, Mocks
from pulumi.runtime.proto import resource_pb2

from engine.checks import check_inputs
from engine.provider import Provider
from engine.registration import Registration
from engine.values import UNKNOWN, from_struct, holds_secret, to_value

STACK_TYPE = "pulumi:pulumi:Stack"

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
        self._urn_prefix = f"urn:pulumi:{stack}::{project}::"
        self._provider = provider
        self._observer = observer
        self._lock = threading.Lock()
        self._urns: set[str] = set()
        self.registrations: list[Registration] = []
        self.stack_outputs: dict[str, Any] = {}
        self.secret_outputs: frozenset[str] = frozenset()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        parent_type = parent.removeprefix(self._urn_prefix).split("::")[0] if parent else ""
        chain = "" if parent_type in ("", STACK_TYPE) else f"{parent_type}$"
        return f"{self._urn_prefix}{chain}{type_}::{name}"

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        registration = _record(request, urn)
        with self._lock:
            if urn in self._urns:
                raise ValueError(f"Duplicate resource URN {urn}: two resources of one type and parent share a name.")
            self._urns.add(urn)
            self.registrations.append(registration)
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
        with self._lock:
            for registration in self.registrations:
                if registration.urn == request.urn:
                    registration.outputs = outputs
        return empty_pb2.Empty()

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        result = self._provider.invoke(request.tok, from_struct(request.args))
        response = resource_pb2.ResourceInvokeResponse()
        response_object = getattr(response, "return")
        for key, value in result.items():
            response_object.fields[key].CopyFrom(to_value(value))
        return response

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        raise NotImplementedError(
            f"{request.name} ({request.type}) is read with `get`: the offline engine has no state to read it from."
        )


class _NoMocks(Mocks):
    """The SDK's base class wants mocks; `RecordingMonitor` overrides every method that would ask them."""

    def call(self, args: object) -> tuple[dict[Any, Any], None]:
        raise AssertionError(f"unexpected call {args}")

    def new_resource(self, args: object) -> tuple[str, dict[Any, Any]]:
        raise AssertionError(f"unexpected resource {args}")


def _record(request: resource_pb2.RegisterResourceRequest, urn: str) -> Registration:
    timeouts = request.customTimeouts
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
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        ignore_changes=tuple(request.ignoreChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        custom_timeouts={
            key: getattr(timeouts, key) for key in ("create", "update", "delete") if getattr(timeouts, key)
        },
        secret_inputs=frozenset(key for key, value in request.object.fields.items() if holds_secret(value)),
        provider=request.provider,
    )


def _fill(target: struct_pb2.Struct, inputs: struct_pb2.Struct, registration: Registration) -> None:
    """Write the outputs to the response. What came in unchanged keeps its wire form: assets, secrets, unknowns."""
    secret = {*registration.secret_inputs, *registration.additional_secret_outputs}
    outputs: Mapping[str, Any] = registration.outputs
    for key, value in outputs.items():
        if key in inputs.fields and value is registration.inputs.get(key):
            target.fields[key].CopyFrom(inputs.fields[key])
        else:
            target.fields[key].CopyFrom(to_value(value, secret=key in secret and value is not UNKNOWN))
