"""The bots that `benchmarks.discord` compares, ours and a bare one, each as a process (`benchmarks.children`)."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import discord
from discord import app_commands
from sqlalchemy import Connection, func, select, update

from benchmarks.children import CONSTANT, obey
from benchmarks.respond import NOW, fill
from bot import logs
from bot.app import App, TerminalPosts
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.platforms.discord.client import connected
from bot.scheduler import Scheduler
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Channel, Schedule, Workspace
from bot.store.upgrade import upgrade
from bot.study.daily.posts import question_post
from bot.study.practice.queries import round_by_key
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder
from tests.platforms.discord.fake import in_place_of_discord

INDEX = Path(tempfile.gettempdir()) / "studyhall-fit"
"""Where `benchmarks/search.py` keeps its index, too."""
STARTED_AT = time.monotonic()


def now() -> datetime:
    """Return the current time of the benchmark's own day."""
    return NOW + timedelta(seconds=time.monotonic() - STARTED_AT)


class Watched:
    """What every bot can report about itself."""

    def __init__(self) -> None:
        self._profile = cProfile.Profile(time.thread_time)  # without what other threads cost meanwhile

    async def cpu(self) -> float:
        """Return the seconds of CPU so far, of all threads."""
        return time.process_time()

    async def profile(self, file: str) -> None:
        """Start a new profile of the event loop's thread, or write the running one to a file."""
        if file:
            self._profile.disable()
            self._profile.dump_stats(file)
        else:
            self._profile.clear()
            self._profile.enable()


class Bare(discord.AutoShardedClient):
    """A minimal bot: it gives the same answer to everything."""

    def __init__(self) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
        )
        self.tree = app_commands.CommandTree(self)

        @self.tree.command(name="streak", description="streak")
        async def streak(interaction: discord.Interaction[Any]) -> None:
            await say(interaction)

        @self.tree.command(name="leaderboard", description="leaderboard")
        async def leaderboard(interaction: discord.Interaction[Any]) -> None:
            await say(interaction)

        @self.tree.command(name="ask", description="ask")
        async def ask(interaction: discord.Interaction[Any], text: str) -> None:  # noqa: ARG001  # the option's name
            await say(interaction)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.type is discord.InteractionType.component:
            await say(interaction)


async def say(interaction: discord.Interaction[Any]) -> None:
    await interaction.response.send_message(CONSTANT, ephemeral=True)


async def bare(token: str) -> None:
    watched, running = Watched(), list[asyncio.Task[None]]()
    async with Bare() as client:

        async def connect() -> None:
            await client.login(token)
            running.append(asyncio.create_task(client.connect()))

        await obey({"cpu": watched.cpu, "profile": watched.profile, "connect": connect})
        await client.close()
        await asyncio.gather(*running, return_exceptions=True)


class Ours(Watched):
    """The real bot, on a new SQLite file; it connects on request, after its database has been filled."""

    def __init__(self, app: App, token: str, running: AsyncExitStack) -> None:
        super().__init__()
        self.app = app
        self.study = app.study
        self.round_keys: list[str] = []
        self._token = token
        self._running = running

    async def connect(self) -> None:
        gc.collect()
        gc.freeze()  # as the bot does once it's loaded
        await self._running.enter_async_context(connected(self.app, token=self._token))

    async def fill(self, channels: list[Any], members: list[Any], rounds: int) -> None:
        """Store thirty days of these members' answers, and open questions, in the first channel."""
        questions = list(self.study.library.bank)
        chance = random.Random(7)  # noqa: S311
        lines = await self.study.store.transaction(fill, questions, len(members), chance, rounds)
        self.round_keys = [line.split()[1] for line in lines]
        guild, guild_name, channel, channel_name = channels[0]

        def name_them(connection: Connection) -> None:
            connection.execute(update(tables.workspaces).values(external_id=str(guild), name=guild_name))
            connection.execute(update(tables.channels).values(external_id=str(channel), name=channel_name))
            for member_id, (external_id, name) in enumerate(members, 1):
                renamed = update(tables.members).where(tables.members.c.id == member_id)
                connection.execute(renamed.values(external_id=str(external_id), name=name))

        await self.study.store.transaction(name_them)

    async def cards(self, channels: list[Any]) -> None:
        """Post the open questions."""
        guild, _, channel, _ = channels[0]
        location = Location("discord", str(guild), str(channel))
        for round_key in self.round_keys:
            open_round = await self.study.store.query(round_by_key, round_key)
            assert open_round is not None  # noqa: S101
            reply = question_post(open_round, self.study.library.question(open_round.question_id))
            await self.study.outboxes["discord"].post(location, reply, f"card-{round_key}")

    async def answers(self) -> int:
        """Return how many of today's answers were stored."""
        return await self.study.store.query(count_answers_of_today)

    async def warm(self) -> None:
        """Load the model, and build the index if there isn't one."""
        await self.study.library.wait_ready()

    async def schedules(self, channels: list[Any]) -> None:
        """Store a schedule that's due now in each channel."""
        await self.study.store.transaction(add_due_schedules, channels)

    async def run_scheduler(self) -> dict[str, float]:
        """Run the scheduler once, and return how many seconds it took, in wall-clock and CPU time."""
        start, cpu = time.perf_counter(), time.process_time()
        await Scheduler(self.study, seconds=5).run_once()
        return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}


def count_answers_of_today(connection: Connection) -> int:
    statement = select(func.count()).where(tables.answers.c.day == NOW.date())
    return int(connection.execute(statement).scalar_one())


def add_due_schedules(connection: Connection, channels: list[Any]) -> None:
    """Store workspaces, channels and a schedule that's due now in each; `channels` as a crowd names them."""
    workspaces: dict[int, int] = {}
    for guild, guild_name, external_id, name in channels:
        if guild not in workspaces:
            workspace = Workspace(platform="discord", external_id=str(guild), name=guild_name, created_at=NOW)
            added = tables.workspaces.insert().values(workspace.columns()).returning(tables.workspaces.c.id)
            workspaces[guild] = connection.execute(added).scalar_one()
        channel = Channel(workspace_id=workspaces[guild], external_id=str(external_id), name=name)
        added = tables.channels.insert().values(channel.columns()).returning(tables.channels.c.id)
        schedule = Schedule(
            channel_id=connection.execute(added).scalar_one(), request_id="seed", at=clock_time(9), zone="UTC",
            weekdays="0123456", reveal=clock_time(17), next_day=NOW.date(), next_due=NOW, created_at=NOW,
        )  # fmt: skip
        connection.execute(tables.schedules.insert().values(schedule.columns()))


@asynccontextmanager
async def opened() -> AsyncIterator[App]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/study.db"
        await asyncio.to_thread(upgrade, url)
        store = await Store.open(url)
        library = Library(load().bank, INDEX, Embedder(threads=1))
        async with library.load.watched():
            app = App(registry(), Study(store=store, library=library, clock=now), TerminalPosts(store))
            yield app
            app.renderer.close()
        library.close()
        await store.close()


async def ours(token: str) -> None:
    async with opened() as app, AsyncExitStack() as running:
        bot = Ours(app, token, running)
        orders = (
            bot.cpu,
            bot.profile,
            bot.connect,
            bot.fill,
            bot.cards,
            bot.answers,
            bot.warm,
            bot.schedules,
            bot.run_scheduler,
        )
        await obey({order.__name__: order for order in orders})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("ours", "bare"))
    parser.add_argument("--api", required=True)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--token", required=True)
    options = parser.parse_args()
    logs.set_up("info")
    with in_place_of_discord(SimpleNamespace(api=options.api, gateway_url=options.gateway)):
        asyncio.run({"ours": ours, "bare": bare}[options.kind](options.token))
