"""What a stack tells its users."""

from engine.program import Deployment
from tests.components.stack import ACCOUNT, DIGEST, IMAGE, REGION, Run


def test_the_exports(dev: Deployment) -> None:
    repository = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/slipway-dev/wordcount"
    exports = dict(dev.exports)
    docs, bucket = exports.pop("docsUrl"), exports.pop("resultsBucket")
    assert docs.startswith("http://slipway-dev-docs-")
    assert docs.endswith(f".s3-website.{REGION}.amazonaws.com/index.html")
    assert bucket.startswith("slipway-dev-results-")
    assert exports == {
        "apiUrl": f"https://api.execute-api.{REGION}.amazonaws.com/default",
        "apiKeys": {"default": "value-of-slipway-dev-default-0-1"},
        "pipelines": {
            "wordcount": {
                "repositoryUrl": repository,
                "imageReference": f"{repository}@{DIGEST}",
                "jobDefinition": "slipway-dev-wordcount:7",
                "functionName": "slipway-dev-wordcount-trigger",
            }
        },
    }


def test_keys_are_secret_and_nothing_else_is(dev: Deployment) -> None:
    assert dev.secret_exports == {"apiKeys"}


def test_an_image_that_is_not_built_here_is_exported_with_its_own_repository(run: Run) -> None:
    entry = {"image": IMAGE, "schema": "pipelines/wordcount/parameters.schema.json"}
    summary = run({"pipelines": {"wordcount": entry}}).exports["pipelines"]["wordcount"]
    assert summary["imageReference"] == IMAGE
    assert summary["repositoryUrl"] == IMAGE.split("@")[0]
