"""What Slack's requests and refusals count."""

from __future__ import annotations

from bot.app import App
from tests.platforms.slack.conftest import by_socket, turn, until
from tests.platforms.slack.fake import Person, Slack, Team
from tests.readings import Moved


async def test_an_acknowledgment_over_http_is_timed(bob: Person) -> None:
    moved = Moved()

    await bob.types("team list")

    assert moved("acknowledgment_seconds_count", platform="slack") == 1
    assert moved("requests_total", platform="slack", outcome="answered") == 1


async def test_an_acknowledgment_in_socket_mode_is_timed(fake: Slack, app: App, team: Team) -> None:
    async with by_socket(fake, team, app):
        moved = Moved()
        await Person.joins(fake, team, "bob").types("team list")

    assert moved("acknowledgment_seconds_count", platform="slack") == 1


async def test_a_post_that_comes_too_fast_is_counted(fake: Slack, maya: Person, app: App) -> None:
    await maya.types("schedule setup 09:00 zone=UTC days=mon-sun")
    until(fake, "09:00")
    fake.fail("chat.postMessage", after=30)
    moved = Moved()

    await turn(app)

    assert moved("rate_limits_total", platform="slack", request="post") == 1


async def test_an_answer_that_comes_too_fast_is_counted(fake: Slack, bob: Person) -> None:
    await bob.types("question vae easy")
    asked = await fake.heard()
    fake.fail("response_url", after=30)
    moved = Moved()

    await bob.presses(asked, "A")
    await fake.heard()

    assert moved("rate_limits_total", platform="slack", request="answer") == 1
