"""Due questions when things go wrong: slow posts, expired leases, long downtimes, one bad row among many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from bot.context.identity import Location
from bot.context.outbox import FIRST_ATTEMPT, PLAIN, Attempt, Outbox, PostOptions
from bot.replies import Reply
from bot.store import tables
from bot.store.models import Delivery, DeliveryKind, DeliveryState, ScheduleState
from tests.chat import Chat

pytestmark = pytest.mark.both_databases


async def states(chat: Chat) -> list[tuple[DeliveryState, str | None]]:
    """Return the state and the problem of every daily delivery, by day."""
    return await chat.study.store.query(_states)


def _states(connection: Connection) -> list[tuple[DeliveryState, str | None]]:
    deliveries = tables.deliveries.c
    statement = (
        select(deliveries.state, deliveries.problem)
        .where(deliveries.kind == DeliveryKind.DAILY)
        .order_by(deliveries.day, deliveries.due_at)
    )
    return [(state, problem) for state, problem in connection.execute(statement)]


def delivery_by_id(connection: Connection, delivery_id: int) -> Delivery:
    statement = select(tables.deliveries).where(tables.deliveries.c.id == delivery_id)
    return Delivery.of(connection.execute(statement).mappings().one())


def asked_questions(connection: Connection) -> list[str]:
    """Return the question of every round."""
    return [question_id for (question_id,) in connection.execute(select(tables.rounds.c.question_id))]


def change_rounds(connection: Connection, /, **values: str) -> None:
    assert connection.execute(update(tables.rounds).values(**values)).rowcount == 1


class Slow(Outbox):
    """An outbox whose first post takes 100 seconds; it records how much of each delivery's lease was left."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.left: list[timedelta] = []

    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        delivery = await self._chat.study.store.query(delivery_by_id, int(key.split("-")[1]))
        self.left.append(delivery.available_at - self._chat.clock())
        if len(self.left) == 1:
            self._chat.clock.forward(seconds=100)
        return await self._chat.outbox.post(location, reply, key)

    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        await self._chat.outbox.edit(location, ref, reply)

    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        await self._chat.outbox.send_direct(location, member, reply, key)


async def test_a_lease_begins_with_the_post_however_long_the_queue(chat: Chat) -> None:
    for _ in range(10):
        await chat.say("maya", "schedule setup 09:00")
    slow = Slow(chat)
    chat.app.attach("terminal", slow)
    chat.clock.forward(hours=1)
    await chat.scheduler.run_once()

    assert slow.left[-1] > timedelta(seconds=60)


async def test_a_question_that_waited_too_long_in_the_queue_is_not_posted(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily reveal=08:00")
    chat.study.outboxes.clear()  # this platform's process is down, but another one enqueues
    chat.clock.forward(hours=1)
    for _ in range(3):
        await chat.scheduler.run_once()
        chat.clock.forward(days=1)
    chat.clock.forward(hours=-22)
    chat.app.attach("terminal", chat.outbox)

    [post] = await chat.posts()

    assert "Question of the day" in post
    assert await states(chat) == [(DeliveryState.SKIPPED, "too late")] * 2 + [(DeliveryState.DONE, None)]
    assert len(await chat.study.store.query(asked_questions)) == 1


async def test_a_channel_gets_one_late_post_rather_than_one_per_schedule(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 reveal=22:00")
    await chat.say("maya", "schedule setup 12:00 reveal=22:00")
    chat.clock.forward(hours=6)

    assert len(await chat.posts()) == 1
    assert await states(chat) == [(DeliveryState.SKIPPED, "too late"), (DeliveryState.DONE, None)]


def _make_first_schedule_due_again(connection: Connection) -> None:
    """As when `resume` and the scheduler meet within the same second."""
    schedules = tables.schedules.c
    first = select(func.min(schedules.id)).scalar_subquery()
    due = datetime(2026, 11, 18, 9, tzinfo=UTC)
    connection.execute(update(tables.schedules).where(schedules.id == first).values(next_due=due, next_day=due.date()))


async def test_a_schedule_that_is_due_twice_does_not_hold_up_others(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    await chat.say("maya", "schedule setup 09:30")
    chat.clock.forward(hours=1)
    assert len(await chat.posts()) == 1

    await chat.study.store.transaction(_make_first_schedule_due_again)
    chat.clock.forward(minutes=31)

    assert len(await chat.posts()) == 1
    assert [state for state, _ in await states(chat)] == [DeliveryState.DONE, DeliveryState.DONE]


async def test_a_broken_reveal_does_not_hold_up_other_posts(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 reveal=10:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.study.store.transaction(change_rounds, choice_order="x")
    await chat.say("maya", "schedule setup 10:30")
    chat.clock.forward(hours=1, minutes=30)

    assert sum("Question of the day" in post for post in await chat.posts()) == 1


async def test_schedules_of_one_channel_ask_different_questions_at_the_same_time(chat: Chat) -> None:
    for days in ("daily", "mon-wed", "wed-fri", "mon,wed"):
        await chat.say("maya", f"schedule setup 09:00 topics=vae days={days}")
    chat.clock.forward(hours=1)
    await chat.posts()

    assert len(set(await chat.study.store.query(asked_questions))) == 4


async def test_a_paused_day_breaks_no_streak(chat: Chat) -> None:
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


async def test_a_paused_schedule_that_is_changed_comes_back_at_its_new_time(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    await chat.say("maya", "schedule pause until 2026-11-19")
    await chat.say("maya", "schedule change time=18:00")
    chat.clock.forward(days=1, hours=4)
    assert await chat.posts() == []

    chat.clock.forward(hours=7)

    assert len(await chat.posts()) == 1


def _lose_zone(connection: Connection) -> None:
    """As when a newer list of zones no longer has the first schedule's."""
    schedules = tables.schedules.c
    first = select(func.min(schedules.id)).scalar_subquery()
    connection.execute(update(tables.schedules).where(schedules.id == first).values(zone="US/Pacific-New"))


async def test_a_schedule_whose_zone_is_gone_holds_up_no_others(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    await chat.say("maya", "schedule setup 09:00 topics=vae")
    await chat.study.store.transaction(_lose_zone)
    chat.clock.forward(hours=1)

    assert len(await chat.posts()) == 1
    assert "stopped: I can't" in await chat.say("maya", "schedule list")
    assert "Saved" in await chat.say("maya", "schedule change 1 time=10:00 zone=America/Los_Angeles")
    assert "Back on" in await chat.say("maya", "schedule resume 1")


def _stop_schedules(connection: Connection) -> None:
    connection.execute(update(tables.schedules).values(state=ScheduleState.FAILED))


async def test_days_are_excused_until_a_failed_schedule_resumes(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("ada", chat.lines(await chat.daily())[0])
    await chat.study.store.transaction(_stop_schedules)
    for _ in range(3):
        chat.clock.forward(days=1)
        await chat.posts()
    assert "Back on" in await chat.say("maya", "schedule resume")
    assert "have a daily question yet" not in await chat.say("ada", "daily")

    assert "Your streak: 1 day" in await chat.say("ada", "streak")
    assert await states(chat) == [(DeliveryState.DONE, None)] + [(DeliveryState.SKIPPED, "stopped")] * 3


async def rewrite_question(chat: Chat) -> None:
    """As when the question was rewritten in the bank after it was picked."""
    await chat.study.store.transaction(change_rounds, choices_hash="another")


async def test_a_question_rewritten_after_it_was_picked_is_not_posted_in_a_wrong_order(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.study.outboxes.clear()
    chat.clock.forward(hours=1)
    await chat.scheduler.run_once()
    await rewrite_question(chat)
    chat.app.attach("terminal", chat.outbox)

    assert "rewritten or removed" in (await chat.posts())[0]
    assert "Question of the day" not in await chat.say("ada", "daily")


async def test_the_reveal_of_a_rewritten_question_names_no_letter(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    await rewrite_question(chat)
    chat.clock.forward(hours=8)

    [reveal] = await chat.posts()

    assert "The answer:" in reveal
    assert not any(f"\n{letter}. " in reveal for letter in "ABCD")
