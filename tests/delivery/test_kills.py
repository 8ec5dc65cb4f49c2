"""Processes killed at every step: nothing is lost, doubled or left half done, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import DeliveryState
from tests.databases import Databases
from tests.delivery.ledger import PLATFORM, LedgerOutbox, lines

pytestmark = pytest.mark.both_databases

MORNING = datetime(2026, 11, 18, 8, tzinfo=UTC)
HERE = Location(PLATFORM, "W1", "C1", "Readers", "papers")
LEASE = timedelta(seconds=91)
KILLED = -9


class Nursery:
    """The program that makes the processes."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._program.stdout is not None
        return self._program.stdout.readline().strip()

    def process(self, url: str, ledger: Path, now: datetime, kill_at: int = 0) -> int:
        """Let a process send what's due, and return how it ended."""
        assert self._program.stdin is not None
        order = {"url": url, "ledger": str(ledger), "now": now.isoformat(), "kill_at": kill_at}
        self._program.stdin.write(json.dumps(order) + "\n")
        self._program.stdin.flush()
        return int(self._answer())

    def close(self) -> None:
        assert self._program.stdin is not None
        with self._program:  # closes its pipes and waits for its end
            self._program.stdin.close()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


class Room:
    """A workspace on the ledger, in which a test prepares what will be due."""

    def __init__(self, store: Store, library: Library, ledger: Path) -> None:
        self.now = MORNING
        self.study = Study(
            store=store,
            library=library,
            clock=lambda: self.now,
            outboxes={PLATFORM: LedgerOutbox(ledger, lambda: None)},
        )
        self._requests = 0

    async def say(self, who: str, line: str, *, manager: bool = False) -> None:
        self._requests += 1
        request = Request(HERE, Actor(who, who, manager=manager), f"r{self._requests}", self.now, line=line)
        async for _ in handle(registry(), self.study, request):
            pass

    async def answer(self, who: str) -> None:
        """Answer the newest question that was asked."""
        [key] = await self.study.store.query(_newest_round)
        await self.say(who, f"answer {key} a")


def _newest_round(connection: Connection) -> list[str]:
    rounds = tables.rounds.c
    return list(connection.execute(select(rounds.round_key).order_by(rounds.id.desc()).limit(1)).scalars())


def _open(connection: Connection) -> int:
    deliveries = tables.deliveries.c
    states = (DeliveryState.DUE, DeliveryState.SENDING)
    return len(connection.execute(select(deliveries.id).where(deliveries.state.in_(states))).all())


async def prepare_question(room: Room, _nursery: Nursery, _url: str, _ledger: Path) -> datetime:
    await room.say("maya", "schedule setup 09:00 days=daily", manager=True)
    return MORNING + timedelta(hours=1)


async def prepare_question_with_extras(room: Room, _nursery: Nursery, _url: str, _ledger: Path) -> datetime:
    await room.say("maya", "schedule setup 09:00 days=daily thread=yes pin=yes", manager=True)
    return MORNING + timedelta(hours=1)


async def prepare_reveal(room: Room, nursery: Nursery, url: str, ledger: Path) -> datetime:
    due = await prepare_question(room, nursery, url, ledger)
    assert nursery.process(url, ledger, due) == 0
    return MORNING + timedelta(hours=9)


async def prepare_count(room: Room, nursery: Nursery, url: str, ledger: Path) -> datetime:
    room.now = await prepare_question(room, nursery, url, ledger)
    assert nursery.process(url, ledger, room.now) == 0
    await room.answer("ada")
    return room.now + timedelta(minutes=1)


async def prepare_reminders(room: Room, _nursery: Nursery, _url: str, _ledger: Path) -> datetime:
    for who in ("ada", "ben"):
        await room.say(who, "question vae")
        await room.answer(who)
        await room.say(who, "me zone=UTC remind=20:00")
    return MORNING + timedelta(days=1, hours=12)


PREPARATIONS = {
    "question": (prepare_question, {"post": 1}),
    "thread and pin": (prepare_question_with_extras, {"post": 1, "thread": 1, "pin": 1}),
    "reveal": (prepare_reveal, {"post": 2}),
    "count": (prepare_count, {"post": 1, "edit": 1}),
    "reminders": (prepare_reminders, {"direct": 2}),
}
REPEATABLE = {"edit", "pin"}
"""What may be done twice without anybody seeing it."""


@pytest.mark.parametrize("kind", PREPARATIONS)
async def test_a_process_killed_at_any_step_loses_and_doubles_nothing(
    databases: Databases,
    library: Library,
    nursery: Nursery,
    tmp_path: Path,
    kind: str,
) -> None:
    prepare, expected = PREPARATIONS[kind]
    prepared, ledger = databases.with_tables(), tmp_path / "ledger"
    store = await Store.open(prepared)
    due = await prepare(Room(store, library, ledger), nursery, prepared, ledger)
    await store.close()
    before = ledger.read_text() if ledger.exists() else ""

    kill_at, ended = 0, KILLED
    while ended == KILLED:
        kill_at += 1
        url = databases.copy_of(prepared)
        ledger.write_text(before)
        ended = nursery.process(url, ledger, due, kill_at)
        assert ended in (KILLED, 0)
        for later in (1, 2):
            assert nursery.process(url, ledger, due + LEASE * later) == 0
        done = Counter(line["kind"] for line in lines(ledger))

        assert {name: min(count, 1) if name in REPEATABLE else count for name, count in done.items()} == expected
        store = await Store.open(url)
        still_open = await store.query(_open)
        await store.close()
        assert still_open == (1 if kind in ("question", "thread and pin", "count") else 0)  # the reveal
    assert kill_at > 5
