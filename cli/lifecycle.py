"""`slipway lifecycle`: what the lifecycle policy of a pipeline's repository would take, image by image, and why."""

import dataclasses
import datetime
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from cli.console import print_json, progress
from cli.errors import CliError, UsageError
from cli.lifecycle_report import WORDS, Difference, Outlook, document, show
from cli.project import find_root
from cli.registry.client import Repository, open_repository
from cli.registry.stacks import StackFile, load_stack
from components.naming import SHARED_STACK
from engine.config import load_project, load_stack_config
from policy.guardrails.image_listing import INDEX_MEDIA_TYPES, ListingError, members_of, parse_time, read_listing
from policy.guardrails.lifecycle import LifecycleRule
from policy.guardrails.lifecycle_simulation import Action, Image, LifecyclePolicyError, Verdict, read_policy, simulate
from policy.guardrails.values import MalformedError, Node

_ECR_ACTIONS: Final = {"EXPIRE": Action.EXPIRE, "TRANSITION": Action.ARCHIVE}
_LISTING_COMMAND: Final = "aws ecr describe-images --repository-name REPOSITORY --filter imageStatus=ANY"


def run_lifecycle(
    pipeline: str,
    stack: str,
    *,
    listing: Path | None,
    policy: Path | None,
    at: str | None,
    ask_ecr: bool,
    as_json: bool,
) -> int:
    """Print what would expire; with `ask_ecr`, where ECR's own preview differs. Returns the exit code.

    Args:
        pipeline: name of a pipeline, or of a repository of the shared stack.
        stack: whose repository.
        listing: file with the images in place of the registry's.
        policy: file with the policy in place of the one in force.
        at: ISO 8601; None is now.
        ask_ecr: compare with ECR's preview, which knows no other images and no other time than the registry's own.
        as_json: print one JSON document.

    Raises:
        CliError: there is no such pipeline, repository or policy, a file can't be read, or AWS refuses.
    """
    if ask_ecr and (listing is not None or at is not None):
        raise UsageError("ECR previews what is in the registry, and now: leave --listing and --at out with --aws.")
    root = find_root()
    view = _load(root, stack, pipeline)
    time = _time(at)
    place = view.place(pipeline)
    repository = None if listing is not None else open_repository(root, view, place)
    if repository is None:
        text, policy_from = _policy_without_registry(root, view, policy)
    else:
        text, policy_from = _policy(repository, policy)
    rules = _rules(text, policy_from)
    images = _listed(cast("Path", listing)) if repository is None else _stored(repository)
    verdicts = sorted(simulate(rules, images, time), key=lambda verdict: verdict.image.pushed_at, reverse=True)
    differences = _compare(verdicts, repository.preview_lifecycle(text)) if repository and ask_ecr else None
    outlook = Outlook(
        stack=stack,
        pipeline=pipeline,
        repository=place.repository,
        policy_from=policy_from,
        at=time,
        verdicts=verdicts,
        differences=differences,
    )
    if as_json:
        print_json(document(outlook))
    else:
        show(outlook)
    return 1 if differences else 0


def _load(root: Path, stack: str, pipeline: str) -> StackFile:
    """A stack that has the pipeline, or is the shared one with its repository."""
    view = load_stack(root, stack)
    if view.repositories:
        if pipeline not in view.repositories:
            known = ", ".join(sorted(view.repositories))
            raise CliError(f"Stack {stack!r} has no repository for {pipeline!r}. Repositories: {known}.")
        return view
    return load_stack(root, stack, pipeline)


def _time(at: str | None) -> datetime.datetime:
    if at is None:
        return datetime.datetime.now(datetime.UTC)
    try:
        return parse_time(at, Node(at, "--at"))
    except MalformedError as error:
        raise UsageError(f"--at is {error.found}, expected {error.expected}.") from None


def _policy(repository: Repository, file: Path | None) -> tuple[str, str]:
    if file is not None:
        return _read(file, "a lifecycle policy"), str(file)
    text = repository.lifecycle_policy()
    if text is None:
        raise CliError(
            f"The {repository.subject} has no lifecycle policy, so nothing expires. Deploy the stack that owns it, or "
            "try one from a file: --policy FILE"
        )
    return text, "the registry"


def _policy_without_registry(root: Path, view: StackFile, file: Path | None) -> tuple[str, str]:
    """Of a file, else what the settings of the stack that owns the repository would write."""
    if file is not None:
        return _read(file, "a lifecycle policy"), str(file)
    from components.image_registry import ImageRegistryArgs, lifecycle_policy
    from components.settings import parse
    from components.settings_reader import SettingsError

    owner = SHARED_STACK if view.registry == "shared" else view.name
    project = load_project(root)
    values = load_stack_config(project, owner)
    own = {key.partition(":")[2]: value for key, value in values.items() if key.startswith(f"{project.name}:")}
    region = str(values.get("aws:region") or os.environ.get("AWS_REGION", ""))
    try:
        settings = parse(own, project=project.name, stack=owner, region=region, root=root)
    except SettingsError as error:
        raise CliError(f"{error}\nOr give the policy itself: --policy FILE") from error
    args = ImageRegistryArgs(
        repository="",
        retained_images=settings.retained_images,
        untagged_days=settings.untagged_days,
        protected_tag_prefixes=settings.protected_tag_prefixes,
        build_cache=settings.build_cache,
        protect_data=settings.protect_data,
        tags={},
    )
    return json.dumps(lifecycle_policy(args)), f"the settings of stack {owner}"


def _rules(text: str, source: str) -> list[LifecycleRule]:
    try:
        return read_policy(text)
    except LifecyclePolicyError as error:
        problems = "".join(f"\n  {problem}" for problem in error.problems)
        raise CliError(
            f"The lifecycle policy of {source} is none that ECR takes:{problems}\n"
            "Correct it (https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html)."
        ) from error


def _listed(file: Path) -> list[Image]:
    text = _read(file, "a listing of images")
    try:
        images = read_listing(text)
    except ListingError as error:
        raise CliError(f"{file} is no listing of images: {error} Make one: {_LISTING_COMMAND} > {file.name}") from error
    if any(media_type in text for media_type in INDEX_MEDIA_TYPES):
        progress.print(
            "The listing has image indexes, and doesn't tell which images they refer to. ECR lets none of those go "
            "before its index, even where this says that it expires; without --listing the registry is asked.",
        )
    return images


def _stored(repository: Repository) -> list[Image]:
    """The registry's images; of indexes also what they refer to, which is in their manifests."""
    details = list(repository.images(archived=True))
    try:
        images = read_listing(details)
    except ListingError as error:
        raise CliError(f"What ECR says of the images in {repository.subject} can't be understood: {error}") from error
    indexes = [item["imageDigest"] for item in details if item.get("imageManifestMediaType") in INDEX_MEDIA_TYPES]
    members = {digest: members_of(manifest.text) for digest, manifest in repository.manifests(indexes).items()}
    return [dataclasses.replace(image, members=members.get(image.digest, ())) for image in images]


def _read(file: Path, what: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{file} can't be read as {what}: {error}") from error


def _compare(verdicts: Sequence[Verdict], results: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """An artifact goes after its subject, so ECR need not name it beforehand."""
    theirs = {
        str(result["imageDigest"]): _said(_ECR_ACTIONS.get(result["action"]["type"]), result.get("appliedRulePriority"))
        for result in results
    }
    ours = {verdict.image.digest: verdict for verdict in verdicts}
    found: list[Difference] = []
    for digest in dict.fromkeys((*ours, *theirs)):
        verdict, ecr = ours.get(digest), theirs.get(digest, WORDS[Action.KEEP])
        simulated = "not listed" if verdict is None else _said(verdict.action, verdict.rule and verdict.rule.priority)
        follows = verdict is not None and bool(verdict.image.subject) and digest not in theirs
        if simulated != ecr and not follows:
            found.append(Difference(digest=digest, simulated=simulated, ecr=ecr))
    return found


def _said(action: Action | None, priority: int | None) -> str:
    if action is Action.KEEP:
        return WORDS[action]
    word = WORDS[action] if action else "something else"
    return f"{word} by rule {priority}" if priority else word
