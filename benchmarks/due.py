"""Time many channels that are due at once, compared with a floor: inserting the bare rows.

    python -m benchmarks.due [--channels 1000] [--database URL]

Prints how long it takes to enqueue everything, the longest stall of the event loop meanwhile, the posts per second to
an outbox that costs nothing, and the floor: inserting as many deliveries and rounds, and nothing else.
Goals: no stall over 0.1 s, at most 10 times the floor (picking a question costs more than storing it), and 50 posts
per second (Discord's limit) however many wait.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from datetime import UTC, datetime
from datetime import time as clock_time

from sqlalchemy import Connection
from typing_extensions import override

from bot import logs
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.outbox import FIRST_ATTEMPT, PLAIN, Attempt, Outbox, PostOptions
from bot.context.study import Study
from bot.delivery.worker import Worker
from bot.dispatch.catalog import delivery_types
from bot.replies import Reply
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Channel, Delivery, DeliveryKind, DeliveryState, Round, RoundKind, Schedule, Workspace
from bot.store.upgrade import upgrade
from bot.study.daily import planner
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


class InstantOutbox(Outbox):
    """An outbox that accepts everything at once."""

    @override
    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        return key

    @override
    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        return None

    @override
    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        return None


def seed(connection: Connection, platform: str, channels: int, next_due: datetime | None) -> list[Schedule]:
    """Store a workspace with a schedule in each of its channels."""
    workspace = Workspace(platform=platform, external_id="w", name="w", created_at=NOW)
    added = tables.workspaces.insert().values(workspace.columns()).returning(tables.workspaces.c.id)
    workspace_id = connection.execute(added).scalar_one()
    rooms = [Channel(workspace_id=workspace_id, external_id=f"c{n}", name=f"c{n}").columns() for n in range(channels)]
    channel_ids = connection.execute(tables.channels.insert().returning(tables.channels.c.id), rooms).scalars().all()
    schedules = [
        Schedule(
            channel_id=channel_id, request_id="seed", at=clock_time(9), zone="UTC", weekdays="0123456",
            reveal=clock_time(17), next_day=NOW.date() if next_due else None, next_due=next_due, created_at=NOW,
        ).columns()
        for channel_id in channel_ids
    ]  # fmt: skip
    return Schedule.all(connection.execute(tables.schedules.insert().returning(tables.schedules), schedules).mappings())


def insert_bare(connection: Connection, schedules: list[Schedule]) -> None:
    """Insert a delivery and a round for each schedule, without picking any question."""
    workspace_id = connection.execute(
        tables.channels.select().where(tables.channels.c.id == schedules[0].channel_id)
    ).mappings().one()["workspace_id"]  # fmt: skip
    new = [
        Delivery(
            kind=DeliveryKind.DAILY, workspace_id=workspace_id, channel_id=schedule.channel_id, schedule_id=schedule.id,
            day=NOW.date(), due_at=NOW, available_at=NOW, state=DeliveryState.SKIPPED,
        ).columns()
        for schedule in schedules
    ]  # fmt: skip
    deliveries = tables.deliveries.c
    added = connection.execute(tables.deliveries.insert().returning(deliveries.id, deliveries.channel_id), new)
    rounds = [
        Round(
            round_key=f"floor{delivery_id}", workspace_id=workspace_id, channel_id=channel_id, delivery_id=delivery_id,
            kind=RoundKind.DAILY, question_id="x", choice_order="0123", choices_hash="", opened_at=NOW,
        ).columns()
        for delivery_id, channel_id in added
    ]  # fmt: skip
    connection.execute(tables.rounds.insert(), rounds)


async def floor(store: Store, channels: int) -> float:
    """Return the seconds that the bare rows take, in batches of the same size."""
    schedules = await store.transaction(seed, "floor", channels, None)
    start = time.perf_counter()
    for first in range(0, channels, planner.BATCH_SIZE):
        await store.transaction(insert_bare, schedules[first : first + planner.BATCH_SIZE])
    return time.perf_counter() - start


async def record_stalls(stalls: list[float]) -> None:
    """Record how many seconds late the loop wakes up, until canceled."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        stalls.append(time.perf_counter() - before - 0.005)


async def measure(url: str, channels: int) -> None:
    store = await Store.open(url)
    library = Library(load().bank, index_folder=None, embedder=Embedder())  # type: ignore[arg-type]  # never searched
    study = Study(store=store, library=library, clock=lambda: NOW, outboxes={"bench": InstantOutbox()})
    await store.transaction(seed, "bench", channels, NOW)
    gc.collect()
    gc.freeze()  # as the bot does once it's loaded
    stalls: list[float] = []
    watch = asyncio.create_task(record_stalls(stalls))
    await asyncio.sleep(0)  # so that it measures from the beginning
    start = time.perf_counter()
    count = await planner.enqueue_due(study, NOW)
    enqueued = time.perf_counter() - start
    await asyncio.sleep(0.01)  # the last batch may have stalled it
    watch.cancel()
    start = time.perf_counter()
    await Worker(study, delivery_types()).drain()
    posted = time.perf_counter() - start
    bare = await floor(store, channels)
    print(f"{store.dialect}: {count} channels due")
    print(f"  enqueued in {enqueued:.2f} s, longest stall {max(stalls):.3f} s")
    print(f"  bare rows   {bare:.2f} s, ratio {enqueued / bare:.2f}")
    print(f"  {count} posts in {posted:.2f} s, {count / posted:.0f} per second")
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--database", default="", help="default: a new SQLite file")
    options = parser.parse_args()
    logs.set_up("warning")
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{folder}/due.db"
        upgrade(url)
        asyncio.run(measure(url, options.channels))


if __name__ == "__main__":
    main()
