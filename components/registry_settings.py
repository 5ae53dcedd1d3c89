"""Which repositories a stack has or uses, and who else may use them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from components.naming import SHARED_STACK
from components.pipeline_settings import MAX_NAME_LENGTH, NAME_PATTERN
from components.settings_keys import KEYS, REGISTRY_KEYS
from components.settings_reader import Section

_ACCOUNT = r"[0-9]{12}"
_ORGANIZATION = r"o-[a-z0-9]{10,32}"
"""[AWS Organizations API reference, "Organization"]."""
_TAG_PREFIX = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_MAX_TAG_PREFIXES = 40
"""A lifecycle has at most 50 rules [Amazon ECR user guide, "Amazon ECR service quotas"]; each prefix is one."""


@dataclass(frozen=True, kw_only=True)
class RegistrySettings:
    """The repositories of a stack: its own ones, or those of the stack `shared`."""

    kind: str
    """`own`: one for each pipeline that is not an image from elsewhere; `shared`: those of the stack `shared`."""
    account: str
    """The 12 digits of the account of the stack `shared`; empty: this stack's own account."""
    repositories: Sequence[str] = ()
    """Names of pipelines. Not empty: this stack is the shared one, with a repository for each and nothing else."""
    puller_accounts: Sequence[str] = ()
    """Accounts whose stacks run the images of `repositories`."""
    puller_organization: str = ""
    """The organization all of whose accounts may do that; empty for none."""
    pusher_accounts: Sequence[str] = ()
    """Accounts whose stacks build into `repositories`."""


def read_registry(top: Section) -> RegistrySettings:
    """Read `registry`, `registryAccount`, `repositories`, `pullers` and `pushers`; problems are kept in the section."""
    kind = top.choice("registry", "own", ("own", "shared"))
    account = _read_account(top, kind)
    repositories = _read_repositories(top)
    pullers = top.section("pullers")
    pullers.refuse_unknown(("accounts", "organization"))
    pushers = top.section("pushers")
    pushers.refuse_unknown(("accounts",))
    if repositories:
        _refuse_all_else(top)
    else:
        for section, name in ((pullers, "pullers"), (pushers, "pushers")):
            if section.values:
                top.refuse(
                    name,
                    "nothing: only a stack that has `repositories` opens them to others",
                    top.remove_command(name),
                )
    return RegistrySettings(
        kind=kind,
        account=account,
        repositories=repositories,
        puller_accounts=_read_accounts(pullers),
        puller_organization=pullers.text(
            "organization", "", rf"({_ORGANIZATION})?", "the id of an AWS organization, like o-a1b2c3d4e5, or nothing"
        ),
        pusher_accounts=_read_accounts(pushers),
    )


def read_tag_prefixes(top: Section) -> tuple[str, ...]:
    """Read `protectedTagPrefixes`; problems are kept in the section."""
    prefixes = top.strings("protectedTagPrefixes", cast("Sequence[str]", KEYS["protectedTagPrefixes"][1]))
    wrong = [prefix for prefix in prefixes if not re.fullmatch(_TAG_PREFIX, prefix)]
    if wrong or len(set(prefixes)) != len(prefixes) or len(prefixes) > _MAX_TAG_PREFIXES:
        top.refuse(
            "protectedTagPrefixes",
            f"at most {_MAX_TAG_PREFIXES} beginnings of image tags, each once: letters, digits, periods, hyphens and "
            "underscores",
            top.remove_command("protectedTagPrefixes"),
            found=", ".join(map(repr, wrong)) or None,
        )
    return prefixes


def _read_account(top: Section, kind: str) -> str:
    value: object = top.values.get("registryAccount", "")
    if value == "":
        return ""
    if kind == "own":
        top.refuse(
            "registryAccount",
            "nothing: a stack's own repositories are in its own account",
            top.set_command("registry", "shared"),
        )
        return ""
    return top.text(
        "registryAccount",
        "",
        _ACCOUNT,
        f"the 12 digits of the account of the stack {SHARED_STACK}, or nothing for this one",
    )


def _read_accounts(section: Section) -> tuple[str, ...]:
    """`pulumi config set --path` stores digits as a number: one of 12 digits has lost no zero and is taken."""
    given: object = section.values.get("accounts", [])
    items = cast("list[object]", given) if isinstance(given, list) else [given]
    accounts = [str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in items]
    good = [item for item in accounts if isinstance(item, str) and re.fullmatch(_ACCOUNT, item)]
    if len(good) != len(accounts) or not isinstance(given, list) or len(set(good)) != len(good):
        section.refuse(
            "accounts",
            "a list of account ids of 12 digits, each once and in quotes",
            section.remove_command("accounts"),
        )
        return ()
    return tuple(good)


def _read_repositories(top: Section) -> tuple[str, ...]:
    return top.distinct(
        "repositories",
        lambda name: re.fullmatch(NAME_PATTERN, name) and len(name) <= MAX_NAME_LENGTH,
        f"names of pipelines, each once: at most {MAX_NAME_LENGTH} lower-case letters, digits and single hyphens, "
        "a letter first",
        top.set_command("repositories[0]", "wordcount"),
    )


def _refuse_all_else(top: Section) -> None:
    """Declared defaults always arrive, so that only another value shows that somebody set a key."""
    for name, (_type, default) in KEYS.items():
        if name not in REGISTRY_KEYS and not _equal(top.values.get(name, default), default):
            top.refuse(
                name,
                f"nothing: a stack that has `repositories` has nothing else ({', '.join(sorted(REGISTRY_KEYS))})",
                top.remove_command(name),
            )


def _equal(value: Any, default: str | int | Sequence[Any] | Mapping[str, Any]) -> bool:
    return type(value) is type(default) and value == default
