"""The rules as policies of the policy SDK: the only module that knows it."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from .resources import Resource, Stack
from .rules import Exempted, NotApplicable, NotYetKnown, Outcome, Rule, Violation, judge, message, not_yet_known
from .values import Unknown, plain

_NO_RELATIONS: Final[Mapping[str, frozenset[str]]] = {}


class OpenVerdictError(UnknownValueError):
    """Tells the SDK that a rule can't decide yet: it reports that as an advisory, beside the violations."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__(UNKNOWN_STRING_VALUE, [])
        self.message = "; ".join(findings)


class Pack:
    """The policies of a pack and what they share: the inputs seen so far and the index of the stack."""

    def __init__(self, rules: Sequence[Rule], today: datetime.date | None = None) -> None:
        self._rules = rules
        self._today = today
        self._inputs: dict[str, Mapping[str, object]] = {}
        self._resource: tuple[object, Resource] | None = None
        self._stack: tuple[object, Stack] | None = None

    def policies(self) -> list[Policy]:
        """One policy a rule, named by its id."""
        return [self._stack_policy(rule) if rule.is_stack_rule else self._resource_policy(rule) for rule in self._rules]

    def _now(self) -> datetime.date:
        return self._today or datetime.datetime.now(datetime.UTC).date()

    def _resource_policy(self, rule: Rule) -> Policy:
        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            resource = self._resource_of(args)
            outcomes = judge(rule, resource, config=args.get_config(), today=self._now())
            _answer(rule, [(resource, outcomes)], report, args)

        return ResourceValidationPolicy(validate=validate, **_metadata(rule))

    def _stack_policy(self, rule: Rule) -> Policy:
        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            stack = self._stack_of(args)
            config, today = args.get_config(), self._now()
            subjects = [resource for resource in stack.resources if rule.judges(resource.kind)]
            _answer(
                rule,
                [(subject, judge(rule, subject, stack=stack, config=config, today=today)) for subject in subjects],
                report,
                args,
            )

        return StackValidationPolicy(validate=validate, **_metadata(rule))

    def _resource_of(self, args: ResourceValidationArgs) -> Resource:
        """The resource that the engine asks about, converted once for all rules."""
        last = self._resource
        if last is None or last[0] is not args.props:
            properties = _object(args.props)
            self._inputs[args.urn] = properties
            resource = Resource(
                urn=args.urn,
                type=args.resource_type,
                name=args.name,
                properties=properties,
                protect=bool(args.opts.protect),
                parent=args.opts.parent or "",
                provider=_object(args.provider.props) if args.provider else {},
            )
            last = self._resource = (args.props, resource)
        return last[1]

    def _stack_of(self, args: StackValidationArgs) -> Stack:
        """The index of the stack, built once for all rules.

        In a first preview the state of a resource can lack an input that has something unknown inside. The inputs that
        the engine sent before, with each resource, say what was really left out.
        """
        mark = args.resources[0].props if args.resources else None
        last = self._stack
        if last is None or mark is None or last[0] is not mark:
            resources = [
                Resource(
                    urn=item.urn,
                    type=item.resource_type,
                    name=item.name,
                    properties=merged(_object(item.props), self._inputs.get(item.urn, {})),
                    protect=bool(item.opts.protect),
                    parent=item.parent.urn if item.parent else (item.opts.parent or ""),
                    dependencies=_urns(item.dependencies),
                    property_dependencies={key: _urns(items) for key, items in item.property_dependencies.items()},
                    provider=_object(item.provider.props) if item.provider else {},
                )
                for item in args.resources
            ]
            last = self._stack = (mark, Stack(resources))
        return last[1]


def merged(state: Mapping[str, object], inputs: Mapping[str, object]) -> dict[str, object]:
    """A resource's state, completed by its inputs where the state lacks them or doesn't know them."""
    result = dict(state)
    for key, value in inputs.items():
        present = result.get(key)
        if present is None or (isinstance(present, Unknown) and not isinstance(value, Unknown)):
            result[key] = value
    return result


def _object(properties: object) -> dict[str, object]:
    value = plain(properties)
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _urns(resources: Iterable[Any]) -> frozenset[str]:
    return frozenset(resource.urn for resource in resources)


def _metadata(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.id,
        "description": rule.description,
        "display_name": rule.title,
        "enforcement_level": EnforcementLevel(rule.level.value),
        "severity": Severity(rule.severity.value),
        "remediation_steps": rule.fix,
        "url": rule.link,
        "config_schema": PolicyConfigSchema(properties={key: dict(item) for key, item in rule.full_schema.items()}),
    }


def _answer(
    rule: Rule,
    judged: Sequence[tuple[Resource, Sequence[Outcome]]],
    report: ReportViolation,
    args: ResourceValidationArgs | StackValidationArgs,
) -> None:
    """Report the violations; then say what is open, or why there is nothing to say, in the SDK's own ways."""
    outcomes = [(resource, outcome) for resource, found in judged for outcome in found]
    violations = [(resource, outcome) for resource, outcome in outcomes if isinstance(outcome, Violation)]
    for resource, violation in violations:
        report(message(rule, resource, violation), resource.urn)
    if opened := [not_yet_known(resource, item) for resource, item in outcomes if isinstance(item, NotYetKnown)]:
        raise OpenVerdictError(opened)
    if violations:
        return
    reasons = [_reason(outcome) for _, outcome in outcomes]
    # A rule that passed for one resource of the stack did apply.
    passed = any(not found for _, found in judged)
    if reasons and not passed:
        args.not_applicable("; ".join(dict.fromkeys(reasons)))
    if not judged:
        args.not_applicable(rule.scope)


def _reason(outcome: Outcome) -> str:
    match outcome:
        case NotApplicable():
            return outcome.reason
        case Exempted():
            until = f" until {outcome.exemption.until}" if outcome.exemption.until else ""
            return f"exempted{until}: {outcome.exemption.reason}"
        case _:
            return ""
