"""Work that is in hand: what was begun is finished before the program ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

log = structlog.get_logger()

LAST = 3.0
"""Seconds for work that is cancelled to say so."""


class Errands:
    """Tasks of our own, kept so that none is lost to the garbage collector, and the work of tasks that others made."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._guests = 0
        self._alone = asyncio.Event()
        self._alone.set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """Within it, somebody else's task does work that is to be finished."""
        self._guests += 1
        self._alone.clear()
        try:
            yield
        finally:
            self._guests -= 1
            if not self._guests:
                self._alone.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (problem := task.exception()):
            log.error("reply not delivered", exc_info=problem)

    async def finish(self, seconds: float) -> None:
        """Wait for what is under way; then cancel what is ours, which has a moment for its last words."""
        try:
            async with asyncio.timeout(seconds):
                await self._alone.wait()
                if self._running:
                    await asyncio.wait(set(self._running))
        except TimeoutError:
            log.warning("work cut short", tasks=self._guests + len(self._running))
        if left := set(self._running):
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=LAST)
