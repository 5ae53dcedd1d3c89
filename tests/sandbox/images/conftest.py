"""A build context for tests of images that are made without an engine."""

from pathlib import Path

import pytest

from sandbox.images import ImageError, build

FROM = "FROM python:3.13-slim"


class Context:
    """A build context and a folder for images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "context"
        self.folder.mkdir()
        self.state = folder / "state"

    def write(self, name: str, text: str = "x") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def build(self, *lines: str, **build_args: str):
        self.write("Dockerfile", "\n".join(lines) + "\n")
        return build(self.folder, None, build_args, self.state)

    def tree(self, *lines: str, **build_args: str) -> list[str]:
        root = self.build(*lines, **build_args).rootfs
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())

    def refused(self, *lines: str, **build_args: str) -> ImageError:
        with pytest.raises(ImageError) as caught:
            self.build(*lines, **build_args)
        assert not [path for path in (self.state / "images").glob("*") if self.state.exists()]
        return caught.value


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path)
