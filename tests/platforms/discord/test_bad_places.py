"""Channels that hang, are limited or fail hold up no others; and nothing is lost or blamed while Discord is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.app import App, TerminalPosts
from bot.context.identity import Actor, Location
from bot.context.library import Library
from bot.context.outbox import UnavailableError
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.dispatch.request import Request
from bot.platforms.discord.client import MAX_RATE_LIMIT, connected
from bot.replies import Reply, Text
from bot.scheduler import Scheduler
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Delivery
from tests.platforms.discord.fake import Channel, Discord, met

MESSAGES = r"/channels/\d+/messages"
POST = Reply.of(Text("Why is the rank of the update low?"))
BAD, GOOD = 10, 10
RETRY_AFTER = 45


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    """Run the fake, on a Monday at 08:00."""
    async with met() as there:
        there.clock.forward(timedelta(days=-present(there).weekday() % 7 + 7).total_seconds())
        at_eight = present(there).replace(hour=8, minute=0, second=0, microsecond=0)
        there.clock.forward((at_eight - present(there)).total_seconds())
        yield there


def present(discord: Discord) -> datetime:
    return datetime.fromtimestamp(discord.clock.now(), UTC)


@pytest.fixture
async def app(discord: Discord, sqlite_store: Store, library: Library) -> AsyncIterator[App]:
    """Connect an app without an inference server, in one server."""
    discord.guild("Readers")
    app = App(registry(), Study(sqlite_store, library, clock=lambda: present(discord)), TerminalPosts(sqlite_store))
    async with connected(app, token=discord.token):
        await discord.until(lambda: discord.gateway.ready)
        yield app
    app.renderer.close()


async def turn(app: App) -> None:
    await Scheduler(app.study, 5).run_once()


async def scheduled(discord: Discord, app: App, channels: int) -> list[Channel]:
    """Make a server with so many channels, each with a question at 09:00."""
    guild = discord.guild("Readers")
    made = [discord.channel(guild, f"papers-{number}") for number in range(channels)]
    discord.join(guild)
    maya = Actor("1", "maya", manager=True)
    for channel in made:
        request = Request(place(channel), maya, str(channel.id), app.now(), line="schedule setup 09:00 zone=UTC")
        assert "weekdays at 09:00" in str([reply async for reply in app.handle(request)])
    return made


def place(channel: Channel) -> Location:
    assert channel.guild is not None
    return Location("discord", str(channel.guild.id), str(channel.id))


def path(channel: Channel) -> str:
    return f"/channels/{channel.id}/messages$"


def tries(discord: Discord, channels: list[Channel]) -> int:
    return sum(len(discord.asked("POST", path(channel))) for channel in channels)


def questions(channels: list[Channel]) -> list[int]:
    """Return how many questions each channel has."""
    return [sum("Question of the day" in m.text for m in channel.messages.values()) for channel in channels]


async def deliveries(app: App) -> list[Delivery]:
    return await app.study.store.query(lambda c: Delivery.all(c.execute(tables.deliveries.select()).mappings()))


async def test_ten_channels_that_hang_ten_that_are_limited_and_ten_that_fail_hold_up_nobody(
    discord: Discord, app: App
) -> None:
    together = await scheduled(discord, app, BAD + GOOD)
    hanging, good = together[:BAD], together[BAD:]
    limited, failing = await scheduled(discord, app, BAD), await scheduled(discord, app, BAD)
    for _ in range(GOOD):
        good += await scheduled(discord, app, 1)
    holds = [discord.hold("POST", path(channel)) for channel in hanging]
    for channel in limited:
        discord.fail("POST", path(channel), 429, after=RETRY_AFTER)
    for channel in failing:
        discord.fail("POST", path(channel), 503)
    discord.clock.forward(timedelta(hours=1).total_seconds())
    turning = asyncio.create_task(turn(app))
    await discord.until(lambda: questions(good) == [1] * 2 * GOOD and tries(discord, hanging) == BAD)

    assert questions([*hanging, *limited, *failing]) == [0] * 3 * BAD

    for held in holds:
        held.set()
    await turning
    assert questions(hanging) == [1] * BAD
    discord.clock.forward(RETRY_AFTER)
    await turn(app)
    assert questions([*good, *hanging, *limited, *failing]) == [1] * (2 * GOOD + 3 * BAD)
    assert not any(delivery.refusals for delivery in await deliveries(app))


@pytest.mark.parametrize("everywhere", [False, True], ids=["here", "everywhere"])
async def test_a_long_rate_limit_is_waited_for_in_the_queue(discord: Discord, app: App, everywhere: bool) -> None:
    [channel] = await scheduled(discord, app, 1)
    discord.fail("POST", MESSAGES, 429, after=MAX_RATE_LIMIT + 1, everywhere=everywhere)

    with pytest.raises(UnavailableError) as refusal:
        await app.study.outboxes["discord"].post(place(channel), POST, "daily-7")

    assert refusal.value.retry_after == MAX_RATE_LIMIT + 1


async def test_a_post_canceled_while_everybody_waits_for_a_rate_limit_holds_up_no_others(
    discord: Discord, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = await scheduled(discord, app, 2)
    outbox = app.study.outboxes["discord"]
    discord.fail("POST", path(bad), 429, after=MAX_RATE_LIMIT, everywhere=True)
    waiting = asyncio.create_task(outbox.post(place(bad), POST, "daily-7"))
    while "Global rate limit has been hit" not in caplog.text:  # noqa: ASYNC110 (discord.py only logs it)
        await asyncio.sleep(0.01)
    other = asyncio.create_task(outbox.post(place(good), POST, "daily-8"))
    waiting.cancel()

    assert await other == str(good.last.id)


@pytest.mark.parametrize("status", [503, 0], ids=["fails", "breaks connections"])
async def test_what_is_due_while_discord_is_away_for_an_hour_comes_once_and_nobody_is_blamed(
    discord: Discord, app: App, status: int
) -> None:
    channels = [*await scheduled(discord, app, 2), *await scheduled(discord, app, 1)]
    discord.clock.forward(timedelta(hours=1).total_seconds())
    discord.outage = status
    for _ in range(6):
        await turn(app)
        discord.clock.forward(timedelta(minutes=10).total_seconds())
    assert questions(channels) == [0] * 3

    discord.outage = None
    await turn(app)
    await turn(app)
    assert questions(channels) == [1] * 3
    assert not any(delivery.refusals for delivery in await deliveries(app))
    assert not any(channel.messages for channel in discord.channels.values() if channel.recipient)
