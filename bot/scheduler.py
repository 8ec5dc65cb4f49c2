"""The clockwork: one APScheduler job that sweeps what is due, sends it and reminds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.context.study import Study
from bot.errors import DatabaseError
from bot.study.account import reminders
from bot.study.daily import delivery, live_counts, planner

log = structlog.get_logger()

LAST_WORDS = 20.0
"""Seconds that posts in hand get to finish when the program ends."""


class Clockwork:
    """Sweeps every few seconds; a round that takes longer than that is waited for, never doubled."""

    def __init__(self, study: Study, seconds: float) -> None:
        self._study = study
        self._turning = asyncio.Lock()
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_job(self.turn, "interval", seconds=seconds, coalesce=True, max_instances=2)

    async def turn(self) -> None:
        """One sweep, its posts and the reminders; nothing if the one before is still at work."""
        if self._turning.locked():
            return
        async with self._turning:
            try:
                await planner.enqueue_due(self._study, self._study.clock())
                await delivery.send_due(self._study)
                await live_counts.sweep(self._study)
                await reminders.send_due(self._study, self._study.clock())
            except DatabaseError as problem:
                log.error("sweep", problem=str(problem))
            except Exception:
                log.exception("sweep failed")  # the next turn takes up what this one left

    def start(self) -> None:
        self._scheduler.start()

    async def stop(self) -> None:
        """Let the posts in hand finish. APScheduler's own `wait=True` would cancel them."""
        self._scheduler.pause()
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self._turning.acquire()
        except TimeoutError:
            log.warning("posts cut short", seconds=LAST_WORDS)  # their leases run out and another takes them up
        self._scheduler.shutdown(wait=False)


@asynccontextmanager
async def clockwork(study: Study, seconds: float) -> AsyncIterator[Clockwork]:
    """The clockwork running, and stopped in good order at the end. The first turn comes at once."""
    it = Clockwork(study, seconds)
    await it.turn()
    it.start()
    try:
        yield it
    finally:
        await it.stop()
