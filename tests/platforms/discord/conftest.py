"""Fixtures that run the whole bot on a simulated Discord: one server, one channel, members and a manager."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.pytest_plugin import pytest_configure, pytest_runtest_call, pytest_runtest_makereport, simcord_env

from bot.app import App, TerminalPosts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.drawing.renderer import Renderer
from bot.inference.client import Inference
from bot.platforms.discord.client import StudyClient
from bot.store.engine import Store
from tests.platforms.discord.scene import Clock, nobody_is_called
from tests.platforms.model import Model

__all__ = ["pytest_configure", "pytest_runtest_call", "pytest_runtest_makereport", "simcord_env"]
"""From the plugin, which pyproject.toml doesn't load for every test."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def app(
    sqlite_store: Store, library: Library, model: Model, clock: Clock, renderer: Renderer
) -> AsyncIterator[App]:
    """Return the app, on the simulated Discord's clock if one is running."""
    await library.search("lora")  # the first search loads the model, which takes longer than Discord waits
    async with model.listening() as url:
        inference = Inference(url, model="small")
        study = Study(sqlite_store, library, clock=clock, inference=inference)
        yield App(registry(), study, TerminalPosts(sqlite_store), renderer=renderer)
        await inference.close()


@pytest.fixture
async def simcord_bot(app: App) -> StudyClient:
    return StudyClient(app, token="a-token")


@pytest.fixture
def env(simcord_env: Env, clock: Clock) -> Iterator[Env]:
    """Run the simulated Discord, and check at the end that no message could mention anyone it shouldn't."""
    clock.env = simcord_env
    yield simcord_env
    nobody_is_called(simcord_env)


@pytest.fixture
def channel(env: Env) -> ChannelHandle:
    return env.create_guild("Readers").create_text_channel("papers")


@pytest.fixture
def bob(env: Env, channel: ChannelHandle) -> MemberActor:
    return env.guild.add_member(env.create_user("bob"))


@pytest.fixture
def ada(env: Env, channel: ChannelHandle) -> MemberActor:
    return env.guild.add_member(env.create_user("ada"))


@pytest.fixture
def maya(env: Env, channel: ChannelHandle) -> MemberActor:
    """Add a member who may manage the server."""
    role = env.guild.create_role("Hosts", permissions=discord.Permissions(manage_guild=True))
    return env.guild.add_member(env.create_user("maya"), roles=[role])
