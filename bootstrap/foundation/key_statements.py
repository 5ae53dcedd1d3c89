"""The keys of stacks: a key has a random id, so that only its tags tell whose it is."""

from collections.abc import Sequence
from typing import Any

from foundation.statements import Place, Statement, actions, allow

_READS = "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags"
_WRITES = "DisableKeyRotation EnableKeyRotation PutKeyPolicy ScheduleKeyDeletion UntagResource UpdateKeyDescription"


def read_keys(place: Place, stacks: Sequence[str]) -> Statement:
    """Read the keys of stacks, as a refresh does; nothing is decrypted.

    Args:
        place: any stack of the account.
    """
    owned = {**_tags("ResourceTag", place), "aws:ResourceTag/Stack": list(stacks)}
    return allow(actions("kms", _READS), [place.arn("kms", "key/*")], {"StringEquals": owned})


def write_keys(place: Place) -> list[Statement]:
    """Create, change and delete the keys of a stack."""
    keys = [place.arn("kms", "key/*")]
    return [
        # The literal "*": what is yet to be created has no ARN.
        allow(["kms:CreateKey"], ["*"], {"StringEquals": _tags("RequestTag", place)}),
        # The tags come with the creation, when the key has none yet that could be asked for.
        allow(["kms:TagResource"], keys, {"StringEquals": _tags("RequestTag", place)}),
        allow(actions("kms", f"{_WRITES} TagResource"), keys, {"StringEquals": _tags("ResourceTag", place)}),
    ]


def bound_keys(place: Place, state_key_alias: str) -> list[Statement]:
    """Of a boundary: keys may be made and changed, but never the one that all states are encrypted with.

    Who may give a key tags could else make the state's own one of its stack's, and then change it.
    """
    keys = [place.arn("kms", "key/*")]
    return [
        allow(["kms:CreateKey"], ["*"]),
        allow(actions("kms", f"{_READS} {_WRITES} TagResource"), keys),
        {
            "Effect": "Deny",
            "Action": sorted(actions("kms", f"{_WRITES} TagResource")),
            "Resource": keys,
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": state_key_alias}},
        },
    ]


def _tags(where: str, place: Place) -> dict[str, Any]:
    return {f"aws:{where}/Project": place.project, f"aws:{where}/Stack": place.stack}
