"""What the emulator lacks of AWS, added around its handlers in the same process. docs/sandbox.md lists each addition.

Each module replaces functions of one ministack service by their names, so that a release that renames one fails at the
start and not silently: `replace` raises. pyproject.toml bounds ministack's version for the same reason.
"""

import os

from sandbox.shims import apigateway, apigateway_reads, events, functions, s3


def install() -> None:
    """Apply all of them, once, before the first request."""
    functions.install(max_workers=max(4, 2 * (os.cpu_count() or 1)))
    apigateway_reads.install()
    apigateway.install()
    s3.install()
    events.install()


publish_batch_event = events.publish_batch_event
