"""Several processes on one PostgreSQL database, each with its own Discord connections and scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.app import App, TerminalPosts
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.platforms.discord.client import connected
from bot.replies import Button, Buttons, Notice, Reply
from bot.scheduler import Scheduler
from bot.store import tables
from bot.store.engine import Store
from tests.databases import PostgresqlDatabases, Server
from tests.platforms.discord.fake import Channel, Discord, Interaction, Message, Person, met

CALLBACK = r"/interactions/\d+/[^/]+/callback"
MESSAGES = r"/channels/\d+/messages"
THREADS = r"/channels/\d+/messages/\d+/threads"
LEASE = 91
FIRST, SECOND = {"shard_count": 2, "shard_ids": [0]}, {"shard_count": 2, "shard_ids": [1]}


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    databases = PostgresqlDatabases(server)
    yield databases.with_tables()
    databases.drop()


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    """Run the fake with two shards, at 06:00 on a Monday."""
    async with met(shards=2) as there:
        until(there, "06:00")
        there.clock.forward(timedelta(days=-present(there).weekday() % 7).total_seconds())
        yield there


def present(discord: Discord) -> datetime:
    return datetime.fromtimestamp(discord.clock.now(), UTC)


def until(discord: Discord, moment: str) -> None:
    """Move the clock forward to the next occurrence of a time of day."""
    hour, minute = map(int, moment.split(":"))
    then = present(discord).replace(hour=hour, minute=minute, second=0, microsecond=0)
    discord.clock.forward(((then - present(discord)) % timedelta(days=1)).total_seconds())


@dataclass
class Process:
    """One simulated process: its app, its scheduler, and the resources to close."""

    app: App
    scheduler: Scheduler
    running: AsyncExitStack

    async def turn(self) -> None:
        await self.scheduler.run_once()

    async def dies(self, working: asyncio.Task[None]) -> None:
        """Stop the process in the middle of that work."""
        working.cancel()
        await asyncio.wait([working])
        await self.running.aclose()


class Processes:
    """Starts processes; those still running are stopped at the end of the test."""

    def __init__(self, discord: Discord, url: str, library: Library, running: AsyncExitStack) -> None:
        self._discord, self._url, self._library, self._running = discord, url, library, running

    async def start(self, **shards: Any) -> Process:
        """Start a process, and wait until it's connected to the gateway."""
        gateway = self._discord.gateway
        connections = len(gateway.identified) + len(shards.get("shard_ids", range(gateway.shards)))
        process = await self.begin(**shards)
        await self._discord.until(lambda: len(gateway.identified) == connections)
        await self._discord.until(lambda: all(s.queue.empty() for s in gateway.sessions.values()))
        return process

    async def begin(self, **shards: Any) -> Process:
        """Start a process without waiting for its gateway connections."""
        running = await self._running.enter_async_context(AsyncExitStack())
        store = await Store.open(self._url)
        running.push_async_callback(store.close)
        study = Study(store, self._library, clock=lambda: present(self._discord))
        app = App(registry(), study, TerminalPosts(store))
        running.callback(app.renderer.close)
        await running.enter_async_context(connected(app, token=self._discord.token, **shards))
        return Process(app, Scheduler(app.study, 5), running)


@pytest.fixture
async def processes(discord: Discord, url: str, library: Library) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as running:
        yield Processes(discord, url, library, running)


def channel_of(discord: Discord, shard: int) -> Channel:
    """Create a channel in a new guild that belongs to that shard."""
    while (guild := discord.guild("Readers")).id >> 22 & 1 != shard:
        del discord.guilds[guild.id]
    return discord.channel(guild, "papers")


def member(discord: Discord, channel: Channel, name: str, **rights: bool) -> Person:
    assert channel.guild is not None
    return Person.joins(discord, channel.guild, name, discord.role(channel.guild, f"of {name}", **rights).id)


async def set_up(discord: Discord, channel: Channel, **options: str) -> None:
    maya = member(discord, channel, "maya", manage_guild=True)
    done = await maya.slash(channel, "schedule setup", time="09:00", **options).answered()
    assert "weekdays at 09:00" in done.text


def at(channel: Channel) -> Location:
    assert channel.guild is not None
    return Location("discord", str(channel.guild.id), str(channel.id))


def posts(channel: Channel, about: str) -> list[Message]:
    return [message for message in channel.messages.values() if about in message.text]


def tries(discord: Discord, channel: Channel) -> int:
    """Return how many times the bot tried to post in the channel, including failures."""
    return len(discord.asked("POST", f"/channels/{channel.id}/messages"))


async def answer(person: Person, asked: Interaction) -> Interaction:
    assert asked.message is not None
    return await person.press(asked.message, "A").answered()


async def counted(app: App) -> int:
    count = select(func.count()).select_from(tables.answers)
    return await app.study.store.query(lambda connection: int(connection.execute(count).scalar_one()))


async def test_processes_with_different_shards_post_everything_once(discord: Discord, processes: Processes) -> None:
    channels = [channel_of(discord, number % 2) for number in range(6)]
    one, other = await processes.start(**FIRST), await processes.start(**SECOND)
    for channel in channels:
        await set_up(discord, channel)

    until(discord, "09:00")
    await asyncio.gather(one.turn(), other.turn())
    assert [tries(discord, channel) for channel in channels] == [1] * 6
    for channel in channels:
        bob = member(discord, channel, "bob")
        for _ in range(2):
            await bob.press(posts(channel, "Question of the day")[0], "A").answered()
    assert await counted(one.app) == 6

    until(discord, "17:00")
    await asyncio.gather(one.turn(), other.turn())
    assert [tries(discord, channel) for channel in channels] == [2] * 6
    assert [len(posts(channel, "of 1 picked")) for channel in channels] == [1] * 6


async def test_a_press_that_two_processes_receive_counts_once(discord: Discord, processes: Processes) -> None:
    channel = channel_of(discord, 0)
    witness = await processes.start(**SECOND)
    one, other = await processes.start(**FIRST), await processes.start(**FIRST)
    await set_up(discord, channel)
    until(discord, "09:00")
    await asyncio.gather(one.turn(), other.turn())
    assert tries(discord, channel) == 1

    pressed = member(discord, channel, "bob").press(channel.last, "A")
    await pressed.answered()
    await one.running.aclose()
    await other.running.aclose()
    assert [call.status for call in discord.asked("POST", f"/interactions/{pressed.id}/[^/]+/callback")] == [200]
    assert pressed.private
    assert await counted(witness.app) == 1


@pytest.mark.parametrize("arrives", [True, False], ids=["its post arrives", "its post is lost"])
async def test_a_post_is_finished_by_the_other_process_after_a_crash(
    discord: Discord, processes: Processes, arrives: bool
) -> None:
    channel = channel_of(discord, 0)
    one, other = await processes.start(**FIRST), await processes.start(**FIRST)
    await set_up(discord, channel, thread="on")
    until(discord, "09:00")
    arriving = discord.hold("POST", MESSAGES)
    working = asyncio.create_task(one.turn())
    await discord.until(lambda: tries(discord, channel) == 1)
    await one.dies(working)
    if arrives:
        arriving.set()
        await discord.until(lambda: bool(channel.messages))

    await other.turn()
    assert tries(discord, channel) == 1
    discord.clock.forward(LEASE)
    await other.turn()
    assert tries(discord, channel) == (1 if arrives else 2)
    [question] = posts(channel, "Question of the day")
    assert question.id in discord.channels

    verdict = await member(discord, channel, "bob").press(question, "A").answered()
    assert verdict.private
    until(discord, "17:00")
    await other.turn()
    assert len(posts(channel, "of 1 picked")) == 1


async def test_a_post_is_found_under_all_that_was_written_since(discord: Discord, processes: Processes) -> None:
    channel = channel_of(discord, 0)
    one, other = await processes.start(**FIRST), await processes.start(**FIRST)
    await set_up(discord, channel)
    until(discord, "09:00")
    arriving = discord.hold("POST", MESSAGES)
    working = asyncio.create_task(one.turn())
    await discord.until(lambda: tries(discord, channel) == 1)
    await one.dies(working)
    arriving.set()
    await discord.until(lambda: bool(channel.messages))
    bob = member(discord, channel, "bob")
    for number in range(250):
        bob.says(channel, f"Message {number}")
    discord.clock.forward(timedelta(hours=1).total_seconds())  # Discord no longer knows the nonce

    await other.turn()

    assert len(posts(channel, "Question of the day")) == 1
    assert tries(discord, channel) == 1


async def test_a_reminder_is_sent_once_by_two_processes_of_which_one_died(
    discord: Discord, processes: Processes
) -> None:
    channel = channel_of(discord, 0)
    one, other = await processes.start(**FIRST), await processes.start(**FIRST)
    bob = member(discord, channel, "bob")
    await answer(bob, await bob.slash(channel, "question", topic="vae").answered())
    await bob.slash(channel, "me", remind="20:00").answered()
    discord.clock.forward(timedelta(days=1).total_seconds())
    until(discord, "20:00")
    arriving = discord.hold("POST", MESSAGES)
    working = asyncio.create_task(one.turn())
    alone = discord.conversation(bob.user)
    await discord.until(lambda: tries(discord, alone) == 1)
    await one.dies(working)
    arriving.set()
    await discord.until(lambda: bool(alone.messages))
    discord.clock.forward(timedelta(minutes=30).total_seconds())

    await other.turn()

    assert len(posts(alone, "Your streak of 1 day")) == 1
    assert tries(discord, alone) == 1


async def test_a_thread_is_opened_by_the_other_process_after_a_crash(discord: Discord, processes: Processes) -> None:
    channel = channel_of(discord, 0)
    one, other = await processes.start(**FIRST), await processes.start(**FIRST)
    await set_up(discord, channel, thread="on")
    until(discord, "09:00")
    discord.hold("POST", THREADS)
    working = asyncio.create_task(one.turn())
    await discord.until(lambda: len(discord.asked("POST", THREADS)) == 1)
    await one.dies(working)
    discord.clock.forward(LEASE)
    await other.turn()

    [question] = posts(channel, "Question of the day")
    assert question.id in discord.channels
    assert tries(discord, channel) == 1


async def test_due_posts_go_out_before_a_new_process_knows_its_guilds(discord: Discord, processes: Processes) -> None:
    channel = channel_of(discord, 0)
    before = await processes.start(**FIRST)
    await set_up(discord, channel)
    await before.running.aclose()
    until(discord, "09:00")
    discord.gateway.opened.clear()
    await (await processes.begin(**FIRST)).turn()
    discord.gateway.opened.set()

    assert len(posts(channel, "Question of the day")) == 1


async def test_an_unavailable_guild_does_not_stop_its_schedule(discord: Discord, processes: Processes) -> None:
    channel = channel_of(discord, 0)
    assert channel.guild is not None
    before = await processes.start(**FIRST)
    await set_up(discord, channel)
    await before.running.aclose()
    channel.guild.unavailable = True
    process = await processes.start(**FIRST)
    until(discord, "09:00")
    discord.fail("POST", MESSAGES, 503)
    await process.turn()
    assert not channel.messages

    discord.clock.forward(LEASE)
    await process.turn()
    assert len(posts(channel, "Question of the day")) == 1


async def test_reminders_and_their_questions_go_through_the_first_shard(discord: Discord, processes: Processes) -> None:
    channel = channel_of(discord, 1)
    first, second = await processes.start(**FIRST), await processes.start(**SECOND)
    bob = member(discord, channel, "bob")
    asked = await bob.slash(channel, "question", topic="vae").answered()
    await answer(bob, asked)
    await bob.slash(channel, "me", remind="20:00").answered()
    await second.running.aclose()
    discord.clock.forward(timedelta(days=1).total_seconds())
    until(discord, "20:00")
    await first.turn()
    alone = discord.conversation(bob.user)
    assert "Your streak of 1 day ends tonight" in alone.last.text

    verdict = await answer(bob, await bob.press(alone.last, "Practice now").answered())
    assert "Streak: 2 days" in verdict.text
    workspaces, answers = tables.workspaces.c, tables.answers.c
    rows, answered = await first.app.study.store.query(
        lambda connection: (
            connection.execute(select(workspaces.id, workspaces.external_id, workspaces.name)).all(),
            connection.execute(select(answers.workspace_id).order_by(answers.id)).scalars().all(),
        )
    )
    assert channel.guild is not None
    assert [(external, name) for _, external, name in rows] == [(str(channel.guild.id), "Readers")]
    assert answered == [rows[0][0]] * 2


@pytest.mark.parametrize(("rights", "said"), [({"manage_guild": True}, "a daily question yet"), ({}, "for managers")])
async def test_managers_are_recognized_in_direct_messages_from_other_shards(
    discord: Discord, processes: Processes, rights: dict[str, bool], said: str
) -> None:
    channel = channel_of(discord, 1)
    maya = member(discord, channel, "maya", **rights)
    process = await processes.start(**FIRST)
    button = Reply.of(Notice("The daily question is paused."), Buttons((Button("Schedules", "schedule list"),)))
    await process.app.study.outboxes["discord"].send_direct(at(channel), str(maya.user.id), button, "paused-7")

    assert said in (await maya.press(discord.conversation(maya.user).last, "Schedules").answered()).text


async def test_former_members_of_a_guild_on_another_shard_are_told_so(discord: Discord, processes: Processes) -> None:
    channel = channel_of(discord, 1)
    bob = member(discord, channel, "bob")
    process = await processes.start(**FIRST)
    button = Reply.of(Notice("Your streak ends tonight."), Buttons((Button("Practice now", "question"),)))
    await process.app.study.outboxes["discord"].send_direct(at(channel), str(bob.user.id), button, "reminder-7")
    assert channel.guild is not None
    del discord.guilds[channel.guild.id]

    told = await bob.press(discord.conversation(bob.user).last, "Practice now").answered()
    assert "a server that you or I have left" in told.text
