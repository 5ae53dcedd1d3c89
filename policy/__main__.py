"""Registers the rules; what they do is in `guardrails/`."""

import pulumi_policy.policy
from guardrails.adapter import Pack
from guardrails.catalogue import RULES
from guardrails.server import dispatch

pack = Pack(RULES)
dispatch(pulumi_policy.policy, pack)
pulumi_policy.PolicyPack(
    name="slipway",
    policies=pack.policies(),
    enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY,
)
