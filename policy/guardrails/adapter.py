"""The rules as policies of the policy SDK: this module and `server` are the only ones that know it."""

import contextlib
import datetime
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, cast

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

from .resources import Resource, Stack, kind_of
from .rules import Exempted, NotApplicable, NotYetKnown, Outcome, Rule, Violation, judge, message, not_yet_known
from .values import plain
from .wire import completed


class OpenVerdictError(UnknownValueError):
    """Tells the SDK that a rule can't decide yet: it reports that as an advisory, beside the violations."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__(UNKNOWN_STRING_VALUE, [])
        self.message = "; ".join(findings)


class Pack:
    """The policies of a pack, and what they share: what the engine is asking about, and the inputs seen so far."""

    def __init__(self, rules: Sequence[Rule], today: datetime.date | None = None) -> None:
        self.rules = rules
        self.inputs: dict[str, Mapping[str, object]] = {}
        """URN -> properties that came with the resource; rules about the stack need them, see `wire.read_resource`."""
        self._today = today
        self._asked = threading.local()

    @contextlib.contextmanager
    def asked_about(self, *, resource: Resource | None = None, stack: Stack | None = None) -> Generator[None]:
        """Within it the rules judge what was read from the message, not what the SDK made of it."""
        self._asked.resource, self._asked.stack = resource, stack
        try:
            yield
        finally:
            self._asked.resource = self._asked.stack = None

    def policies(self) -> list[Policy]:
        """One policy a rule, named by its id."""
        return [self._stack_policy(rule) if rule.is_stack_rule else self._resource_policy(rule) for rule in self.rules]

    def rules_for(self, type_token: str) -> frozenset[str]:
        """Ids of the rules about single resources that judge a type."""
        kind = kind_of(type_token)
        return frozenset(rule.id for rule in self.rules if not rule.is_stack_rule and rule.judges(kind))

    def manages(self, urn: str) -> bool:
        """Whether the stack manages a resource: those that a program only reads come with the stack alone."""
        return not self.inputs or urn in self.inputs

    def now(self) -> datetime.date:
        return self._today or datetime.datetime.now(datetime.UTC).date()

    def _resource_policy(self, rule: Rule) -> Policy:
        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            resource: Resource = getattr(self._asked, "resource", None) or self._resource_of(args)
            outcomes = judge(rule, resource, config=args.get_config(), today=self.now())
            _answer(rule, [(resource, outcomes)], report, args)

        return ResourceValidationPolicy(validate=validate, **_metadata(rule))

    def _stack_policy(self, rule: Rule) -> Policy:
        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            stack: Stack = getattr(self._asked, "stack", None) or self._stack_of(args)
            config, today = args.get_config(), self.now()
            subjects = [resource for resource in stack.resources if rule.judges(resource.kind)]
            judged = [(item, judge(rule, item, stack=stack, config=config, today=today)) for item in subjects]
            _answer(rule, judged, report, args)

        return StackValidationPolicy(validate=validate, **_metadata(rule))

    def _resource_of(self, args: ResourceValidationArgs) -> Resource:
        properties = _object(args.props)
        self.inputs[args.urn] = properties
        return Resource(
            urn=args.urn,
            type=args.resource_type,
            name=args.name,
            properties=properties,
            protect=bool(args.opts.protect),
            parent=args.opts.parent or "",
            provider=_object(args.provider.props) if args.provider else {},
        )

    def _stack_of(self, args: StackValidationArgs) -> Stack:
        return Stack(
            Resource(
                urn=item.urn,
                type=item.resource_type,
                name=item.name,
                properties=completed(_object(item.props), self.inputs.get(item.urn)),
                protect=bool(item.opts.protect),
                parent=item.parent.urn if item.parent else (item.opts.parent or ""),
                dependencies=_urns(item.dependencies),
                property_dependencies={key: _urns(items) for key, items in item.property_dependencies.items()},
                provider=_object(item.provider.props) if item.provider else {},
                managed=self.manages(item.urn),
            )
            for item in args.resources
        )


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
    # A rule that passed for one resource of the stack did apply.
    if violations or any(not found for _, found in judged):
        return
    reasons = [_reason(outcome) for _, outcome in outcomes] or [rule.scope]
    args.not_applicable("; ".join(dict.fromkeys(reasons)))


def _reason(outcome: Outcome) -> str:
    match outcome:
        case NotApplicable():
            return outcome.reason
        case Exempted():
            until = f" until {outcome.exemption.until}" if outcome.exemption.until else ""
            return f"exempted{until}: {outcome.exemption.reason}"
        case _:
            return ""
