"""Keep requests that nobody is waiting for below Discord's limits, those that it names and those that it doesn't."""

from __future__ import annotations

import asyncio
import time

from cachetools import TTLCache

from bot.context.outbox import UnavailableError

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


OPENINGS_INTERVAL = 1.0
"""Seconds between two direct messages to members whom the bot hasn't written to since it started.

Discord names no number, and asks bots not to open many conversations quickly; those that do are blocked from opening
any (40003), or taken for spammers (20026).
"""
PATIENCE = 2.0
"""Seconds that somebody may have to wait here; the others are told when to come back."""
MAX_TURNS, KEEP_TURNS = 100_000, 4 * 3600


class SlowLane:
    """Let callers through one by one, at long intervals. Each has a turn, which those who come back later keep."""

    def __init__(self, interval: float = OPENINGS_INTERVAL) -> None:
        self._interval = interval
        self._next_at = 0.0
        self._turns: TTLCache[int, float] = TTLCache(MAX_TURNS, KEEP_TURNS)

    async def wait(self, who: int) -> None:
        """Wait for the caller's turn. Raises UnavailableError with the seconds until then if it isn't soon."""
        now = time.perf_counter()
        at = self._turns.pop(who, None)
        if at is None:
            at = max(now, self._next_at)
            self._next_at = at + self._interval
        if at - now > PATIENCE:
            self._turns[who] = at
            raise UnavailableError("Many direct messages are waiting, and Discord wants them one by one.", at - now)
        if at > now:
            await asyncio.sleep(at - now)
