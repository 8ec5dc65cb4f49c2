"""The pace at which Slack is told things unasked: what would be too fast waits in order instead of being refused."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

KEPT = 10_000


class Pace:
    """Turns at even intervals, apart for each key, in the order in which they are asked for."""

    def __init__(self) -> None:
        self._next: OrderedDict[tuple[str, ...], float] = OrderedDict()

    async def turn(self, every: float, *key: str) -> None:
        """Wait for one's turn under this key; at once where nobody was there lately."""
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next.get(key, 0.0))
        self._next[key] = mine + every
        self._next.move_to_end(key)
        while len(self._next) > KEPT:
            self._next.popitem(last=False)
        if mine > now:
            await asyncio.sleep(mine - now)
