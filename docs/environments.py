"""What differs between the stacks, from their files: a table of README.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.settings_keys import KEYS, REGISTRY_KEYS
from engine.config import load_project, load_stack_config, program_config

ROOT = Path(__file__).parent.parent

STACKS = ("local", "dev", "staging", "prod", "shared")
"""In the order of the columns; those without a file are left out."""

REASONS: Mapping[str, str] = {
    "region": "the sandbox plays the region that every SDK falls back to",
    "pipelines": "dev builds from the sources; staging and prod run the digest that was promoted to them",
    "repositories": "a stack that has nothing else, which others may use and which outlives them",
    "registry": "`own` repositories go with their stack; those of `shared` outlive every other one",
    "docs.mode": "a website is as simple as can be, but public and HTTP only; CloudFront is HTTPS, private behind it",
    "protectData": "repositories, buckets and tables can't be deleted; results have versions, tables a backup",
    "maxVcpus": "how many jobs run at a time, and what a mistake can cost",
    "retainedImages": "how far back a rollback can go",
    "logRetentionDays": "how long a failure can be looked into",
    "resultRetentionDays": "how long a result can be fetched",
    "inputRetentionDays": "how long a job can be repeated with the same upload",
    "buildCache": "one machine keeps the layers itself; the runners of a deployment start with nothing",
    "throttle": "the sandbox has one caller, and tests must not run into limits made for strangers",
    "quotaPerDay": "the same",
    "corsOrigins": "which pages may call the API",
    "permissionsBoundary": "roles that a deployment from GitHub makes can do no more than this policy",
    "policy exemptions": "the pack's rules that a stack may break, each with a reason in `policy/config.STACK.json`",
    "approval": "set at the GitHub environment: who must approve, and that only `main` deploys",
    "deployed": "see `.github/workflows/deploy.yml`",
}
"""Setting -> why it differs."""
_NO_SETTINGS = ("region", "policy exemptions", "approval", "deployed")
_DEPLOYED = {
    "local": "`make up`, or `make pulumi-up`",
    "dev": "on every merge",
    "staging": "when its file changes: a promotion",
    "prod": "when its file changes: a promotion",
    "shared": "when its file changes, before the others",
}
_APPROVAL = {"local": "", "dev": "", "staging": "yes", "prod": "yes", "shared": "yes"}


def environments_table() -> str:
    """What differs between the stacks, and why: a row for each setting that isn't the same in all that have it."""
    project = load_project(ROOT)
    stacks = [stack for stack in STACKS if stack in project.stacks]
    stacks += [stack for stack in project.stacks if stack not in stacks]
    values = {stack: _values(stack) for stack in stacks}
    keys = list(dict.fromkeys(key for found in values.values() for key in found))
    rows = [
        [key if key in _NO_SETTINGS else f"`{key}`"]
        + [values[stack].get(key, "") for stack in stacks]
        + [REASONS.get(key, "")]
        for key in sorted(keys, key=lambda key: list(REASONS).index(key) if key in REASONS else len(REASONS))
        if len({found[key] for found in values.values() if key in found}) > 1
    ]
    head = ["", *stacks, "why"]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _values(stack: str) -> dict[str, str]:
    """Each setting of a stack as a cell, with what the workflows and the policy pack add."""
    project = load_project(ROOT)
    config = load_stack_config(project, stack)
    found = {"region": str(config.get("aws:region", ""))}
    only = REGISTRY_KEYS if config.get(f"{project.name}:repositories") else tuple(KEYS)
    for key, text in program_config(project, config).items():
        namespace, _, name = key.partition(":")
        if namespace != project.name or name not in only:
            continue
        value = _parsed(text)
        if name == "pipelines":
            found[name] = "<br>".join(_pipeline(entry, item) for entry, item in value.items())
        elif name == "docs":
            found["docs.mode"] = str(value.get("mode", ""))
        elif isinstance(value, dict):
            found[name] = ", ".join(f"{part} {_cell(item)}" for part, item in value.items())
        elif isinstance(value, list):
            found[name] = ", ".join(map(_cell, value))
        else:
            found[name] = _cell(value)
    exemptions = ROOT / "policy" / f"config.{stack}.json"
    found["policy exemptions"] = ", ".join(_exempted(exemptions)) or "none"
    found["approval"] = _APPROVAL.get(stack, "")
    found["deployed"] = _DEPLOYED.get(stack, "")
    return found


def _pipeline(name: str, settings: Mapping[str, Any]) -> str:
    return f"{name}: {'a promoted digest' if 'image' in settings else 'built here'}"


def _exempted(path: Path) -> list[str]:
    """The rules from which a policy configuration exempts something."""
    if not path.is_file():
        return []
    found: set[str] = set()
    for rule, settings in json.loads(path.read_text(encoding="utf-8")).items():
        for exemption in settings.get("exemptions", []) if isinstance(settings, dict) else []:
            rules = exemption.get("rules") or exemption.get("rule") or rule
            found.update([rules] if isinstance(rules, str) else rules)
    return sorted(found)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _cell(value: object) -> str:
    return (value if isinstance(value, str) else json.dumps(value)).replace("|", "\\|")
