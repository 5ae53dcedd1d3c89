"""What to do about a build or a push that failed: the builder's and the registry's words, and the way on.

A push names the image with its last request, so that one which failed has made no image; it can be repeated.
"""

import re
from collections.abc import Sequence
from typing import Final

_TABLE: Final[Sequence[tuple[str, str]]] = (
    (
        # A tag with another digest: the state of a push was lost, or a build has given other bytes since.
        r"immutable|cannot be overwritten",
        "The repository of {pipeline} already has this build's tag with another digest, and its tags are immutable. "
        "Raise the pipeline's `generation` setting by one, which gives unchanged content a new tag; for example: "
        "pulumi config set --path pipelines.{pipeline}.generation 2",
    ),
    (
        r"no space left on device|disk quota exceeded",
        "The disk of the machine that builds {pipeline} is full; nothing was pushed. Make room (docker system df shows "
        "what takes it, docker builder prune removes the build cache), then run it again.",
    ),
    (
        r"token (included in the request )?has expired|token included in the request is expired|expiredtoken",
        "The credentials with which {pipeline} was pushed have expired: a registry's token lives for 12 hours, a "
        "session's often for one. Renew the AWS credentials (aws sso login, or a new session), then run it again; each "
        "run asks for a new token. A refresh asks for one with: pulumi refresh --run-program",
    ),
    (
        r"not authorized to perform: ecr:|denied: user:",
        "The AWS identity that deploys may not push to the repository of {pipeline}; the text above names the action "
        "and who was refused. bootstrap/ makes a role that may: deploy with it, or have that action added. For a "
        "repository of another account, its stack must name this one in `pushers`.",
    ),
    (
        r"no basic auth credentials|authorization status: 401|401 unauthorized|authentication required|"
        r"unauthorized: |403 forbidden|(?<!permission )denied: |pull access denied",
        "A registry refused {pipeline}'s build, and not every builder says why. For ECR: the credentials may have "
        "expired, belong to another account or region (aws sts get-caller-identity), or may not push (bootstrap/ makes "
        "a role that may). For a base image: log in to its registry (docker login), or correct its name. Then run it "
        "again.",
    ),
    (
        r"name unknown|repositorynotfound|repository with name .* does not exist",
        "The repository of {pipeline} is gone, or is in another account or region. If it was deleted by hand, look it "
        "up and make it again: pulumi refresh, then pulumi up",
    ),
    (
        r"toomanyrequests|429 too many requests|pull rate limit",
        "The registry of a base image of {pipeline} limits how often it is asked. Wait, log in to it (docker login), "
        "or name the image in a mirror such as public.ecr.aws/docker/library/...; then run it again.",
    ),
    (
        r"exec format error|invalid elf image",
        "The machine that builds {pipeline} can't run arm64 programs, or the Dockerfile fetched one for another "
        "processor. Install emulation (apt-get install qemu-user-static, or docker run --privileged --rm "
        "tonistiigi/binfmt --install arm64), or build on an arm64 machine; a download must be the arm64 or aarch64 "
        "file.",
    ),
    (
        r"no match for platform|no matching manifest|does not (contain|provide) (descriptor matching|the specified) "
        r"platform|platform .* does not match",
        "A base image of {pipeline} has no variant for linux/arm64. Name one that has (docker buildx imagetools "
        "inspect IMAGE lists them), by its tag or the digest of its index, and leave --platform out.",
    ),
    (
        r"cannot connect to the docker daemon|failed to connect to (any docker daemon|the docker api)|"
        r"permission denied while trying to connect|error during connect|no builder .*found|"
        r"buildx component is missing",
        "No builder answers, so the image of {pipeline} can't be built. Install Docker with buildx, start it, be "
        "allowed to use it (group docker); `slipway doctor` says what is missing. Or name an image that is built "
        "already: pulumi config set --path pipelines.{pipeline}.image sha256:DIGEST",
    ),
    (
        r"connection reset|broken pipe|closed network connection|i/o timeout|tls handshake timeout|unexpected eof|"
        r": eof\b|no such host|network is unreachable|no route to host|connection refused|"
        r"context deadline exceeded|50[0234] (bad gateway|service unavailable|gateway timeout|internal server error)",
        "The connection to a registry broke while {pipeline} was built or pushed. No image was named by that: run it "
        "again, and layers that arrived aren't sent twice. If it lasts, look at the network, DNS and proxies of the "
        "machine that builds (the engine has proxy settings of its own).",
    ),
    (
        r"failed to read dockerfile|no such file or directory: .*dockerfile",
        "The Dockerfile of {pipeline} went away, or .dockerignore hides it. Look at the pipeline's `context` and "
        "`dockerfile` settings.",
    ),
)
"""What the lower-cased text of a failure has in it, and what to do. The first that fits is given: causes come before
what they bring about, such as a full disk before the connection that it broke."""


def push_advice(pipeline: str, errors: Sequence[str]) -> str | None:
    """What to do about a failed build or push; None if nothing is known about it.

    Args:
        pipeline: its name.
        errors: the texts of the builder, the registry and the engine.
    """
    text = " ".join(errors).lower()
    for pattern, advice in _TABLE:
        if re.search(pattern, text):
            return advice.format(pipeline=pipeline)
    return None
