"""A `pulumi` for tests: notes how it is called, and does what the test told it."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCRIPT = """#!{python}
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
plan = json.loads((folder / "plan.json").read_text())
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]) + "\\n")
words = sys.argv[1:]
if "--event-log" in words:
    path = pathlib.Path(words[words.index("--event-log") + 1])
    path.write_text("".join(json.dumps(event) + "\\n" for event in plan["events"]))
if words[:2] == ["stack", "init"]:
    pathlib.Path(f"Pulumi.{{words[2]}}.yaml").write_text("encryptionsalt: v1:salt:v1:check\\n")
if words[:1] == ["version"]:
    print(plan["version"])
elif words[:2] == ["stack", "output"]:
    print(json.dumps(plan["outputs"]))
elif plan["output"]:
    print(plan["output"])
sys.exit(plan["codes"].get(words[0], plan["code"]))
"""


@dataclass(frozen=True)
class Call:
    arguments: list[str]
    environment: dict[str, str]
    folder: str


class FakePulumi:
    """A folder to put on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        script = folder / "pulumi"
        script.write_text(_SCRIPT.format(python=sys.executable, folder=str(folder)))
        script.chmod(0o755)
        self.behave()

    def behave(
        self,
        *,
        code: int = 0,
        codes: dict[str, int] | None = None,
        output: str = "",
        events: list[Any] | None = None,
        outputs: dict[str, Any] | None = None,
        version: str = "v3.272.0",
    ) -> None:
        """What it does from now on: exit code (by command), what it prints, event log, stack outputs, version."""
        plan = {
            "code": code,
            "codes": codes or {},
            "output": output,
            "events": events or [],
            "outputs": outputs or {},
            "version": version,
        }
        (self.folder / "plan.json").write_text(json.dumps(plan))

    @property
    def calls(self) -> list[Call]:
        path = self.folder / "calls.jsonl"
        return [Call(*json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
