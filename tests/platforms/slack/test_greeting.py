"""In a single workspace nobody installs by OAuth, so whoever opens the app's home first is greeted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.app import App
from bot.context.library import Library
from bot.platforms.slack.app import Credentials
from bot.platforms.slack.onboarding import SET_UP
from tests.platforms.slack.conftest import opened, over_http
from tests.platforms.slack.fake import Message, Person, Slack, Team

LABEL = SET_UP.buttons[0].label


def greetings(fake: Slack) -> list[Message]:
    return [message for message in fake.messages.seen if LABEL in message.buttons]


@pytest.fixture
def is_greeted() -> bool:
    return False


async def test_whoever_opens_the_home_first_is_greeted_once(
    fake: Slack, bob: Person, maya: Person, program: AsyncExitStack
) -> None:
    await bob.types("team list")  # using it before doesn't count
    await fake.heard()
    await maya.opens_home()
    greeting = await fake.heard()
    assert (greeting.channel, greeting.buttons) == (maya.direct.id, [LABEL])

    await maya.opens_home()
    await bob.opens_home()
    await program.aclose()
    assert len(greetings(fake)) == 1


async def test_opening_the_messages_is_opening_the_app(fake: Slack, maya: Person) -> None:
    await maya.opens_home(tab="messages")
    assert (await fake.heard()).buttons == [LABEL]


async def test_the_greeting_leads_to_the_first_question(fake: Slack, maya: Person, team: Team) -> None:
    await maya.opens_home()
    await maya.presses(await fake.heard(), LABEL)
    await maya.sends(await fake.next(fake.views), {"where": team.main.id, "time": "09:00"})
    assert "The first question comes" in (await fake.heard()).words


async def test_a_greeting_that_slack_refuses_is_left_to_the_next_member(
    fake: Slack, bob: Person, maya: Person, program: AsyncExitStack
) -> None:
    fake.fail("chat.postMessage", error="restricted_action")
    await bob.opens_home()
    await fake.next(fake.published)
    while not fake.calls["chat.postMessage"]:
        await bob.types("team list")
    await maya.opens_home()
    await program.aclose()
    assert [message.channel for message in greetings(fake)] == [maya.direct.id]


async def test_a_workspace_with_a_schedule_is_not_greeted_anymore(
    fake: Slack, bob: Person, maya: Person, program: AsyncExitStack
) -> None:
    await maya.types("schedule setup 09:00 zone=UTC")
    await bob.opens_home()
    await program.aclose()
    assert greetings(fake) == []


@pytest.fixture
async def two(fake: Slack, team: Team, url: str, app: App, library: Library) -> AsyncIterator[AsyncExitStack]:
    """Two processes on one database; each gets everything."""
    single = Credentials(signing_secret=fake.signing_secret, bot_token=team.token)
    async with AsyncExitStack() as running:
        other = await running.enter_async_context(opened(fake, url, library))
        fake.point_at(await running.enter_async_context(over_http(app, single, fake)))
        fake.courier.copies = (await running.enter_async_context(over_http(other, single, fake)),)
        yield running


async def test_two_processes_greet_once(fake: Slack, team: Team, two: AsyncExitStack) -> None:
    ada = Person.joins(fake, team, "ada")
    await ada.opens_home()
    await two.aclose()
    assert len(greetings(fake)) == 1
