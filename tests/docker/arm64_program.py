"""A small static program for arm64 from the distribution's own packages, without a change to this machine.

apt gets a configuration, lists and a status file of its own: no foreign architecture is added, nothing is installed,
and nobody needs to be root.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PACKAGE: Final = "busybox-static"
_PROGRAM: Final = Path("bin/busybox")
_SECONDS: Final = 180
_UBUNTU_PORTS: Final = "http://ports.ubuntu.com/ubuntu-ports"
"""Ubuntu has arm64 on another server than amd64."""
_CONFIGURATION: Final = """\
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; }};
APT::Update::Post-Invoke "";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
Dir::State "{folder}";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/no-more";
"""


class NotAvailableError(Exception):
    """The program can't be had here; the text says why, in one line."""


def fetch(folder: Path) -> Path:
    """Download and unpack the program; its path.

    Args:
        folder: an empty one for apt's files.

    Raises:
        NotAvailableError: this isn't Debian or Ubuntu, or its mirror can't be reached.
    """
    for command in ("apt-get", "dpkg-deb"):
        if shutil.which(command) is None:
            raise NotAvailableError(f"{command} isn't there: the test's program is a package of Debian or Ubuntu")
    source = _source(_release(Path("/etc/os-release")))
    for name in ("lists/partial", "cache/archives/partial", "no-more"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(source)
    configuration = folder / "apt.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder))
    environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"}
    _run(["apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update"], folder, environment)
    _run(["apt-get", "-qq", "download", PACKAGE], folder, environment)
    (package,) = folder.glob("*.deb")
    _run(["dpkg-deb", "--extract", package.name, "unpacked"], folder, environment)
    program = folder / "unpacked" / _PROGRAM
    return program if program.exists() else folder / "unpacked" / "usr" / _PROGRAM


def _release(file: Path) -> dict[str, str]:
    lines = file.read_text().splitlines() if file.is_file() else []
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def _source(release: Mapping[str, str]) -> str:
    """A line of sources.list for the release's main component, from the mirror that this machine uses."""
    system, codename = release.get("ID", ""), release.get("VERSION_CODENAME", "")
    if system == "ubuntu":
        return f"deb [signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg] {_UBUNTU_PORTS} {codename} main\n"
    if system == "debian":
        keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
        return f"deb [signed-by={keys}] {_mirror(codename)} {codename} main\n"
    raise NotAvailableError(f"{release.get('PRETTY_NAME', 'This system')} is neither Debian nor Ubuntu")


def _mirror(codename: str) -> str:
    listing = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    done = subprocess.run(listing, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603 - our own words
    for line in done.stdout.splitlines():
        site, found, component = line.split(" ")
        if (found, component) == (codename, "main"):
            return site
    raise NotAvailableError(f"apt's sources name no mirror of {codename} main")


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NotAvailableError(f"`{' '.join(command)}` failed: {reason}")
