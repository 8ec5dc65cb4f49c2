"""Channels that hang, are limited or fail hold up no others; and nothing is lost or blamed while Slack is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.app import App
from bot.context.identity import Actor, Location
from bot.delivery.worker import SLOW_AFTER
from bot.dispatch.request import Request
from bot.platforms.slack.app import Credentials
from bot.replies import Notice, Reply
from bot.store import tables
from tests.clocks import forward
from tests.platforms.slack.conftest import all_rows, by_socket, installed, monday, over_http, turn
from tests.platforms.slack.fake import Channel, Person, Slack, Team

POST = "chat.postMessage"
BAD, GOOD = 10, 10
RETRY_AFTER = 30
DAY, AWAY, STEP = 86_400, 7_200, 600
"""Slack is away from 8:00 to 10:00, for an hour after the questions are due and half an hour after the reminder."""
CONNECTIONS = 100
"""What aiohttp's pools hold unless they're told otherwise."""


@pytest.fixture
async def running(app: App, fake: Slack) -> AsyncIterator[str]:
    """Run the app for many workspaces."""
    credentials = Credentials(fake.signing_secret, client_id=fake.client_id, client_secret=fake.client_secret)
    async with over_http(app, credentials, fake) as address:
        fake.point_at(address)
        yield address


async def scheduled(fake: Slack, app: App, channels: int, team: Team | None = None) -> list[Channel]:
    """Make so many channels in a workspace, by default a new one, each with a question at 09:00."""
    team, maya = team or await installed(fake, app), Actor("U1", "maya", manager=True)
    made = [team.main, *(fake.channel(team, f"papers-{number}") for number in range(1, channels))]
    for channel in made:
        location = Location("slack", team.id, channel.id, team.name, channel.name)
        request = Request(location, maya, channel.id, app.now(), line="schedule setup 09:00 zone=UTC")
        assert "The first question comes" in str([reply async for reply in app.handle(request)])
    return made


def questions(channels: list[Channel]) -> list[int]:
    """Return how many questions each channel has."""
    return [sum("Question of the day" in m.words for m in channel.messages.values()) for channel in channels]


@pytest.mark.usefixtures("running")
async def test_ten_channels_that_hang_ten_that_are_limited_and_ten_that_fail_hold_up_nobody(
    fake: Slack, app: App
) -> None:
    together = await scheduled(fake, app, BAD + GOOD)
    hanging, good = together[:BAD], together[BAD:]
    limited, failing = (
        await scheduled(fake, app, BAD),
        await scheduled(fake, app, BAD),
    )
    for _ in range(GOOD):
        good += await scheduled(fake, app, 1)
    holds = [fake.hold(POST, channel=channel.id) for channel in hanging]
    for channel in limited:
        fake.fail(POST, after=RETRY_AFTER, channel=channel.id)
    for channel in failing:
        fake.fail(POST, status=503, channel=channel.id)
    monday(fake)
    turning = asyncio.create_task(turn(app))
    for held in holds:
        await held.arrived()
    forward(SLOW_AFTER)
    for _ in good:
        await fake.heard()

    assert questions(good) == [1] * 2 * GOOD
    assert questions([*hanging, *limited, *failing]) == [0] * 3 * BAD

    for held in holds:
        held.release()
    await turning
    assert questions(hanging) == [1] * BAD
    fake.clock.forward(RETRY_AFTER)
    await turn(app)
    assert questions([*good, *hanging, *limited, *failing]) == [1] * (2 * GOOD + 3 * BAD)
    assert len(fake.messages.seen) == 2 * GOOD + 3 * BAD


@pytest.mark.usefixtures("running")
async def test_a_hundred_channels_that_hang_leave_room_for_members(fake: Slack, app: App) -> None:
    team, other = await installed(fake, app), await installed(fake, app)
    bob, outbox = Person.joins(fake, other, "bob"), app.study.outboxes["slack"]
    channels = [fake.channel(team, f"papers-{number}") for number in range(CONNECTIONS)]
    holds = [fake.hold(POST, channel=channel.id) for channel in channels]
    said = Reply.of(Notice("Question of the day"))
    posting = [asyncio.create_task(outbox.post(Location("slack", team.id, c.id), said, c.id)) for c in channels]
    for held in holds:
        await held.arrived()

    await bob.writes("streak")
    assert "Your streak" in (await fake.heard()).words

    for held in holds:
        held.release()
    await asyncio.gather(*posting)


@pytest.mark.parametrize("status", [503, 0], ids=["fails", "breaks connections"])
async def test_what_is_due_while_slack_is_away_for_an_hour_comes_once_and_nobody_is_blamed(
    fake: Slack, team: Team, app: App, status: int
) -> None:
    async with by_socket(fake, team, app):
        channels = await scheduled(fake, app, 2, team)
        bob = Person.joins(fake, team, "bob", tz="UTC")
        monday(fake, "08:00")
        await bob.types("question vae easy")
        await bob.presses(await fake.heard(), "A")
        await fake.heard()
        await bob.types("me remind=09:30")
        await fake.heard()
    await turn(app)
    fake.clock.forward(DAY)
    before = len(fake.messages.seen)
    fake.outage = status
    for _ in range(AWAY // STEP):
        fake.clock.forward(STEP)
        await turn(app)
    assert len(fake.messages.seen) == before

    fake.outage = None
    fake.clock.forward(STEP)
    await turn(app)
    await turn(app)
    assert questions(channels) == [1, 1]
    assert [m.words[:20] for m in bob.direct.messages.values()] == ["Your streak of 1 day"]
    assert len(fake.messages.seen) == before + 3
    deliveries = await app.study.store.query(all_rows, tables.deliveries)
    assert not any(delivery["refusals"] for delivery in deliveries)
    assert [schedule["problem"] for schedule in await app.study.store.query(all_rows, tables.schedules)] == [None] * 2
