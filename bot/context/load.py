"""How busy this process is, so that it can refuse what costs much before everyone has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import structlog

from bot.context.background import in_background
from bot.errors import UserError

log = structlog.get_logger()

INTERVAL = 0.05
"""Seconds between two looks at how late the event loop is."""
MAX_LAG = 0.1
"""Seconds by which the event loop may be late on average. Beyond that, waiting times grow quickly."""
MIN_TASKS = 3
"""Costly tasks at once below which none is refused."""
WEIGHT = 0.2
"""How much the newest look counts in the average: a single long task isn't a load."""


class TooBusyError(UserError):
    """Everyone would have to wait if this were done now."""

    def __init__(self) -> None:
        super().__init__("I'm answering a lot of questions right now. Please ask again in a few seconds.")


class Load:
    """How late the event loop is, as a moving average in seconds (`lag`), and how many costly tasks there are."""

    def __init__(self) -> None:
        self.lag = 0.0
        self.tasks = 0

    def note(self, late: float) -> None:
        """Note how many seconds the event loop was late this time."""
        self.lag += (late - self.lag) * WEIGHT

    @contextmanager
    def costly_task(self) -> Iterator[None]:
        """Count a task that needs much CPU while the block runs. Raises TooBusyError if it's one too many.

        On a slow computer, the event loop is late without a crowd, and nobody is refused.
        """
        if self.lag > MAX_LAG and self.tasks >= MIN_TASKS:
            log.warning("refused under load", lag=round(self.lag, 2), tasks=self.tasks)
            raise TooBusyError
        self.tasks += 1
        try:
            yield
        finally:
            self.tasks -= 1

    def watched(self) -> AbstractAsyncContextManager[None]:
        """Measure while the block runs."""
        return in_background(self._watch())

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            expected = loop.time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.note(loop.time() - expected)
