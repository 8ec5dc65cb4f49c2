"""Slack's rate limits on posts and edits: a call that would come too soon waits its turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cachetools import LRUCache

POST_INTERVAL = 1.0
"""Seconds between two posts in one channel: Slack allows one a second."""
EDIT_INTERVAL = 1.25
"""Seconds between two edits in one workspace, whichever messages they're of: Slack allows 50 a minute."""
MAX_LANES = 10_000
RECHECK = 0.05
"""Seconds after which somebody who waits for others looks again."""


@dataclass(slots=True)
class _Lane:
    """`next_start` is the loop's time at which the next turn may begin; `waiting` is in the order of the turns."""

    next_start: float = 0.0
    waiting: list[tuple[bool, int]] = field(default_factory=list)


class Throttle:
    """Turns under each key, in the order they're asked for, with a pause between them; drafts let all others pass."""

    def __init__(self) -> None:
        self._lanes: LRUCache[tuple[str, ...], _Lane] = LRUCache(MAX_LANES)
        self._numbers = itertools.count()

    async def turn(self, interval: float, *key: str, draft: bool = False) -> None:
        """Wait for a turn under this key. The next one begins `interval` seconds later, however long a call takes."""
        async with self._first(key, draft=draft) as lane:
            lane.next_start = asyncio.get_running_loop().time() + interval

    def pause(self, seconds: float, *key: str) -> None:
        """Let no turn under this key begin for that long, because Slack said so."""
        lane = self._lanes.setdefault(key, _Lane())
        lane.next_start = max(lane.next_start, asyncio.get_running_loop().time() + seconds)

    @asynccontextmanager
    async def whole_turn(self, interval: float, *key: str) -> AsyncIterator[None]:
        """Wait for a turn under this key; the next one begins `interval` seconds after the end of this block.

        So nothing overtakes a call that is slow to arrive.
        """
        async with self._first(key) as lane:
            try:
                yield
            finally:
                lane.next_start = asyncio.get_running_loop().time() + interval

    @asynccontextmanager
    async def _first(self, key: tuple[str, ...], *, draft: bool = False) -> AsyncIterator[_Lane]:
        """Wait until it's time and nobody comes before; nobody else does until the end of this block."""
        lane, now = self._lanes.setdefault(key, _Lane()), asyncio.get_running_loop().time
        place = (draft, next(self._numbers))
        lane.waiting.append(place)
        try:
            while (wait := lane.next_start - now()) > 0 or place != min(lane.waiting):  # noqa: ASYNC110
                await asyncio.sleep(max(wait, RECHECK))
            yield lane
        finally:
            lane.waiting.remove(place)
