"""Spares a run what the SDK does for the real engine alone, or slowly.

- `wait_for_rpcs` asks for the first of all outstanding outputs to be done, again and again, and looks at each of them
  each time: quadratic, with twenty pipelines more than all the rest of a preview. Here it waits for all at once, and
  again for those that came meanwhile.
- Each registration carries the program's stack, file by file, for the engine's error messages. Nothing reads it here.
"""

import asyncio
import contextlib
from collections.abc import Generator
from typing import Any, cast

from pulumi.runtime import resource, settings, stack
from pulumi.runtime.proto import source_pb2


@contextlib.contextmanager
def tuned_sdk() -> Generator[None]:
    """Use the cheaper ways within the block."""
    names: list[tuple[Any, str, Any]] = [
        (stack, "wait_for_rpcs", _wait_for_rpcs),
        (resource, "_get_stack_trace", source_pb2.StackTrace),
    ]
    originals = [getattr(module, name) for module, name, _ in names]
    for module, name, replacement in names:
        setattr(module, name, replacement)
    try:
        yield
    finally:
        for (module, name, _), original in zip(names, originals, strict=True):
            setattr(module, name, original)


async def _wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
    calls: Any = settings._get_rpc_manager()  # pyright: ignore[reportPrivateUsage] - as the SDK's own does
    shared = cast("Any", settings.SETTINGS)
    while True:
        while calls.rpcs:
            # Lets what was queued up just now begin.
            await asyncio.sleep(0)
            await calls.rpcs.pop()
        if calls.unhandled_exception is not None:
            raise calls.unhandled_exception.with_traceback(calls.exception_traceback)
        outputs: set[asyncio.Task[Any]] = shared.outputs
        with shared.lock:
            pending = list(outputs) if await_all_outstanding_tasks else []
            outputs.difference_update(pending)
        await asyncio.gather(*pending)
        if not calls.rpcs and not (await_all_outstanding_tasks and outputs):
            return
