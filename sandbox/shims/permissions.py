"""Whether a service may invoke a function: by the function's own policy, which the emulator stores and never reads."""

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox import emulator

API_GATEWAY: Final = "apigateway.amazonaws.com"
EVENTS: Final = "events.amazonaws.com"


def may_invoke(function: str, service: str, source_arn: str) -> bool:
    """Whether a statement of the function's policy lets a service invoke it for a source.

    Args:
        function: name or ARN.
        service: principal, such as `events.amazonaws.com`.
        source_arn: of the rule or the API's method on whose behalf the service calls.
    """
    record, _, _ = emulator.service("lambda_svc")._get_func_record_for_ref(function)
    if record is None:
        return True  # the emulator's own error says what is wrong
    return any(_allows(statement, service, source_arn) for statement in record["policy"]["Statement"])


def _allows(statement: Mapping[str, Any], service: str, source_arn: str) -> bool:
    principal = statement["Principal"]
    if principal != "*" and principal.get("Service") != service:
        return False
    condition: Mapping[str, Mapping[str, str]] = statement.get("Condition", {})
    pattern = condition.get("ArnLike", {}).get("AWS:SourceArn")
    return pattern is None or _arn_like(pattern, source_arn)


def _arn_like(pattern: str, arn: str) -> bool:
    parts = (re.escape(part).replace(r"\*", ".*").replace(r"\?", ".") for part in pattern.split(":"))
    return re.fullmatch(":".join(parts), arn) is not None
