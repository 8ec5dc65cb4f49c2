"""Run what's due every few seconds: enqueue and post daily questions, update counts, send reminders."""

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

SHUTDOWN_TIMEOUT = 20.0
"""Seconds that posts in progress get to finish when the program ends."""


class Scheduler:
    """Runs every few seconds. If a run takes longer, the next one waits for it."""

    def __init__(self, study: Study, seconds: float) -> None:
        self._study = study
        self._running = asyncio.Lock()
        self._jobs = AsyncIOScheduler(timezone="UTC")
        self._jobs.add_job(self.run_once, "interval", seconds=seconds, coalesce=True, max_instances=2)

    async def run_once(self) -> None:
        """Do everything that's due now; return at once if an earlier run is still busy."""
        if self._running.locked():
            return
        async with self._running:
            try:
                await planner.enqueue_due(self._study, self._study.clock())
                await delivery.send_due(self._study)
                await live_counts.update_counts(self._study)
                await reminders.send_due(self._study, self._study.clock())
            except DatabaseError as problem:
                log.error("scheduler run failed", problem=str(problem))
            except Exception:
                log.exception("scheduler run failed")  # the next run picks up what this one left

    def start(self) -> None:
        self._jobs.start()

    async def stop(self) -> None:
        """Let the posts in progress finish. APScheduler's own `wait=True` would cancel them."""
        self._jobs.pause()
        try:
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await self._running.acquire()
        except TimeoutError:
            # Their leases expire, and another run claims them.
            log.warning("posts interrupted by shutdown", seconds=SHUTDOWN_TIMEOUT)
        self._jobs.shutdown(wait=False)


@asynccontextmanager
async def scheduler(study: Study, seconds: float) -> AsyncIterator[Scheduler]:
    """Run a scheduler, starting right away, and shut it down cleanly at the end."""
    running = Scheduler(study, seconds)
    await running.run_once()
    running.start()
    try:
        yield running
    finally:
        await running.stop()
