"""Rules for the images that are run: named by digest, wherever they are."""

import re
from collections.abc import Iterator
from typing import Final

from .job_definitions import JOB_DEFINITION, WAITS_FOR_DIGEST, containers, open_properties
from .resources import Resource
from .rules import Finding, Level, NotApplicable, NotYetKnown, Rule, Settings, Severity, Violation, each
from .values import Node, shown

BY_DIGEST: Final = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


def check_digest_pinned(resource: Resource, _settings: Settings) -> Iterator[Finding]:
    match resource.kind:
        case "lambda:Function":
            if resource["imageUri"].missing:
                yield NotApplicable("the function is not made of an image")
            else:
                yield from _check_image(resource["imageUri"])
        case "ecs:TaskDefinition":
            definitions = resource["containerDefinitions"]
            yield from each(definitions.document().items(), lambda item: _check_image(item.member("image")))
        case _:
            yield from each(containers(resource), lambda item: _check_image(item.member("image")))
            for node in open_properties(resource):
                yield NotYetKnown(path=node.path, why=WAITS_FOR_DIGEST)


def _check_image(image: Node) -> Iterator[Finding]:
    if not BY_DIGEST.fullmatch(image.text()):
        yield Violation(found=f"{image.path} is {shown(image.text())}", expected="repository@sha256:<digest>")


DIGEST_PINNED: Final = Rule(
    id="image-digest-pinned",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    title="Images are named by digest",
    description="Jobs, tasks and functions name their image as repository@sha256:..., never by a tag.",
    why="A tag can point to another image tomorrow, and with an unchanged tag a new image is not deployed at all.",
    fix="Use the digest of the pushed image: <repository URL>@<digest>, such as the build resource's output `ref`.",
    link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-pull-ecr-image.html",
    kinds=(JOB_DEFINITION, "ecs:TaskDefinition", "lambda:Function"),
    peers=("checkov CKV_K8S_43 and trivy KSV-0013 (Kubernetes only)",),
    check=check_digest_pinned,
)

RULES: Final = (DIGEST_PINNED,)
