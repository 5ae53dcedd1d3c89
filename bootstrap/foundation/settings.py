"""The settings of the bootstrap project: read, checked, and all problems told at once, before any resource."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

_NAME = r"[a-z][a-z0-9]{0,18}"
_NAME_EXPECTED = "1 to 19 lower-case letters and digits, a letter first"
_MIN_SESSION_MINUTES, _MAX_SESSION_MINUTES = 60, 720
"""[IAM user guide, "Update the maximum session duration for a role"]"""
_MAX_ENVIRONMENTS = 9
"""The drift role has a policy for each and one more, and a role has at most 10 [IAM user guide, "IAM quotas"]."""
_MAX_PREFIX = 31
"""Longer prefixes are shortened with a hash by the program (its `naming.stack_prefix`), and would not be met here."""
OWN_NAME = "bootstrap"
"""What stands in the place of a stack's name in the names of this project's own resources."""

KEYS: Mapping[str, tuple[str, Any]] = {
    "repository": ("string", None),
    "ownerId": ("integer", 0),
    "repositoryId": ("integer", 0),
    "project": ("string", "slipway"),
    "environments": ("array", ["shared", "dev", "staging", "prod"]),
    "previewEnvironments": ("array", ["dev"]),
    "buildEnvironments": ("array", ["dev"]),
    "deployBranch": ("string", "main"),
    "createOidcProvider": ("boolean", True),
    "sessionMinutes": ("integer", 60),
    "stateHistoryDays": ("integer", 365),
}
"""Key -> type and default, as `Pulumi.yaml` declares them; None: it must be set."""


class SettingsError(pulumi.RunError):
    """The settings can't be used. `problems` has one full sentence each.

    A `RunError` ends the program with its text alone; any other exception would bury that under a stack trace.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The settings can't be used; nothing was created.\n" + "\n".join(f"- {p}" for p in problems))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What this account is prepared for."""

    region: str
    account_id: str
    """12 digits."""
    repository: str
    owner_id: int
    repository_id: int
    project: str
    environments: tuple[str, ...]
    preview_environments: tuple[str, ...]
    build_environments: tuple[str, ...]
    deploy_branch: str
    create_oidc_provider: bool
    session_minutes: int
    state_history_days: int

    @property
    def name(self) -> str:
        """What the names of this project's own resources begin with: no stack's name does."""
        return f"{self.project}-{OWN_NAME}"

    @property
    def state_bucket(self) -> str:
        """Fixed, so that every policy that names it is known in a preview; at most 63 characters."""
        return f"{self.name}-state-{self.account_id}-{self.region}"

    @property
    def key_alias(self) -> str:
        """Alias of the key of the state's secrets."""
        return f"alias/{self.name}-state"

    @property
    def partition(self) -> str:
        """`aws`, or that of China or of GovCloud."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every resource that takes tags."""
        return {"Project": self.project, "Stack": OWN_NAME, "ManagedBy": "Pulumi"}

    def subject(self, context: str) -> str:
        """The `sub` claim of a token of the repository, for example with context `environment:prod`.

        Repositories that were created or renamed since 15 July 2026, and those that opted in, have immutable subjects,
        with the ids of owner and repository behind their names [GitHub documentation, "OpenID Connect",
        "Immutable subject claims"].
        """
        owner, name = self.repository.split("/")
        if self.repository_id:
            return f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}:{context}"
        return f"repo:{owner}/{name}:{context}"


def load_settings() -> Settings:
    """Read the configuration of the running program.

    Raises:
        SettingsError: with every problem.
    """
    aws = pulumi.Config("aws")
    # `pulumi.Config` reads single keys only; unknown keys are found by listing all.
    given = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    namespace = f"{pulumi.get_project()}:"
    texts = {key.removeprefix(namespace): text for key, text in given.items() if key.startswith(namespace)}
    values = {key: text if KEYS.get(key, ("string",))[0] == "string" else _plain(text) for key, text in texts.items()}
    return parse(values, region=aws.get("region") or "", accounts=_plain(aws.get("allowedAccountIds")))


def _plain(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse(values: Mapping[str, Any], *, region: str, accounts: object) -> Settings:
    """Check plain values and turn them into settings.

    Args:
        values: key without namespace -> value.
        region: `aws:region`.
        accounts: `aws:allowedAccountIds`, a list with the one account.

    Raises:
        SettingsError: with every problem.
    """
    problems = [
        f"{key}: found an unknown key; expected one of {', '.join(sorted(KEYS))}. Fix: pulumi config rm {key}"
        for key in values
        if key not in KEYS
    ]
    given = {key: values.get(key, default) for key, (_, default) in KEYS.items()}

    def check(ok: bool, key: str, expected: str) -> None:
        if not ok:
            found = "nothing" if given.get(key) is None else json.dumps(given[key], default=str)
            problems.append(f"{key}: found {found}; expected {expected}. Fix: pulumi config set {key} ...")

    def names(key: str) -> tuple[str, ...]:
        items = cast("list[object]", given[key]) if isinstance(given[key], list) else [None]
        found = tuple(item for item in items if isinstance(item, str) and re.fullmatch(_NAME, item))
        check(len(set(found)) == len(items), key, f"a list of different stack names, each {_NAME_EXPECTED}")
        return found

    def number(key: str, minimum: int, maximum: int) -> int:
        value = given[key]
        ok = isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum
        check(ok, key, f"a whole number from {minimum} to {maximum}")
        return value if ok else minimum

    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        problems.append(f"aws:region: found {region!r}; expected an AWS region. Fix: pulumi config set aws:region ...")
    account = [str(item).zfill(12) for item in cast("list[object]", accounts)] if isinstance(accounts, list) else []
    if len(account) != 1 or not re.fullmatch(r"\d{12}", account[0]):
        problems.append(
            f"aws:allowedAccountIds: found {json.dumps(accounts)}; expected a list with the 12 digits of the "
            "one account that this stack is for. Fix: pulumi config set --path 'aws:allowedAccountIds[0]' 111122223333"
        )
        account = [""]
    repository = str(given["repository"])
    check(
        bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", repository)),
        "repository",
        "a GitHub repository, OWNER/NAME",
    )
    check(bool(re.fullmatch(_NAME, str(given["project"]))), "project", _NAME_EXPECTED)
    check(
        bool(re.fullmatch(r"[A-Za-z0-9._/-]+", str(given["deployBranch"]))),
        "deployBranch",
        "the exact name of a branch",
    )
    check(isinstance(given["createOidcProvider"], bool), "createOidcProvider", "true or false")
    owner_id, repository_id = (number(key, 0, 2**53) for key in ("ownerId", "repositoryId"))
    if (owner_id == 0) != (repository_id == 0):
        problems.append("ownerId, repositoryId: found only one of them; expected both, or neither.")
    environments = names("environments")
    fits = 1 <= len(environments) <= _MAX_ENVIRONMENTS and OWN_NAME not in environments
    check(fits, "environments", f"1 to {_MAX_ENVIRONMENTS} stacks, none of them named {OWN_NAME}")
    long = [stack for stack in environments if len(f"{given['project']}-{stack}") > _MAX_PREFIX]
    check(not long, "environments", f"stacks of which PROJECT-STACK has at most {_MAX_PREFIX} characters")
    some = {key: names(key) for key in ("previewEnvironments", "buildEnvironments")}
    for key, chosen in some.items():
        check(set(chosen) <= set(environments), key, f"some of the environments {', '.join(environments)}")
    settings = Settings(
        region=region,
        account_id=account[0],
        repository=repository,
        owner_id=owner_id,
        repository_id=repository_id,
        project=str(given["project"]),
        environments=environments,
        preview_environments=some["previewEnvironments"],
        build_environments=some["buildEnvironments"],
        deploy_branch=str(given["deployBranch"]),
        create_oidc_provider=given["createOidcProvider"] is True,
        session_minutes=number("sessionMinutes", _MIN_SESSION_MINUTES, _MAX_SESSION_MINUTES),
        state_history_days=number("stateHistoryDays", 1, 36_500),
    )
    if problems:
        raise SettingsError(problems)
    return settings
