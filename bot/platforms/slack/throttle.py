"""The pace at which Slack is told things unasked: what would be too fast waits in order instead of being refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cachetools import LRUCache

KEPT = 10_000


@dataclass(slots=True)
class _Lane:
    """One at a time; `free` is when the next may begin."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free: float = 0.0


class Pace:
    """Turns apart for each key, in the order in which they are asked for."""

    def __init__(self) -> None:
        self._lanes: LRUCache[tuple[str, ...], _Lane] = LRUCache(KEPT)

    @asynccontextmanager
    async def turn(self, every: float, *key: str) -> AsyncIterator[None]:
        """One's turn under this key, at once where nobody was there lately.

        The pause is counted from the end of a turn: a call that is slow on its way does not come too close to the next.
        """
        lane, now = self._lanes.setdefault(key, _Lane()), asyncio.get_running_loop().time
        async with lane.turn:
            if (wait := lane.free - now()) > 0:
                await asyncio.sleep(wait)
            try:
                yield
            finally:
                lane.free = now() + every
