"""What is advised for the words of Docker, BuildKit and ECR. What isn't proven here: that they still use them."""

import pytest

from components.push_advice import push_advice

HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
REPOSITORY = "slipway-dev/wordcount"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            f"failed to push: tag invalid: The image tag 'build-1' already exists in the '{REPOSITORY}' repository and "
            "cannot be overwritten because the tag is immutable.",
            "pulumi config set --path pipelines.wordcount.generation 2",
        ),
        (
            "failed to solve: failed to copy: write /var/lib/docker/tmp/x: no space left on device",
            "The disk of the machine that builds wordcount is full; nothing was pushed.",
        ),
        (
            "denied: Your authorization token has expired. Reauthenticate and try again.",
            "The credentials with which wordcount was pushed have expired",
        ),
        (
            "denied: Your Authorization Token has expired. Please run 'aws ecr get-login' to fetch a new one.",
            "The credentials with which wordcount was pushed have expired",
        ),
        (
            "operation error ECR: GetAuthorizationToken, api error ExpiredTokenException: The security token included "
            "in the request is expired",
            "The credentials with which wordcount was pushed have expired",
        ),
        (
            "denied: User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: "
            f"ecr:InitiateLayerUpload on resource: arn:aws:ecr:eu-central-1:123456789012:repository/{REPOSITORY} "
            "because no identity-based policy allows the ecr:InitiateLayerUpload action",
            "The AWS identity that deploys may not push to the repository of wordcount",
        ),
        ("no basic auth credentials", "A registry refused wordcount's build"),
        (
            f"failed to push {HOST}/{REPOSITORY}:build-1: unexpected status from POST request to "
            f"https://{HOST}/v2/{REPOSITORY}/blobs/uploads/: 401 Unauthorized",
            "A registry refused wordcount's build",
        ),
        (
            f"failed to push {HOST}/{REPOSITORY}:build-1: unexpected status from HEAD request to "
            f"https://{HOST}/v2/{REPOSITORY}/blobs/sha256:00: 403 Forbidden",
            "A registry refused wordcount's build",
        ),
        (
            "failed to solve: nothing/here: failed to resolve source metadata for docker.io/nothing/here:latest: pull "
            "access denied, repository does not exist or may require authorization",
            "For a base image: log in to its registry",
        ),
        (
            f"name unknown: The repository with name '{REPOSITORY}' does not exist in the registry with id "
            "'123456789012'",
            "The repository of wordcount is gone",
        ),
        (
            "toomanyrequests: You have reached your unauthenticated pull rate limit.",
            "The registry of a base image of wordcount limits",
        ),
        (
            'process "/bin/sh -c pip install x" did not complete successfully: exec /bin/sh: exec format error',
            "can't run arm64 programs",
        ),
        (
            ".buildkit_qemu_emulator: /bin/sh: Invalid ELF image for this architecture",
            "can't run arm64 programs",
        ),
        (
            "failed to solve: amd64only:1: no match for platform in manifest: not found",
            "A base image of wordcount has no variant for linux/arm64",
        ),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "A base image of wordcount has no variant for linux/arm64",
        ),
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "No builder answers",
        ),
        (
            "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if "
            "the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
            "No builder answers",
        ),
        ("failed to connect to any docker daemon", "No builder answers"),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "
            '"http://%2Fvar%2Frun%2Fdocker.sock/_ping": dial unix /var/run/docker.sock: connect: permission denied',
            "No builder answers",
        ),
        (
            "ERROR: BuildKit is enabled but the buildx component is missing or broken.",
            "No builder answers",
        ),
        (f'failed to do request: Put "https://{HOST}/v2/": write: broken pipe', "The connection to a registry broke"),
        (
            f'failed to copy: failed to do request: Patch "https://{HOST}/v2/": EOF',
            "The connection to a registry broke",
        ),
        (f"read tcp 10.0.0.1:1->{HOST}:443: read: connection reset by peer", "The connection to a registry broke"),
        (f"dial tcp: lookup {HOST}: no such host", "The connection to a registry broke"),
        (
            f"unexpected status from PUT request to https://{HOST}/v2/: 503 Service Unavailable",
            "The connection to a registry broke",
        ),
        (
            "failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory",
            "The Dockerfile of wordcount went away",
        ),
    ],
)
def test_the_words_of_a_failure_lead_to_what_to_do(error: str, advice: str) -> None:
    found = push_advice("wordcount", ["update failed", error])
    assert found is not None
    assert advice in found


def test_a_cause_goes_before_what_it_brought_about() -> None:
    errors = ["write /var/lib/docker/x: no space left on device", "read: connection reset by peer"]
    assert "is full" in (push_advice("wordcount", errors) or "")


@pytest.mark.parametrize(
    "errors",
    [
        [],
        ['process "/bin/sh -c make" did not complete successfully: exit code: 2'],
        ['failed to compute cache key: "/nothing" not found: not found'],
        ['exec: "/job.sh": permission denied: unknown'],
        ["RUN cat <<EOF\nhello\nEOF"],
    ],
)
def test_other_errors_are_left_alone(errors: list[str]) -> None:
    assert push_advice("wordcount", errors) is None
