"""The project's git repository, in which the history of the stack files is."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cli.errors import CliError


def run_git(root: Path, arguments: Sequence[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run git to its end in the project's folder, whatever its exit code.

    Raises:
        CliError: git isn't installed.
    """
    git = shutil.which("git")
    if git is None:
        raise CliError("The answer is in the history of the stack files, and git isn't installed here.")
    return subprocess.run([git, *arguments], cwd=root, input=given, capture_output=True, check=False)  # noqa: S603 - no shell
