"""How busy this process is, so that it can refuse what costs much before everyone has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from bot.errors import UserError

log = structlog.get_logger()

INTERVAL = 0.05
"""Seconds between two looks at how late the event loop is."""
MAX_LAG = 0.1
"""Seconds by which the event loop may be late on average. Beyond that, waiting times grow quickly."""
WEIGHT = 0.2
"""How much the newest look counts in the average: a single long task isn't a load."""


class TooBusyError(UserError):
    """Everyone would have to wait if this were done now."""

    def __init__(self) -> None:
        super().__init__("I'm answering a lot of questions right now. Please ask again in a few seconds.")


class Load:
    """How late the event loop is: `lag` is the moving average in seconds."""

    def __init__(self) -> None:
        self.lag = 0.0

    def note(self, late: float) -> None:
        """Note how many seconds the event loop was late this time."""
        self.lag += (late - self.lag) * WEIGHT

    def refuse_if_high(self) -> None:
        """Raise TooBusyError if the event loop is too late already."""
        if self.lag > MAX_LAG:
            log.warning("refused under load", lag=round(self.lag, 2))
            raise TooBusyError

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Measure while the block runs."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            expected = loop.time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.note(loop.time() - expected)
