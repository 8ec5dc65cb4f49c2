"""Finish background work before the program ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

CANCEL_TIMEOUT = 3.0
"""Seconds that canceled tasks get to clean up."""


class BackgroundTasks:
    """Keep references to our own tasks, so none is garbage-collected, and count work that runs in a library's tasks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._tracked = 0
        self._none_tracked = asyncio.Event()
        self._none_tracked.set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run the work in a task, whose failure is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    @contextmanager
    def track(self) -> Iterator[None]:
        """Make `finish` wait for the work in this block, which runs in a library's task."""
        self._tracked += 1
        self._none_tracked.clear()
        try:
            yield
        finally:
            self._tracked -= 1
            if not self._tracked:
                self._none_tracked.set()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()):
            log.error("background task failed", exc_info=problem)

    async def finish(self, seconds: float) -> None:
        """Wait up to `seconds` for all work, then cancel our own tasks."""
        try:
            async with asyncio.timeout(seconds):
                await self._none_tracked.wait()
                if self._tasks:
                    await asyncio.wait(set(self._tasks))
        except TimeoutError:
            log.warning("work cut short", tasks=self._tracked + len(self._tasks))
        if unfinished := set(self._tasks):
            for task in unfinished:
                task.cancel()
            await asyncio.wait(unfinished, timeout=CANCEL_TIMEOUT)
