"""`slipway releases`: who gave which image to which stack, and when."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cli.console import answer, print_json, print_table, progress
from cli.project import find_root
from cli.registry.history import Release, is_shallow, releases
from cli.registry.stacks import load_stack
from engine.config import load_project

_COLUMNS: Final = ("WHEN", "STACK", "PIPELINE", "DIGEST", "TAG", "WHO", "COMMIT", "SUBJECT")
_SHORT_DIGEST: Final = 19
"""`sha256:` and 12 digits."""
_SHORT_COMMIT: Final = 10
_NOT_COMMITTED: Final = "not committed"


def run_releases(pipeline: str | None, stack: str | None, *, as_json: bool) -> None:
    """Print the changes of images in the stack files, the newest first.

    Raises:
        CliError: there is no git, no such stack or pipeline.
    """
    root = find_root()
    found = all_releases(root, pipeline, stack)
    if as_json:
        print_json([document(release) for release in found])
        return
    if found:
        print_table(_COLUMNS, [_row(release) for release in found], prose=["SUBJECT"])
    else:
        answer.print("No stack's file has ever named an image: slipway promote --help")
    if is_shallow(root):
        progress.print("This clone has only a part of its history: git fetch --unshallow")


def all_releases(root: Path, pipeline: str | None, stack: str | None) -> list[Release]:
    """The releases of one stack or all, of one pipeline or all."""
    project = load_project(root)
    if stack is not None:
        load_stack(root, stack)
    found = [
        release
        for name in ([stack] if stack else project.stacks)
        for release in releases(root, project, name)
        if pipeline in (None, release.pipeline)
    ]
    if pipeline is not None and not found:
        for name in [stack] if stack else project.stacks:
            if pipeline in load_stack(root, name).pipelines:
                break
        else:
            load_stack(root, stack or project.stacks[0], pipeline)
    # Each stack's own are in their order already; a stable sort keeps what was committed in one second so.
    return sorted(found, key=lambda release: (release.commit is None, _instant(release)), reverse=True)


def document(release: Release) -> dict[str, Any]:
    """A release for programs."""
    commit = release.commit
    return {
        "stack": release.stack,
        "pipeline": release.pipeline,
        "what": release.what,
        "image": release.image or None,
        "digest": release.digest or None,
        "tag": release.tag or None,
        "committed": commit is not None,
        "commit": commit.id if commit else None,
        "author": commit.author if commit else None,
        "date": commit.date if commit else None,
        "subject": commit.subject if commit else None,
    }


def _instant(release: Release) -> float:
    return datetime.fromisoformat(release.commit.date).timestamp() if release.commit else 0.0


def _row(release: Release) -> tuple[str, ...]:
    commit = release.commit
    return (
        commit.date[:16].replace("T", " ") if commit else _NOT_COMMITTED,
        release.stack,
        release.pipeline,
        release.digest[:_SHORT_DIGEST] if release.image else f"({release.what})",
        release.tag,
        commit.author if commit else "",
        commit.id[:_SHORT_COMMIT] if commit else "",
        commit.subject if commit else "",
    )
