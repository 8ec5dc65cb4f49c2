"""Processes killed or stopped at every step: nothing is lost, doubled or left half done, on both databases."""

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
OK, KILLED = "0", "-9"


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

    def _ask(self, **order: object) -> str:
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps(order) + "\n")
        self._program.stdin.flush()
        return self._answer()

    def process(self, url: str, ledger: Path, now: datetime, step: int = 0, signal: str = "SIGKILL") -> str:
        """Let a process send what's due, with a signal to itself at a step, and return how it ended, or "stopped"."""
        clock = ledger.with_suffix(".clock")
        clock.write_text(now.isoformat())
        return self._ask(url=url, ledger=str(ledger), clock=str(clock), step=step, signal=signal)

    def go_on(self, stopped: str) -> str:
        """Let a stopped process go on, and return how it ended."""
        return self._ask(**{"continue": int(stopped.removeprefix("stopped "))})

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
    assert nursery.process(url, ledger, due) == OK
    return MORNING + timedelta(hours=9)


async def prepare_count(room: Room, nursery: Nursery, url: str, ledger: Path) -> datetime:
    room.now = await prepare_question(room, nursery, url, ledger)
    assert nursery.process(url, ledger, room.now) == OK
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


class Trial:
    """One kind of delivery, prepared once, and tried on copies of its database."""

    def __init__(self, databases: Databases, nursery: Nursery, ledger: Path, kind: str) -> None:
        self._databases, self._nursery, self._ledger, self._kind = databases, nursery, ledger, kind

    async def prepare(self, library: Library) -> None:
        prepare, self._expected = PREPARATIONS[self._kind]
        self._prepared = self._databases.with_tables()
        store = await Store.open(self._prepared)
        self._due = await prepare(Room(store, library, self._ledger), self._nursery, self._prepared, self._ledger)
        await store.close()
        self._before = self._ledger.read_text() if self._ledger.exists() else ""

    def begin(self, step: int, signal: str) -> str:
        """Let a process send on a fresh copy; it gets the signal at that step."""
        self._url = self._databases.copy_of(self._prepared)
        self._ledger.write_text(self._before)
        return self._nursery.process(self._url, self._ledger, self._due, step, signal)

    def go_on_elsewhere(self, leases: int) -> None:
        """Let another process send what's left after so many leases."""
        assert self._nursery.process(self._url, self._ledger, self._due + LEASE * leases) == OK

    async def check(self) -> None:
        """Check that everything was done once, and nothing is open but the reveal."""
        done = Counter(line["kind"] for line in lines(self._ledger))
        assert {name: min(n, 1) if name in REPEATABLE else n for name, n in done.items()} == self._expected
        store = await Store.open(self._url)
        still_open = await store.query(_open)
        await store.close()
        assert still_open == (1 if self._kind in ("question", "thread and pin", "count") else 0)


@pytest.fixture(params=PREPARATIONS)
async def trial(
    request: pytest.FixtureRequest, databases: Databases, library: Library, nursery: Nursery, tmp_path: Path
) -> Trial:
    made = Trial(databases, nursery, tmp_path / "ledger", request.param)
    await made.prepare(library)
    return made


async def test_a_process_killed_at_any_step_loses_and_doubles_nothing(trial: Trial) -> None:
    step = 1
    while (ended := trial.begin(step, "SIGKILL")) == KILLED:
        for leases in (1, 2):
            trial.go_on_elsewhere(leases)
        await trial.check()
        step += 1
    assert ended == OK
    assert step > 5


async def test_a_process_stopped_at_any_step_for_longer_than_its_lease_doubles_nothing(
    trial: Trial, nursery: Nursery
) -> None:
    step = 1
    while (stopped := trial.begin(step, "SIGSTOP")).startswith("stopped"):
        trial.go_on_elsewhere(1)
        assert nursery.go_on(stopped) == OK
        trial.go_on_elsewhere(2)
        await trial.check()
        step += 1
    assert stopped == OK
    assert step > 2
