"""Slack's rate limits on posts and edits: a call that would come too soon waits its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cachetools import LRUCache

MAX_LANES = 10_000


@dataclass(slots=True)
class _Lane:
    """`next_start` is the loop's time at which the next turn may begin."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_start: float = 0.0


class Throttle:
    """One turn at a time for each key, with a pause between them, in the order they're asked for."""

    def __init__(self) -> None:
        self._lanes: LRUCache[tuple[str, ...], _Lane] = LRUCache(MAX_LANES)

    @asynccontextmanager
    async def turn(self, interval: float, *key: str) -> AsyncIterator[None]:
        """Wait for a turn under this key; the next one begins `interval` seconds after its end at the earliest.

        From its end, because a call that is slow to arrive would otherwise come too close to the next one.
        """
        lane, now = self._lanes.setdefault(key, _Lane()), asyncio.get_running_loop().time
        async with lane.lock:
            if (wait := lane.next_start - now()) > 0:
                await asyncio.sleep(wait)
            try:
                yield
            finally:
                lane.next_start = now() + interval
