"""Trials of one kind of delivery: processes send what's due, are killed or stopped, and others go on."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from bot.context.library import Library
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Delivery, DeliveryKind, DeliveryState
from tests.databases import Databases
from tests.delivery.ledger import LedgerOutbox, lines
from tests.delivery.machine import SharedTime
from tests.delivery.town import KINDS, REFUSED, REPEATABLE, Deeds, Size, Town

AFTER_LEASE = timedelta(seconds=91)
DUE_WITHIN = timedelta(hours=6)
"""What's due this long after the first belongs to the trial, as a note does; a reveal is due later than that."""
MAX_WAIT = timedelta(hours=24)
"""After which what isn't done never will be."""
OK, KILLED, STOPPED, COULD_NOT_START = "0", "-9", "stopped", "69"


class Nursery:
    """The program that makes the processes."""

    def __init__(self, log_level: str = "error") -> None:
        command = [sys.executable, "-m", "tests.delivery.nursery", log_level]
        self._program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._program.stdout is not None
        return self._program.stdout.readline().strip()

    def ask(self, what: str, **order: object) -> str:
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps({"do": what} | order) + "\n")
        self._program.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self._program.stdin is not None
        with self._program:  # closes its pipes and waits for its end
            self._program.stdin.close()


@dataclass(frozen=True)
class Event:
    """What happens to a process at a step: "kill", "stop", or "jump", after which its wall clock has that error."""

    do: str
    step: int
    error: float = 0


NOTHING = Event("kill", 0)


@dataclass(frozen=True)
class Outcome:
    """How many deeds were lost or doubled and deliveries left half done, and how long it took until all was done."""

    lost: int
    doubled: int
    half_done: int
    took: timedelta

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.doubled or self.half_done)


class Trial:
    """One kind of delivery, prepared once, and tried on copies of its database."""

    def __init__(self, nursery: Nursery, time: SharedTime, ledger: Path, kind: str) -> None:
        self.time = time
        self._nursery, self._ledger, self._kind = nursery, ledger, kind
        self._url = self._prepared = ""

    async def prepare(self, databases: Databases, library: Library, size: Size = Size()) -> None:  # noqa: B008
        self._ledger.unlink(missing_ok=True)
        self._url = self._prepared = databases.with_tables()
        store = await Store.open(self._prepared)
        if store.dialect == "postgresql":
            await store.transaction(self.time.rule)
        town = Town(store, library, LedgerOutbox(self._ledger, self.time), size, self._send_at)
        self._expected = await KINDS[self._kind](town)
        self._due = town.now
        await store.close()
        self._before = self._ledger.read_text() if self._ledger.exists() else ""

    def _send_at(self, now: datetime) -> None:
        self.time.begin(now)
        assert self.run() == OK

    def steps(self, databases: Databases) -> int:
        """Return about how many steps it takes to do everything, in one process that isn't interrupted."""
        self.begin(databases)
        assert self.run() == OK
        deeds = len(list(lines(self._ledger))) - self._before.count("\n")
        return 3 * deeds + 6  # each deed is between two steps and is recorded, and the queue is filled and claimed

    def begin(self, databases: Databases) -> None:
        """Begin anew on a fresh copy, as soon as everything is due by any clock: PostgreSQL's is only estimated."""
        self._url = databases.copy_of(self._prepared)
        self._ledger.write_text(self._before)
        self.time.begin(self._due + timedelta(seconds=1))

    def start(self, event: Event = NOTHING, *, trouble: int | None = None) -> int:
        """Start a process and return its id; `trouble` is a seed for what goes wrong on the platform."""
        files = {"ledger": str(self._ledger), "time": str(self.time.file)}
        refuses = self._kind in REFUSED
        order = {"event": vars(event), "trouble": trouble, "refuses_posts": refuses}
        return int(self._nursery.ask("start", url=self._url, **files, **order))

    def wait(self, process: int) -> str:
        """Return how a process ended, or that it's stopped."""
        return self._nursery.ask("wait", id=process)

    def run(self, event: Event = NOTHING) -> str:
        return self.wait(self.start(event))

    def go_on(self, process: int) -> None:
        """Let a stopped process go on."""
        self._nursery.ask("continue", id=process)

    async def recover(self) -> None:
        """Let processes send what's left, each when something is available, until nothing is, or a day is over."""
        self.time.advance(max(self._due - self._clock(), timedelta()))  # a clock that was set back has to get there
        while True:
            assert self.run() == OK
            store = await Store.open(self._url)
            wait = await store.query(_until_next, self._clock(), self._due + DUE_WITHIN)
            await store.close()
            if wait is None or self.time.now() + wait > self._due + MAX_WAIT:
                return
            self.time.advance(wait + timedelta(seconds=1))

    def _clock(self) -> datetime:
        """Return the time by the clock that processes share."""
        error = self.time.error if self._url.startswith("sqlite") else 0
        return self.time.now() + timedelta(seconds=error)

    async def outcome(self) -> Outcome:
        store = await Store.open(self._url)
        half_done = await store.query(_half_done, self._due + DUE_WITHIN)
        await store.close()
        done = Deeds((line["kind"], line["place"]) for line in lines(self._ledger))
        doubled = Deeds({deed: count for deed, count in (done - self._expected).items() if deed[0] not in REPEATABLE})
        last = max((datetime.fromisoformat(line["at"]) for line in lines(self._ledger)), default=self._due)
        took = max(last - self._due, timedelta())
        return Outcome((self._expected - done).total(), doubled.total(), half_done, took)


deliveries, schedules = tables.deliveries.c, tables.schedules.c
_OPEN = (DeliveryState.DUE, DeliveryState.SENDING)


def _until_next(connection: Connection, now: datetime, due_until: datetime) -> timedelta | None:
    """Return how long it takes until one of the deliveries due until then is available; None if all were sent."""
    open_now = deliveries.state.in_(_OPEN) & (deliveries.due_at <= due_until)
    first: datetime | None = connection.execute(
        select(func.min(deliveries.available_at, type_=deliveries.available_at.type)).where(open_now)
    ).scalar()
    return None if first is None else max(first - now, timedelta())


def _half_done(connection: Connection, due_until: datetime) -> int:
    """Count the deliveries due until then that are still open, and questions without their message or an extra."""
    rows = connection.execute(
        select(tables.deliveries, tables.schedules).outerjoin_from(
            tables.deliveries, tables.schedules, schedules.id == deliveries.schedule_id
        )
    ).mappings()
    return sum(
        _is_half_done(
            Delivery.of(tables.columns_of(row, tables.deliveries)), row[schedules.thread], row[schedules.pin], due_until
        )
        for row in rows
    )


def _is_half_done(delivery: Delivery, thread: bool | None, pin: bool | None, due_until: datetime) -> bool:
    match delivery.state:
        case DeliveryState.DUE | DeliveryState.SENDING:
            return delivery.due_at <= due_until
        case DeliveryState.DONE if delivery.kind is DeliveryKind.DAILY:
            has_extras = (delivery.thread_ref or not thread) and (delivery.pinned or not pin)
            return not (delivery.message_ref and has_extras)
        case _:
            return False
