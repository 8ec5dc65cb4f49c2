"""The daily question: set up, posted once, answered, revealed; paused, late, failed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from bot.context.identity import Location
from bot.context.outbox import Outbox, PostError
from bot.replies import Reply
from bot.scheduler import Scheduler
from bot.store.models import DeliveryKind, DeliveryState
from bot.store.orm import Delivery, Schedule, Workspace
from tests.chat import Chat


async def deliveries(chat: Chat, kind: DeliveryKind = DeliveryKind.DAILY) -> list[Delivery]:
    async with chat.study.store.read() as session:
        return list((await session.exec(select(Delivery).where(Delivery.kind == kind).order_by("day"))).all())


async def test_a_question_comes_at_the_time_that_was_set(chat: Chat) -> None:
    said = await chat.say("maya", "schedule setup 09:00 Europe/London")
    assert "weekdays at 09:00 (Europe/London)" in said
    assert await chat.posts() == []

    chat.clock.forward(hours=1)
    [post] = await chat.posts()

    assert "Question of the day" in post
    assert await chat.posts() == []


@pytest.mark.both_databases
async def test_the_reveal_gives_the_answer_and_says_who_was_right(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 Europe/London reveal=17:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    right, wrong = chat.lines(await chat.daily())
    await chat.say("ada", right)
    await chat.say("bob", wrong)

    chat.clock.forward(hours=8)
    [reveal] = await chat.posts()

    assert "The answer:" in reveal
    assert "2 people answered. 1 of 2 picked the right choice." in reveal
    assert await chat.posts() == []


async def test_the_reveal_names_who_keeps_a_streak(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    reveal = ""
    for _ in range(2):
        chat.clock.forward(hours=2)
        await chat.posts()
        await chat.say("ada", chat.lines(await chat.daily())[0])
        chat.clock.forward(hours=22)
        reveal = (await chat.posts())[0]

    assert "On a streak: ada (2)" in reveal


async def test_an_answer_typed_by_its_letter_counts(chat: Chat) -> None:
    await chat.say("ada", "help")
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    right, _ = chat.lines(await chat.daily())

    assert "Right!" in await chat.say("who-was-not-here-before", right[-1])
    said = await chat.say("ada", right[-1])

    assert "points" in said
    assert "Right!" in said


@pytest.mark.parametrize(("level", "points"), [("easy", 10), ("medium", 20), ("hard", 30)])
async def test_points_follow_the_difficulty(chat: Chat, level: str, points: int) -> None:
    await chat.say("maya", f"schedule setup 09:00 {level}")
    chat.clock.forward(hours=1)
    await chat.posts()

    assert f"+{points} points" in await chat.say("ada", chat.lines(await chat.daily())[0])


async def test_a_late_answer_earns_no_points_but_keeps_the_streak(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    chat.clock.forward(hours=9)

    said = await chat.say("ada", chat.lines(await chat.daily())[0])

    assert "The answer was out already" in said
    assert "Streak: 1 day" in said


async def test_who_looks_the_open_question_up_is_told_that_it_is_practice_now(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    round = await chat.daily()

    assert "counts as practice for you" in await chat.say("ada", f"show {round.question_id}")
    assert "no points" in await chat.say("ada", chat.lines(round)[0])
    assert "points" in await chat.say("bob", chat.lines(round)[0])


async def test_own_words_earn_at_most_half(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 hard")
    chat.clock.forward(hours=1)
    await chat.posts()
    round = await chat.daily()
    question = chat.study.library.question(round.question_id)

    said = await chat.say("ada", f"write {round.round_key} {' '.join(question.key_points)}")

    assert "of the 15 points a written answer can earn" in said
    assert "+15 of the 15" in await chat.say("ada", f"assess {round.round_key} had-it")
    assert "15" in await chat.say("ada", "leaderboard")


async def test_daily_shows_the_question_of_today(chat: Chat) -> None:
    assert "have a daily question yet" in await chat.say("ada", "daily")
    await chat.say("maya", "schedule setup 09:00")
    assert "The next one comes" in await chat.say("ada", "daily")
    chat.clock.forward(hours=1)
    await chat.posts()

    assert "Question of the day" in await chat.say("ada", "daily")
    await chat.say("ada", chat.lines(await chat.daily())[0])
    assert "You have answered this one already, and you were right." in await chat.say("ada", "daily")


async def test_questions_come_back_only_when_the_selection_is_used_up(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 topics=vae days=daily")
    asked = []
    all_of_them = sum(question.topic == "vae" for question in chat.study.library.bank)
    chat.clock.forward(hours=1)
    for _ in range(2 * all_of_them):
        await chat.posts()
        asked.append((await chat.daily()).question_id)
        chat.clock.forward(days=1)

    assert len(set(asked[:all_of_them])) == all_of_them
    assert asked[all_of_them:] == asked[:all_of_them]


@pytest.mark.both_databases
async def test_two_replicas_post_one_question(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await asyncio.gather(*(Scheduler(chat.study, seconds=5).run_once() for _ in range(4)))

    assert len(await chat.posts()) == 1


async def test_after_downtime_one_late_post_and_the_rest_are_skipped(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily reveal=22:00")
    chat.clock.forward(days=3, hours=3)

    posts = await chat.posts()

    assert sum("Question of the day" in post for post in posts) == 1
    states = [d.state for d in await deliveries(chat)]
    assert states == [DeliveryState.SKIPPED] * 3 + [DeliveryState.DONE]


async def test_more_than_twelve_hours_late_is_too_late(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily reveal=08:00")
    chat.clock.forward(hours=14)

    assert await chat.posts() == []
    assert [d.state for d in await deliveries(chat)] == [DeliveryState.SKIPPED]


class Crashing(Outbox):
    """An outbox whose process dies right after it has posted."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    async def post(self, location: Location, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        await self._chat.outbox.post(location, reply, key)
        raise asyncio.CancelledError

    async def edit(self, location: Location, ref: str, reply: Reply) -> None:
        raise PostError("never edited here.")

    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
        raise PostError("nobody to tell.")


@pytest.mark.both_databases
async def test_a_crash_between_post_and_record_posts_nothing_twice(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    chat.app.attach("terminal", Crashing(chat))
    with pytest.raises(asyncio.CancelledError):
        await chat.scheduler.run_once()
    chat.app.attach("terminal", chat.outbox)

    chat.clock.forward(minutes=1)
    await chat.scheduler.run_once()
    assert [d.state for d in await deliveries(chat)] == [DeliveryState.SENDING]
    chat.clock.forward(minutes=1)

    assert len(await chat.posts()) == 1
    assert [d.state for d in await deliveries(chat)] == [DeliveryState.DONE]


class Refusing(Outbox):
    """An outbox whose channel is gone; it keeps what managers are told."""

    def __init__(self, retry: bool) -> None:
        self.retry = retry
        self.posts = 0
        self.told: list[str] = []

    async def post(self, location: Location, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        self.posts += 1
        raise PostError("the channel is gone.", retry=self.retry)

    async def edit(self, location: Location, ref: str, reply: Reply) -> None:
        raise PostError("the channel is gone.")

    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
        self.told.append(member)


@pytest.mark.both_databases
@pytest.mark.parametrize(("retry", "tries"), [(True, 3), (False, 1)])
async def test_a_post_that_fails_pauses_the_schedule_and_tells_the_managers_once(
    chat: Chat, retry: bool, tries: int
) -> None:
    await chat.say("maya", "schedule setup 09:00")
    await chat.say("ada", "help")
    await chat.say("maya", "managers add ada")
    refusing = Refusing(retry)
    chat.app.attach("terminal", refusing)
    chat.clock.forward(hours=1)
    for _ in range(6):
        await chat.scheduler.run_once()
        chat.clock.forward(minutes=6)

    assert refusing.posts == tries
    assert sorted(refusing.told) == ["ada", "maya"]  # who is named, and who set it up
    assert "stopped: the channel is gone." in await chat.say("maya", "schedule list")
    assert "Back on" in await chat.say("maya", "schedule resume")


@pytest.mark.both_databases
async def test_paused_until_a_date_goes_on_by_itself(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    assert "Paused until Saturday, November 21, 2026" in await chat.say("maya", "schedule pause until 2026-11-21")
    chat.clock.forward(days=2)
    assert await chat.posts() == []

    chat.clock.forward(days=1, hours=2)
    assert len(await chat.posts()) == 1


@pytest.mark.both_databases
async def test_schedules_are_listed_paused_resumed_and_removed(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 mon,wed topics=gan,vae hard reveal=18:30")
    await chat.say("maya", "schedule setup 12:00 Europe/Paris")

    said = await chat.say("maya", "schedule list")
    assert "Monday, Wednesday 09:00" in said
    assert "18:30" in said
    assert "Add the number of yours" in await chat.say("maya", "schedule pause")
    assert "Paused until `schedule resume`" in await chat.say("maya", "schedule pause 2")
    assert "paused" in await chat.say("maya", "schedule list")
    assert "Back on" in await chat.say("maya", "schedule resume 2")
    assert "Removed" in await chat.say("maya", "schedule remove 1")
    assert "no schedule 2 here" in await chat.say("maya", "schedule remove 2")


async def test_a_second_schedule_just_like_the_first_is_refused(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 topics=vae")

    assert "already has a schedule like that: no. 1" in await chat.say("maya", "schedule setup 9:00 topics=vae")
    assert "all set" in await chat.say("maya", "schedule setup 09:00 topics=gan")


async def test_a_removed_schedule_still_gets_its_reveal(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("maya", "schedule remove")
    chat.clock.forward(hours=9)

    [reveal] = await chat.posts()
    assert "The answer:" in reveal


async def test_a_test_post_earns_nothing(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    assert "Posted" in await chat.say("maya", "schedule test")
    [post] = await chat.posts()
    assert "A test question" in post

    assert "A test post: no points" in await chat.say("maya", "a")
    assert "Your streak: 0 days" in await chat.say("maya", "streak")


@pytest.mark.both_databases
async def test_the_same_local_time_through_a_change_of_clocks(chat: Chat) -> None:
    chat.clock.now += timedelta(days=128)  # the day before clocks go forward in Europe, 2027-03-27
    await chat.say("maya", "schedule setup 09:00 Europe/Berlin days=daily")
    async with chat.study.store.read() as session:
        before = (await session.exec(select(Schedule.next_due))).one()
    assert before is not None
    chat.clock.now = before
    await chat.posts()
    async with chat.study.store.read() as session:
        after = (await session.exec(select(Schedule.next_due))).one()

    assert after is not None
    assert after - before == timedelta(hours=23)


async def test_a_day_whose_question_did_not_come_through_is_excused(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily")
    chat.clock.forward(hours=1)
    await chat.posts()
    await chat.say("ada", chat.lines(await chat.daily())[0])
    chat.app.attach("terminal", Refusing(retry=False))
    chat.clock.forward(days=1)
    await chat.scheduler.run_once()
    chat.app.attach("terminal", chat.outbox)
    chat.clock.forward(days=1)

    assert "Your streak: 1 day" in await chat.say("ada", "streak")
    assert "excused: no daily question came through" in await chat.say("ada", "streak why")


async def test_a_schedule_with_nothing_left_to_ask_skips_the_day(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 topics=vae easy")
    await chat.say("maya", "reports retire vae-vs-autoencoder")
    chat.clock.forward(hours=1)

    assert await chat.posts() == []
    [delivery] = await deliveries(chat)
    assert (delivery.state, delivery.problem) == (DeliveryState.SKIPPED, "no question matches the schedule")
    assert "No question in the bank matches" in await chat.say("maya", "schedule setup 10:00 topics=vae easy")


@pytest.mark.both_databases
async def test_the_first_schedule_settles_the_workspaces_zone_and_no_later_one(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 UTC")
    await chat.say("maya", "schedule setup 09:00 Asia/Tokyo")

    async with chat.study.store.read() as session:
        assert (await session.exec(select(Workspace.zone))).one() == "UTC"
