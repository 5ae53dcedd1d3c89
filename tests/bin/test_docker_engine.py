"""bin/docker-engine: what it says, starts and ends. Scripts stand for docker and dockerd."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bin" / "docker-engine"
TOOLS = (
    *("cat", "cut", "dirname", "grep", "mkdir", "mktemp", "rm", "sed", "setsid", "sh", "sleep", "tail", "tar"),
    *("timeout", "touch", "tr", "umount", "uname"),
)
ARM64_ENTRY = "enabled\ninterpreter /qemu\nflags: OCF\noffset 0\nmagic 7f454c460201010000000000000000000200b700\n"
# Answers where its engine's socket is, but for none that this machine has; what it is asked to run starts unless there
# is a file `refused`.
DOCKER = """#!/bin/sh
case $1 in
  version) [ "$DOCKER_HOST" != unix:///var/run/docker.sock ] && [ -e "${DOCKER_HOST#unix://}" ] ;;
  run) [ ! -e "$0.refused" ] || { echo "operation not permitted" >&2; exit 125; } ;;
esac
"""
DOCKERD = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in --host) host=${2#unix://} ;; --pidfile) pid=$2 ;; esac
  shift
done
if [ -e "$0.broken" ]; then
  echo 'time="2026-01-01T00:00:00Z" level=info msg="Starting up"'
  echo 'failed to start daemon: devices cgroup is not mounted'
  exit 1
fi
echo $$ >"$pid"
: >"$host"
trap 'exit 0' TERM
while :; do sleep 0.05; done
"""


class Machine:
    """A path with nothing but what a test puts there, and a kernel's list of interpreters."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "path"
        self.binfmt = folder / "binfmt"
        self.state = folder / "state"
        self.path.mkdir()
        self.binfmt.mkdir()
        for name in TOOLS:
            found = shutil.which(name)
            assert found is not None, name
            (self.path / name).symlink_to(found)
        self.has(id="#!/bin/sh\necho 0\n")

    def has(self, **programs: str) -> None:
        for name, text in programs.items():
            file = self.path / name.replace("_", "-")
            file.write_text(text)
            file.chmod(0o755)

    def emulates(self, flags: str = "OCF") -> None:
        (self.binfmt / "qemu-aarch64").write_text(ARM64_ENTRY.replace("OCF", flags))

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.path), "SLIPWAY_BINFMT": str(self.binfmt), **variables}
        return subprocess.run(  # noqa: S603 - our own script
            [SCRIPT, *words], env=environment, capture_output=True, text=True, timeout=60
        )

    def start(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("start", str(self.state), **variables)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def refusal(result: subprocess.CompletedProcess[str]) -> str:
    """The one line that says what is missing."""
    assert (result.returncode, result.stdout) == (69, "")
    (line,) = result.stderr.splitlines()
    return line.removeprefix("docker-engine: ")


NOTHING = "no Docker engine (docker, dockerd), no emulation of arm64 (qemu-aarch64). Get it: "


def test_all_that_is_missing_is_said_in_one_line_with_the_command_to_get_it(machine: Machine) -> None:
    machine.has(apt_get="")
    assert refusal(machine.start()) == f"{NOTHING}apt-get install docker.io qemu-user-static"


def test_who_is_not_root_is_told_to_become_it(machine: Machine) -> None:
    machine.has(apt_get="", id="#!/bin/sh\necho 1000\n")
    assert refusal(machine.start()) == f"{NOTHING}sudo apt-get install docker.io qemu-user-static"


def test_a_system_without_apt_is_not_told_to_use_it(machine: Machine) -> None:
    assert refusal(machine.start()).endswith(
        "Get it: install Docker Engine and qemu-user-static with this system's package manager"
    )


@pytest.mark.parametrize("flags", ["", "OC"])
def test_an_interpreter_that_containers_cannot_see_is_none(machine: Machine, flags: str) -> None:
    machine.has(docker=DOCKER, dockerd=DOCKERD, apt_get="")
    if flags:
        machine.emulates(flags)
    assert refusal(machine.start()).startswith("no emulation of arm64 (qemu-aarch64). Get it: apt-get install ")


def test_only_root_starts_an_engine(machine: Machine) -> None:
    machine.has(docker=DOCKER, id="#!/bin/sh\necho 1000\n")
    machine.emulates()
    assert refusal(machine.start(DOCKER_HOST=f"unix://{machine.state}/none")) == (
        "no Docker engine answers, and only root may start one. Start Docker, or: sudo bin/docker-engine start"
    )


def test_only_root_registers_an_interpreter(machine: Machine, tmp_path: Path) -> None:
    machine.has(docker=DOCKER, id="#!/bin/sh\necho 1000\n", qemu_aarch64_static="")
    (tmp_path / "socket").touch()
    assert refusal(machine.start(DOCKER_HOST=f"unix://{tmp_path}/socket")) == (
        "the emulation of arm64 isn't registered, and only root may do it. Run: sudo bin/docker-engine start"
    )


def test_an_engine_that_answers_is_used_and_stays(machine: Machine, tmp_path: Path) -> None:
    machine.has(docker=DOCKER)
    machine.emulates()
    host = f"unix://{tmp_path}/socket"
    (tmp_path / "socket").touch()
    assert machine.start(DOCKER_HOST=host).stdout == f"{host}\n"
    assert list(machine.state.iterdir()) == []
    assert machine.run("stop", str(machine.state)).stdout == "Nothing was running.\n"


def test_an_engine_is_started_once_and_ended(machine: Machine) -> None:
    machine.has(docker=DOCKER, dockerd=DOCKERD)
    machine.emulates()
    host = machine.start().stdout.strip()
    socket = Path(host.removeprefix("unix://"))
    pid = (socket.parent / "pid").read_text().strip()
    assert machine.start().stdout.strip() == host
    assert (machine.state / "host").read_text().strip() == host

    assert machine.run("stop", str(machine.state)).stdout == "The engine has ended.\n"

    assert not Path("/proc", pid).exists()
    assert not socket.parent.exists()
    assert sorted(path.name for path in machine.state.iterdir()) == ["log"]


def test_an_interpreter_is_registered_and_taken_back(machine: Machine, tmp_path: Path) -> None:
    machine.has(docker=DOCKER, qemu_aarch64_static="")
    (machine.binfmt / "register").touch()
    (tmp_path / "socket").touch()
    assert machine.start(DOCKER_HOST=f"unix://{tmp_path}/socket").returncode == 0
    line = (machine.binfmt / "register").read_text()
    assert line.startswith(":slipway-arm64:M::\\x7fELF\\x02\\x01\\x01\\x00")
    assert line.endswith(f":{machine.path}/qemu-aarch64-static:OCF")
    (machine.binfmt / "slipway-arm64").write_text(ARM64_ENTRY)
    machine.run("stop", str(machine.state))
    assert (machine.binfmt / "slipway-arm64").read_text() == "-1\n"
    assert list(machine.state.iterdir()) == []


def test_an_engine_that_cannot_start_gives_its_reason_and_leaves_nothing(machine: Machine) -> None:
    machine.has(docker=DOCKER, dockerd=DOCKERD, dockerd_broken="")
    (machine.path / "dockerd-broken").rename(machine.path / "dockerd.broken")
    machine.emulates()
    assert refusal(machine.start()) == (
        "dockerd can't run on this machine: failed to start daemon: devices cgroup is not mounted. "
        "Use another machine, or start Docker yourself"
    )
    assert sorted(path.name for path in machine.state.iterdir()) == ["log"]


def test_an_engine_that_starts_no_container_is_ended(machine: Machine) -> None:
    machine.has(docker=DOCKER, dockerd=DOCKERD, docker_init="")
    (machine.path / "docker.refused").touch()
    machine.emulates()
    assert refusal(machine.start()) == (
        "dockerd runs, but this machine lets it start no container: operation not permitted"
    )
    assert not (machine.state / "runtime").exists()
    assert f"--data-root {machine.state}" not in commands()


def test_a_process_that_has_the_number_now_is_left_alone(machine: Machine) -> None:
    runtime = machine.state / "gone"
    runtime.mkdir(parents=True)
    (machine.state / "runtime").write_text(f"{runtime}\n")
    (runtime / "pid").write_text(str(os.getpid()))
    assert machine.run("stop", str(machine.state)).stdout == "Nothing was running.\n"
    assert not runtime.exists()


@pytest.mark.parametrize("code", [0, 3])
def test_run_gives_the_commands_exit_code_and_ends_the_engine(machine: Machine, tmp_path: Path, code: int) -> None:
    machine.has(docker=DOCKER, dockerd=DOCKERD)
    machine.emulates()
    result = machine.run("run", "sh", "-c", f'echo "$DOCKER_HOST"; exit {code}', TMPDIR=str(tmp_path))
    assert result.returncode == code
    assert result.stdout.startswith("unix:///tmp/slipway-docker.")
    assert not Path(result.stdout.strip().removeprefix("unix://")).parent.exists()
    assert not list(tmp_path.glob("slipway-engine.*"))


def test_run_does_not_run_without_an_engine(machine: Machine, tmp_path: Path) -> None:
    result = machine.run("run", "sh", "-c", "echo it ran", TMPDIR=str(tmp_path))
    assert refusal(result).startswith("no Docker engine")


@pytest.mark.parametrize("verb", [(), ("restart",)])
def test_anything_else_is_wrong_usage(machine: Machine, verb: tuple[str, ...]) -> None:
    result = machine.run(*verb)
    assert result.returncode == 2
    assert result.stderr.startswith("usage: bin/docker-engine start")


def test_install_gets_only_what_is_missing(machine: Machine, tmp_path: Path) -> None:
    machine.has(docker=DOCKER, dockerd=DOCKERD, apt_get=f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n')
    assert machine.run("install").returncode == 0
    assert (tmp_path / "asked").read_text().splitlines() == [
        "update -qq",
        "install -y -qq --no-install-recommends qemu-user-static",
    ]


def commands() -> str:
    """The command lines of all processes."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text(errors="replace").replace("\0", " "))
    return "\n".join(found)
