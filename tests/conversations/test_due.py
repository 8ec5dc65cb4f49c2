"""What is due when things go wrong: slow posts, lapsed leases, long silences, one bad row among many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from bot.context.identity import Location
from bot.context.outbox import Outbox
from bot.replies import Reply
from bot.store.models import DeliveryKind, DeliveryState, ScheduleState
from bot.store.orm import Delivery, Round, Schedule
from tests.chat import Chat

pytestmark = pytest.mark.both_databases


async def states(chat: Chat) -> list[tuple[DeliveryState, str | None]]:
    """State and problem of every daily delivery, by day."""
    async with chat.study.store.read() as session:
        query = select(Delivery).where(Delivery.kind == DeliveryKind.DAILY).order_by("day", "due_at")
        return [(delivery.state, delivery.problem) for delivery in (await session.exec(query)).all()]


class Slow(Outbox):
    """An outbox whose first post takes 100 seconds; it keeps how long each delivery's lease still ran at its post."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.left: list[timedelta] = []

    async def post(self, location: Location, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        async with self._chat.study.store.read() as session:
            delivery = await session.get_one(Delivery, int(key.removeprefix("delivery-")))
        assert delivery.lease_until is not None
        self.left.append(delivery.lease_until - self._chat.clock())
        if len(self.left) == 1:
            self._chat.clock.forward(seconds=100)
        return await self._chat.outbox.post(location, reply, key)

    async def edit(self, location: Location, ref: str, reply: Reply) -> None:
        await self._chat.outbox.edit(location, ref, reply)

    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
        await self._chat.outbox.send_direct(location, member, reply, key)


async def test_a_lease_begins_with_the_post_however_long_the_queue(chat: Chat) -> None:
    for _ in range(10):
        await chat.say("maya", "schedule setup 09:00")
    slow = Slow(chat)
    chat.app.attach("terminal", slow)
    chat.clock.forward(hours=1)
    await chat.scheduler.run_once()

    assert slow.left[-1] > timedelta(seconds=60)


async def test_a_question_that_waited_too_long_in_the_queue_is_not_posted_any_more(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily reveal=08:00")
    chat.study.outboxes.clear()  # this platform's process is down, and another one sweeps
    chat.clock.forward(hours=1)
    for _ in range(3):
        await chat.scheduler.run_once()
        chat.clock.forward(days=1)
    chat.clock.forward(hours=-22)
    chat.app.attach("terminal", chat.outbox)

    [post] = await chat.posts()

    assert "Question of the day" in post
    assert await states(chat) == [(DeliveryState.SKIPPED, "too late")] * 2 + [(DeliveryState.DONE, None)]
    async with chat.study.store.read() as session:
        assert len((await session.exec(select(Round))).all()) == 1


async def test_a_channel_gets_one_late_post_and_not_one_of_each_schedule(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 reveal=22:00")
    await chat.say("maya", "schedule setup 12:00 reveal=22:00")
    chat.clock.forward(hours=6)

    assert len(await chat.posts()) == 1
    assert await states(chat) == [(DeliveryState.SKIPPED, "too late"), (DeliveryState.DONE, None)]


async def test_a_time_that_comes_due_again_stops_nobody(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    await chat.say("maya", "schedule setup 09:30")
    chat.clock.forward(hours=1)
    assert len(await chat.posts()) == 1

    async with chat.study.store.write() as session:  # as when `resume` and the sweep meet at the very second
        schedule = (await session.exec(select(Schedule).order_by("id"))).first()
        assert schedule is not None
        schedule.next_due, schedule.next_day = datetime(2026, 11, 18, 9, tzinfo=UTC), chat.clock().date()
        session.add(schedule)
    chat.clock.forward(minutes=31)

    assert len(await chat.posts()) == 1
    assert [state for state, _ in await states(chat)] == [DeliveryState.DONE, DeliveryState.DONE]


async def test_a_reveal_that_cannot_be_written_holds_up_no_other_post(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 reveal=10:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    async with chat.study.store.write() as session:
        round = (await session.exec(select(Round))).one()
        round.choice_order = "x"
        session.add(round)
    await chat.say("maya", "schedule setup 10:30")
    chat.clock.forward(hours=1, minutes=30)

    assert sum("Question of the day" in post for post in await chat.posts()) == 1


async def test_schedules_of_one_channel_ask_different_questions_at_the_same_time(chat: Chat) -> None:
    for days in ("daily", "mon-wed", "wed-fri", "mon,wed"):
        await chat.say("maya", f"schedule setup 09:00 topics=vae days={days}")
    chat.clock.forward(hours=1)
    await chat.posts()

    async with chat.study.store.read() as session:
        assert len(set((await session.exec(select(Round.question_id))).all())) == 4


async def test_a_day_on_which_the_schedule_is_paused_breaks_no_streak(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("ada", chat.lines(await chat.daily())[0])
    await chat.say("maya", "schedule pause until 2026-11-21")
    for _ in range(2):
        chat.clock.forward(days=1)
        assert len(await chat.posts()) <= 1  # the reveal of the first
    chat.clock.forward(days=1)

    assert len(await chat.posts()) == 1
    assert await states(chat) == [
        (DeliveryState.DONE, None),
        (DeliveryState.SKIPPED, "paused"),
        (DeliveryState.SKIPPED, "paused"),
        (DeliveryState.DONE, None),
    ]
    assert "Your streak: 1 day" in await chat.say("ada", "streak")


async def test_days_are_excused_until_a_failed_schedule_is_mended(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("ada", chat.lines(await chat.daily())[0])
    async with chat.study.store.write() as session:
        schedule = (await session.exec(select(Schedule))).one()
        schedule.state = ScheduleState.FAILED
        session.add(schedule)
    for _ in range(3):
        chat.clock.forward(days=1)
        await chat.posts()
    assert "Back on" in await chat.say("maya", "schedule resume")
    assert "have a daily question yet" not in await chat.say("ada", "daily")

    assert "Your streak: 1 day" in await chat.say("ada", "streak")
    assert await states(chat) == [(DeliveryState.DONE, None)] + [(DeliveryState.SKIPPED, "stopped")] * 3


async def rewrite(chat: Chat) -> None:
    """As when the bank has been rewritten since the question was chosen."""
    async with chat.study.store.write() as session:
        round = (await session.exec(select(Round))).one()
        round.choices_hash = "another"
        session.add(round)


async def test_a_question_rewritten_since_it_was_chosen_is_not_posted_in_a_wrong_order(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.study.outboxes.clear()
    chat.clock.forward(hours=1)
    await chat.scheduler.run_once()
    await rewrite(chat)
    chat.app.attach("terminal", chat.outbox)

    assert "rewritten or removed" in (await chat.posts())[0]
    assert "Question of the day" not in await chat.say("ada", "daily")


async def test_the_reveal_of_a_rewritten_question_names_no_letter(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    await rewrite(chat)
    chat.clock.forward(hours=8)

    [reveal] = await chat.posts()

    assert "The answer:" in reveal
    assert not any(f"\n{letter}. " in reveal for letter in "ABCD")
