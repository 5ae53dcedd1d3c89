"""Whether a tag keeps an image from the lifecycle for good, by simulation with the repository's own policy."""

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Final

from cli.errors import CliError
from cli.registry.client import Repository
from policy.guardrails.image_listing import ListingError, read_listing
from policy.guardrails.lifecycle_simulation import Action, Image, LifecyclePolicyError, Verdict, read_policy, simulate

_YEARS: Final = datetime.timedelta(days=100 * 365)
_LATER_IMAGES: Final = 2_000
"""More than any retention keeps; half of them have a tag."""


def check_shield(repository: Repository, digest: str, tag: str) -> None:
    """Refuse a tag with which the lifecycle would delete the image some day.

    Raises:
        CliError: it would, or the policy can't be read.
    """
    text = repository.lifecycle_policy()
    if text is None:
        return
    try:
        rules = read_policy(text)
    except LifecyclePolicyError as error:
        raise CliError(f"The lifecycle policy of {repository.subject} can't be understood: {error}") from error
    now = datetime.datetime.now(datetime.UTC)
    try:
        present = read_listing(list(repository.images()))
    except ListingError as error:
        raise CliError(f"What ECR says of the images in {repository.subject} can't be understood: {error}") from error
    listed = [_tagged(image, tag) if image.digest == digest else image for image in present]
    verdicts = simulate(rules, [*listed, *_later_images(now)], now + _YEARS)
    verdict = next((verdict for verdict in verdicts if verdict.image.digest == digest), None)
    if verdict is not None and verdict.action is not Action.KEEP:
        raise CliError(_explain(repository, digest, tag, verdict))


def _later_images(now: datetime.datetime) -> Iterator[Image]:
    """What may be pushed after the image, none of it promoted."""
    for number in range(_LATER_IMAGES):
        tags = (f"content-{number}",) if number % 2 else ()
        yield Image(digest=f"later:{number}", tags=tags, pushed_at=now + datetime.timedelta(days=1, seconds=number))


def _tagged(image: Image, tag: str) -> Image:
    return dataclasses.replace(image, tags=tuple(dict.fromkeys((*image.tags, tag))))


def _explain(repository: Repository, digest: str, tag: str, verdict: Verdict) -> str:
    rule = verdict.rule
    which = f"rule {rule.priority}" if rule is not None else "the lifecycle"
    return (
        f"The tag {tag!r} would not keep {digest} in {repository.subject}: {which} would {verdict.action} it some day. "
        "Expected a rule for tags with that beginning, before all others. Its stack makes one for each of its "
        "protectedTagPrefixes: deploy the stack that owns the repository, then run this again."
    )
