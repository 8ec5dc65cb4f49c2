"""The daily question on Slack: posted once in each channel, with its thread, its live count and its reveal.

In Socket Mode, where everything members do has the fake's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.app import App
from bot.context.identity import Location
from bot.context.library import Library
from bot.replies import Notice, Reply
from tests.platforms.slack.conftest import by_socket, monday, opened, turn, until
from tests.platforms.slack.fake import Channel, Message, Person, Slack, Team

pytestmark = pytest.mark.both_databases

MINUTE, DAY = 60, 86_400


@pytest.fixture
async def program(app: App, fake: Slack, team: Team) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as running:
        await running.enter_async_context(by_socket(fake, team, app))
        yield running


@pytest.fixture
def ada(fake: Slack, team: Team, running: str) -> Person:
    return Person.joins(fake, team, "ada")


def posts(channel: Channel, about: str = "Question of the day") -> list[Message]:
    return [m for m in channel.messages.values() if not m.thread_ts and about in m.words]


def direct_messages(person: Person, about: str) -> list[Message]:
    return [m for m in person.direct.messages.values() if about in m.words]


async def set_up(fake: Slack, manager: Person, channel: Channel, more: str = "") -> None:
    await manager.types(f"schedule setup 09:00 zone=UTC {more}", channel)
    assert "The first question comes" in (await fake.heard()).words


async def answers(fake: Slack, person: Person, question: Message) -> Message:
    await person.presses(question, "A")
    return await fake.heard()


# Two processes


@pytest.fixture
async def two(fake: Slack, team: Team, database_url: str, library: Library) -> AsyncIterator[tuple[App, App]]:
    """Open two apps on one database, as two processes would, on SQLite and on PostgreSQL."""
    await library.search("lora")
    async with (
        opened(fake, database_url, library, busy_ms=60_000) as one,
        opened(fake, database_url, library, busy_ms=60_000) as other,
        by_socket(fake, team, one),
        by_socket(fake, team, other),
    ):
        yield one, other


async def test_two_processes_post_every_question_and_reveal_once(fake: Slack, team: Team, two: tuple[App, App]) -> None:
    maya, bob = Person.joins(fake, team, "maya", admin=True), Person.joins(fake, team, "bob")
    channels = [team.main, *(fake.channel(team, f"papers-{n}") for n in range(3))]
    for channel in channels:
        channel.members |= {maya.id, bob.id}
        await set_up(fake, maya, channel, "thread=on")
    monday(fake)
    await asyncio.gather(*map(turn, two))
    questions = [posts(channel) for channel in channels]
    assert [len(found) for found in questions] == [1] * 4
    assert [len(channel.thread(found[0].ts)) for channel, found in zip(channels, questions, strict=True)] == [1] * 4

    until(fake, "17:00")
    await asyncio.gather(*map(turn, two))
    assert [len(posts(channel, "")) for channel in channels] == [2] * 4
    assert sorted(edited.ts for edited in fake.edits.seen) == sorted(found[0].ts for found in questions)


# One process


async def test_the_count_is_edited_at_most_every_ten_seconds(
    *, fake: Slack, team: Team, app: App, bob: Person, ada: Person, maya: Person
) -> None:
    await set_up(fake, maya, team.main)
    monday(fake)
    await turn(app)
    await fake.heard()
    [question] = posts(team.main)
    await answers(fake, bob, question)
    await turn(app)
    assert "1 answer so far" in posts(team.main)[0].words

    await answers(fake, ada, question)
    fake.clock.forward(5)
    await turn(app)
    assert len(fake.calls["chat.update"]) == 1
    fake.clock.forward(5)
    await turn(app)
    await turn(app)
    assert len(fake.calls["chat.update"]) == 2
    assert "2 answers so far" in posts(team.main)[0].words


async def test_a_count_that_can_no_longer_be_edited_is_left_alone(
    fake: Slack, team: Team, app: App, bob: Person, maya: Person
) -> None:
    team.edit_window = 0
    await set_up(fake, maya, team.main)
    monday(fake)
    await turn(app)
    await fake.heard()
    [question] = posts(team.main)
    await answers(fake, bob, question)
    await turn(app)
    until(fake, "17:00")
    await turn(app)

    assert len(posts(team.main, "")) == 2
    assert direct_messages(maya, "paused") == []


@pytest.mark.parametrize("archived", [True, False], ids=["archived", "gone"])
async def test_a_missing_channel_pauses_its_schedule_and_managers_are_told_once(
    fake: Slack, team: Team, app: App, maya: Person, archived: bool
) -> None:
    channel = fake.channel(team, "reading")
    await set_up(fake, maya, channel)
    if archived:
        channel.archived = True
    else:
        del team.channels[channel.id]
    monday(fake)
    for _ in range(3):
        await turn(app)
        fake.clock.forward(5 * MINUTE)
    fake.clock.forward(DAY)
    await turn(app)

    [notice] = direct_messages(maya, "The daily question in reading has stopped")
    assert ("archived" if archived else "gone") in notice.words
    assert posts(channel, "") == []


async def test_when_removed_from_a_private_channel_it_says_how_to_invite_it_back(
    fake: Slack, team: Team, app: App, maya: Person
) -> None:
    secret = fake.channel(team, "secret", private=True)
    secret.members.add(maya.id)
    await set_up(fake, maya, secret)
    secret.joined = False
    monday(fake)
    await turn(app)
    notice = await fake.heard()
    assert [notice] == direct_messages(maya, "has stopped")
    assert "/invite @Studyhall" in notice.words

    secret.joined = True
    fake.clock.forward(MINUTE)
    await maya.types("schedule resume", secret)
    await fake.heard()
    fake.clock.forward(DAY)
    await turn(app)
    assert len(posts(secret)) == 1


async def test_a_public_channel_is_joined_and_a_private_one_needs_an_invitation(
    fake: Slack, team: Team, maya: Person
) -> None:
    public = fake.channel(team, "open", joined=False)
    await set_up(fake, maya, public)
    assert public.joined

    secret = fake.channel(team, "secret", private=True, joined=False)
    secret.members.add(maya.id)
    await maya.types("schedule setup 09:00", secret)
    assert "/invite @Studyhall" in (await fake.heard()).words
    secret.joined = True
    await set_up(fake, maya, secret)


async def test_a_reminder_comes_once_by_direct_message_and_its_button_asks(fake: Slack, app: App, bob: Person) -> None:
    monday(fake, "12:00")
    await bob.types("question vae easy")
    await answers(fake, bob, await fake.heard())
    await bob.types("me remind=20:00")
    await fake.heard()
    fake.clock.forward(DAY)
    until(fake, "20:00")
    await turn(app)
    await turn(app)
    [reminder] = direct_messages(bob, "Your streak of 1 day")

    await fake.heard()
    await bob.presses(reminder, "Practice now")
    asked = await fake.heard()
    assert asked.channel == bob.direct.id
    assert "Streak" in (await answers(fake, bob, asked)).words


async def test_members_who_left_get_no_more_reminders(fake: Slack, app: App, bob: Person) -> None:
    monday(fake, "12:00")
    await bob.types("question vae easy")
    await answers(fake, bob, await fake.heard())
    await bob.types("me remind=20:00")
    await fake.heard()
    bob.user.deleted = True
    for _ in range(2):
        fake.clock.forward(DAY)
        until(fake, "20:00")
        await turn(app)

    assert [call.error for call in fake.calls["chat.postMessage"]] == ["channel_not_found"]


async def test_a_burst_of_posts_keeps_its_order_and_slacks_rate_limit(
    fake: Slack, team: Team, app: App, running: str
) -> None:
    fake.rates.on = True
    outbox, place = app.study.outboxes["slack"], Location("slack", team.id, team.main.id)
    said = [f"Number {n}" for n in range(4)]
    await asyncio.gather(*(outbox.post(place, Reply.of(Notice(words)), words) for words in said))

    assert [m.words for m in posts(team.main, "Number")] == said
    assert [call.status for call in fake.calls["chat.postMessage"]] == [200] * 4
