"""Slow a streaming reply down to as many edits as a platform takes; the model writes faster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Turn(Protocol):
    """Waits until an item may be shown, where several replies share one pace. All but the last item are drafts."""

    async def __call__(self, *, draft: bool) -> None: ...


async def throttle(items: AsyncIterator[T], every: float = 0.0, *, turn: Turn | None = None) -> AsyncGenerator[T, None]:
    """Yield at most one item, the newest, per `every` seconds: the first right away, the last always, others maybe.

    With a `turn`, each item also waits for that; once the last item is there, no draft keeps it waiting.

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
                if turn is not None:
                    await _take(turn, reading)
                yield newest.pop()
                # The last item is shown at once, without a pause.
                await asyncio.wait({reading}, timeout=every)
        reading.result()
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await reading


async def _take(turn: Turn, reading: asyncio.Task[None]) -> None:
    """Wait for a draft's turn, or for the last item's if `reading` ends before that."""
    if not reading.done():
        waiting = asyncio.ensure_future(turn(draft=True))
        try:
            await asyncio.wait({waiting, reading}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
                return
        finally:
            waiting.cancel()
    await turn(draft=False)
