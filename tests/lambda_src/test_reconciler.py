"""The reconciler: which jobs it ends, and which it never touches."""

import re
from typing import Any

import job_names
import pytest
import reconciler

from tests.lambda_src.double import Double, FakeClock

NAME = "wordcount-a-k" + "0" * 24


@pytest.fixture
def handle(double: Double, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(reconciler, "_clients", [double.client("batch")])
    return lambda job: reconciler.handle({"detail": job}, None)


def test_the_oldest_lives_and_the_unfinished_others_end(handle: Any, double: Double, clock: FakeClock) -> None:
    ids: list[str] = []
    for status in ("SUCCEEDED", "RUNNING", "RUNNABLE", "FAILED"):
        ids.append(double.batch.add(NAME, status=status))
        clock.advance(1)
    assert handle(double.batch.jobs[ids[2]]) == {"ended": [ids[1], ids[2]]}
    assert [job for job, _ in double.batch.terminated] == [ids[1], ids[2]]


def test_an_equal_age_is_decided_by_the_id(handle: Any, double: Double) -> None:
    ids = sorted(double.batch.add(NAME) for _ in range(3))
    assert handle(double.batch.jobs[ids[2]]) == {"ended": ids[1:]}


def test_more_than_one_page_of_a_name_is_read(handle: Any, double: Double, clock: FakeClock) -> None:
    double.batch.list_page_size = 2
    ids = []
    for _ in range(5):
        ids.append(double.batch.add(NAME))
        clock.advance(1)
    assert handle(double.batch.jobs[ids[4]]) == {"ended": ids[1:]}


def test_a_single_job_lives(handle: Any, double: Double) -> None:
    assert handle(double.batch.jobs[double.batch.add(NAME)]) == {"ended": []}


@pytest.mark.parametrize(
    ("name", "members"),
    [
        (NAME.upper(), {}),
        (NAME, {"definition": "slipway-dev-other"}),
        (NAME, {"queue": "slipway-prod-jobs"}),
        (NAME[:-1] + "1", {}),
    ],
)
def test_a_job_that_only_looks_the_same_lives(
    handle: Any, double: Double, clock: FakeClock, name: str, members: dict[str, str]
) -> None:
    double.batch.add(name, **members)
    clock.advance(1)
    assert handle(double.batch.jobs[double.batch.add(NAME)]) == {"ended": []}


def test_a_new_revision_of_the_definition_makes_no_other_job(handle: Any, double: Double, clock: FakeClock) -> None:
    older = double.batch.add(NAME)
    double.batch.jobs[older]["jobDefinition"] = re.sub(r":3$", ":2", double.batch.jobs[older]["jobDefinition"])
    clock.advance(1)
    younger = double.batch.add(NAME)
    assert handle(double.batch.jobs[older]) == {"ended": [younger]}


@pytest.mark.parametrize("event", [{}, {"detail": {}}, {"detail": {"jobName": "wordcount-a-r" + "0" * 24}}])
def test_what_has_no_key_is_not_looked_up(
    event: dict[str, Any], double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "_clients", [double.client("batch")])
    assert reconciler.handle(event, None) == {"ended": []}
    assert not double.calls


def test_it_knows_the_names_that_the_function_makes() -> None:
    name = job_names.job_name("wordcount", "a", job_names.keyed_id("record", 1))
    assert reconciler.KEYED_NAME.fullmatch(name)
    assert not reconciler.KEYED_NAME.fullmatch(job_names.job_name("wordcount", "a", job_names.random_id()))


def test_it_calls_what_its_docstring_lists(handle: Any, double: Double, clock: FakeClock) -> None:
    double.batch.add(NAME)
    clock.advance(1)
    handle(double.batch.jobs[double.batch.add(NAME)])
    assert reconciler.__doc__
    assert set(double.calls) == set(re.findall(r"^\| (\w+:\w+) \|", reconciler.__doc__, re.MULTILINE))
