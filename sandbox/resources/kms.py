"""KMS keys."""

from typing import Final

from sandbox.context import Context, Inputs, Outputs, tag_list


def key(context: Context, inputs: Inputs) -> tuple[str, Outputs]:
    """`aws:kms/key:Key`, a symmetric one."""
    tags: dict[str, str] = inputs.get("tags", {})
    inputs.accept(["bypassPolicyLockoutSafetyCheck", "deletionWindowInDays", "isEnabled", "multiRegion"])
    client = context.client("kms")
    created = client.create_key(
        Tags=tag_list(tags, "TagKey", "TagValue"),
        **inputs.pascal(["description", "policy", "keyUsage"], customerMasterKeySpec="KeySpec"),
    )["KeyMetadata"]
    identifier: str = created["KeyId"]
    if inputs.get("enableKeyRotation"):
        client.enable_key_rotation(KeyId=identifier)
    return identifier, {"keyId": identifier, "arn": created["Arn"], "tagsAll": tags}


CREATORS: Final = {"aws:kms/key:Key": key}
