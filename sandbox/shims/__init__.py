"""What the emulator lacks of AWS, added around its handlers in the same process. docs/sandbox.md lists each addition.

Each module replaces functions of one ministack service by their names, so that a release that renames one fails loudly:
`replace` raises. pyproject.toml bounds ministack's version for the same reason.
"""

import functools
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from sandbox import emulator
from sandbox.shims import (
    apigateway,
    apigateway_changes,
    apigateway_reads,
    apigateway_tags,
    authorization,
    cloudfront,
    cloudwatch,
    ec2,
    ecr,
    ecr_images,
    ecr_scans,
    ecs,
    events,
    functions,
    image_functions,
    lifecycle_preview,
    registry,
    s3,
    sns,
)
from sandbox.shims.replacing import replace


def install() -> None:
    """Apply them, before the first request: those of a service right after it is loaded, which is at its first use."""
    authorization.install()
    s3.install()
    replace(emulator.app(), "_get_module", functools.partial(_install_once, _installers()))


def _installers() -> Mapping[str, list[Callable[[], object]]]:
    run = functools.partial(functions.install, max_workers=max(4, 2 * (os.cpu_count() or 1)))
    return {
        # Its control plane imports the module of REST APIs past the loader.
        "apigateway": [functools.partial(emulator.service, "apigateway_v1")],
        "apigateway_v1": [
            apigateway_reads.install,
            apigateway_changes.install,
            apigateway_tags.install,
            apigateway.install,
        ],
        "cloudfront": [cloudfront.install],
        "cloudwatch": [cloudwatch.install],
        "ec2": [ec2.install],
        "ecr": [ecr.install, ecr_images.install, ecr_scans.install, lifecycle_preview.install, registry.install],
        "ecs": [ecs.install],
        "eventbridge": [events.install],
        "lambda_svc": [run, image_functions.install],
        "s3": [s3.install_reads],
        "sns": [sns.install],
    }


def _install_once(
    installers: Mapping[str, list[Callable[[], object]]], original: Callable[[str], Any]
) -> Callable[[str], Any]:
    lock = threading.RLock()
    waiting = dict(installers)

    def load(name: str) -> Any:
        module = original(name)
        with lock:
            # Taken first: an installer asks for the module itself. Another thread waits for it at the lock.
            for installer in waiting.pop(name, ()):
                installer()
        return module

    return load


publish_batch_event = events.publish_batch_event
