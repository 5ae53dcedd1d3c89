"""The lazy loading of pulumi-aws, each time in a fresh interpreter: this one has long loaded the SDK."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


def fresh(program: str) -> Any:
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    return json.loads(result.stdout)


def test_only_the_named_class_and_what_it_needs_is_loaded() -> None:
    loaded = fresh(
        "import json, sys; from engine import lazy_sdk; lazy_sdk.install(); lazy_sdk.install()\n"
        "from pulumi_aws import ecr; ecr.Repository; ecr.RepositoryImageScanningConfigurationArgs\n"
        "print(json.dumps([name for name in sys.modules if name.startswith('pulumi_aws.ecr.')]))"
    )
    assert "pulumi_aws.ecr.repository" in loaded
    assert "pulumi_aws.ecr.lifecycle_policy" not in loaded


def test_every_name_of_a_service_is_the_one_that_eager_loading_gives() -> None:
    names = """
import json, pulumi_aws, pathlib, re
from pulumi_aws import dynamodb
folder = pathlib.Path(pulumi_aws.__file__).parent / "dynamodb"
found = {}
for path in sorted(folder.glob("*.py")):
    for name in re.findall(r"^    '(\\w+)',$", path.read_text(), re.M):
        value = getattr(dynamodb, name, None)
        if value is not None and path.stem != "outputs":
            found[name] = f"{value.__module__}.{value.__qualname__}"
found["outputs"] = dynamodb.outputs.__name__
print(json.dumps(found))
"""
    eager = fresh(names)
    assert len(eager) > 50
    assert fresh("from engine import lazy_sdk; lazy_sdk.install()\n" + names) == eager


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    told = fresh(
        "import json; from engine import lazy_sdk; lazy_sdk.install()\n"
        "from pulumi_aws import ecr\n"
        "try: ecr.Nonsense\nexcept AttributeError as error: print(json.dumps(str(error)))"
    )
    assert told == "module 'pulumi_aws.ecr' has no attribute 'Nonsense'"
