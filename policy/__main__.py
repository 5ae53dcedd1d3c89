"""Registers the rules; what they do is in `guardrails/`."""

import pulumi_policy.policy
from guardrails.adapter import Pack
from guardrails.catalogue import RULES
from guardrails.sharing import share_decoding

share_decoding(pulumi_policy.policy)
pulumi_policy.PolicyPack(
    name="slipway",
    policies=Pack(RULES).policies(),
    enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY,
)
