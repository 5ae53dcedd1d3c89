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


def test_the_configuration_of_the_provider_can_be_read() -> None:
    program = "import json, pulumi_aws, pulumi\n"
    program += "pulumi.runtime.set_config('aws:region', 'eu-west-1')\nprint(json.dumps(pulumi_aws.config.region))"
    assert fresh("from engine import lazy_sdk; lazy_sdk.install()\n" + program) == fresh(program) == "eu-west-1"


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    told = fresh(
        "import json; from engine import lazy_sdk; lazy_sdk.install()\n"
        "from pulumi_aws import ecr\n"
        "try: ecr.Nonsense\nexcept AttributeError as error: print(json.dumps(str(error)))"
    )
    assert told == "module 'pulumi_aws.ecr' has no attribute 'Nonsense'"


def test_of_the_inputs_and_outputs_only_what_is_used_is_built() -> None:
    built = fresh(
        "import json, sys; from engine import lazy_sdk; lazy_sdk.install()\n"
        "from pulumi_aws import ec2; ec2.SecurityGroup; ec2.LaunchTemplateMetadataOptionsArgs\n"
        "inputs = sys.modules['pulumi_aws.ec2._inputs']\n"
        "print(json.dumps([sorted(name for name, value in vars(inputs).items() if isinstance(value, type)),"
        " len(inputs.__all__)]))"
    )
    names, exported = built
    assert {name for name in names if name.endswith("Args")} == {
        "LaunchTemplateMetadataOptionsArgs",
        "SecurityGroupEgressArgs",
        "SecurityGroupIngressArgs",
    }
    assert exported > 500


def test_types_of_properties_are_those_that_eager_loading_gives() -> None:
    """Nested types are strings in the SDK's code: they are looked up among the classes that are there."""
    types = """
import json, sys
from pulumi_aws import batch
from pulumi import _types
batch.JobDefinition, batch.JobQueue
found = {}
for module in ("_inputs", "outputs"):
    loaded = sys.modules[f"pulumi_aws.batch.{module}"]
    for name in loaded.__all__:
        value = getattr(loaded, name)
        if _types.is_input_type(value):
            found[name] = str(_types.input_type_types(value))
        elif _types.is_output_type(value):
            found[name] = str(_types.output_type_types(value))
found["JobDefinition"] = str(_types.resource_types(batch.JobDefinition))
print(json.dumps(found))
"""
    eager = fresh(types)
    assert len(eager) > 100
    assert fresh("from engine import lazy_sdk; lazy_sdk.install()\n" + types) == eager


def test_a_class_that_the_inputs_do_not_have_is_an_attribute_error() -> None:
    told = fresh(
        "import json; from engine import lazy_sdk; lazy_sdk.install()\n"
        "from pulumi_aws.ec2 import _inputs\n"
        "try: _inputs.Nonsense\nexcept AttributeError as error: print(json.dumps(str(error)))"
    )
    assert told == "module 'pulumi_aws.ec2._inputs' has no attribute 'Nonsense'"
