"""Writing stack files: whole or not at all, with the same mode, and never over somebody else's change."""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from cli.errors import CliError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def read_stack_file(path: Path) -> str:
    """The text of a stack's file, with the line ends that it has.

    Raises:
        CliError: it isn't there, can't be read, or isn't UTF-8.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError as error:
        raise CliError(f"{path.name} does not exist in {path.parent}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{path.name} can't be read: {error}") from error


@contextmanager
def staged(path: Path, *, before: str, after: str) -> Generator[Callable[[], None]]:
    """Write a stack's new text beside its file; what this yields puts it in the file's place.

    Whatever can go wrong with the disk goes wrong at the entry, before the caller changes anything elsewhere. The file
    stays as it was unless the caller puts the new text in place.

    Args:
        path: the stack's file.
        before: its text as the caller read it.
        after: its new text.

    Raises:
        CliError: the folder can't be written, the disk is full, or the file was changed meanwhile.
    """
    final = path.resolve()  # a link stays a link
    try:
        temporary = _write_beside(final, after)
    except OSError as error:
        raise CliError(_explain(path, error)) from error

    def commit() -> None:
        if read_stack_file(final) != before:
            raise CliError(f"Somebody else changed {path.name} meanwhile, so it was left as it is. Run this again.")
        try:
            temporary.replace(final)
        except OSError as error:
            raise CliError(_explain(path, error)) from error
        _sync_folder(final.parent)

    try:
        yield commit
    finally:
        temporary.unlink(missing_ok=True)


def write_stack_file(path: Path, *, before: str, after: str) -> None:
    """Replace a stack's text.

    Raises:
        CliError: the folder can't be written, the disk is full, or the file was changed meanwhile.
    """
    with staged(path, before=before, after=after) as commit:
        commit()


def _write_beside(final: Path, text: str) -> Path:
    # The leading dot keeps it from being taken for a stack's file.
    descriptor, name = tempfile.mkstemp(prefix=f".{final.name}.", dir=final.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), stat.S_IMODE(final.stat().st_mode))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _sync_folder(folder: Path) -> None:
    """Make the new name last; not every file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _explain(path: Path, error: OSError) -> str:
    if error.errno in FULL:
        return (
            f"There is no space left on the disk for {path.name} ({error.strerror}); it is as it was. "
            "Free some space, then run this again."
        )
    if error.errno in _FORBIDDEN:
        return (
            f"{path.name} can't be written ({error.strerror}: {error.filename or path.parent}); it is as it was. "
            "Make its folder writable for you, then run this again."
        )
    return f"{path.name} can't be written: {error}. It is as it was."
