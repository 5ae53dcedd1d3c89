"""The real CLI on the sandbox, with a script in the CLI's place and no server. What these tests can't prove: that the
real engine and provider are content; a workflow runs them on a hosted runner."""

import os
from pathlib import Path
from typing import Any

import pytest

from cli import pulumi_local
from cli.pulumi_cli import sdk_version
from sandbox.docker_engine import DockerEngine
from sandbox.process import Sandbox
from tests.cli.conftest import Slipway
from tests.cli.fake_pulumi import FakePulumi

COMMITTED = "# committed\nconfig:\n  aws:region: eu-west-1\n"


class FakeServer:
    """Stands in for `sandbox.process`: starts nothing."""

    def __init__(self) -> None:
        self.running: Sandbox | None = None
        self.started: list[tuple[Path, int, str]] = []
        self.stopped = 0

    def status(self, _state: Path) -> Sandbox | None:
        return self.running

    def start(self, state: Path, *, port: int, region: str, docker: DockerEngine | None) -> Sandbox:
        assert docker is None, "SLIPWAY_DOCKER is 0"
        self.started.append((state, port, region))
        instance = f"instance-{len(self.started)}"
        self.running = Sandbox(instance=instance, pid=1, port=port, region=region, started_at=0.0)
        return self.running

    def stop(self, _state: Path) -> bool:
        self.stopped += 1
        self.running = None
        return True

    def chosen_port(self) -> int:
        return 4567


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    fake = FakeServer()
    monkeypatch.setattr(pulumi_local, "process", fake)
    return fake


@pytest.fixture
def root(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (project / "Pulumi.local.yaml").write_text(COMMITTED)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "a phrase")
    return project


@pytest.fixture(autouse=True)
def leftovers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr("cli.leftovers.find_leftovers", lambda _client: found)
    return found


def commands(fake: FakePulumi) -> list[list[str]]:
    return [call.arguments[:2] for call in fake.calls]


def test_without_the_cli_it_says_how_to_get_the_version_that_fits(
    root: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(root))
    result = slipway("pulumi", "up")
    assert result.code == 1
    assert "The Pulumi CLI isn't installed here" in result.err
    assert f"curl -fsSL https://get.pulumi.com | sh -s -- --version {sdk_version()}" in result.err


def test_without_a_passphrase_it_names_the_make_target(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    result = slipway("pulumi", "up")
    assert result.code == 1
    assert "make pulumi-up" in result.err
    assert fake_pulumi.calls == []


def test_up_makes_the_stack_once_and_deploys_it(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer
) -> None:
    fake_pulumi.behave(outputs={"apiUrl": "http://api", "apiKeys": {"default": "k"}})
    assert slipway("pulumi", "up", "--expect-no-changes").code == 0
    assert slipway("pulumi", "up").code == 0
    assert commands(fake_pulumi) == [
        ["stack", "init"],
        ["up", "--yes"],
        ["stack", "output"],
        ["up", "--yes"],
        ["stack", "output"],
    ]
    init, first = fake_pulumi.calls[:2]
    config = root / ".slipway" / "pulumi" / "config.yaml"
    assert init.arguments[2:4] == ["local", "--no-select"]
    assert first.arguments == [
        *("up", "--yes", "--stack", "local", "--config-file", str(config)),
        *("--non-interactive", "--color", "never", "--expect-no-changes"),
    ]
    assert first.folder == str(root)
    assert server.started == [(root / ".slipway", 4567, "eu-west-1")]
    assert '"apiUrl": "http://api"' in (root / ".slipway" / "outputs.json").read_text()


def test_up_says_first_that_images_cannot_be_built_here(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(fake_pulumi.folder))
    fake_pulumi.behave(outputs={"apiUrl": "x"})
    assert "Images can't be built" not in slipway("pulumi", "up").err
    (root / "Pulumi.local.yaml").write_text(COMMITTED + "  demo:pipelines: {words: {context: words}}\n")
    result = slipway("pulumi", "up")
    assert result.code == 0
    assert "Images can't be built: no docker command" in result.err


def test_the_committed_stack_file_stays_as_it_is(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer
) -> None:
    slipway("pulumi", "preview")
    assert (root / "Pulumi.local.yaml").read_text() == COMMITTED
    config = (root / ".slipway" / "pulumi" / "config.yaml").read_text()
    assert config == f"encryptionsalt: v1:salt:v1:check\n{COMMITTED}"
    init = fake_pulumi.calls[0]
    assert init.folder == str(root / ".slipway" / "pulumi")
    assert (root / ".slipway" / "pulumi" / "Pulumi.yaml").read_text() == "name: demo\nruntime: python\n"


def test_the_cli_gets_the_sandbox_and_no_account_of_the_user(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "PULUMI_ACCESS_TOKEN", "PULUMI_STACK"):
        monkeypatch.setenv(name, "the user's own")
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("DOCKER_HOST", "unix:///docker.sock")
    slipway("pulumi", "preview")
    for call in fake_pulumi.calls:
        own = {key: value for key, value in call.environment.items() if key.startswith(("AWS_", "PULUMI_"))}
        home = root / ".slipway" / "home"
        assert own == {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4567",
            "AWS_CONFIG_FILE": str(home / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "PULUMI_BACKEND_URL": (root / ".slipway" / "pulumi-state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "a phrase",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        assert call.environment["HTTP_PROXY"] == call.environment["AWS_ENDPOINT_URL"]
        assert call.environment["HOME"] == "/home/someone"
        assert call.environment["DOCKER_HOST"] == "unix:///docker.sock"


def test_a_server_that_holds_something_else_is_replaced_and_old_state_forgotten(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer
) -> None:
    slipway("pulumi", "up")
    state = root / ".slipway" / "pulumi-state" / "old"
    state.write_text("")
    server.running = Sandbox(instance="of-make-up", pid=1, port=1, region="eu-west-1", started_at=0.0)
    slipway("pulumi", "up", "--port", "5000")
    assert not state.exists()
    assert [port for _, port, _ in server.started] == [4567, 5000]
    assert commands(fake_pulumi).count(["stack", "init"]) == 2


def test_a_failed_update_keeps_all_for_a_second_try(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer
) -> None:
    fake_pulumi.behave(codes={"up": 255})
    assert slipway("pulumi", "up").code == 255
    assert not (root / ".slipway" / "outputs.json").exists()
    assert server.stopped == 0
    fake_pulumi.behave(outputs={"apiUrl": "x"})
    assert slipway("pulumi", "up").code == 0


def test_a_stack_that_cannot_be_made_is_an_error(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer
) -> None:
    fake_pulumi.behave(codes={"stack": 1})
    result = slipway("pulumi", "preview")
    assert result.code == 1
    assert "`pulumi stack init` failed" in result.err


def test_down_destroys_looks_for_leftovers_and_ends_the_server(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer
) -> None:
    slipway("pulumi", "up")
    assert slipway("pulumi", "down").code == 0
    assert ["destroy", "--yes"] in commands(fake_pulumi)
    assert server.stopped == 1
    assert not (root / ".slipway" / "pulumi-state").exists()
    assert not (root / ".slipway" / "outputs.json").exists()
    result = slipway("pulumi", "down")
    assert (result.code, "Nothing was running" in result.err) == (0, True)


def test_what_a_destroy_leaves_behind_is_named_and_a_failure(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer, leftovers: list[str]
) -> None:
    slipway("pulumi", "up")
    leftovers.append("bucket forgotten")
    result = slipway("pulumi", "down")
    assert result.code == 1
    assert "Left behind: bucket forgotten" in result.err
    assert server.stopped == 1


def test_a_destroy_that_fails_keeps_the_server(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer
) -> None:
    slipway("pulumi", "up")
    fake_pulumi.behave(codes={"destroy": 255})
    assert slipway("pulumi", "down").code == 255
    assert server.stopped == 0
    assert (root / ".slipway" / "pulumi-state").exists()


@pytest.mark.parametrize("target", ["pulumi-up", "pulumi-preview", "pulumi-down"])
def test_each_make_target_sets_the_passphrase(target: str) -> None:
    makefile = (Path(__file__).parent.parent.parent / "Makefile").read_text()
    (recipe,) = [line for line in makefile.splitlines() if f"slipway pulumi {target.removeprefix('pulumi-')}" in line]
    assert recipe.strip().startswith("@PULUMI_CONFIG_PASSPHRASE=")
    assert f"\n{target}:" in makefile


def test_this_process_keeps_its_own_environment(
    root: Path, slipway: Slipway, fake_pulumi: FakePulumi, server: FakeServer
) -> None:
    before: dict[str, Any] = dict(os.environ)
    slipway("pulumi", "preview")
    assert dict(os.environ) == before


@pytest.mark.parametrize("words", [("up",), ("pulumi", "up")])
@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_number_that_is_no_port_is_wrong_usage(
    slipway: Slipway, project: Path, words: tuple[str, ...], port: str
) -> None:
    result = slipway(*words, "--port", port)
    assert (result.code, f"{port} is not in the range 1<=x<=65535" in result.err) == (2, True)
    assert not (project / ".slipway").exists()
