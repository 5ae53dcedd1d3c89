"""The settings of repositories: whose they are, who else may use them, which tags they keep."""

from typing import Any

import pytest

from components.settings import KEYS
from tests.components.stack import Parse, Problems

ACCOUNT, OTHER = "111111111111", "222222222222"


def shared(**values: Any) -> dict[str, Any]:
    return {"pipelines": {}, "repositories": ["wordcount"], **values}


def test_a_stack_has_its_own_repositories_unless_told(parse: Parse) -> None:
    found = parse().registry
    assert (found.kind, found.account, found.repositories) == ("own", "", ())
    assert (found.puller_accounts, found.puller_organization, found.pusher_accounts) == ((), "", ())
    assert parse().protected_tag_prefixes == ("release-", "deployed-")


def test_the_shared_repositories_may_be_in_another_account(parse: Parse) -> None:
    found = parse({"registry": "shared", "registryAccount": ACCOUNT}).registry
    assert (found.kind, found.account) == ("shared", ACCOUNT)
    assert parse({"registry": "shared"}).registry.account == ""


def test_a_stack_with_repositories_has_no_pipelines(parse: Parse) -> None:
    found = parse(
        shared(
            pullers={"accounts": [ACCOUNT, OTHER], "organization": "o-a1b2c3d4e5"},
            pushers={"accounts": [OTHER]},
            protectedTagPrefixes=["release-"],
            notifications={"emails": ["team@example.org"]},
            protectData=True,
        ),
        stack="shared",
    )
    assert (found.pipelines, found.functions, found.services) == ((), (), ())
    assert found.registry.repositories == ("wordcount",)
    assert (found.registry.puller_accounts, found.registry.pusher_accounts) == ((ACCOUNT, OTHER), (OTHER,))
    assert found.registry.puller_organization == "o-a1b2c3d4e5"
    assert found.protected_tag_prefixes == ("release-",)


def test_declared_defaults_are_no_settings_of_the_shared_stack(parse: Parse) -> None:
    """The engine hands over the default of each key that the stack file leaves out."""
    defaults = {key: default for key, (_type, default) in KEYS.items()}
    assert parse({**defaults, **shared()}).registry.repositories == ("wordcount",)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pipelines", {"sample": {"context": "jobs/sample"}}),
        ("registry", "shared"),
        ("maxVcpus", 32),
        ("network", {"kind": "default"}),
        ("consumers", {"a": {}}),
        ("docs", {"mode": "cloudfront"}),
        ("functions", {"report": {"pipeline": "sample"}}),
        ("services", {"front": {"pipeline": "sample"}}),
        ("buildOnPreview", True),
    ],
)
def test_what_a_stack_with_repositories_does_not_have_is_refused(problems: Problems, key: str, value: object) -> None:
    (text,) = problems(shared(**{key: value}), stack="shared")
    assert text.startswith(f"slipway:{key}: ")
    assert "a stack that has `repositories` has nothing else" in text


@pytest.mark.parametrize("digits", [123456789012])
def test_an_account_that_the_cli_stored_as_a_number_is_taken(parse: Parse, digits: int) -> None:
    """`pulumi config set --path slipway:pullers.accounts[0] 123456789012` writes a number."""
    assert parse(shared(pullers={"accounts": [digits]})).registry.puller_accounts == (str(digits),)


@pytest.mark.parametrize(
    "accounts",
    [
        [12345678901],  # a zero was lost
        ["12345678901"],
        ["1234567890123"],
        ["a23456789012"],
        [True],
        [ACCOUNT, ACCOUNT],
        [ACCOUNT, int(ACCOUNT)],
        ACCOUNT,
        {},
    ],
)
@pytest.mark.parametrize("key", ["pullers", "pushers"])
def test_what_is_no_list_of_accounts_is_refused(problems: Problems, key: str, accounts: object) -> None:
    (text,) = problems(shared(**{key: {"accounts": accounts}}))
    assert text.startswith(f"slipway:{key}.accounts: ")
    assert "a list of account ids of 12 digits" in text
    assert text.endswith(f"pulumi config rm --path slipway:{key}.accounts")


@pytest.mark.parametrize(
    ("values", "key", "expected"),
    [
        ({"registry": "share"}, "registry", "own or shared"),
        ({"registryAccount": ACCOUNT}, "registryAccount", "a stack's own repositories are in its own account"),
        ({"registry": "shared", "registryAccount": "1"}, "registryAccount", "the 12 digits of the account"),
        ({"registry": "shared", "registryAccount": 7}, "registryAccount", "the 12 digits of the account"),
        ({"pullers": {"accounts": [ACCOUNT]}}, "pullers", "only a stack that has `repositories`"),
        ({"pushers": {"accounts": [ACCOUNT]}}, "pushers", "only a stack that has `repositories`"),
        (shared(pullers={"organization": "o-1"}), "pullers.organization", "the id of an AWS organization"),
        (shared(pullers={"organization": "*"}), "pullers.organization", "the id of an AWS organization"),
        (shared(repositories=["Word"]), "repositories", "names of pipelines, each once"),
        (shared(repositories=["a", "a"]), "repositories", "names of pipelines, each once"),
        (shared(repositories=["x" * 33]), "repositories", "at most 32 lower-case letters"),
        (shared(pullers={"account": []}), "pullers.account", "did you mean accounts?"),
        (shared(pushers={"acounts": []}), "pushers.acounts", "did you mean accounts?"),
        ({"protectedTagPrefixes": [""]}, "protectedTagPrefixes", "beginnings of image tags"),
        ({"protectedTagPrefixes": ["-a"]}, "protectedTagPrefixes", "beginnings of image tags"),
        ({"protectedTagPrefixes": ["a*"]}, "protectedTagPrefixes", "beginnings of image tags"),
        ({"protectedTagPrefixes": ["a", "a"]}, "protectedTagPrefixes", "each once"),
        ({"protectedTagPrefixes": [f"a{n}" for n in range(41)]}, "protectedTagPrefixes", "at most 40"),
        ({"protectedTagPrefixes": "release-"}, "protectedTagPrefixes", "a list of strings"),
    ],
)
def test_a_wrong_value_is_refused(problems: Problems, values: dict[str, Any], key: str, expected: str) -> None:
    (text,) = problems(values)
    assert text.startswith(f"slipway:{key}: ")
    assert expected in text


def test_as_many_tag_prefixes_as_a_lifecycle_has_room_for_are_taken(parse: Parse) -> None:
    many = [f"a{number}" for number in range(40)]
    assert parse({"protectedTagPrefixes": many}).protected_tag_prefixes == tuple(many)
    assert parse({"protectedTagPrefixes": []}).protected_tag_prefixes == ()
