"""How long the clockwork takes for many channels due at once, beside a floor: the bare rows in one transaction.

    python -m benchmarks.due [--channels 1000] [--database URL]

Prints the time to enqueue everything, the longest stall of the event loop meanwhile, the posts a second of the
senders against an outbox that costs nothing, and the floor: inserting as many deliveries and rounds, and nothing else.
Goals: no stall over 0.15 s, at most 1.5 times the floor, 50 posts a second (what Discord takes) however many wait.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from datetime import time as clock_time

from bot import logs
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.outbox import Outbox
from bot.context.study import Study
from bot.replies import Reply
from bot.store.engine import Store
from bot.store.models import DeliveryKind, DeliveryState, RoundKind
from bot.store.orm import Channel, Delivery, Round, Schedule, Workspace
from bot.store.upgrade import upgrade
from bot.study.daily import delivery as daily_delivery
from bot.study.daily import planner
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


class Nowhere(Outbox):
    """An outbox that takes everything at once."""

    async def post(self, location: Location, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        return key

    async def edit(self, location: Location, ref: str, reply: Reply) -> None:
        return None

    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
        return None


async def seed(store: Store, channels: int) -> None:
    """One workspace and a schedule due now in each of its channels."""
    async with store.write() as session:
        workspace = Workspace(platform="bench", external_id="w", name="w", created_at=NOW)
        session.add(workspace)
        await session.flush()
        rooms = [Channel(workspace_id=workspace.id, external_id=f"c{n}", name=f"c{n}") for n in range(channels)]
        session.add_all(rooms)
        await session.flush()
        session.add_all(
            Schedule(
                channel_id=room.id,
                request_id="seed",
                at=clock_time(9),
                zone="UTC",
                weekdays="0123456",
                reveal=clock_time(17),
                next_day=NOW.date(),
                next_due=NOW,
                created_at=NOW,
            )
            for room in rooms
        )


async def floor(store: Store, channels: int) -> float:
    """Seconds for the bare rows: as many deliveries and rounds, with nothing decided."""
    async with store.write() as session:
        workspace = Workspace(platform="floor", external_id="w", name="w", created_at=NOW)
        session.add(workspace)
        await session.flush()
        room = Channel(workspace_id=workspace.id, external_id="c", name="c")
        session.add(room)
        await session.flush()
        schedules = [
            Schedule(
                channel_id=room.id, request_id=str(n), at=clock_time(9), zone="UTC", weekdays="0",
                reveal=clock_time(17), created_at=NOW,
            )
            for n in range(channels)
        ]  # fmt: skip
        session.add_all(schedules)
        await session.flush()
    start = time.perf_counter()
    for first in range(0, channels, planner.BATCH):
        async with store.write() as session:
            made = [
                Delivery(
                    schedule_id=schedule.id, channel_id=room.id, kind=DeliveryKind.DAILY, day=NOW.date(), due_at=NOW,
                    state=DeliveryState.SKIPPED,
                )
                for schedule in schedules[first : first + planner.BATCH]
            ]  # fmt: skip
            session.add_all(made)
            await session.flush()
            session.add_all(
                Round(
                    round_key=f"floor{delivery.id}", workspace_id=workspace.id, channel_id=room.id,
                    delivery_id=delivery.id, kind=RoundKind.DAILY, question_id="x", choice_order="0123",
                    choices_hash="", opened_at=NOW,
                )
                for delivery in made
            )  # fmt: skip
    return time.perf_counter() - start


async def stalls(seen: list[float]) -> None:
    """Measure how late the loop wakes, until cancelled."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        seen.append(time.perf_counter() - before - 0.005)


async def measure(url: str, channels: int) -> None:
    store = await Store.open(url)
    library = Library(load().bank, index_folder=None, embedder=Embedder())  # type: ignore[arg-type]  # never searched
    study = Study(store=store, library=library, clock=lambda: NOW, outboxes={"bench": Nowhere()})
    await seed(store, channels)
    seen: list[float] = []
    watch = asyncio.create_task(stalls(seen))
    start = time.perf_counter()
    count = await planner.enqueue_due(study, NOW)
    swept = time.perf_counter() - start
    watch.cancel()
    start = time.perf_counter()
    sent = await daily_delivery.send_due(study)
    took = time.perf_counter() - start
    bare = await floor(store, channels)
    print(f"{store.dialect}: {count} channels due")
    print(f"  enqueued in {swept:.2f} s, longest stall {max(seen):.3f} s")
    print(f"  bare rows   {bare:.2f} s, ratio {swept / bare:.2f}")
    print(f"  {sent} posts in {took:.2f} s, {sent / took:.0f} a second")
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--database", default="", help="default: a fresh SQLite file")
    given = parser.parse_args()
    logs.set_up("warning")
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{folder}/due.db"
        upgrade(url)
        asyncio.run(measure(url, given.channels))


if __name__ == "__main__":
    main()
