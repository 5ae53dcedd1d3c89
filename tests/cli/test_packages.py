"""The command finds all that it imports when it is run from anywhere, not only from the project's folder."""

import tomllib

import pytest

from tests.components.test_contracts import OURS, ROOT, imports


@pytest.mark.parametrize("folder", ["cli", "engine", "sandbox"])
def test_what_the_command_imports_is_installed_with_it(folder: str) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = set(settings["tool"]["setuptools"]["packages"])
    for path in (ROOT / folder).rglob("*.py"):
        assert imports(path) & OURS <= installed, path
