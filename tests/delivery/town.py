"""Workspaces and channels on the ledger, in which each kind of delivery is prepared, and what's due to happen there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.context.outbox import Outbox
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.store import tables
from bot.store.engine import Store
from tests.delivery.ledger import OWNERS, PLATFORM

MORNING = datetime(2026, 11, 18, 8, tzinfo=UTC)
MEMBERS = ("ada", "ben")
REPEATABLE = {"edit", "pin"}
"""What may be done twice without anybody seeing it."""


@dataclass(frozen=True)
class Size:
    """How many workspaces there are, each with as many channels."""

    workspaces: int = 1
    channels: int = 1


class Town:
    """Members talk in their channels at the time `now`; `send` lets a process send what's due then."""

    def __init__(
        self, store: Store, library: Library, outbox: Outbox, size: Size, send: Callable[[datetime], None]
    ) -> None:
        self.now = MORNING
        self.workspaces = [
            [Location(PLATFORM, f"W{number}", f"C{channel}", "Readers", "papers") for channel in range(size.channels)]
            for number in range(size.workspaces)
        ]
        self._study = Study(store=store, library=library, clock=lambda: self.now, outboxes={PLATFORM: outbox})
        self._send = send
        self._requests = 0

    @property
    def channels(self) -> list[Location]:
        return [channel for workspace in self.workspaces for channel in workspace]

    def send(self) -> None:
        self._send(self.now)

    async def say(self, who: str, where: Location, line: str) -> None:
        self._requests += 1
        actor = Actor(who, who, manager=who == "maya")
        request = Request(where, actor, f"r{self._requests}", self.now, line=line)
        async for _ in handle(registry(), self._study, request):
            pass

    async def answer(self, who: str, where: Location) -> None:
        """Answer the newest question that was asked in a channel."""
        key = await self._study.store.query(_newest_round, where)
        await self.say(who, where, f"answer {key} a")


def _newest_round(connection: Connection, where: Location) -> str:
    rounds, channels, workspaces = tables.rounds.c, tables.channels.c, tables.workspaces.c
    asked = (
        select(rounds.round_key)
        .join_from(tables.rounds, tables.channels, channels.id == rounds.channel_id)
        .join(tables.workspaces, workspaces.id == channels.workspace_id)
        .where(workspaces.external_id == where.workspace, channels.external_id == where.channel)
        .order_by(rounds.id.desc())
    )
    return str(connection.execute(asked).scalars().first())


Deeds = Counter[tuple[str, str]]
"""How often each kind of thing is done at each place, as the ledger names both."""


def _in_each_channel(town: Town, **times: int) -> Deeds:
    return Deeds({(kind, _place(where)): count for where in town.channels for kind, count in times.items()})


def _place(where: Location, member: str = "") -> str:
    return "/".join(filter(None, (where.workspace, where.channel, member)))


async def _question(town: Town, extras: str = "") -> Deeds:
    for where in town.channels:
        await town.say("maya", where, f"schedule setup 09:00 days=daily {extras}")
    town.now = MORNING + timedelta(hours=1)
    return _in_each_channel(town, post=1)


async def _thread(town: Town) -> Deeds:
    return await _question(town, "thread=yes") + _in_each_channel(town, thread=1)


async def _pin(town: Town) -> Deeds:
    return await _question(town, "thread=yes pin=yes") + _in_each_channel(town, thread=1, pin=1)


async def _reveal(town: Town) -> Deeds:
    await _question(town)
    town.send()
    town.now = MORNING + timedelta(hours=9)
    return _in_each_channel(town, post=2, edit=1)


async def _count(town: Town) -> Deeds:
    await _question(town)
    town.send()
    for where in town.channels:
        await town.answer("ada", where)
    return _in_each_channel(town, post=1, edit=1)


async def _reminder(town: Town) -> Deeds:
    due: Deeds = Deeds()
    for where, *_ in town.workspaces:
        for who in MEMBERS:
            await town.say(who, where, "question vae")
            await town.answer(who, where)
            await town.say(who, where, "me zone=UTC remind=20:00")
            due["direct", f"{where.workspace}/{who}"] = 1
    town.now = MORNING + timedelta(days=1, hours=12)
    return due


async def _note(town: Town) -> Deeds:
    """Let the questions be refused. In the last workspace, whoever set up the schedules is gone, so its owners hear."""
    await _question(town)
    *others, last = town.workspaces
    await town.say("maya", last[0], "privacy delete everything")
    due = Deeds({("direct", _place(where, "maya")): 1 for workspace in others for where in workspace})
    return due + Deeds({("direct", _place(where, owner)): 1 for where in last for owner in OWNERS})


KINDS: dict[str, Callable[[Town], Awaitable[Deeds]]] = {
    "question": _question,
    "thread": _thread,
    "pin": _pin,
    "reveal": _reveal,
    "count": _count,
    "reminder": _reminder,
    "note": _note,
}
"""How each kind of delivery is prepared, until it's due; returns what's to be done by then and after. Threads and pins
are steps of a question; a pin comes after a thread."""
REFUSED = {"note"}
"""Where posts are refused."""
