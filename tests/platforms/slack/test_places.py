"""Where a question can be set up: channels, direct messages, and what the app's scopes don't let it see."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.context.identity import Location
from bot.context.outbox import PostError, PostExtras
from bot.replies import Notice, Reply
from tests.platforms.slack.conftest import monday, turn
from tests.platforms.slack.fake import Person, Slack, Team
from tests.platforms.slack.test_responder import between

HELLO = Reply.of(Notice("Hello"))


async def test_a_schedule_can_be_set_up_in_the_direct_message(
    fake: Slack, maya: Person, app: App, running: str
) -> None:
    await maya.types("schedule setup 09:00 zone=UTC", maya.direct)
    assert "The first question comes" in (await fake.heard()).words
    await maya.writes("schedule setup 10:00 zone=UTC")
    assert "The first question comes" in (await fake.heard()).words
    assert fake.calls["conversations.info"] == []

    monday(fake, "10:00")
    await turn(app)
    assert [m for m in maya.direct.messages.values() if "Question of the day" in m.words]


@pytest.mark.parametrize("where", ["group", "two members"])
async def test_where_the_app_cannot_post_setup_says_what_would_work(
    fake: Slack, bob: Person, maya: Person, team: Team, where: str
) -> None:
    place = fake.group(team, bob.user, maya.user) if where == "group" else between(fake, bob, maya)
    await maya.types("schedule setup 09:00 zone=UTC", place)
    reply = (await fake.heard()).words

    assert "I can't post in" in reply
    assert "channel" in reply
    assert "permissions" not in reply
    assert "/invite" not in reply


@pytest.mark.parametrize("where", ["group", "two members"])
async def test_a_post_where_the_app_is_not_says_so(
    *, fake: Slack, bob: Person, maya: Person, team: Team, app: App, where: str
) -> None:
    place = fake.group(team, bob.user, maya.user) if where == "group" else between(fake, bob, maya)
    location, outbox = Location("slack", team.id, place.id), app.study.outboxes["slack"]

    assert "I can't post in" in await outbox.missing_permissions(location, PostExtras())
    with pytest.raises(PostError) as refused:
        await outbox.post(location, HELLO, "key")
    assert not refused.value.retry
    if where == "group":  # only its name, which comes with commands, says what it is
        fake.forgive("scope")


async def test_answers_come_in_a_conversation_of_several(fake: Slack, bob: Person, maya: Person, team: Team) -> None:
    place = fake.group(team, bob.user, maya.user)
    await bob.types("question vae easy", place)
    asked = await fake.heard()
    assert asked.channel == place.id
    await bob.presses(asked, "A")
    reply = await fake.heard()
    assert (reply.channel, reply.reader) == (place.id, bob.id)
