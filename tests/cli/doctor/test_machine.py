"""`slipway doctor` as a command, and what it looks at on the machine itself."""

import json
import platform
from pathlib import Path

import pytest
import yaml

from cli import doctor
from cli.doctor import machine_findings, run_doctor
from cli.doctor_account import Plan
from cli.doctor_finding import Finding, Status
from tests.cli.conftest import Slipway
from tests.cli.doctor.conftest import ROOT, Account
from tests.cli.fake_pulumi import FakePulumi


def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, **docker: int) -> dict[str, Finding]:
    """The checks on a machine of this architecture, with a docker whose commands end with these codes."""
    monkeypatch.setattr(platform, "machine", lambda: name)
    monkeypatch.setattr(doctor, "_BINFMT", tmp_path / "no-emulation")
    script = tmp_path / "docker"
    cases = "".join(f'  {word}) echo "{word} linux/amd64"; exit {code};;\n' for word, code in docker.items())
    script.write_text(f'#!/bin/sh\ncase "$1" in\n{cases}esac\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return {item.check: item for item in machine_findings(builds=True)}


def test_a_machine_with_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_pulumi: FakePulumi) -> None:
    found = machine(monkeypatch, tmp_path, "aarch64", version=0, buildx=0)
    assert {check: item.status for check, item in found.items()} == dict.fromkeys(
        ("pulumi", "docker", "buildx", "arm64"), Status.OK
    )


def test_a_machine_with_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {item.check: item for item in machine_findings(builds=True)}
    assert {check: item.status for check, item in found.items()} == {"pulumi": Status.FAIL, "docker": Status.FAIL}
    assert "get.pulumi.com" in found["pulumi"].advice


def test_docker_without_an_engine_or_buildx(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_pulumi: FakePulumi
) -> None:
    assert machine(monkeypatch, tmp_path, "aarch64", version=1)["docker"].found == "no Docker engine answers"
    assert machine(monkeypatch, tmp_path, "aarch64", version=0, buildx=1)["buildx"].status is Status.WARN


def test_an_x86_machine_needs_emulation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_pulumi: FakePulumi
) -> None:
    assert machine(monkeypatch, tmp_path, "x86_64", version=0, buildx=0)["arm64"].status is Status.FAIL
    (tmp_path / "no-emulation").write_text("enabled")
    found = {item.check: item for item in machine_findings(builds=True)}
    assert found["arm64"].status is Status.OK


def test_docker_is_not_asked_for_where_nothing_is_built(fake_pulumi: FakePulumi) -> None:
    found = {item.check: item for item in machine_findings(builds=False)}
    assert "not needed" in found["docker"].found


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("v3.1.0", Status.FAIL),
        ("v2.999.0", Status.FAIL),
        ("v3.272.9", Status.OK),
        ("v3.300.0", Status.OK),
        ("?", Status.WARN),
    ],
)
def test_the_cli_must_not_be_older_than_the_sdk(fake_pulumi: FakePulumi, version: str, status: Status) -> None:
    fake_pulumi.behave(version=version)
    found = {item.check: item for item in machine_findings(builds=False)}
    assert found["pulumi"].status is status


def small_project(folder: Path, region: str) -> None:
    (folder / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(f"config:\n  {region}\n  demo:pipelines: {{}}\n")


@pytest.mark.parametrize(
    ("line", "word"), [("demo:x: 1", "none"), ("aws:region: eu-centrall-1", "Did you mean eu-central-1?")]
)
def test_a_region_that_is_missing_or_unknown_fails(
    tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch, line: str, word: str
) -> None:
    small_project(tmp_path, line)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    result = slipway("doctor", "--stack", "dev", "--json")
    document = json.loads(result.out)
    assert (result.code, document["ready"]) == (1, False)
    (region,) = [item for item in document["checks"] if item["check"] == "region"]
    assert region["status"] == "fail"
    assert word in f"{region['found']} {region['advice']}"


def test_a_profile_that_does_not_exist_fails(tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, "aws:region: eu-central-1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    result = slipway("doctor", "--json")
    assert (result.code, result.err) == (1, "")
    found = json.loads(result.out)["checks"][-1]
    assert (found["check"], found["status"]) == ("credentials", "fail")
    assert "The config profile (nobodys) could not be found" in found["found"]
    assert "set AWS_PROFILE" in found["advice"]


@pytest.mark.parametrize("pipelines", ["null", "[words]", "words", "{words: }", "{words: [context]}"])
def test_settings_that_are_none_are_left_to_the_program_to_tell_of(tmp_path: Path, pipelines: str) -> None:
    config = yaml.safe_load(f"demo:pipelines: {pipelines}")
    small_project(tmp_path, "x: 1")
    assert doctor.builds_images(tmp_path, config) is False
    assert doctor.builds_images(tmp_path, {"demo:pipelines": {"words": {"context": "words"}}}) is True


def test_the_table_says_what_to_do_and_the_exit_code_whether_a_deployment_would_fail(
    account: Account, plan: Plan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(doctor, "machine_findings", lambda **_arguments: [])
    monkeypatch.setattr(doctor, "make_plan", lambda *_arguments: plan)
    account.answers["GetAccount"] = {}
    assert run_doctor("dev", as_json=False, session=account) == 0
    text = capfd.readouterr().out
    assert "WARN  API log role" in text
    assert "aws apigateway update-account" in text
    assert "Ready for a deployment." in text
    account.answers["DescribeVpcs"] = {"Vpcs": [{}] * 5}
    assert run_doctor("dev", as_json=False, session=account) == 1
    assert "A deployment would fail" in capfd.readouterr().out


def test_the_local_stack_needs_no_doctor(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = slipway("doctor", "--stack", "local")
    assert result.code == 1
    assert "make up" in result.err
