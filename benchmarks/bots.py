"""The bots that `benchmarks.discord` compares, each as a process (`benchmarks.children`): ours, and a bare one."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
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
from sqlmodel import col, func, select, update

from benchmarks.children import obey
from benchmarks.respond import NOW, fill
from bot import logs
from bot.app import App, TerminalPosts
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.platforms.discord.client import connected
from bot.scheduler import Clockwork
from bot.store.engine import Store
from bot.store.orm import Answer, Channel, Member, Round, Schedule, Workspace
from bot.store.upgrade import upgrade
from bot.study.daily import questions
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder
from tests.platforms.discord.fake import in_place_of_discord

INDEX = Path(tempfile.gettempdir()) / "studyhall-fit"
"""Where `benchmarks/search.py` keeps its index, too."""
BEGUN = time.monotonic()


def now() -> datetime:
    """A day of the benchmark's own, whose time goes by."""
    return NOW + timedelta(seconds=time.monotonic() - BEGUN)


class Watched:
    """What every bot can tell of itself."""

    def __init__(self) -> None:
        self._profile = cProfile.Profile(time.thread_time)  # what others do meanwhile is none of its costs

    async def cpu(self) -> float:
        """Seconds of it so far, of all threads."""
        return time.process_time()

    async def profile(self, file: str) -> None:
        """Begin to profile the event loop's thread anew, or write down what it was busy with since."""
        if file:
            self._profile.disable()
            self._profile.dump_stats(file)
        else:
            self._profile.clear()
            self._profile.enable()


class Bare(discord.AutoShardedClient):
    """The least that a bot can be: whatever it is asked, it says the same."""

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
        async def ask(interaction: discord.Interaction[Any], text: str) -> None:
            await say(interaction)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.type is discord.InteractionType.component:
            await say(interaction)


async def say(interaction: discord.Interaction[Any]) -> None:
    await interaction.response.send_message("Here you are.", ephemeral=True)


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
    """The real one, on a fresh SQLite file; it connects when it is told to, after its database has been filled."""

    def __init__(self, app: App, token: str, running: AsyncExitStack) -> None:
        super().__init__()
        self.app = app
        self.study = app.study
        self.tokens: list[str] = []
        self._token = token
        self._running = running

    async def connect(self) -> None:
        await self._running.enter_async_context(connected(self.app, token=self._token))

    async def fill(self, channels: list[Any], members: list[Any], rounds: int) -> None:
        """Thirty days of answers of these members, and open questions, in the first of the channels."""
        lines = await fill(self.study, len(members), random.Random(7), rounds)  # noqa: S311
        self.tokens = [line.split()[1] for line in lines]
        guild, guild_name, channel, channel_name = channels[0]
        async with self.study.store.write() as session:
            await session.exec(update(Workspace).values(external_id=str(guild), name=guild_name))
            await session.exec(update(Channel).values(external_id=str(channel), name=channel_name))
            for number, (id, name) in enumerate(members, 1):
                values = {"external_id": str(id), "name": name}
                await session.exec(update(Member).where(col(Member.id) == number).values(**values))

    async def cards(self, channels: list[Any]) -> None:
        """Post the open questions."""
        guild, _, channel, _ = channels[0]
        place = Location("discord", str(guild), str(channel))
        for token in self.tokens:
            async with self.study.store.read() as session:
                posed = (await session.exec(select(Round).where(Round.round_key == token))).one()
            reply = questions.post(posed, self.study.library.question(posed.question_id))
            await self.study.outboxes["discord"].post(place, reply, f"card-{token}")

    async def answers(self) -> int:
        """Today's, as they were kept."""
        async with self.study.store.read() as session:
            query = select(func.count(col(Answer.id))).where(Answer.day == NOW.date())
            return (await session.exec(query)).one()

    async def warm(self) -> None:
        """Load the model, and make the index if there is none."""
        await self.study.library.wait_ready()

    async def schedules(self, channels: list[Any]) -> None:
        """One that is due now, in each channel."""
        async with self.study.store.write() as session:
            there: dict[int, Workspace] = {}
            for guild, name, _, _ in channels:
                if guild not in there:
                    there[guild] = Workspace(platform="discord", external_id=str(guild), name=name, created_at=NOW)
            session.add_all(there.values())
            await session.flush()
            rooms = [
                Channel(workspace_id=there[guild].id, external_id=str(id), name=name) for guild, _, id, name in channels
            ]
            session.add_all(rooms)
            await session.flush()
            session.add_all(
                Schedule(
                    channel_id=room.id, request_id="seed", at=clock_time(9), zone="UTC", weekdays="0123456",
                    reveal=clock_time(17), next_day=NOW.date(), next_due=NOW, created_at=NOW,
                )
                for room in rooms
            )  # fmt: skip

    async def turn(self) -> dict[str, float]:
        """One turn of the clockwork: its seconds and those of CPU."""
        begun, cpu = time.perf_counter(), time.process_time()
        await Clockwork(self.study, seconds=5).turn()
        return {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu}


@asynccontextmanager
async def opened() -> AsyncIterator[App]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/study.db"
        await asyncio.to_thread(upgrade, url)
        store = await Store.open(url)
        library = Library(load().bank, INDEX, Embedder(threads=1))
        yield App(registry(), Study(store=store, library=library, clock=now), TerminalPosts(store))
        library.close()
        await store.close()


async def ours(token: str) -> None:
    async with opened() as app, AsyncExitStack() as running:
        it = Ours(app, token, running)
        orders = (it.cpu, it.profile, it.connect, it.fill, it.cards, it.answers, it.warm, it.schedules, it.turn)
        await obey({order.__name__: order for order in orders})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("ours", "bare"))
    parser.add_argument("--api", required=True)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--token", required=True)
    given = parser.parse_args()
    logs.set_up("info")
    with in_place_of_discord(SimpleNamespace(api=given.api, gateway_url=given.gateway)):  # type: ignore[arg-type]
        asyncio.run({"ours": ours, "bare": bare}[given.kind](given.token))
