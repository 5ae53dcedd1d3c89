"""A rule that proves, by simulating the lifecycle policy, that what a stack runs stays in its repository."""

import datetime
from collections.abc import Iterator, Sequence
from typing import Final

from . import lifecycle
from .lifecycle import LifecycleRule
from .lifecycle_simulation import Action, Image, Verdict, matches, simulate
from .resources import Link, Resource, Stack
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation
from .running_images import RUNNERS, Use, running_images
from .values import MalformedError, NotYetKnownError, shown

HORIZON_DAYS: Final = 3650
"""How long an image that nobody pushes or pulls must stay."""
OTHER_TAG: Final = "\N{REPLACEMENT CHARACTER}"
"""Stands for a tag that isn't known: no tag can have this character, so only a rule for any tag selects it."""
_ASSUMED: Final = "taken to have a tag that no rule names, since its tags aren't known here"
_PUSH: Final = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_SECOND: Final = datetime.timedelta(seconds=1)
_VERBS: Final = {Action.EXPIRE: "expires", Action.ARCHIVE: "archives"}


def check_lifecycle_keeps_running(resource: Resource, stack: Stack, settings: Settings) -> Iterator[Finding]:
    index = running_images(stack)
    uses = index.of(resource)
    if not uses:
        yield NotApplicable("runs no image")
        return
    findings = [list(_check_use(use, stack, settings)) for use in uses]
    seen = [finding for found in findings for finding in found]
    # One image whose repository isn't here says nothing of the others.
    idle = all(found and all(isinstance(item, NotApplicable) for item in found) for found in findings)
    yield from dict.fromkeys(item for item in seen if idle or not isinstance(item, NotApplicable))


def _check_use(use: Use, stack: Stack, settings: Settings) -> Iterator[Finding]:
    home = running_images(stack).home(use)
    if not home.own:
        if home.perhaps:
            names = " or ".join(sorted(repository.name for repository in home.perhaps))
            yield NotYetKnown(path=use.node.path, why=f"may be of the repository {names}")
        else:
            yield NotApplicable("the repository of its image isn't in this stack")
        return
    for repository in home.own:
        findings = _check_repository(use, repository, stack, settings)
        if len(home.own) == 1:
            yield from findings
            continue
        # Made of outputs of several repositories, and which one has the image isn't known.
        names = " or ".join(sorted(item.name for item in home.own))
        if any(not isinstance(item, NotApplicable) for item in findings):
            yield NotYetKnown(path=use.node.path, why=f"is of the repository {names}, one of which may lose it")


def _check_repository(use: Use, repository: Resource, stack: Stack, settings: Settings) -> Iterator[Finding]:
    policies = stack.of("ecr:LifecyclePolicy")
    links = {policy: stack.link(policy, policy["repository"], repository, "name") for policy in policies}
    named = [policy for policy, link in links.items() if link is Link.YES]
    unclear = [policy.name for policy, link in links.items() if link is Link.UNKNOWN]
    if unclear:
        yield NotYetKnown(
            path="repository", why=f"of the lifecycle policies {', '.join(unclear)} may be {repository.name}"
        )
    elif not named:
        yield NotApplicable("no lifecycle policy here is for its repository; ecr-lifecycle-present judges that")
    for policy in named:
        yield from _check_policy(use, repository, policy, stack, settings)


def _check_policy(
    use: Use, repository: Resource, policy: Resource, stack: Stack, settings: Settings
) -> Iterator[Finding]:
    try:
        rules = lifecycle.parse(policy["policy"])
    except NotYetKnownError as error:
        yield NotYetKnown(path=error.path, why=f"of {policy.label} {error.why}")
        return
    except MalformedError:
        rules = []
    if not rules or any(lifecycle.refusals(rules)):
        yield NotApplicable(f"{policy.label} is none that ECR takes; ecr-lifecycle-effective says why")
        return
    known = running_images(stack).tags(use, repository)
    tags = tuple(sorted(known)) if known else (OTHER_TAG,)
    newer = int(settings.number("newerImages"))
    state = f"tagged {shown(', '.join(tags))}" if known else _ASSUMED
    yield from _findings(use, policy, rules, tags, newer, state)
    if running_images(stack).built_here(use):
        # The build that takes its tags away is the one whose image runs from then on; ecr-immutable-tags judges others.
        return
    try:
        movable = _can_lose(repository, tags)
    except NotYetKnownError as error:
        yield NotYetKnown(path=error.path, why=f"of {repository.label} decides whether the image can lose its tags")
        return
    if movable:
        state = f"once its tags have moved to other images, as {repository.label} lets them"
        yield from _findings(use, policy, rules, (), newer, state)


def _findings(
    use: Use, policy: Resource, rules: Sequence[LifecycleRule], tags: tuple[str, ...], newer: int, state: str
) -> Iterator[Finding]:
    for verdict, when in (_by_time(rules, tags), _by_pushes(rules, tags, newer)):
        if verdict is None or verdict.rule is None:
            continue
        yield Violation(
            found=(
                f"{_subject(use)}: rule {verdict.rule.priority} of {policy.label} {_VERBS[verdict.action]} it {when}, "
                f"{state}"
            ),
            expected=f"it stays for {HORIZON_DAYS} days, and until {newer} newer images were pushed",
        )


def _subject(use: Use) -> str:
    if use.reference is None:
        return f"{use.node.path} runs an image of this stack"
    version = f"@{use.digest[:19]}" if use.digest else f":{use.reference.tag or 'latest'}"
    return f"{use.node.path} is {shown(use.reference.repository + version)}"


def _by_time(rules: Sequence[LifecycleRule], tags: tuple[str, ...]) -> tuple[Verdict | None, str]:
    """What happens if nobody pushes or pulls: at the boundary of each rule about ages, and in the end."""
    image = Image(digest="run", tags=tags, pushed_at=_PUSH)
    ages = {rule.count for rule in rules if rule.count_type in lifecycle.AGES and rule.count < HORIZON_DAYS}
    for days in sorted({*ages, HORIZON_DAYS}):
        (verdict,) = simulate(rules, [image], _PUSH + datetime.timedelta(days=days) + _SECOND)
        if verdict.action is not Action.KEEP:
            return verdict, f"{days} {'day' if days == 1 else 'days'} after its push or last use"
    return None, ""


def _by_pushes(rules: Sequence[LifecycleRule], tags: tuple[str, ...], newer: int) -> tuple[Verdict | None, str]:
    """What happens as soon as newer images are pushed that the same rules select."""
    images = [Image(digest=f"run-{number}", tags=tags, pushed_at=_PUSH + number * _SECOND) for number in range(newer)]
    for pushed in range(1, newer):
        verdict = simulate(rules, images[: pushed + 1], _PUSH + newer * _SECOND)[0]
        if verdict.action is not Action.KEEP:
            return verdict, f"as soon as {pushed} newer {'image is' if pushed == 1 else 'images are'} pushed"
    return None, ""


def _can_lose(repository: Resource, tags: tuple[str, ...]) -> bool:
    """Whether each tag of an image can be moved to another image."""
    mode = repository["imageTagMutability"].text("MUTABLE").upper()
    if not mode.endswith("_WITH_EXCLUSION"):
        return mode != "IMMUTABLE"
    filters = [item["filter"].text() for item in repository["imageTagMutabilityExclusionFilters"].items()]
    excepted = [any(matches(pattern, tag) for pattern in filters) for tag in tags]
    return all(excepted) if mode.startswith("IMMUTABLE") else not any(excepted)


LIFECYCLE_KEEPS_RUNNING: Final = Rule(
    id="ecr-lifecycle-keeps-running",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="No lifecycle policy ends an image that runs",
    description="The image that a job, task or function of the stack runs can't expire from a repository of the stack.",
    why="The next job, task or new function instance can't pull an image that has expired or was archived.",
    fix=(
        "Keep more images, give what runs a tag of its own with an earlier rule that keeps many of them, or make tags "
        "immutable so that an image that runs can't lose its tag."
    ),
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html",
    kinds=RUNNERS,
    schema={
        "newerImages": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "default": 3,
            "description": "How many newer images must have been pushed before an image that runs may go.",
        },
    },
    stack_check=check_lifecycle_keeps_running,
)

RULES: Final = (LIFECYCLE_KEEPS_RUNNING,)
