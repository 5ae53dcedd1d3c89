"""`slipway images`: what lies in a stack's repositories, what it costs, and what runs where."""

import datetime
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli.console import answer, print_json, print_table, progress, size_text
from cli.errors import CliError
from cli.outputs import LOCAL_STACK, stack_exports
from cli.project import find_root
from cli.registry.client import Manifest, Repository, open_repository
from cli.registry.documents import items, mapping
from cli.registry.platforms import content_of
from cli.registry.stacks import ImageReference, StackFile, check_pipeline, exported_image, load_stack
from engine.config import load_project

FREE_BYTES: Final = 500 * 1000 * 1000
"""A month, of all private repositories of an account together, in the first twelve months of an account that was
opened before 2025-07-15; later ones have credits instead [Amazon ECR pricing; AWS Free Tier]."""
DOLLARS_PER_GB_MONTH: Final = 0.10
"""[Amazon ECR pricing, "Storage"]."""
_GB: Final = 1000**3
_THREADS: Final = 8
_SHORT_DIGEST: Final = 19
_COLUMNS: Final = ("DIGEST", "TAGS", "PLATFORM", "AGE", "SIZE", "RUNS IN")


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """One image, index or artifact."""

    digest: str
    tags: Sequence[str]
    platform: str
    pushed_at: datetime.datetime
    size_bytes: int
    """Of all its layers; those that several images share are stored once."""
    used_by: Sequence[str]
    """`staging (file)`, `dev (running)` or `prod` for both."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A repository."""

    pipeline: str
    repository: str
    images: Sequence[StoredImage]
    """The newest first."""
    stored_bytes: int
    """Each layer once."""


def run_images(pipeline: str | None, stack: str, *, as_json: bool) -> None:
    """Print what is stored.

    Raises:
        CliError: there is no such stack, pipeline or repository, or AWS refuses.
    """
    root = find_root()
    view = load_stack(root, stack)
    # The shared stack has repositories for pipelines that others have.
    names = sorted({*view.pipelines, *view.repositories})
    if not names:
        raise CliError(f"Stack {stack!r} has no pipelines, so it has no images.")
    if pipeline is not None:
        check_pipeline(view, pipeline, names)
        names = [pipeline]
    users = _Users(root, [view, *_others(root, stack)])
    found = [_stored(root, view, name, users) for name in names]
    if as_json:
        print_json(_document(stack, found))
        return
    for stored in found:
        _print(stored)
    _print_costs(sum(stored.stored_bytes for stored in found))


def _others(root: Path, stack: str) -> list[StackFile]:
    return [load_stack(root, name) for name in load_project(root).stacks if name != stack]


class _Users:
    """Which stack names or runs a digest. A stack whose outputs can't be read is judged by its file alone."""

    def __init__(self, root: Path, stacks: Sequence[StackFile]) -> None:
        self._stacks = stacks

        def read(stack: StackFile) -> Mapping[str, Any]:
            return _exports(root, stack)

        with ThreadPoolExecutor(_THREADS) as threads:
            found = threads.map(read, stacks)
            self._exports = {stack.name: exports for stack, exports in zip(stacks, found, strict=True)}

    def of(self, pipeline: str, repository: str) -> Mapping[str, Sequence[str]]:
        """Digest -> who uses it from this repository. Another one may have the same digest, and users of its own."""
        stacks = [stack for stack in self._stacks if pipeline in stack.pipelines]
        found: dict[str, list[str]] = {}
        for stack in stacks:
            named = _digest(lambda stack=stack: stack.reference(pipeline), repository)
            runs = _digest(lambda stack=stack: exported_image(self._exports[stack.name], stack, pipeline), repository)
            if named and named == runs:
                found.setdefault(named, []).append(stack.name)
                continue
            if named:
                found.setdefault(named, []).append(f"{stack.name} (file)")
            if runs:
                found.setdefault(runs, []).append(f"{stack.name} (running)")
        return found


def _exports(root: Path, stack: StackFile) -> Mapping[str, Any]:
    if stack.name != LOCAL_STACK and shutil.which("pulumi") is None:
        return {}
    try:
        return stack_exports(root, stack.name)
    except (CliError, ValueError):
        return {}


def _digest(image: Callable[[], ImageReference | None], repository: str) -> str:
    """Of an image that may not be told; empty if it lies in another repository."""
    try:
        found = image()
    except CliError:
        return ""
    return found.digest if found and found.repository == repository else ""


def _stored(root: Path, stack: StackFile, pipeline: str, users: _Users) -> Stored:
    repository = open_repository(root, stack, stack.place(pipeline))
    details = sorted(repository.images(), key=lambda detail: detail["imagePushedAt"], reverse=True)
    manifests = repository.manifests([str(detail["imageDigest"]) for detail in details])
    platforms = _platforms(repository, manifests.values())
    used = users.of(pipeline, repository.name)
    images = [
        StoredImage(
            digest=digest,
            tags=detail.get("imageTags", []),
            platform=platforms.get(digest, "unknown"),
            pushed_at=detail["imagePushedAt"],
            size_bytes=int(detail.get("imageSizeInBytes", 0)),
            used_by=used.get(digest, []),
        )
        for detail in details
        for digest in [str(detail["imageDigest"])]
    ]
    return Stored(
        pipeline=pipeline,
        repository=repository.name,
        images=images,
        stored_bytes=_stored_bytes(manifests.values()),
    )


def _platforms(repository: Repository, manifests: Iterable[Manifest]) -> dict[str, str]:
    """Digest -> what it is; a configuration is fetched once, however many images have it."""
    by_config: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        config = str(mapping(manifest.document.get("config")).get("digest", manifest.digest))
        by_config.setdefault(config, []).append(manifest)
    groups = list(by_config.values())

    def label(group: Sequence[Manifest]) -> str:
        try:
            return content_of(repository, group[0]).label
        except CliError:
            return "unreadable"

    with ThreadPoolExecutor(_THREADS) as threads:
        labels = list(threads.map(label, groups))
    return {manifest.digest: label for group, label in zip(groups, labels, strict=True) for manifest in group}


def _stored_bytes(manifests: Iterable[Manifest]) -> int:
    parts: dict[str, int] = {}
    for manifest in manifests:
        document = manifest.document
        for part in (document.get("config"), *items(document.get("layers"))):
            blob = mapping(part)
            if blob:
                parts[str(blob.get("digest"))] = int(blob.get("size", 0))
        parts[manifest.digest] = len(manifest.text)
    return sum(parts.values())


def _document(stack: str, found: Sequence[Stored]) -> Mapping[str, Any]:
    total = sum(stored.stored_bytes for stored in found)
    return {
        "stack": stack,
        "repositories": [
            {
                "pipeline": stored.pipeline,
                "repository": stored.repository,
                "storedBytes": stored.stored_bytes,
                "images": [
                    {
                        "digest": image.digest,
                        "tags": list(image.tags),
                        "platform": image.platform,
                        "pushedAt": image.pushed_at.isoformat(),
                        "sizeBytes": image.size_bytes,
                        "usedBy": list(image.used_by),
                    }
                    for image in stored.images
                ],
            }
            for stored in found
        ],
        "storedBytes": total,
        "freeBytes": FREE_BYTES,
        "dollarsPerMonth": round(total / _GB * DOLLARS_PER_GB_MONTH, 4),
    }


def _print(stored: Stored) -> None:
    answer.print(f"{stored.pipeline}: {stored.repository}, {size_text(stored.stored_bytes)}")
    if not stored.images:
        answer.print("  no images")
        return
    now = datetime.datetime.now(datetime.UTC)
    rows = [
        (
            image.digest[:_SHORT_DIGEST],
            "\n".join(image.tags) or "(none)",
            image.platform,
            age(now - image.pushed_at),
            size_text(image.size_bytes),
            ", ".join(image.used_by),
        )
        for image in stored.images
    ]
    print_table(_COLUMNS, rows, prose=["RUNS IN"])


def _print_costs(total: int) -> None:
    beyond = max(total - FREE_BYTES, 0)
    answer.print(
        f"\nStored, each layer once: {size_text(total)}, ${total / _GB * DOLLARS_PER_GB_MONTH:.2f} a month at "
        f"${DOLLARS_PER_GB_MONTH:.2f} per GB (https://aws.amazon.com/ecr/pricing/).",
    )
    progress.print(
        f"Free are 500 MB a month, in the first year of an account opened before 15 July 2025: {size_text(beyond)} are "
        f"beyond that, ${beyond / _GB * DOLLARS_PER_GB_MONTH:.2f} a month. Newer accounts have credits instead.",
    )


def age(span: datetime.timedelta) -> str:
    """A time span in its largest unit: `5 min`, `3 h`, `12 d`."""
    minutes = max(int(span.total_seconds() // 60), 0)
    hours, days = minutes // 60, minutes // (24 * 60)
    return f"{days} d" if days else f"{hours} h" if hours else f"{minutes} min"
