"""From a Dockerfile to a job, in the order in which somebody does it: each test goes on where the one before ended."""

import json
from typing import Any

import httpx

from tests.docker.conftest import PIPELINE, Project

REPOSITORY = f"slipway-local/{PIPELINE}"
IMAGE_TYPES = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json")


def registry(project: Project, path: str) -> httpx.Response:
    """An answer of the sandbox's registry, over its own protocol."""
    url = f"http://127.0.0.1:{project.port}/v2/{REPOSITORY}/{path}"
    return httpx.get(url, headers={"Accept": ", ".join(IMAGE_TYPES)}, trust_env=False)


def run_job(project: Project, name: str) -> tuple[dict[str, Any], str]:
    """A finished job and its log."""
    file = project.root / "input.json"
    file.write_text(json.dumps({"name": name}))
    job = json.loads(project.done("submit", PIPELINE, "--input", str(file), "--wait", "--json"))
    return job, project.done("logs", PIPELINE, job["jobId"])


def test_up_builds_with_the_engine_and_pushes(project: Project) -> None:
    result = project.slipway("up", "--no-sample")
    assert result.returncode == 0, result.stderr
    assert f"images are built by the Docker engine at {project.engine.host}" in result.stderr
    tags = registry(project, "tags/list").json()["tags"]
    assert [tag for tag in tags if tag.startswith("build-")] == tags
    assert len(tags) == 1


def test_the_digest_is_that_of_one_image_for_arm64(project: Project) -> None:
    answer = registry(project, f"manifests/{project.digest}")
    assert answer.headers["Docker-Content-Digest"] == project.digest
    manifest = answer.json()
    assert manifest["mediaType"] in IMAGE_TYPES
    config = registry(project, f"blobs/{manifest['config']['digest']}").json()
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    reference = project.outputs["pipelines"][PIPELINE]["imageReference"]
    assert reference == f"127.0.0.1:{project.port}/{REPOSITORY}@{project.digest}"
    definitions = project.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert [item["containerProperties"]["image"] for item in definitions] == [reference]


def test_a_job_is_a_container_under_emulation(project: Project) -> None:
    job, log = run_job(project, "Ada")
    assert job["status"] == "SUCCEEDED", (job, log)
    assert "built on aarch64, runs on aarch64" in log
    assert 'as user 65534, with {"name":"Ada"}' in log.replace('": "', '":"')
    assert project.docker("ps", "--all", "--quiet") == ""


def test_an_image_that_the_engine_lost_is_pulled_from_the_sandbox(project: Project) -> None:
    reference = project.outputs["pipelines"][PIPELINE]["imageReference"]
    project.docker("image", "rm", "--force", project.docker("image", "inspect", "--format={{.Id}}", reference))
    job, log = run_job(project, "Grace")
    assert job["status"] == "SUCCEEDED", (job, log)
    assert "runs on aarch64" in log
