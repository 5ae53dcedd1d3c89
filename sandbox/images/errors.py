"""What the sandbox can't honour in a Dockerfile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A line of a Dockerfile."""

    file: Path
    line: int
    """From 1; 0 for the file as a whole."""
    text: str


class ImageError(Exception):
    """An image can't be made. The text names file, line, what is wrong and what to do about it."""

    def __init__(self, place: Place, problem: str, remedy: str) -> None:
        where = f"{place.file}:{place.line}: {place.text}" if place.line else str(place.file)
        super().__init__(f"{where}\n  {problem} {remedy}")
        self.place = place
        self.problem = problem
        self.remedy = remedy
