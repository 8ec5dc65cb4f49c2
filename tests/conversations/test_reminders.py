"""The one reminder before a streak ends: opt-in, at the member's own time, only when a day would cost something."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, select, update

from bot.app import TerminalPosts
from bot.context.identity import Actor, Location
from bot.context.outbox import FIRST_ATTEMPT, Attempt, PostError
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.platforms.terminal.outbox import TerminalOutbox
from bot.replies import Reply
from bot.scheduler import Scheduler
from bot.store import tables
from bot.store.models import Member, Person
from bot.study.account import reminders
from tests.chat import Chat, plain


async def study(chat: Chat, who: str = "ada") -> None:
    right, _ = await chat.practice(who)
    await chat.say(who, right)


async def next_reminder(chat: Chat, who: str = "ada") -> datetime | None:
    return await chat.study.store.query(_next_reminder, who)


def _next_reminder(connection: Connection, external_id: str) -> datetime | None:
    members = tables.members.c
    found = select(members.next_reminder).where(members.external_id == external_id)
    at: datetime | None = connection.execute(found).scalar_one()
    return at


async def reminder_row(chat: Chat) -> str:
    """Return what `me` shows of ada's reminder."""
    [row] = [line.split() for line in (await chat.say("ada", "me")).splitlines() if "Reminder" in line]
    return " ".join(row[1:])


async def at(chat: Chat, moment: str) -> list[str]:
    """Return what arrives at a moment in UTC, as in "19 20:00" of November 2026."""
    day, _, time = moment.partition(" ")
    chat.clock.now = datetime.fromisoformat(f"2026-11-{day}T{time}:00+00:00")
    return await chat.posts()


async def test_a_reminder_comes_at_its_time_on_a_day_not_yet_studied(chat: Chat) -> None:
    await study(chat)
    assert "I'll message you at 20:00" in await chat.say("ada", "me remind=20:00")

    assert await at(chat, "19 19:59") == []
    [reminder] = await at(chat, "19 20:00")

    assert "Your streak of 1 day ends tonight unless you answer a question" in reminder
    assert "Practice now" in reminder
    assert "No more reminders" in reminder
    assert await at(chat, "19 20:01") == []


async def test_a_reminder_goes_only_to_its_member(chat: Chat) -> None:
    await study(chat)
    await chat.say("ada", "me remind=20:00")
    await study(chat, "bob")
    chat.clock.forward(days=1, hours=12)
    await chat.scheduler.run_once()

    assert [channel for _, channel, _ in await chat.app.terminal_posts.unseen()] == ["@ada"]


async def test_a_studied_day_brings_no_reminder(chat: Chat) -> None:
    await chat.say("ada", "me remind=20:00")
    for day in (18, 19, 20):
        chat.clock.now = datetime(2026, 11, day, 12, tzinfo=UTC)
        await study(chat)
        assert await at(chat, f"{day} 20:00") == []

    assert len(await at(chat, "21 20:00")) == 1


async def test_without_a_streak_there_is_no_reminder(chat: Chat) -> None:
    await chat.say("ada", "me remind=20:00")
    assert await at(chat, "18 20:00") == []
    await study(chat)
    assert len(await at(chat, "19 20:00")) == 1

    for day in (20, 21):  # the streak has ended
        assert await at(chat, f"{day} 20:00") == []


async def test_a_reminder_says_when_a_freeze_would_cover_the_day(chat: Chat) -> None:
    for _ in range(7):
        await study(chat)
        chat.clock.forward(days=1)
    await chat.say("ada", "me remind=20:00")

    [first] = await at(chat, "25 20:00")
    [second] = await at(chat, "26 20:00")

    assert "to extend your streak of 7 days, or you'll use a freeze (you have 1)." in first
    assert "Your streak of 7 days ends tonight" in second


async def test_rest_days_bring_no_reminder(chat: Chat) -> None:
    await study(chat)
    await chat.say("ada", "me remind=20:00")
    await chat.say("ada", "me rest_days=thu,fri")

    assert await at(chat, "19 20:00") == []
    assert await at(chat, "20 20:00") == []
    assert len(await at(chat, "21 20:00")) == 1


async def test_a_day_with_a_paused_question_brings_no_reminder(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("ada", chat.lines(await chat.daily())[0])
    await chat.say("ada", "me remind=20:00")
    await chat.say("maya", "schedule pause until 2026-11-20")

    assert not any("streak" in post for post in await at(chat, "19 20:00"))
    await at(chat, "20 09:00")
    assert any("ends tonight" in post for post in await at(chat, "20 20:00"))


async def test_a_reminder_can_be_turned_off(chat: Chat) -> None:
    await study(chat)
    assert await reminder_row(chat) == "off"
    await chat.say("ada", "me remind=20:00")
    assert await reminder_row(chat) == "20:00, if your streak is at risk"
    assert "No more reminders" in await chat.say("ada", "me remind=off")

    assert await reminder_row(chat) == "off"
    assert await at(chat, "19 20:00") == []


@pytest.mark.parametrize("typed", ["remind=25:00", "remind=7", "remind=never"])
async def test_something_other_than_a_time_of_day_is_refused(chat: Chat, typed: str) -> None:
    assert "isn't a time of day. Write it like 20:00, or off" in await chat.say("ada", f"me {typed}")


async def test_the_time_is_in_the_members_own_zone(chat: Chat) -> None:
    await chat.say("ada", "me zone=Asia/Tokyo remind=20:00")
    await study(chat)

    assert await at(chat, "19 10:59") == []
    assert len(await at(chat, "19 11:00")) == 1


async def test_a_new_zone_moves_the_reminder_once_the_day_has_ended(chat: Chat) -> None:
    await chat.say("ada", "me zone=UTC remind=20:00")
    await study(chat)
    await chat.say("ada", "me zone=Asia/Tokyo")

    assert await next_reminder(chat) == datetime(2026, 11, 18, 20, tzinfo=UTC)
    await at(chat, "18 20:00")
    assert await next_reminder(chat) == datetime(2026, 11, 19, 11, tzinfo=UTC)


@pytest.mark.both_databases
async def test_a_day_made_longer_by_a_move_west_brings_only_one_reminder(chat: Chat) -> None:
    await chat.say("ada", "me zone=Asia/Tokyo remind=20:00")
    await study(chat)
    assert len(await at(chat, "19 11:00")) == 1  # Thursday evening in Tokyo
    await chat.say("ada", "me zone=America/New_York")

    # Thursday goes on in New York, where its evening comes a second time.
    assert await next_reminder(chat) == datetime(2026, 11, 21, 1, tzinfo=UTC)
    await study(chat)
    assert await at(chat, "20 01:00") == []
    assert len(await at(chat, "21 01:00")) == 1


@pytest.mark.both_databases
async def test_an_hour_after_midnight_belongs_to_the_day_that_has_not_ended(chat: Chat) -> None:
    await chat.say("ada", "me zone=UTC day_starts_at=3 remind=01:00")
    await study(chat)

    assert await at(chat, "19 01:00") == []
    assert len(await at(chat, "20 01:00")) == 1  # still Thursday


async def test_the_zone_given_with_the_first_answer_applies(chat: Chat) -> None:
    await chat.say("ada", "me remind=20:00")
    await chat.say("maya", "schedule setup 09:00 UTC")
    await chat.say("maya", "schedule setup 10:00 America/New_York days=daily")
    chat.clock.now = datetime(2026, 11, 18, 15, tzinfo=UTC)
    await chat.posts()
    await chat.say("ada", chat.lines(await chat.daily())[0])

    assert not any("streak" in post for post in await at(chat, "19 20:00"))  # three in the afternoon there
    assert any("ends tonight" in post for post in await at(chat, "20 01:00"))


async def test_daylight_saving_does_not_change_the_local_time(chat: Chat) -> None:
    chat.clock.now = datetime(2027, 3, 27, 12, tzinfo=UTC)  # the day before they do in Berlin
    await chat.say("ada", "me zone=Europe/Berlin remind=20:00")
    assert await next_reminder(chat) == datetime(2027, 3, 27, 19, tzinfo=UTC)

    chat.clock.forward(hours=7)
    await chat.posts()

    assert await next_reminder(chat) == datetime(2027, 3, 28, 18, tzinfo=UTC)


async def test_a_late_reminder_is_skipped(chat: Chat) -> None:
    await study(chat)
    await chat.say("ada", "me remind=20:00")

    assert await at(chat, "19 22:01") == []
    assert await next_reminder(chat) == datetime(2026, 11, 20, 20, tzinfo=UTC)


async def test_after_a_long_pause_the_latest_reminder_still_comes(chat: Chat) -> None:
    for _ in range(3):
        await study(chat)
        chat.clock.forward(days=1)
    await chat.say("ada", "me remind=20:00")
    chat.clock.forward(days=1)
    await study(chat)

    assert len(await at(chat, "23 20:30")) == 1  # nobody swept since Saturday morning
    assert await next_reminder(chat) == datetime(2026, 11, 24, 20, tzinfo=UTC)


async def test_a_day_that_is_over_brings_no_reminder(chat: Chat) -> None:
    await study(chat)
    chat.clock.forward(days=1)
    await study(chat)
    await chat.say("ada", "me remind=23:30")

    assert await at(chat, "20 00:10") == []
    assert len(await at(chat, "20 23:40")) == 1


@pytest.mark.both_databases
async def test_several_processes_send_only_one_reminder(chat: Chat) -> None:
    for who in ("ada", "bob", "cleo"):
        await study(chat, who)
        await chat.say(who, "me remind=20:00")
    chat.clock.forward(days=1, hours=12)
    await asyncio.gather(*(Scheduler(chat.study, seconds=5).run_once() for _ in range(4)))

    assert len(await chat.posts()) == 3


ELSEWHERE = Location("elsewhere", "W1", "general", "Elsewhere")


class Elsewhere(TerminalOutbox):
    """Another platform's outbox: it keeps whom it was to write to, and fails with what it was given for them."""

    def __init__(self, posts: TerminalPosts) -> None:
        super().__init__(posts)
        self.tried: list[str] = []
        self.places: set[Location] = set()
        self.failing: dict[str, BaseException] = {}

    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        self.tried.append(member)
        self.places.add(location)
        if member in self.failing:
            raise self.failing[member]


@pytest.fixture
def elsewhere(chat: Chat) -> Elsewhere:
    outbox = Elsewhere(chat.app.terminal_posts)
    chat.app.attach("elsewhere", outbox)
    return outbox


async def hear(chat: Chat, who: str, line: str) -> str:
    request = Request(ELSEWHERE, Actor(who, who), f"{who}-{line}-{chat.clock()}", chat.clock(), line=line)
    return " ".join(plain([reply async for reply in handle(chat.app.registry, chat.study, request)][-1]).split())


async def study_there(chat: Chat, who: str) -> None:
    await hear(chat, who, "question")
    await hear(chat, who, chat.lines(await chat.round_of(who))[0])


@pytest.mark.both_databases
async def test_an_unreachable_member_is_not_tried_again_until_they_ask(chat: Chat, elsewhere: Elsewhere) -> None:
    elsewhere.failing["u1"] = PostError("They take no direct messages from here.")
    await hear(chat, "u1", "me remind=20:00")
    for day in (18, 19, 20):
        chat.clock.now = datetime(2026, 11, day, 21, tzinfo=UTC)
        await study_there(chat, "u1")
        await at(chat, f"{day + 1} 20:00")
    assert elsewhere.tried == ["u1"]
    assert elsewhere.places == {Location("elsewhere", "W1", "", "Elsewhere")}

    said = await hear(chat, "u1", "me")
    assert "stopped: They take no direct messages from here. `me remind=20:00` tries again" in said
    assert "stopped" in await hear(chat, "u1", "me zone=Asia/Tokyo")

    elsewhere.failing.clear()
    assert "20:00, if your streak is at risk" in await hear(chat, "u1", "me remind=20:00")
    await study_there(chat, "u1")
    for hour in range(30):
        chat.clock.now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hour)
        await chat.scheduler.run_once()
    assert elsewhere.tried == ["u1", "u1"]


@pytest.mark.both_databases
@pytest.mark.parametrize("trouble", [PostError("Busy.", retry=True), TimeoutError(), ConnectionError(), KeyError("x")])
async def test_a_temporary_problem_delays_a_reminder_and_does_not_hold_up_others(
    chat: Chat, elsewhere: Elsewhere, trouble: Exception
) -> None:
    for who in ("u1", "u2"):
        await hear(chat, who, "me remind=20:00")
        await study_there(chat, who)
    await study(chat)
    await chat.say("ada", "me remind=20:00")
    elsewhere.failing["u1"] = trouble

    assert len(await at(chat, "19 20:00")) == 1
    assert await at(chat, "19 20:00") == []
    assert sorted(elsewhere.tried) == ["u1", "u2"]

    elsewhere.failing.clear()
    await at(chat, "19 20:02")
    await at(chat, "19 20:30")
    assert sorted(elsewhere.tried) == ["u1", "u1", "u2"]


@pytest.mark.both_databases
async def test_a_reminder_that_cannot_be_sent_all_evening_is_dropped(chat: Chat, elsewhere: Elsewhere) -> None:
    await hear(chat, "u1", "me remind=20:00")
    await study_there(chat, "u1")
    elsewhere.failing["u1"] = ConnectionError()
    await at(chat, "19 20:00")
    elsewhere.failing.clear()

    await at(chat, "19 22:30")

    assert elsewhere.tried == ["u1"]


@pytest.mark.both_databases
async def test_a_process_that_dies_loses_no_reminder(chat: Chat, elsewhere: Elsewhere) -> None:
    await hear(chat, "u1", "me remind=20:00")
    await study_there(chat, "u1")
    elsewhere.failing["u1"] = asyncio.CancelledError()  # nothing is recorded
    await at(chat, "19 20:00")
    elsewhere.failing.clear()
    await at(chat, "19 20:01")
    assert elsewhere.tried == ["u1"]  # its lease lasts

    await at(chat, "19 20:02")
    await at(chat, "19 20:10")

    assert elsewhere.tried == ["u1", "u1"]


@pytest.mark.both_databases
async def test_a_workspace_that_removed_the_bot_gets_no_reminders(chat: Chat, elsewhere: Elsewhere) -> None:
    for who in ("u1", "u2"):
        await hear(chat, who, "me remind=20:00")
        await study_there(chat, who)
    await chat.study.store.transaction(_leave, "elsewhere", chat.clock())

    await at(chat, "19 20:00")

    assert elsewhere.tried == []


def _leave(connection: Connection, platform: str, at: datetime) -> None:
    workspaces = update(tables.workspaces).where(tables.workspaces.c.platform == platform)
    connection.execute(workspaces.values(left_at=at))


async def test_each_process_reminds_on_its_own_platforms(chat: Chat, elsewhere: Elsewhere) -> None:
    await hear(chat, "u1", "me remind=20:00")
    await study_there(chat, "u1")
    del chat.study.outboxes["elsewhere"]
    await at(chat, "19 20:00")
    chat.app.attach("elsewhere", elsewhere)

    await at(chat, "19 20:05")

    assert elsewhere.tried == ["u1"]


@pytest.mark.both_databases
async def test_one_turn_handles_more_than_one_batch(chat: Chat) -> None:
    await chat.say("ada", "me remind=20:00")
    due = chat.clock() + timedelta(hours=12)
    await chat.study.store.transaction(_add_members, 2 * reminders.BATCH_SIZE, due)
    assert await at(chat, "18 20:00") == []

    assert await chat.study.store.query(_still_due, chat.clock()) == []


def _add_members(connection: Connection, count: int, due: datetime) -> None:
    """Add members to ada's workspace who all have a reminder due at the same time."""
    workspace_id = connection.execute(select(tables.members.c.workspace_id)).scalar_one()
    person = insert(tables.persons).values(Person(created_at=due).columns()).returning(tables.persons.c.id)
    for number in range(count):
        member = Member(
            workspace_id=workspace_id,
            person_id=connection.execute(person).scalar_one(),
            external_id=f"m{number}",
            name=f"m{number}",
            zone="UTC",
            remind_at=due.time(),
            next_reminder=due,
            joined_at=due,
        )
        connection.execute(insert(tables.members).values(member.columns()))


def _still_due(connection: Connection, now: datetime) -> list[int]:
    members = tables.members.c
    return list(connection.execute(select(members.id).where(members.next_reminder <= now)).scalars())
