"""Draw pictures off the event loop, and cache them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from cachetools import LRUCache

from bot.replies import Calendar, Mastery, Standings

CACHE_SIZE = 32 * 1024 * 1024
"""Bytes of pictures."""
OVERHEAD = 1024
"""Bytes counted for each picture on top of its own, so that formulas that can't be drawn are bounded too."""

Picture = TypeVar("Picture", bytes, bytes | None)


class Renderer:
    """Draw one picture at a time, in a thread of its own. The first picture loads the libraries.

    A drawing that fails raises for everybody who waits for it; the next request tries again. Canceling a waiter doesn't
    cancel the drawing.
    """

    def __init__(self, cache_size: int = CACHE_SIZE) -> None:
        self._cache: LRUCache[Hashable, bytes | None] = LRUCache(cache_size, getsizeof=_size)
        self._running: dict[Hashable, asyncio.Task[Any]] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="renderer")

    async def formula(self, latex: str) -> bytes | None:
        """Return a PNG of a display formula, or None if it can't be drawn correctly."""

        def draw() -> bytes | None:
            from bot.drawing.formula import formula

            return formula(latex)

        return await self._picture(("formula", latex), draw)

    async def standings(self, block: Standings) -> bytes:
        def draw() -> bytes:
            from bot.drawing.charts import standings

            return standings(block)

        return await self._picture(block, draw)

    async def calendar(self, block: Calendar) -> bytes:
        def draw() -> bytes:
            from bot.drawing.calendar import calendar

            return calendar(block)

        return await self._picture(block, draw)

    async def mastery(self, block: Mastery) -> bytes:
        def draw() -> bytes:
            from bot.drawing.charts import mastery

            return mastery(block)

        return await self._picture(block, draw)

    def close(self) -> None:
        """Stop drawing; pictures that haven't been started are canceled for everybody who waits for them."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._cache.clear()

    async def _picture(self, key: Hashable, draw: Callable[[], Picture]) -> Picture:
        if key in self._cache:
            cached: Any = self._cache[key]
            return cached  # type: ignore[no-any-return]
        if key not in self._running:
            self._running[key] = task = asyncio.create_task(self._draw(key, draw))
            task.add_done_callback(_retrieve_exception)
        return await asyncio.shield(self._running[key])

    async def _draw(self, key: Hashable, draw: Callable[[], Picture]) -> Picture:
        try:
            picture = await asyncio.get_running_loop().run_in_executor(self._thread, draw)
            if _size(picture) <= self._cache.maxsize:
                self._cache[key] = picture
            return picture
        finally:
            del self._running[key]


def _size(picture: bytes | None) -> int:
    return OVERHEAD + len(picture or b"")


def _retrieve_exception(task: asyncio.Task[Any]) -> None:
    """Keep asyncio from reporting an error that nobody waits for anymore."""
    if not task.cancelled():
        task.exception()
