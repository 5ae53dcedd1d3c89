"""From a Dockerfile to a job, in the order in which somebody does it: each test goes on where the one before ended."""

import json
import os
import signal
from typing import Any

import httpx
import pytest
import yaml

from engine.program import run_program
from sandbox.deploy import SandboxProvider
from sandbox.docker_engine import LABEL
from tests import patient
from tests.docker.conftest import PIPELINE, REGION, Project
from tests.e2e.conftest import Api

REPOSITORY = f"slipway-local/{PIPELINE}"
IMAGE_TYPES = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json")


def registry(project: Project, path: str) -> httpx.Response:
    """An answer of the sandbox's registry, over its own protocol."""
    url = f"http://127.0.0.1:{project.port}/v2/{REPOSITORY}/{path}"
    return patient.get(url, headers={"Accept": ", ".join(IMAGE_TYPES)})


def containers(project: Project) -> list[str]:
    """Those of sandboxes, ended ones included."""
    return project.docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}").splitlines()


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
    assert containers(project) == []


def test_an_image_that_the_engine_lost_is_pulled_from_the_sandbox(project: Project) -> None:
    reference = project.outputs["pipelines"][PIPELINE]["imageReference"]
    project.docker("image", "rm", "--force", project.docker("image", "inspect", "--format={{.Id}}", reference))
    job, log = run_job(project, "Grace")
    assert job["status"] == "SUCCEEDED", (job, log)
    assert "runs on aarch64" in log


def test_promote_names_the_digest_for_staging_and_tags_it(project: Project) -> None:
    project.done("promote", PIPELINE, "--from", "local", "--to", "staging", "--tag", "4.0.0")
    entry = yaml.safe_load((project.root / "Pulumi.staging.yaml").read_text())["config"]["slipway:pipelines"][PIPELINE]
    assert entry["image"].endswith(f".amazonaws.com/{REPOSITORY}@{project.digest}")
    assert entry["imageTag"] == "release-4.0.0"
    assert "context" not in entry
    assert registry(project, "manifests/release-4.0.0").headers["Docker-Content-Digest"] == project.digest
    tagged = f"127.0.0.1:{project.port}/{REPOSITORY}:release-4.0.0"
    project.docker("pull", "--quiet", tagged)
    digests = json.loads(project.docker("image", "inspect", "--format={{json .RepoDigests}}", tagged))
    assert set(digests) == {f"127.0.0.1:{project.port}/{REPOSITORY}@{project.digest}"}


def test_the_other_stack_runs_that_very_image(project: Project) -> None:
    provider = SandboxProvider(
        endpoint_url=f"http://127.0.0.1:{project.port}",
        region=REGION,
        state=project.root / ".slipway",
        root=project.root,
        docker=project.engine,
    )
    before = registry(project, "tags/list").json()["tags"]
    exports = json.loads(json.dumps(run_program(project.root, "staging", provider=provider, preview=False).exports))
    assert exports["pipelines"][PIPELINE]["imageReference"].endswith(f"@{project.digest}")
    assert registry(project, "tags/list").json()["tags"] == before, "nothing was built or pushed"
    api = Api(exports["apiUrl"], exports["apiKeys"]["default"], exports)
    job_id = api.submitted(PIPELINE, {"name": "Mary"})
    job = api.finished(PIPELINE, job_id)
    assert job["status"] == "SUCCEEDED", job
    logs = project.client("logs")
    definitions = project.client("batch").describe_job_definitions(jobDefinitionName=f"slipway-staging-{PIPELINE}")
    properties = definitions["jobDefinitions"][0]["containerProperties"]
    assert properties["image"] == exports["pipelines"][PIPELINE]["imageReference"]
    group = properties["logConfiguration"]["options"]["awslogs-group"]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    ]
    assert "built on aarch64, runs on aarch64" in events


def test_images_lists_the_digest_with_its_tags_and_where_it_runs(project: Project) -> None:
    listed = project.done("images", "--stack", "local")
    for part in (project.digest[:19], "build-", "release-4.0.0", "linux/arm64", "local (running)", "staging (file)"):
        assert part in listed


@pytest.mark.parametrize(
    ("options", "differences"), [(["--aws"], []), (["--at", "2046-01-01T00:00:00Z"], None)], ids=["now", "later"]
)
def test_what_is_promoted_does_not_expire(project: Project, options: list[str], differences: list[str] | None) -> None:
    shown = json.loads(project.done("lifecycle", PIPELINE, "--stack", "local", "--json", *options))
    (image,) = (image for image in shown["images"] if image["digest"] == project.digest)
    assert "release-4.0.0" in image["tags"]
    assert image["action"] == "keep"
    assert shown["differences"] == differences


def test_a_killed_server_leaves_no_container_behind(project: Project) -> None:
    api = Api(project.outputs["apiUrl"], project.outputs["apiKeys"]["default"], project.outputs)
    job_id = api.submitted(PIPELINE, {"name": "Rip"})
    logs = f"/{PIPELINE}/jobs/{job_id}/logs"
    api.until(PIPELINE, job_id, lambda _: "runs on aarch64" in api.call("GET", logs).text)
    assert len(containers(project)) == 1
    os.kill(json.loads((project.root / ".slipway" / "sandbox.json").read_text())["pid"], signal.SIGKILL)
    project.done("down")
    assert containers(project) == []
