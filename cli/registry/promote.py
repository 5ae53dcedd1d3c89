"""`slipway promote`: give a stack the very image that another one runs. Nothing is built, pulled or copied.

All is verified first; then the new text of the stack's file is written beside it; then the image gets its tag; then
the text is put in the file's place. Whatever fails leaves the file as it was, and a second try goes on from there: the
tag is then there already, with the same digest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli.console import answer, print_json, progress
from cli.errors import CliError
from cli.outputs import LOCAL_STACK
from cli.project import find_root
from cli.registry.client import Manifest, Refusal, Repository, open_repository
from cli.registry.edit import with_image
from cli.registry.findings import Scan, Severity, read_scan
from cli.registry.history import Release, is_shallow, releases
from cli.registry.platforms import check_platform
from cli.registry.shield import check_shield
from cli.registry.stacks import ImageReference, StackFile, current_image, load_stack
from cli.stack_files import read_stack_file, staged
from engine.config import load_project

RELEASE_PREFIX: Final = "release-"
_SHORT_DIGITS: Final = 12
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""[OCI distribution specification, "Pulling manifests"]."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done."""

    pipeline: str
    source: str
    """The stack that the image comes from; empty for a rollback."""
    target: StackFile
    repository: str
    digest: str
    platform: str
    image: str
    """As the target's file now has it."""
    tag: str
    tagged: bool
    """Whether the tag is new."""
    previous: str
    """What the file named before; empty: it was built there."""
    changed: bool
    """Whether the file is other than before."""
    scan: Scan | None = None


def run_promote(
    pipeline: str,
    source: str,
    target: str,
    *,
    tag: str | None,
    allowed: Severity,
    require_scan: bool,
    as_json: bool,
) -> None:
    """Promote the image that `source` runs to `target`.

    Raises:
        CliError: something isn't as it must be; nothing is half promoted.
    """
    root = find_root()
    if source == target:
        raise CliError(f"The image of {source!r} can't be promoted to itself. Name two stacks: --from dev --to staging")
    origin = load_stack(root, source, pipeline)
    stack = load_stack(root, target, pipeline)
    image = current_image(root, origin, pipeline)
    wanted = promotion_tag(tag, target, image.digest)
    repository = open_repository(root, origin, image)
    manifest = repository.manifest(image.digest)
    platform = check_platform(repository, manifest).platform
    check_tag(repository, wanted, image.digest)
    scan = _check_scan(repository, image.digest, allowed, require_scan=require_scan)
    check_shield(repository, image.digest, wanted)
    outcome = _apply(root, stack, pipeline, repository, manifest, wanted, source=source, platform=platform, scan=scan)
    _report(outcome, as_json=as_json)


def run_rollback(pipeline: str, target: str, *, tag: str | None, as_json: bool) -> None:
    """Name the image again that a stack had before, by the history of its file.

    Raises:
        CliError: there was none, it is gone from the registry, or git isn't there.
    """
    root = find_root()
    stack = load_stack(root, target, pipeline)
    release = previous_release(root, stack, pipeline, tag)
    image = release.file.resolve(pipeline, release.image)
    repository = open_repository(root, stack, image)
    manifest = repository.manifest(image.digest)
    platform = check_platform(repository, manifest).platform
    wanted = release.tag or promotion_tag(None, target, image.digest)
    check_tag(repository, wanted, image.digest)
    check_shield(repository, image.digest, wanted)
    outcome = _apply(root, stack, pipeline, repository, manifest, wanted, source="", platform=platform, scan=None)
    _report(outcome, as_json=as_json)


def promotion_tag(tag: str | None, stack: str, digest: str) -> str:
    """The tag of a promotion: `release-4.0.0` for 4.0.0; without one `deployed-STACK-` and the digest's beginning.

    Raises:
        CliError: it is none that a registry takes.
    """
    if tag is None:
        return f"deployed-{stack}-{digest.removeprefix('sha256:')[:_SHORT_DIGITS]}"
    version = tag.removeprefix(RELEASE_PREFIX)
    if not version or _TAG.fullmatch(RELEASE_PREFIX + version) is None:
        raise CliError(
            f"{tag!r} can't be the version in a tag; expected letters, digits, periods, hyphens and underscores, "
            f"1 to {128 - len(RELEASE_PREFIX)} of them: --tag 4.0.0"
        )
    return RELEASE_PREFIX + version


def check_tag(repository: Repository, tag: str, digest: str) -> bool:
    """Whether an image has a tag already.

    Raises:
        CliError: another image has it.
    """
    holder = repository.tagged(tag)
    if holder is not None and holder != digest:
        raise _taken(repository, tag, holder, digest)
    return holder is not None


def previous_release(root: Path, stack: StackFile, pipeline: str, tag: str | None) -> Release:
    """The newest image in the history of a stack's file that isn't the present one, or that has a certain tag.

    Args:
        root: the project's folder.
        stack: as it is now.
        pipeline: its name.
        tag: of the release to go back to, a version or the whole tag; by default the newest other one. It may be the
            present one: a second try changes nothing.

    Raises:
        CliError: there was none.
    """
    present = stack.reference(pipeline)
    wanted = None if tag is None else (tag, promotion_tag(tag, stack.name, ""))
    for release in releases(root, load_project(root), stack.name):
        if release.pipeline != pipeline or not release.image:
            continue
        if release.tag in wanted if wanted else present is None or release.digest != present.digest:
            return release
    hint = " This clone has only a part of its history: git fetch --unshallow." if is_shallow(root) else ""
    which = f"image of {pipeline!r} with the tag {wanted[1]!r}" if wanted else f"other image of {pipeline!r}"
    raise CliError(
        f"The history of {stack.file} has no {which} to go back to.{hint} "
        f"`slipway releases --stack {stack.name} {pipeline}` shows what it has."
    )


def _check_scan(repository: Repository, digest: str, allowed: Severity, *, require_scan: bool) -> Scan:
    scan = read_scan(repository, digest)
    if not scan.scanned:
        if require_scan:
            raise CliError(
                f"{digest} in {repository.subject} is not scanned ({scan.status}: {scan.reason}), and --require-scan "
                "asks for it. Nothing was promoted."
            )
        progress.print(
            f"WARNING: not scanned. Nobody knows what is wrong with this image ({scan.status}: {scan.reason}). "
            "With --require-scan it would not be promoted.",
            style="bold yellow",
        )
        return scan
    refused = scan.above(allowed)
    if refused:
        listed = "\n".join(
            f"  {finding.severity:<13} {finding.name}  {finding.package} {finding.version}".rstrip()
            for finding in refused
        )
        raise CliError(
            f"The scan of {digest} found {len(refused)} of more than the allowed severity {allowed}:\n{listed}\n"
            "Nothing was promoted. Build an image without them, or allow them knowingly: --allowed-severity "
            f"{refused[0].severity}"
        )
    return scan


def _apply(
    root: Path,
    stack: StackFile,
    pipeline: str,
    repository: Repository,
    manifest: Manifest,
    tag: str,
    *,
    source: str,
    platform: str,
    scan: Scan | None,
) -> Outcome:
    """Tag the image and name it in the file, in this order."""
    account, host = repository.address()
    image = ImageReference(
        repository=repository.name, digest=manifest.digest, account=account, region=repository.region
    )
    value = stack.value(pipeline, image, host)
    path = root / stack.file
    before = read_stack_file(path)
    after = with_image(before, project=stack.project, stack=stack.name, pipeline=pipeline, image=value, tag=tag)
    with staged(path, before=before, after=after) as commit:
        tagged = _tag(repository, manifest, tag)
        if after != before:
            commit()
    previous: object = stack.pipelines[pipeline].get("image")
    return Outcome(
        pipeline=pipeline,
        source=source,
        target=stack,
        repository=repository.name,
        digest=manifest.digest,
        platform=platform,
        image=value,
        tag=tag,
        tagged=tagged,
        previous=previous if isinstance(previous, str) else "",
        changed=after != before,
        scan=scan,
    )


def _tag(repository: Repository, manifest: Manifest, tag: str) -> bool:
    """Whether the tag is new."""
    if check_tag(repository, tag, manifest.digest):
        return False
    try:
        repository.tag(manifest, tag)
    except Refusal:
        # Somebody else was faster. With the same digest that is as good.
        holder = repository.tagged(tag)
        if holder != manifest.digest:
            raise _taken(repository, tag, holder or "another image", manifest.digest) from None
        return False
    return True


def _taken(repository: Repository, tag: str, holder: str, digest: str) -> CliError:
    return CliError(
        f"The tag {tag!r} in {repository.subject} is taken by another image, and tags never move:\n"
        f"  {tag} is  {holder}\n"
        f"  promoted is  {digest}\n"
        "Choose another tag for this image (--tag), or promote the stack that runs the other one."
    )


def _report(outcome: Outcome, *, as_json: bool) -> None:
    stack = outcome.target
    if as_json:
        print_json(_document(outcome))
        return
    answer.print(f"{outcome.pipeline}: {outcome.digest}  ({outcome.platform})")
    said = f"tagged {outcome.tag}" if outcome.tagged else f"has the tag {outcome.tag} already"
    answer.print(f"  {outcome.repository}: {said}")
    if outcome.scan is not None and outcome.scan.scanned:
        counts = ", ".join(f"{number} {severity}" for severity, number in outcome.scan.counts().items())
        answer.print(f"  scan: {counts or 'no findings'}")
    if not outcome.changed:
        answer.print(f"  {stack.file} names it already; nothing is left to do.")
        return
    if outcome.previous == outcome.image:
        was = stack.pipelines[outcome.pipeline].get("imageTag")
        answer.print(f"  {stack.file}: the same image, imageTag {was or 'none'} -> {outcome.tag}")
    else:
        answer.print(f"  {stack.file}: image {outcome.previous or 'built here'} -> {outcome.image}")
    if outcome.source == LOCAL_STACK != stack.name:
        progress.print(
            f"The image is in the sandbox of this machine, so nobody can deploy {stack.file} as it is: good for a "
            f"trial. Undo it: git checkout {stack.file}"
        )
        return
    subject = f"Promote {outcome.pipeline} {outcome.tag} to {stack.name}"
    if not outcome.source:
        subject = f"Roll back {outcome.pipeline} in {stack.name} to {outcome.tag}"
    deployment = "make up" if stack.name == LOCAL_STACK else f"pulumi up --stack {stack.name}"
    progress.print(
        f'Next: git commit -m "{subject}" {stack.file}, then open a pull request, or deploy it: {deployment}',
    )


def _document(outcome: Outcome) -> Mapping[str, Any]:
    scan = outcome.scan
    return {
        "pipeline": outcome.pipeline,
        "from": outcome.source or None,
        "to": outcome.target.name,
        "rollback": not outcome.source,
        "repository": outcome.repository,
        "digest": outcome.digest,
        "platform": outcome.platform,
        "tag": outcome.tag,
        "tagged": outcome.tagged,
        "file": outcome.target.file,
        "image": outcome.image,
        "previous": outcome.previous or None,
        "changed": outcome.changed,
        "scan": {"status": scan.status, "scanned": scan.scanned, "reason": scan.reason, "counts": scan.counts()}
        if scan
        else None,
    }
