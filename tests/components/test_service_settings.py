"""The settings of services: sizes that Fargate has, and no port that nobody or everybody reaches."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.components.stack import Parse, Problems

Check = Callable[[dict[str, Any]], tuple[str, ...]]


@pytest.fixture
def refused(problems: Problems) -> Check:
    def run(entry: dict[str, Any]) -> tuple[str, ...]:
        return problems({"services": {"front": {"pipeline": "sample", **entry}}})

    return run


def test_a_stack_has_no_services_unless_it_names_one(parse: Parse) -> None:
    assert parse().services == ()


def test_defaults(parse: Parse) -> None:
    (found,) = parse({"services": {"front": {"pipeline": "sample"}}}).services
    assert (found.name, found.pipeline) == ("front", "sample")
    assert (found.vcpus, found.memory_mib, found.desired_count) == (0.25, 512, 1)
    assert (found.command, found.environment) == ((), {})
    assert (found.port, found.sources, found.spot) == (None, (), False)


def test_all_that_can_be_set(parse: Parse) -> None:
    entry = {
        "pipeline": "sample",
        "vcpus": 2,
        "memoryMib": 5120,
        "desiredCount": 0,
        "command": ["serve"],
        "environment": {"A": "x"},
        "port": 8080,
        "sources": ["10.0.0.0/16", "192.0.2.7/32"],
        "spot": True,
    }
    (found,) = parse({"services": {"front": entry}}).services
    assert (found.vcpus, found.memory_mib, found.desired_count) == (2, 5120, 0)
    assert (found.command, found.environment) == (("serve",), {"A": "x"})
    assert (found.port, found.sources, found.spot) == (8080, ("10.0.0.0/16", "192.0.2.7/32"), True)


def test_a_service_is_not_bounded_by_what_all_jobs_may_have(parse: Parse) -> None:
    entry = {"pipeline": "sample", "vcpus": 2, "memoryMib": 4096}
    (found,) = parse({"maxVcpus": 1, "services": {"front": entry}}).services
    assert found.vcpus == 2


@pytest.mark.parametrize(
    ("entry", "key", "expected"),
    [
        ({"pipeline": "other"}, "pipeline", "the name of a pipeline of this stack (sample)"),
        ({"vcpus": 3}, "vcpus", "a vCPU size of Fargate: 0.25, 0.5, 1, 2, 4, 8, 16"),
        ({"memoryMib": 4096}, "memoryMib", "goes with 0.25 vCPU: 512, 1024 or 2048"),
        ({"vcpus": 1}, "memoryMib", "2048 to 8192 in steps of 1024"),
        ({"desiredCount": -1}, "desiredCount", "a whole number of tasks from 0 to 5000"),
        ({"desiredCount": 5001}, "desiredCount", "a whole number of tasks from 0 to 5000"),
        ({"command": "serve"}, "command", "a list of strings"),
        ({"environment": {"1A": "x"}}, "environment.1A", "no digit first"),
        ({"environment": {"A": 1}}, "environment.A", "a string (quote numbers and booleans)"),
        ({"spot": 1}, "spot", "true or false"),
        ({"port": 8080}, "sources", "the ranges that may connect to the port"),
        ({"port": 8080, "sources": []}, "sources", "the ranges that may connect to the port"),
        ({"sources": ["10.0.0.0/16"]}, "port", "the port that `sources` may connect to"),
        ({"port": 0, "sources": ["10.0.0.0/16"]}, "port", "a whole number from 1 to 65535"),
        ({"port": 65_536, "sources": ["10.0.0.0/16"]}, "port", "a whole number from 1 to 65535"),
        ({"port": 80, "sources": ["0.0.0.0/0"]}, "sources", "none of them the whole world"),
        ({"port": 80, "sources": ["10.0.0.1/16"]}, "sources", "a list of IPv4 ranges"),
        ({"port": 80, "sources": ["10.0.0.1"]}, "sources", "a list of IPv4 ranges"),
        ({"port": 80, "sources": ["10.0.0.0/255.0.0.0"]}, "sources", "a list of IPv4 ranges"),
        ({"port": 80, "sources": ["::/0"]}, "sources", "a list of IPv4 ranges"),
        ({"port": 80, "sources": ["10.0.0.0/16", "10.0.0.0/16"]}, "sources", "each once"),
        ({"port": 80, "sources": "10.0.0.0/16"}, "sources", "a list of strings"),
        ({"desired": 2}, "desired", "did you mean desiredCount?"),
    ],
)
def test_a_wrong_value_is_refused(refused: Check, entry: dict[str, Any], key: str, expected: str) -> None:
    (text,) = refused(entry)
    assert text.startswith(f"slipway:services.front.{key}: ")
    assert expected in text


def test_a_name_that_aws_would_refuse_is_refused(problems: Problems) -> None:
    (text,) = problems({"services": {"front_end": {"pipeline": "sample"}}})
    assert 'rename it to "front-end"' in text
