"""Gateway connections that break off while the bot is working: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import func, select

from bot.app import App
from bot.context.identity import Location
from bot.platforms.discord.client import connected
from bot.replies import Reply, Text
from bot.store import tables
from tests.platforms.discord.fake import Channel, Discord, Interaction, Person, met

POST = Reply.of(Text("Why is the rank of the update low?"))
MESSAGES = r"/channels/\d+/messages"
CALLBACK = r"/interactions/\d+/[^/]+/callback"
USUAL, QUICK = 41.25, 0.1
"""Seconds between heartbeats; with quick ones, a connection that doesn't answer them is given up soon."""


@pytest.fixture
def heartbeat() -> float:
    return USUAL


@pytest.fixture
async def discord(heartbeat: float) -> AsyncIterator[Discord]:
    async with met() as there:
        there.gateway.heartbeat = heartbeat
        yield there


@pytest.fixture
def papers(discord: Discord) -> Channel:
    return discord.channel(discord.guild("Readers"), "papers")


@pytest.fixture
def bob(discord: Discord, papers: Channel) -> Person:
    assert papers.guild is not None
    return Person.joins(discord, papers.guild, "bob")


@pytest.fixture
async def bot(app: App, discord: Discord, papers: Channel, heartbeat: float) -> AsyncIterator[App]:
    async with connected(app, token=discord.token, heartbeat_timeout=2 * heartbeat):
        await discord.until(lambda: discord.gateway.ready)
        yield app


async def cut(discord: Discord) -> None:
    discord.gateway.cut()


async def deaden(discord: Discord) -> None:
    discord.gateway.deaden()


async def order_away(discord: Discord) -> None:
    await discord.gateway.order_away()


async def invalidate(discord: Discord) -> None:
    await discord.gateway.invalidate()


def callbacks(discord: Discord, it: Interaction) -> list[int]:
    return [call.status for call in discord.asked("POST", f"/interactions/{it.id}/[^/]+/callback")]


@pytest.mark.parametrize(
    ("breaks", "heartbeat"), [(cut, USUAL), (deaden, QUICK), (order_away, USUAL), (invalidate, USUAL)]
)
async def test_a_connection_that_breaks_while_something_is_sent_doubles_nothing(
    discord: Discord, papers: Channel, bot: App, bob: Person, breaks: Callable[[Discord], Awaitable[None]]
) -> None:
    assert papers.guild is not None
    at = Location("discord", str(papers.guild.id), str(papers.id))
    before = await bob.slash(papers, "team list").answered()
    arriving, answering = discord.hold("POST", MESSAGES), discord.hold("POST", CALLBACK)
    posting = asyncio.create_task(bot.study.outboxes["discord"].post(at, POST, "daily-7"))
    during = bob.slash(papers, "team list")
    await discord.until(lambda: not discord.faults.waiting)
    connections = len(discord.gateway.identified) + len(discord.gateway.resumed)

    await breaks(discord)
    meanwhile = bob.slash(papers, "team list") if discord.gateway.sessions else None  # else Discord forgets it
    await discord.until(lambda: len(discord.gateway.identified) + len(discord.gateway.resumed) > connections)
    arriving.set()
    answering.set()
    await posting

    everything = [it for it in (before, during, meanwhile, bob.slash(papers, "team list")) if it]
    for it in everything:
        assert "no teams yet" in (await it.answered()).text
        assert callbacks(discord, it) == [200]
    assert len(papers.messages) == 1


async def test_what_a_session_repeats_is_carried_out_once(
    discord: Discord, papers: Channel, bot: App, bob: Person
) -> None:
    asked = await bob.slash(papers, "question", topic="vae").answered()
    assert asked.message is not None
    pressed = await bob.press(asked.message, "A").answered()
    shown = [asked.text, pressed.text]
    discord.gateway.repeat("INTERACTION_CREATE")
    await bob.slash(papers, "team list").answered()  # which comes after what's repeated

    assert callbacks(discord, asked) == callbacks(discord, pressed) == [200]
    assert [asked.text, pressed.text] == shown
    counts = [select(func.count()).select_from(table) for table in (tables.rounds, tables.answers)]
    assert await bot.study.store.query(lambda c: [c.execute(count).scalar_one() for count in counts]) == [1, 1]
