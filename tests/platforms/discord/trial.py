"""A server on the fake Discord in which something is due, and processes that are killed while they send it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import DeliveryState
from tests.databases import SqliteDatabases
from tests.platforms.discord.fake import Channel, Discord, Message, Person
from tests.platforms.discord.fake.calls import Call

OK, KILLED = 0, -signal.SIGKILL
TEXT, WRITTEN = 0, (0, 19)
"""A text channel; and the types of messages that somebody wrote, plain ones and replies."""


@dataclass
class Nursery:
    """The program that makes the processes, all of them on one fake Discord."""

    program: Process
    discord: Discord
    folder: Path
    child: int = 0
    """The process that runs now."""

    async def answer(self) -> int | str:
        assert self.program.stdout is not None
        line = (await self.program.stdout.readline()).decode().strip()
        return line if line == "ready" else int(line)

    async def begin(self, url: str, work: str) -> None:
        """Start a process."""
        discord, stdin = self.discord, self.program.stdin
        assert stdin is not None
        order = {
            "url": url,
            "api": discord.api,
            "gateway": discord.gateway_url,
            "token": discord.token,
            "ahead": discord.clock.ahead,
            "folder": str(self.folder),
            "work": work,
        }
        stdin.write(json.dumps(order).encode() + b"\n")
        self.child = int(await self.answer())

    async def send(self, url: str) -> int:
        """Let a process send what's due, and return how it ended."""
        await self.begin(url, "send")
        return int(await self.answer())

    def kill(self) -> None:
        os.kill(self.child, signal.SIGKILL)


@asynccontextmanager
async def nursing(discord: Discord, folder: Path) -> AsyncIterator[Nursery]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.platforms.discord.nursery", stdin=PIPE, stdout=PIPE
    )
    nursery = Nursery(program, discord, folder)
    assert await nursery.answer() == "ready"
    yield nursery
    assert program.stdin is not None
    program.stdin.close()
    await program.wait()


class Trial:
    """A server with a schedule, in which something is due; prepared once, and tried on copies."""

    def __init__(
        self, nursery: Nursery, databases: SqliteDatabases, library: Library, channel_type: int = TEXT
    ) -> None:
        self.nursery, self.discord, self._databases = nursery, nursery.discord, databases
        guild = self.discord.guild()
        self._channel_id = self.discord.channel(guild, "papers", channel_type).id
        guild.me.roles.append(self.discord.role(guild, "Studyhall", pin_messages=True).id)
        self.maya = Person.joins(self.discord, guild, "maya")
        self.ada = Person.joins(self.discord, guild, "ada")
        self._at = Location("discord", str(guild.id), str(self._channel_id), "Readers", "papers")
        self._library = library
        self._requests = 0
        self._url = databases.with_tables()
        self._saved: dict[str, Any] = {}
        self._until("06:00")

    @property
    def channel(self) -> Channel:
        return self.discord.channels[self._channel_id]

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.discord.clock.now(), UTC)

    def _until(self, moment: str) -> None:
        hour, minute = map(int, moment.split(":"))
        then = self.now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        self.discord.clock.forward(((then - self.now) % timedelta(days=1)).total_seconds())

    async def prepare(self, prepare: Callable[[Trial], Awaitable[None]]) -> None:
        self._store = await Store.open(self._url)
        await prepare(self)
        await self._store.close()
        self._saved = self.discord.saved()

    async def say(self, who: Person, line: str) -> None:
        """Let a member run a command, without Discord."""
        self._requests += 1
        study = Study(self._store, self._library, clock=lambda: self.now)
        actor = Actor(str(who.user.id), who.user.name, manager=who is self.maya)
        request = Request(self._at, actor, f"r{self._requests}", self.now, line=line)
        async for reply in handle(registry(), study, request):
            assert not reply.refused, reply

    async def answer(self, who: Person) -> None:
        """Answer the newest question that was asked."""
        [key] = await self._store.query(_newest_round)
        await self.say(who, f"answer {key} a")

    async def pass_until(self, moment: str) -> None:
        """Move on to a time of day, and let a process send what's due then."""
        self._until(moment)
        assert await self.nursery.send(self._url) == OK

    def move_to(self, moment: str) -> None:
        self._until(moment)

    async def begin(self, step: int) -> int:
        """Let a process send what's due on a fresh copy; it's killed at that step."""
        self.discord.restore(self._saved)
        self.url = self._databases.copy_of(self._url)
        left = step

        def crossing(call: Call) -> bool:
            nonlocal left
            if call.method != "GET" and call.path.startswith(("/channels/", "/users/@me/channels")):
                left -= 1
                if not left:
                    self.nursery.kill()
                    return False
            return True

        self.discord.crossing = crossing
        ended = await self.nursery.send(self.url)
        self.discord.crossing = lambda _call: True
        return ended

    async def kill_at_every_step(self, check: Callable[[Trial], None], later: timedelta, chatter: int) -> int:
        """Check that whatever is left after a kill is finished elsewhere, and return how many steps there were."""
        step = 1
        while (ended := await self.begin(step)) == KILLED:
            await self.go_on_elsewhere(later, chatter)
            check(self)
            assert await self.still_open() == []
            step += 1
        assert ended == OK
        check(self)
        return step - 1

    async def go_on_elsewhere(self, later: timedelta, chatter: int) -> None:
        """Let another process send what's left, after so many messages by others."""
        for number in range(chatter):
            for channel in (self.channel, self._alone_with(self.ada)):
                self.ada.says(channel, f"Message {number}")
        self.discord.clock.forward(later.total_seconds())
        assert await self.nursery.send(self.url) == OK

    async def still_open(self) -> list[str]:
        """Return the kinds of deliveries that are being sent, or should be."""
        store = await Store.open(self.url)
        found = await store.query(_open, self.now)
        await store.close()
        return found

    def posts(self, channel: Channel | None = None) -> list[Message]:
        """Return what the bot wrote, without Discord's own messages about pins and threads."""
        written = (channel or self.channel).messages.values()
        return [message for message in written if message.author.bot and message.type in WRITTEN]

    def told(self, who: Person) -> list[str]:
        return [message.text for message in self.posts(self._alone_with(who))]

    def _alone_with(self, who: Person) -> Channel:
        return self.discord.conversation(self.discord.users[who.user.id])


def _newest_round(connection: Connection) -> list[str]:
    rounds = tables.rounds.c
    return list(connection.execute(select(rounds.round_key).order_by(rounds.id.desc()).limit(1)).scalars())


def _open(connection: Connection, now: datetime) -> list[str]:
    deliveries = tables.deliveries.c
    waiting = and_(deliveries.state == DeliveryState.DUE, deliveries.available_at <= now)
    found = select(deliveries.kind).where(or_(waiting, deliveries.state == DeliveryState.SENDING))
    return [kind.value for kind in connection.execute(found).scalars()]
