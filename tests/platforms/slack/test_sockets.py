"""Socket Mode: everything comes over a connection that the app opens, and reopens when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.app import App
from bot.errors import SetupError
from bot.platforms.slack.app import CONNECT_TIMEOUT, Credentials, slack
from tests.clocks import forward, within_hang
from tests.platforms.slack.conftest import by_socket
from tests.platforms.slack.fake import Person, Slack, Team


@pytest.fixture
async def program(app: App, fake: Slack, team: Team) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as running:
        await running.enter_async_context(by_socket(fake, team, app))
        yield running


async def test_a_command_is_acknowledged_before_it_is_answered(fake: Slack, bob: Person) -> None:
    ack = await bob.types("team list")
    assert not ack.body
    assert "There are no teams yet" in (await fake.heard()).words


async def test_buttons_answer_a_question(fake: Slack, bob: Person) -> None:
    await bob.types("question vae easy")
    await bob.presses(await fake.heard(), "A")
    reply = await fake.heard()

    assert reply.reader == bob.id
    assert "Right!" in reply.words or "Not this time." in reply.words


async def test_a_form_suggests_values_and_shows_problems_at_their_fields(fake: Slack, maya: Person, team: Team) -> None:
    await maya.types("schedule setup")
    form = await fake.next(fake.views)
    assert await maya.looks_up(form, "zone", "par")
    assert not (await maya.sends(form, {"where": team.main.id, "time": "09:00", "zone": "Europe/Paris"})).errors
    assert "The first question comes" in (await fake.heard()).words
    await maya.types("team create")
    form = await fake.next(fake.views)
    assert (await maya.sends(form, {"name": "\u200b"})).errors.keys() == {"name"}


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_it_reconnects_when_slack_asks(fake: Slack, bob: Person, reason: str) -> None:
    for connections in (2, 3):
        await fake.sockets.refresh(reason)
        await fake.sockets.connected(connections)
        await bob.writes("streak")
        assert "Your streak" in (await fake.heard()).words


async def test_a_rejected_app_token_stops_the_start(fake: Slack, team: Team, app: App) -> None:
    with pytest.raises(SetupError, match="SLACK_APP_TOKEN"):
        async with slack(app, Credentials(bot_token=team.token, app_token="xapp-guessed"), api=fake.api):
            pass


async def test_a_blocked_websocket_stops_the_start(fake: Slack, team: Team, app: App) -> None:
    fake.sockets.blocked = True
    credentials = Credentials(bot_token=team.token, app_token=fake.app_token)
    starting = asyncio.create_task(slack(app, credentials, api=fake.api).__aenter__())
    await fake.sockets.refused()
    forward(CONNECT_TIMEOUT)

    with pytest.raises(SetupError, match="wss://"):
        await within_hang(asyncio.wait_for(starting, None))


async def test_it_reconnects_when_the_connection_breaks(fake: Slack, bob: Person) -> None:
    await fake.sockets.end()
    await fake.sockets.connected(2)
    await bob.types("team list")

    assert "There are no teams yet" in (await fake.heard()).words
