"""Look every few seconds for what's due, and enqueue it; the worker sends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.context.study import Study
from bot.delivery.worker import Worker
from bot.dispatch.catalog import delivery_types
from bot.errors import DatabaseError
from bot.study.account import reminders
from bot.study.daily import planner

log = structlog.get_logger()

SHUTDOWN_TIMEOUT = 20.0
"""Seconds that posts in progress get to finish when the program ends."""


class Scheduler:
    """Sweeps every few seconds, one sweep at a time, while the worker sends; neither waits for the other."""

    def __init__(self, study: Study, seconds: float) -> None:
        self._study = study
        self._worker = Worker(study, delivery_types())
        self._sweeping = asyncio.Lock()
        self._sending: asyncio.Task[None] | None = None
        self._jobs = AsyncIOScheduler(timezone="UTC")
        self._jobs.add_job(self.sweep, "interval", seconds=seconds, coalesce=True, max_instances=1)

    async def sweep(self) -> None:
        """Enqueue everything that's due now; return at once if an earlier sweep isn't done."""
        if self._sweeping.locked():
            return
        async with self._sweeping:
            await self._try("questions", planner.enqueue_due)
            await self._try("reminders", reminders.enqueue_due)
        self._worker.wake()

    async def _try(self, what: str, enqueue: Callable[[Study, datetime], Awaitable[int]]) -> None:
        """Take one step. If it fails, the others still go on, and the next sweep tries it again."""
        try:
            await enqueue(self._study, self._study.clock())
        except DatabaseError as problem:
            log.error("not enqueued", what=what, problem=str(problem))
        except Exception:
            log.exception("not enqueued", what=what)

    async def run_once(self) -> None:
        """Enqueue and send everything that's due, and wait for that."""
        await self.sweep()
        try:
            await self._worker.drain()
        except DatabaseError as problem:
            log.error("deliveries not claimed", problem=str(problem))

    def start(self) -> None:
        self._jobs.start()
        self._sending = asyncio.create_task(self._worker.run())

    async def stop(self) -> None:
        """Claim nothing anymore, and let the posts in progress finish."""
        self._jobs.shutdown(wait=False)
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending
        await self._worker.finish(SHUTDOWN_TIMEOUT)


@asynccontextmanager
async def scheduler(study: Study, seconds: float) -> AsyncIterator[Scheduler]:
    """Run a scheduler, starting right away, and shut it down cleanly at the end."""
    running = Scheduler(study, seconds)
    running.start()
    await running.sweep()
    try:
        yield running
    finally:
        await running.stop()
