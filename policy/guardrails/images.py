"""Rules for the images that are run: named by digest wherever they are, and by the same one."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from .job_definitions import JOB_DEFINITION, containers, waiting
from .resources import Link, Resource, Stack
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .running_images import RUNNERS, RunningImages, Use, running_images
from .values import Node, shown

BY_DIGEST: Final = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


def check_digest_pinned(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    match resource.kind:
        case "lambda:Function":
            if resource["imageUri"].blank:
                yield NotApplicable("the function is not made of an image")
            else:
                yield from _check_image(resource["imageUri"])
        case "ecs:TaskDefinition":
            definitions = resource["containerDefinitions"]
            yield from each(definitions.document().items(), lambda item: _check_image(item.member("image")))
        case _:
            yield from each(containers(resource), lambda item: _check_image(item.member("image")))
            yield from waiting(resource)


def _check_image(image: Node) -> Iterator[Finding]:
    if not BY_DIGEST.fullmatch(image.text()):
        yield Violation(found=f"{image.path} is {shown(image.text())}", expected="repository@sha256:<digest>")


DIGEST_PINNED: Final = Rule(
    id="image-digest-pinned",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Images are named by digest",
    description="Jobs, tasks and functions name their image as repository@sha256:..., never by a tag.",
    why="A tag can point to another image tomorrow, and with an unchanged tag a new image is not deployed at all.",
    fix="Use the digest of the pushed image: <repository URL>@<digest>, such as the build resource's output `ref`.",
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-pull-ecr-image.html",
    kinds=(JOB_DEFINITION, "ecs:TaskDefinition", "lambda:Function"),
    peers=("checkov CKV_K8S_43 and trivy KSV-0013 (Kubernetes only)",),
    check=check_digest_pinned,
)


def check_one_digest(resource: Resource, stack: Stack, _settings: Settings) -> Iterator[Finding]:
    index = running_images(stack)
    uses = index.of(resource)
    if not uses:
        yield NotApplicable("runs no image")
        return
    compared = [list(_compare(use, index)) for use in uses]
    found = [finding for findings in compared for finding in findings]
    idle = all(findings and all(isinstance(item, NotApplicable) for item in findings) for findings in compared)
    yield from dict.fromkeys(item for item in found if idle or not isinstance(item, NotApplicable))


def _compare(use: Use, index: RunningImages) -> Iterator[Finding]:
    if use.reference is not None and not use.digest:
        yield NotApplicable("names no digest, which image-digest-pinned refuses")
        return
    others = [other for other in index.all if other is not use and (other.reference is None or other.digest)]
    links = {other: _same_repository(use, other, index) for other in others}
    sharing = [other for other, link in links.items() if link is Link.YES]
    same = [other for other in sharing if not index.apart(use, other)]
    different = [other for other in same if use.digest and other.digest and use.digest != other.digest]
    unclear = [
        other
        for other in others
        if (links[other] is Link.UNKNOWN and not index.apart(use, other)) or (other in same and _open(use, other))
    ]
    if different:
        runners = " and ".join(dict.fromkeys(f"{other.runner.label} runs {_short(other)}" for other in different))
        yield Violation(
            found=f"{use.node.path} runs {_short(use)} of {_repository([use, *different])}, while {runners}",
            expected="one digest of a repository in all that runs it",
        )
    elif unclear:
        who = ", ".join(dict.fromkeys(other.runner.label for other in unclear))
        yield NotYetKnown(path=use.node.path, why=f"can't be compared yet with the image of {who}")
    elif not sharing:
        yield NotApplicable("nothing else in the stack runs an image of its repository")
    elif not same:
        yield NotApplicable("what else runs an image of its repository is built of other sources")


def _same_repository(use: Use, other: Use, index: RunningImages) -> Link:
    if use.reference is not None and other.reference is not None:
        return Link.YES if use.reference.place == other.reference.place else Link.NO
    if use.sources & other.sources:
        return Link.YES
    first, second = index.home(use), index.home(other)
    if any(repository in second.own for repository in first.own):
        return Link.YES
    unclear = any(repository in second.perhaps for repository in (*first.own, *first.perhaps)) or any(
        repository in first.perhaps for repository in second.own
    )
    # Neither is of a repository of this stack: they may be of one that is elsewhere.
    return Link.UNKNOWN if unclear or not (first.own or second.own) else Link.NO


def _open(use: Use, other: Use) -> bool:
    """Whether it can't be told that two images of one repository are the same: what isn't known has other origins."""
    if use.digest or other.digest:
        return not (use.digest and other.digest)
    return {build.urn for build in use.builds} != {build.urn for build in other.builds}


def _short(use: Use) -> str:
    return use.digest[:19]


def _repository(uses: Sequence[Use]) -> str:
    return next((use.reference.repository for use in uses if use.reference is not None), "one repository")


ONE_DIGEST: Final = Rule(
    id="image-one-digest",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="One digest of an image runs in a stack",
    description=(
        "Jobs, tasks and functions of one stack that run images of the same repository run the same digest, unless the "
        "stack itself builds them of different sources."
    ),
    why="Otherwise what was tested as one version is two: a job and the function beside it disagree.",
    fix="Give all of them the same image reference, such as the output of the one build or the one promoted digest.",
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-pull-ecr-image.html",
    kinds=RUNNERS,
    stack_check=check_one_digest,
)

RULES: Final = (DIGEST_PINNED, ONE_DIGEST)
