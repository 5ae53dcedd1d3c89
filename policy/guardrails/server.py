"""Puts a dispatcher in front of the policy SDK's server, so that each message is read once and by few rules.

The SDK converts the same message to Python again for each of a pack's policies, about 50 microseconds per KB: with
dozens of rules that is nearly all of the time. Here a message is read once (`wire`); then the SDK's own code runs, on
the message without its properties, and for a resource only with the policies that judge its type: the others are
answered "not applicable" from a list. Levels, settings, diagnostics and the protocol stay the SDK's. Where a later SDK
has another inside, nothing is put in front of it, and all verdicts are the same.
"""

import functools
import types
from typing import Any, Final, cast

from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from .adapter import Pack
from .resources import Stack
from .wire import read_resource

SERVICER: Final = "_PolicyAnalyzerServicer"
"""The SDK's private class behind its gRPC server."""
POLICIES: Final = 2
"""Position of the policies among its arguments."""
METHODS: Final = ("Analyze", "AnalyzeStack", "Configure", "ConfigureStack", "GetAnalyzerInfo", "Remediate")


def dispatch(sdk: types.ModuleType, pack: Pack) -> bool:
    """Make the SDK's module serve `pack` through the dispatcher. Returns whether it could."""
    servicer = getattr(sdk, SERVICER, None)
    if not isinstance(servicer, type) or not all(callable(getattr(servicer, name, None)) for name in METHODS):
        return False
    setattr(sdk, SERVICER, functools.partial(Dispatcher, servicer, pack))
    return True


class Dispatcher(analyzer_pb2_grpc.AnalyzerServicer):
    """One servicer of the SDK for all policies, and one for each set of policies that judges a type."""

    def __init__(self, servicer: Any, pack: Pack, *arguments: Any) -> None:
        self._servicer = servicer
        self._pack = pack
        self._arguments = arguments
        self._whole: Any = servicer(*arguments)
        self._by_type: dict[str, tuple[Any, analyzer_pb2.AnalyzeResponse]] = {}
        self._configured: dict[str, Any] = {}
        self._remediates = False

    # The methods are named by the protocol.

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._whole.GetAnalyzerInfo(request, context)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._whole.GetPluginInfo(request, context)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        levels = {entry.enforcementLevel for entry in request.policyConfig.values()}
        self._remediates = cast("int", analyzer_pb2.REMEDIATE) in levels
        return self._configure("Configure", request, context)

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        return self._configure("ConfigureStack", request, context)

    def _configure(self, method: str, request: Any, context: Any) -> Any:
        self._configured[method] = request
        self._by_type.clear()
        return getattr(self._whole, method)(request, context)

    def Remediate(self, request: Any, context: Any) -> Any:  # noqa: N802
        if not self._remediates:
            # What the SDK answers in the end, since no rule changes a resource.
            return analyzer_pb2.RemediateResponse()
        return self._whole.Remediate(_without_properties(request), context)

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802
        resource = read_resource(request)
        self._pack.inputs[resource.urn] = resource.properties
        servicer, others = self._for_type(request.type)
        if servicer is None:
            return others
        with self._pack.asked_about(resource=resource):
            response = servicer.Analyze(_without_properties(request), context)
        response.MergeFrom(others)
        return response

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        pack = self._pack
        stack = Stack(
            read_resource(item, pack.inputs.get(item.urn), managed=pack.manages(item.urn)) for item in request.resources
        )
        with self._pack.asked_about(stack=stack):
            return self._whole.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(), context)

    def _for_type(self, type_token: str) -> tuple[Any, analyzer_pb2.AnalyzeResponse]:
        """The servicer for the policies that judge a type, None if none does, and what to say for the others."""
        found = self._by_type.get(type_token)
        if found is None:
            found = self._by_type[type_token] = self._make_for_type(type_token)
        return found

    def _make_for_type(self, type_token: str) -> tuple[Any, analyzer_pb2.AnalyzeResponse]:
        judging = self._pack.rules_for(type_token)
        own = [policy for policy in self._arguments[POLICIES] if policy.name in judging]
        # Disabled rules say nothing at all.
        others = analyzer_pb2.AnalyzeResponse(
            not_applicable=[
                analyzer_pb2.PolicyNotApplicable(policy_name=rule.id, reason=rule.scope)
                for rule in self._pack.rules
                if not rule.is_stack_rule and rule.id not in judging and not self._is_disabled(rule.id)
            ]
        )
        if not own:
            return None, others
        servicer = self._servicer(*self._arguments[:POLICIES], own, *self._arguments[POLICIES + 1 :])
        for method, request in self._configured.items():
            getattr(servicer, method)(request, None)
        return servicer, others

    def _is_disabled(self, rule_id: str) -> bool:
        request = self._configured.get("Configure")
        if request is None or rule_id not in request.policyConfig:
            return False
        return request.policyConfig[rule_id].enforcementLevel == cast("int", analyzer_pb2.DISABLED)


def _without_properties(request: Any) -> analyzer_pb2.AnalyzeRequest:
    """The same question without its weight; the rules have the properties already."""
    return analyzer_pb2.AnalyzeRequest(type=request.type, urn=request.urn, name=request.name)
