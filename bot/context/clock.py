"""The database's clock, which all processes share.

A process whose own clock is wrong would post too early, or take over what another process is sending. So the time is
the database's, counted on by the monotonic clock from one look at it to the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection, func, select

from bot.context.background import in_background
from bot.errors import DatabaseError
from bot.store.engine import Store

log = structlog.get_logger()

INTERVAL = 5.0
"""Seconds between two looks at the database's clock."""
NOTABLE = 2.0
"""Seconds of difference between the database's clock and this computer's that are worth a line in the log."""


class DatabaseClock:
    """Call it for the current time, timezone-aware and in UTC; it's this computer's until `synchronize`.

    SQLite has no clock of its own: its processes share this computer's.
    """

    def __init__(
        self,
        store: Store,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._wall, self._monotonic = wall, monotonic
        self._base, self._base_at = wall(), monotonic()
        self._noted = 0.0

    def __call__(self) -> datetime:
        return self._base + timedelta(seconds=self._monotonic() - self._base_at)

    async def synchronize(self) -> None:
        """Look at the database's clock. Raises DatabaseError."""
        if self._store.dialect == "sqlite":
            self._base, self._base_at = self._wall(), self._monotonic()
            return
        before = self._monotonic()
        now = await self._store.query(_database_time)
        after = self._monotonic()
        self._base, self._base_at = now, (before + after) / 2
        difference = (self._wall() - self()).total_seconds()
        if abs(difference - self._noted) > NOTABLE:
            log.warning("this computer's clock differs from the database's", seconds=round(difference, 1))
            self._noted = difference

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the database's clock now, and every few seconds while the block runs. Raises DatabaseError."""
        await self.synchronize()
        async with in_background(self._keep_looking()):
            yield

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            with suppress(DatabaseError):  # the monotonic clock goes on, and whoever needs the database reports it
                await self.synchronize()


def _database_time(connection: Connection) -> datetime:
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)
