"""Draw pictures off the event loop, and cache them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from cachetools import LRUCache, TTLCache

from bot.drawing.program import Chart, Subject
from bot.drawing.worker import COMMAND, DrawingError, Worker

__all__ = ["Chart", "DrawingError", "Renderer", "Subject"]

CACHE_SIZE = 32 * 1024 * 1024
"""Bytes of pictures."""
OVERHEAD = 1024
"""Bytes counted for each picture on top of its own, so that formulas that can't be drawn are bounded too."""
DRAWING_TIMEOUT = 10.0
"""Seconds. It includes the start of the process, which takes half a second of CPU."""
RETRY_INTERVAL = 600.0
"""Seconds before a picture that failed is tried again: it would probably fail again, and others wait meanwhile."""
MAX_FAILURES = 1000


class Renderer:
    """Draw one picture at a time, in a process of its own that the first picture starts.

    A drawing that takes too long is ended together with its process; the next picture starts a new one. Canceling a
    waiter doesn't cancel the drawing.
    """

    def __init__(self, cache_size: int = CACHE_SIZE, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._cache: LRUCache[Subject, bytes | None] = LRUCache(cache_size, getsizeof=_size)
        self._failures: TTLCache[Subject, str] = TTLCache(
            MAX_FAILURES, RETRY_INTERVAL, timer=lambda: asyncio.get_running_loop().time()
        )
        self._running: dict[Subject, asyncio.Task[bytes | None]] = {}
        self._worker: Worker | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="renderer")

    async def draw(self, subject: Subject) -> bytes | None:
        """Return a PNG; None if it can't be drawn correctly.

        Raises DrawingError for everybody who waits for a drawing that fails, and for those who ask again soon.
        """
        if subject in self._cache:
            return self._cache[subject]
        if problem := self._failures.get(subject):
            raise DrawingError(problem)
        if subject not in self._running:
            before = next(reversed(self._running.values()), None)
            self._running[subject] = task = asyncio.create_task(self._draw(subject, before))
            task.add_done_callback(_retrieve_exception)
        return await asyncio.shield(self._running[subject])

    def close(self) -> None:
        """Stop drawing, and end the process; unfinished pictures are canceled for everybody who waits for them."""
        for task in self._running.values():
            task.cancel()
        if self._worker:
            self._worker.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._cache.clear()

    async def _draw(self, subject: Subject, before: asyncio.Task[bytes | None] | None) -> bytes | None:
        try:
            if before:
                await asyncio.wait({before})
            if self._worker is None:
                self._worker = Worker(self._command)
            async with asyncio.timeout(DRAWING_TIMEOUT):
                picture = await asyncio.get_running_loop().run_in_executor(self._thread, self._worker.draw, subject)
        except (TimeoutError, DrawingError) as error:
            problem = str(error) or f"took more than {DRAWING_TIMEOUT:g} seconds"
            self._failures[subject] = problem
            worker, self._worker = self._worker, None
            if worker:
                await asyncio.to_thread(worker.stop)
            raise DrawingError(problem) from error
        finally:
            del self._running[subject]
        if _size(picture) <= self._cache.maxsize:
            self._cache[subject] = picture
        return picture


def _size(picture: bytes | None) -> int:
    return OVERHEAD + len(picture or b"")


def _retrieve_exception(task: asyncio.Task[bytes | None]) -> None:
    """Keep asyncio from reporting an error that nobody waits for anymore."""
    if not task.cancelled():
        task.exception()
