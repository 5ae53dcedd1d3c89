"""Which image each stack was given when, and by whom: the history of the stack files in git."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from cli.errors import CliError
from cli.git import run_git
from cli.registry.documents import mapping
from cli.registry.stacks import StackFile, parse_stack
from cli.stack_files import read_stack_file
from engine.config import Project

_FIELD = "\x1f"
_FORMAT = _FIELD.join(("%H", "%P", "%aN", "%cI", "%s"))


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit that changed a stack's file; None stands for what isn't committed yet."""

    id: str
    parents: Sequence[str]
    author: str
    date: str
    """When it was committed, ISO 8601."""
    subject: str


@dataclass(frozen=True, kw_only=True)
class Release:
    """A change of what a stack runs."""

    stack: str
    pipeline: str
    image: str
    """As the file had it; empty: the stack builds it itself from here on, or the pipeline is gone."""
    tag: str
    what: str
    """`image`, `built here` or `removed`."""
    commit: Commit | None
    """None: not committed."""
    file: StackFile
    """The whole file as it was then: a digest alone means what its registry was."""

    @property
    def digest(self) -> str:
        """The image's digest; empty if there is none."""
        return self.image.rpartition("@")[2]


def releases(root: Path, project: Project, stack: str) -> list[Release]:
    """All changes of a stack's images, the newest first, those that are not committed before all others.

    Raises:
        CliError: there is no git, or the project is not in a repository.
    """
    path = f"Pulumi.{stack}.yaml"
    commits = _commits(root, path)
    wanted = {id_: None for commit in commits for id_ in (commit.id, *commit.parents)}
    texts = dict(zip(wanted, _contents(root, [f"{id_}:./{path}" for id_ in wanted]), strict=True))
    files = {id_: _parsed(project, stack, text) for id_, text in texts.items()}
    found: list[Release] = []
    present = _parsed(project, stack, read_stack_file(root / path)) if (root / path).is_file() else None
    head = _parsed(project, stack, next(_contents(root, [f"HEAD:./{path}"])))
    found += _changes(present, [head], None)
    for commit in commits:
        found += _changes(files[commit.id], [files[parent] for parent in commit.parents], commit)
    return found


def is_shallow(root: Path) -> bool:
    """Whether the clone lacks the older part of its history, as a CI checkout does by default."""
    return _git(root, ["rev-parse", "--is-shallow-repository"]).strip() == "true"


def _changes(after: StackFile | None, before: Sequence[StackFile | None], commit: Commit | None) -> Iterator[Release]:
    """What a commit changed: what none of its parents had. A merge that only takes over a branch changes nothing."""
    if after is None and commit is None:
        return
    names = {name: None for file in (after, *before) if file for name in file.pipelines}
    for name in names:
        image, tag, what = _state(after, name)
        earlier = [_state(file, name) for file in before] or [("", "", "removed")]
        # Until an image is named, a pipeline's coming and going is no release.
        if any(state[:2] == (image, tag) for state in earlier):
            continue
        file = after or next(file for file in before if file)
        yield Release(
            stack=file.name, pipeline=name, image=image, tag=tag if image else "", what=what, commit=commit, file=file
        )


def _state(file: StackFile | None, pipeline: str) -> tuple[str, str, str]:
    if file is None or pipeline not in file.pipelines:
        return "", "", "removed"
    entry = mapping(file.pipelines[pipeline])
    image: object = entry.get("image")
    if not isinstance(image, str):
        return "", "", "built here"
    return image, str(entry.get("imageTag") or ""), "image"


def _parsed(project: Project, stack: str, text: str | None) -> StackFile | None:
    """A file as it was; None where it wasn't there or was no YAML."""
    if text is None:
        return None
    try:
        return parse_stack(project, stack, text)
    except yaml.YAMLError:
        return None


def _commits(root: Path, path: str) -> list[Commit]:
    # Without a commit there is no history, and `git log` would fail.
    if not _git(root, ["rev-list", "--max-count=1", "--all"]).strip():
        return []
    output = _git(root, ["log", "--no-show-signature", "--date-order", "-z", f"--format={_FORMAT}", "HEAD", "--", path])
    found: list[Commit] = []
    for record in output.split("\0"):
        if record:
            id_, parents, author, date, subject = record.split(_FIELD, 4)
            found.append(Commit(id=id_, parents=parents.split(), author=author, date=date, subject=subject))
    return found


def _contents(root: Path, names: Sequence[str]) -> Iterator[str | None]:
    """The texts of `COMMIT:PATH`; None for what isn't there. One process reads them all."""
    if not names:
        return
    raw = _run(root, ["cat-file", "--batch"], "".join(f"{name}\n" for name in names).encode())
    position = 0
    for _ in names:
        end = raw.index(b"\n", position)
        header = raw[position:end].decode(errors="replace").split(" ")
        position = end + 1
        if header[-1] == "missing" or len(header) != 3:
            yield None
            continue
        size = int(header[2])
        yield raw[position : position + size].decode(errors="replace")
        position += size + 1


def _git(root: Path, arguments: Sequence[str]) -> str:
    return _run(root, arguments).decode(errors="replace")


def _run(root: Path, arguments: Sequence[str], given: bytes = b"") -> bytes:
    result = run_git(root, arguments, given)
    if result.returncode == 0:
        return result.stdout
    message = result.stderr.decode(errors="replace").strip()
    if "not a git repository" in message:
        raise CliError(
            f"{root} is not in a git repository; the history of the stack files is the record of releases. "
            "Run this in a clone."
        )
    raise CliError(f"git {arguments[0]} failed: {message}")
