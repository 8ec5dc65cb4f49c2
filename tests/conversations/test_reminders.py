"""The one reminder before a streak ends: asked for, at the member's own time, only where a day would cost something."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from bot.app import TerminalPosts
from bot.context.identity import Actor, Location
from bot.context.outbox import PostError
from bot.dispatch.handler import handle
from bot.dispatch.request import Request
from bot.platforms.terminal.outbox import TerminalOutbox
from bot.replies import Reply
from bot.scheduler import Clockwork
from bot.store.orm import Member, Person, Workspace
from bot.study.account import reminders
from tests.chat import Chat, plain


async def study(chat: Chat, who: str = "ada") -> None:
    right, _ = await chat.practice(who)
    await chat.say(who, right)


async def next_reminder(chat: Chat, who: str = "ada") -> datetime | None:
    async with chat.study.store.read() as session:
        return (await session.exec(select(Member.next_reminder).where(Member.external_id == who))).one()


async def reminder_row(chat: Chat) -> str:
    """What `me` shows of ada's reminder."""
    [row] = [line.split() for line in (await chat.say("ada", "me")).splitlines() if "Reminder" in line]
    return " ".join(row[1:])


async def at(chat: Chat, moment: str) -> list[str]:
    """What comes at a moment in UTC, as in "19 20:00" of November 2026."""
    day, _, time = moment.partition(" ")
    chat.clock.now = datetime.fromisoformat(f"2026-11-{day}T{time}:00+00:00")
    return await chat.posts()


async def test_it_comes_at_the_time_asked_for_on_a_day_not_yet_studied(chat: Chat) -> None:
    await study(chat)
    assert "At 20:00 I write to you" in await chat.say("ada", "me remind=20:00")

    assert await at(chat, "19 19:59") == []
    [reminder] = await at(chat, "19 20:00")

    assert "Your streak of 1 day ends tonight unless you answer one question" in reminder
    assert "A question now" in reminder
    assert "No more reminders" in reminder
    assert await at(chat, "19 20:01") == []


async def test_it_is_for_the_member_alone(chat: Chat) -> None:
    await study(chat)
    await chat.say("ada", "me remind=20:00")
    await study(chat, "bob")
    chat.clock.forward(days=1, hours=12)
    await chat.clockwork.turn()

    assert [channel for _, channel, _ in await chat.app.terminal_posts.unseen()] == ["@ada"]


async def test_no_day_that_is_studied_brings_one(chat: Chat) -> None:
    await chat.say("ada", "me remind=20:00")
    for day in (18, 19, 20):
        chat.clock.now = datetime(2026, 11, day, 12, tzinfo=UTC)
        await study(chat)
        assert await at(chat, f"{day} 20:00") == []

    assert len(await at(chat, "21 20:00")) == 1


async def test_without_a_streak_there_is_nothing_to_remind_of(chat: Chat) -> None:
    await chat.say("ada", "me remind=20:00")
    assert await at(chat, "18 20:00") == []
    await study(chat)
    assert len(await at(chat, "19 20:00")) == 1

    for day in (20, 21):  # the streak has ended
        assert await at(chat, f"{day} 20:00") == []


async def test_a_freeze_that_would_cover_the_day_is_said(chat: Chat) -> None:
    for _ in range(7):
        await study(chat)
        chat.clock.forward(days=1)
    await chat.say("ada", "me remind=20:00")

    [first] = await at(chat, "25 20:00")
    [second] = await at(chat, "26 20:00")

    assert "Your streak of 7 days waits for one question. Else a freeze would cover today; you hold 1." in first
    assert "Your streak of 7 days ends tonight" in second


async def test_rest_days_are_left_in_peace(chat: Chat) -> None:
    await study(chat)
    await chat.say("ada", "me remind=20:00")
    await chat.say("ada", "me rest=thu,fri")

    assert await at(chat, "19 20:00") == []
    assert await at(chat, "20 20:00") == []
    assert len(await at(chat, "21 20:00")) == 1


async def test_a_day_whose_question_was_paused_costs_nothing_and_brings_none(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("ada", chat.lines(await chat.daily())[0])
    await chat.say("ada", "me remind=20:00")
    await chat.say("maya", "schedule pause until 2026-11-20")

    assert not any("streak" in post for post in await at(chat, "19 20:00"))
    await at(chat, "20 09:00")
    assert any("ends tonight" in post for post in await at(chat, "20 20:00"))


async def test_off_is_off(chat: Chat) -> None:
    await study(chat)
    assert await reminder_row(chat) == "off"
    await chat.say("ada", "me remind=20:00")
    assert await reminder_row(chat) == "20:00, if a streak would end"
    assert "No more reminders" in await chat.say("ada", "me remind=off")

    assert await reminder_row(chat) == "off"
    assert await at(chat, "19 20:00") == []


@pytest.mark.parametrize("typed", ["remind=25:00", "remind=7", "remind=never"])
async def test_what_is_no_time_of_day_is_said(chat: Chat, typed: str) -> None:
    assert "isn't a time of day. Write it like 20:00, or off" in await chat.say("ada", f"me {typed}")


async def test_the_time_is_the_members_own(chat: Chat) -> None:
    await chat.say("ada", "me zone=Asia/Tokyo remind=20:00")
    await study(chat)

    assert await at(chat, "19 10:59") == []
    assert len(await at(chat, "19 11:00")) == 1


async def test_a_move_takes_the_time_along_when_the_day_has_ended(chat: Chat) -> None:
    await chat.say("ada", "me zone=UTC remind=20:00")
    await study(chat)
    await chat.say("ada", "me zone=Asia/Tokyo")

    assert await next_reminder(chat) == datetime(2026, 11, 18, 20, tzinfo=UTC)
    await at(chat, "18 20:00")
    assert await next_reminder(chat) == datetime(2026, 11, 19, 11, tzinfo=UTC)


@pytest.mark.both_databases
async def test_a_day_made_longer_by_a_move_west_brings_one_only(chat: Chat) -> None:
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
    await chat.say("ada", "me zone=UTC rollover=3 remind=01:00")
    await study(chat)

    assert await at(chat, "19 01:00") == []
    assert len(await at(chat, "20 01:00")) == 1  # still Thursday


async def test_the_zone_of_the_first_answer_is_taken_over(chat: Chat) -> None:
    await chat.say("ada", "me remind=20:00")
    await chat.say("maya", "schedule setup 09:00 UTC")
    await chat.say("maya", "schedule setup 10:00 America/New_York days=daily")
    chat.clock.now = datetime(2026, 11, 18, 15, tzinfo=UTC)
    await chat.posts()
    await chat.say("ada", chat.lines(await chat.daily())[0])

    assert not any("streak" in post for post in await at(chat, "19 20:00"))  # three in the afternoon there
    assert any("ends tonight" in post for post in await at(chat, "20 01:00"))


async def test_clocks_that_go_forward_leave_the_local_time_as_it_is(chat: Chat) -> None:
    chat.clock.now = datetime(2027, 3, 27, 12, tzinfo=UTC)  # the day before they do in Berlin
    await chat.say("ada", "me zone=Europe/Berlin remind=20:00")
    assert await next_reminder(chat) == datetime(2027, 3, 27, 19, tzinfo=UTC)

    chat.clock.forward(hours=7)
    await chat.posts()

    assert await next_reminder(chat) == datetime(2027, 3, 28, 18, tzinfo=UTC)


async def test_a_late_one_is_passed_over_in_silence(chat: Chat) -> None:
    await study(chat)
    await chat.say("ada", "me remind=20:00")

    assert await at(chat, "19 22:01") == []
    assert await next_reminder(chat) == datetime(2026, 11, 20, 20, tzinfo=UTC)


async def test_after_a_long_silence_the_latest_still_comes(chat: Chat) -> None:
    for _ in range(3):
        await study(chat)
        chat.clock.forward(days=1)
    await chat.say("ada", "me remind=20:00")
    chat.clock.forward(days=1)
    await study(chat)

    assert len(await at(chat, "23 20:30")) == 1  # nobody swept since Saturday morning
    assert await next_reminder(chat) == datetime(2026, 11, 24, 20, tzinfo=UTC)


async def test_a_day_that_is_over_is_not_spoken_of(chat: Chat) -> None:
    await study(chat)
    chat.clock.forward(days=1)
    await study(chat)
    await chat.say("ada", "me remind=23:30")

    assert await at(chat, "20 00:10") == []
    assert len(await at(chat, "20 23:40")) == 1


@pytest.mark.both_databases
async def test_several_processes_send_one(chat: Chat) -> None:
    for who in ("ada", "bob", "cleo"):
        await study(chat, who)
        await chat.say(who, "me remind=20:00")
    chat.clock.forward(days=1, hours=12)
    await asyncio.gather(*(Clockwork(chat.study, seconds=5).turn() for _ in range(4)))

    assert len(await chat.posts()) == 3


ELSEWHERE = Location("elsewhere", "W1", "general", "Elsewhere")


class Elsewhere(TerminalOutbox):
    """Another platform's outbox: it keeps whom it was to write to, and fails with what it was given for them."""

    def __init__(self, posts: TerminalPosts) -> None:
        super().__init__(posts)
        self.tried: list[str] = []
        self.places: set[Location] = set()
        self.failing: dict[str, BaseException] = {}

    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
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
async def test_who_cannot_be_written_to_is_not_tried_again_until_they_ask(chat: Chat, elsewhere: Elsewhere) -> None:
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
    assert "20:00, if a streak would end" in await hear(chat, "u1", "me remind=20:00")
    await study_there(chat, "u1")
    for hour in range(30):
        chat.clock.now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hour)
        await chat.clockwork.turn()
    assert elsewhere.tried == ["u1", "u1"]


@pytest.mark.both_databases
@pytest.mark.parametrize("trouble", [PostError("Busy.", retry=True), TimeoutError(), ConnectionError(), KeyError("x")])
async def test_what_may_pass_is_tried_again_the_next_day_and_keeps_no_other_from_theirs(
    chat: Chat, elsewhere: Elsewhere, trouble: Exception
) -> None:
    for who in ("u1", "u2"):
        await hear(chat, who, "me remind=20:00")
        await study_there(chat, who)
    await study(chat)
    await chat.say("ada", "me remind=20:00")
    elsewhere.failing["u1"] = trouble

    assert len(await at(chat, "19 20:00")) == 1
    assert await at(chat, "19 20:01") == []
    assert sorted(elsewhere.tried) == ["u1", "u2"]

    await study_there(chat, "u1")
    await at(chat, "20 20:00")
    assert sorted(elsewhere.tried) == ["u1", "u1", "u2"]


@pytest.mark.both_databases
async def test_a_process_that_dies_loses_one_rather_than_sending_two(chat: Chat, elsewhere: Elsewhere) -> None:
    await hear(chat, "u1", "me remind=20:00")
    await study_there(chat, "u1")
    elsewhere.failing["u1"] = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await at(chat, "19 20:00")
    elsewhere.failing.clear()

    await at(chat, "19 20:01")

    assert elsewhere.tried == ["u1"]


@pytest.mark.both_databases
async def test_a_workspace_that_was_left_is_not_written_to(chat: Chat, elsewhere: Elsewhere) -> None:
    for who in ("u1", "u2"):
        await hear(chat, who, "me remind=20:00")
        await study_there(chat, who)
    async with chat.study.store.write() as session:
        there = (await session.exec(select(Workspace).where(Workspace.platform == "elsewhere"))).one()
        there.left_at = chat.clock()
        session.add(there)

    await at(chat, "19 20:00")

    assert elsewhere.tried == []


async def test_another_process_reminds_on_the_platforms_it_has(chat: Chat, elsewhere: Elsewhere) -> None:
    await hear(chat, "u1", "me remind=20:00")
    await study_there(chat, "u1")
    del chat.study.outboxes["elsewhere"]
    await at(chat, "19 20:00")
    chat.app.attach("elsewhere", elsewhere)

    await at(chat, "19 20:05")

    assert elsewhere.tried == ["u1"]


@pytest.mark.both_databases
async def test_more_than_one_batch_is_moved_on_in_a_turn(chat: Chat) -> None:
    await chat.say("ada", "me remind=20:00")
    due = chat.clock() + timedelta(hours=12)
    async with chat.study.store.write() as session:
        ada = (await session.exec(select(Member))).one()
        people = [Person(created_at=due) for _ in range(2 * reminders.BATCH)]
        session.add_all(people)
        await session.flush()
        for person in people:
            name = f"m{person.id}"
            session.add(
                Member(
                    workspace_id=ada.workspace_id, person_id=person.id, external_id=name, name=name, zone="UTC",
                    remind_at=due.time(), next_reminder=due, joined_at=due,
                )
            )  # fmt: skip
    assert await at(chat, "18 20:00") == []

    async with chat.study.store.read() as session:
        left = (await session.exec(select(Member).where(col(Member.next_reminder) <= chat.clock()))).all()
    assert left == []
