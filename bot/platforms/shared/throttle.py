"""The pace of a growing reply: a platform takes so many edits, and the model writes faster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def paced(items: AsyncIterator[T], every: float) -> AsyncGenerator[T, None]:
    """The newest item, at most once in `every` seconds: the first at once, the last always, some between them never.

    Reads on in a task of its own, so that a slow consumer holds nobody up. Raises what `items` raises, at the end.
    """
    newest: list[T] = []
    news = asyncio.Event()

    async def read() -> None:
        async for item in items:
            newest[:] = [item]
            news.set()

    reading = asyncio.create_task(read())
    # As a callback, because within `read` the task is not done yet.
    reading.add_done_callback(lambda _: news.set())
    try:
        while newest or not reading.done():
            await news.wait()
            news.clear()
            if newest:
                yield newest.pop()
                # The end of the reading needs no pause: what comes last is shown at once.
                await asyncio.wait({reading}, timeout=every)
        reading.result()
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await reading
