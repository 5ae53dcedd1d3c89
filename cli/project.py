"""The project that the command line works on."""

from pathlib import Path

from cli.errors import CliError

STATE_FOLDER = ".slipway"
"""Folder in the project, ignored by git, with all that the sandbox keeps."""


def find_root(start: Path | None = None) -> Path:
    """The nearest folder with a `Pulumi.yaml`, from `start` (default: the working directory) upwards.

    Raises:
        CliError: there is none.
    """
    folder = (start or Path.cwd()).resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / "Pulumi.yaml").is_file():
            return candidate
    raise CliError(f"No Pulumi.yaml in {folder} or above it. Run slipway in the folder of the project.")


def state_folder(root: Path) -> Path:
    """The sandbox's folder of a project."""
    return root / STATE_FOLDER
