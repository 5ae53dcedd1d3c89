"""The policy pack in a process of its own, driven as the Pulumi engine does it."""

import time
from collections.abc import Iterator
from dataclasses import replace

from bench.measure import ROOT, Figure, repeat
from bench.projects import committed
from engine.policy_driver import running_pack
from engine.policy_messages import Subject
from engine.policy_subjects import from_registrations
from engine.preview import PreviewProvider
from engine.program import run_program

_PACK = ROOT / "policy"
_RESOURCES = 1000


def figures() -> Iterator[Figure]:
    """Start of the pack, and its verdict on a large stack."""
    yield Figure("policy pack: start", repeat(_start_seconds), "s", "0.4 s")
    subjects = _many_subjects()
    samples = repeat(lambda: _analysis_seconds(subjects, one_by_one=True), 3)
    yield Figure(f"policy pack: {_RESOURCES} resources through all rules", samples, "s", "2.5 s")
    samples = repeat(lambda: _analysis_seconds(subjects, one_by_one=False), 3)
    yield Figure("policy pack: the same, as `slipway preview` asks", samples, "s", "")


def _start_seconds() -> float:
    started = time.perf_counter()
    with running_pack(_PACK) as client:
        client.configure({})
        return time.perf_counter() - started


def _analysis_seconds(subjects: list[Subject], *, one_by_one: bool) -> float:
    """Seconds for all resources and the stack; one by one is how the engine asks."""
    with running_pack(_PACK) as client:
        client.configure({})
        started = time.perf_counter()
        if one_by_one:
            for subject in subjects:
                client.analyze(subject)
        else:
            client.analyze_all(subjects)
        client.analyze_stack(subjects)
        return time.perf_counter() - started


def _many_subjects() -> list[Subject]:
    """The resources of this project's dev stack, over and over under new names."""
    values = committed("dev")
    region = values["aws:region"]
    deployment = run_program(ROOT, "dev", provider=PreviewProvider(region, placeholders=True), preview=True)
    stack = from_registrations(deployment.registrations, region=region)
    many: list[Subject] = []
    while len(many) < _RESOURCES:
        many += [_renamed(subject, len(many) // len(stack)) for subject in stack]
    return many[:_RESOURCES]


def _renamed(subject: Subject, copy: int) -> Subject:
    def other(urn: str) -> str:
        return f"{urn}-{copy}" if urn else urn

    return replace(
        subject,
        urn=other(subject.urn),
        name=other(subject.name),
        parent=other(subject.parent),
        dependencies=[other(urn) for urn in subject.dependencies],
        property_dependencies={
            key: [other(urn) for urn in urns] for key, urns in subject.property_dependencies.items()
        },
    )
