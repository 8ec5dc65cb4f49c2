"""The pace of what Discord is asked unasked: it takes so many requests a second of one bot, whatever they are about."""

from __future__ import annotations

import asyncio

RATE = 46.0
"""Requests a second. Discord takes 50; some are left for conversations in channels, which wait for nobody here.

Answers to interactions are not among them. Beyond the limit everything is refused for a while, and who goes on asking
is shut out.
"""


class Pace:
    """Turns at even intervals, in the order in which they are asked for."""

    def __init__(self, rate: float = RATE) -> None:
        self._between = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for one's turn; at once where nobody was there lately."""
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next)
        self._next = mine + self._between
        if mine > now:
            await asyncio.sleep(mine - now)
