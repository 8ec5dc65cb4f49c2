"""Pictures, drawn beside the event loop and kept: the same thing asked for again is not drawn again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from cachetools import LRUCache

from bot.replies import Calendar, Mastery, Standings

BYTES = 32 * 1024 * 1024
OVERHEAD = 1024
"""Reckoned for each picture besides its own bytes, so that formulas that cannot be drawn are bounded too."""

Picture = TypeVar("Picture", bytes, bytes | None)


class Easel:
    """Draws one picture at a time in a thread of its own. The libraries are loaded by the first picture.

    A drawing that fails raises for all who wait for it and is tried anew by the next. Who stops waiting stops nothing.
    """

    def __init__(self, room: int = BYTES) -> None:
        """`room` is how many bytes of pictures are kept, those asked for last."""
        self._kept: LRUCache[Hashable, bytes | None] = LRUCache(room, getsizeof=_size)
        self._begun: dict[Hashable, asyncio.Task[Any]] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="easel")

    async def formula(self, latex: str) -> bytes | None:
        """A PNG of a display formula, or None where it cannot be drawn as it is meant."""

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
            from bot.drawing.charts import calendar

            return calendar(block)

        return await self._picture(block, draw)

    async def mastery(self, block: Mastery) -> bytes:
        def draw() -> bytes:
            from bot.drawing.charts import mastery

            return mastery(block)

        return await self._picture(block, draw)

    def close(self) -> None:
        """Draw nothing more; a picture that has not been begun is cancelled for whoever waits for it."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._kept.clear()

    async def _picture(self, key: Hashable, draw: Callable[[], Picture]) -> Picture:
        if key in self._kept:
            kept: Any = self._kept[key]
            return kept  # type: ignore[no-any-return]
        if key not in self._begun:
            self._begun[key] = task = asyncio.create_task(self._drawn(key, draw))
            task.add_done_callback(_looked_at)
        return await asyncio.shield(self._begun[key])

    async def _drawn(self, key: Hashable, draw: Callable[[], Picture]) -> Picture:
        try:
            picture = await asyncio.get_running_loop().run_in_executor(self._thread, draw)
            if _size(picture) <= self._kept.maxsize:
                self._kept[key] = picture
            return picture
        finally:
            del self._begun[key]


def _size(picture: bytes | None) -> int:
    return OVERHEAD + len(picture or b"")


def _looked_at(task: asyncio.Task[Any]) -> None:
    """So that asyncio does not complain of an error that everybody stopped waiting for."""
    if not task.cancelled():
        task.exception()
