"""Keep requests that nobody is waiting for below Discord's limit on a bot's requests per second."""

from __future__ import annotations

import asyncio
import time

REQUESTS_PER_SECOND = 46.0
"""Discord accepts 50; the others are for conversations in channels, which aren't throttled.

Answers to interactions don't count. Beyond the limit Discord refuses everything for a while, and bans bots that go on
anyway.
"""


class Throttle:
    """Let callers through at even intervals, in the order they came."""

    def __init__(self, rate: float = REQUESTS_PER_SECOND) -> None:
        self._interval = 1 / rate
        self._next_at = 0.0

    async def wait(self) -> None:
        """Wait for a turn; return at once if nobody came within the last interval."""
        now = time.perf_counter()
        at = max(now, self._next_at)
        self._next_at = at + self._interval
        if at > now:
            await asyncio.sleep(at - now)
