"""Slow a streaming reply down to as many edits as a platform takes; the model writes faster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def throttle(items: AsyncIterator[T], every: float) -> AsyncGenerator[T, None]:
    """Yield at most one item, the newest, per `every` seconds: the first right away, the last always, others maybe.

    Items are read in a separate task, so a slow consumer doesn't hold up the source. Raises what `items` raises.
    """
    newest: list[T] = []
    changed = asyncio.Event()

    async def read() -> None:
        async for item in items:
            newest[:] = [item]
            changed.set()

    reading = asyncio.create_task(read())
    # In a callback, because within `read` the task isn't done yet.
    reading.add_done_callback(lambda _: changed.set())
    try:
        while newest or not reading.done():
            await changed.wait()
            changed.clear()
            if newest:
                yield newest.pop()
                # The last item is shown at once, without a pause.
                await asyncio.wait({reading}, timeout=every)
        reading.result()
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await reading
