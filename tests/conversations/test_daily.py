"""The daily question: set up, posted once, answered and revealed, or paused, late and failed."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from bot.context.identity import Location
from bot.context.outbox import FIRST_ATTEMPT, PLAIN, Attempt, Outbox, PostError, PostOptions
from bot.platforms.terminal.outbox import restore
from bot.platforms.terminal.render import shortcuts
from bot.replies import Reply
from bot.scheduler import Scheduler
from bot.store import tables
from bot.store.models import Delivery, DeliveryKind, DeliveryState
from tests.chat import Chat, plain


def daily_deliveries(connection: Connection) -> list[Delivery]:
    """Return every daily delivery, by day."""
    deliveries = tables.deliveries.c
    statement = select(tables.deliveries).where(deliveries.kind == DeliveryKind.DAILY).order_by(deliveries.day)
    return Delivery.all(connection.execute(statement).mappings())


async def delivery_states(chat: Chat) -> list[DeliveryState]:
    return [delivery.state for delivery in await chat.study.store.query(daily_deliveries)]


def next_due(connection: Connection) -> datetime:
    """Return when the only schedule is due next."""
    due: datetime = connection.execute(select(tables.schedules.c.next_due)).scalar_one()
    return due


def zone_of_workspace(connection: Connection) -> str:
    return str(connection.execute(select(tables.workspaces.c.zone)).scalar_one())


async def test_a_question_is_posted_at_the_time_that_was_set(chat: Chat) -> None:
    reply = await chat.say("maya", "schedule setup 09:00 Europe/London")
    assert "weekdays at 09:00 (Europe/London)" in reply
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


async def shown(chat: Chat) -> Reply:
    """Return the message of the newest daily question as it is now."""
    ref = (await chat.study.store.query(daily_deliveries))[-1].message_ref
    [row] = await chat.rows(select(tables.terminal_posts).where(tables.terminal_posts.c.id == int(ref or 0)))
    return restore(row["body"])


async def test_after_the_reveal_the_question_offers_practice_instead_of_its_choices(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 Europe/London reveal=17:00")
    chat.clock.forward(hours=1)
    await chat.scheduler.run_once()
    asked = await chat.daily()
    await chat.say("ada", chat.lines(asked)[0])
    practice = f"practice {asked.question_id}"
    assert "open in a channel right now" in await chat.say("bob", practice)

    chat.clock.forward(hours=8)
    await chat.scheduler.run_once()

    closed = await shown(chat)
    assert "The answer is out. 1 answer." in plain(closed)
    assert [button.line for button in shortcuts(closed).values()] == [practice]
    await chat.say("bob", practice)
    assert (await chat.round_of("bob")).question_id == asked.question_id
    assert "Right!" in await chat.say("bob", chat.lines(await chat.round_of("bob"))[0])


async def test_a_count_that_comes_after_the_reveal_does_not_open_the_question_again(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 Europe/London reveal=17:00")
    chat.clock.forward(hours=1)
    await chat.scheduler.run_once()
    chat.clock.forward(hours=7, minutes=59)
    await chat.say("ada", chat.lines(await chat.daily())[0])
    chat.clock.forward(minutes=2)
    await chat.scheduler.run_once()
    await chat.scheduler.run_once()

    assert "The answer is out. 1 answer." in plain(await shown(chat))


async def test_the_reveal_names_members_on_a_streak(chat: Chat) -> None:
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

    assert "Right!" in await chat.say("a-newcomer", right[-1])
    reply = await chat.say("ada", right[-1])

    assert "points" in reply
    assert "Right!" in reply


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

    reply = await chat.say("ada", chat.lines(await chat.daily())[0])

    assert "The answer was already out" in reply
    assert "Streak: 1 day" in reply


async def test_looking_up_the_open_question_makes_it_practice(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await chat.posts()
    daily_round = await chat.daily()

    assert "counts as practice for you" in await chat.say("ada", f"show {daily_round.question_id}")
    assert "no points" in await chat.say("ada", chat.lines(daily_round)[0])
    assert "points" in await chat.say("bob", chat.lines(daily_round)[0])


async def test_a_written_answer_earns_at_most_half(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 hard")
    chat.clock.forward(hours=1)
    await chat.posts()
    daily_round = await chat.daily()
    question = chat.study.library.question(daily_round.question_id)

    reply = await chat.say("ada", f"write {daily_round.round_key} {' '.join(question.key_points)}")

    assert "of up to 15 points for a written answer" in reply
    assert "+15 of up to 15" in await chat.say("ada", f"assess {daily_round.round_key} had-it")
    assert "15" in await chat.say("ada", "leaderboard")


async def test_daily_shows_the_question_of_the_day(chat: Chat) -> None:
    assert "have a daily question yet" in await chat.say("ada", "daily")
    await chat.say("maya", "schedule setup 09:00")
    assert "The next one comes" in await chat.say("ada", "daily")
    chat.clock.forward(hours=1)
    await chat.posts()

    assert "Question of the day" in await chat.say("ada", "daily")
    await chat.say("ada", chat.lines(await chat.daily())[0])
    assert "You've already answered this one, and you were right." in await chat.say("ada", "daily")


async def test_questions_repeat_only_after_all_of_them_were_asked(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 topics=vae days=daily")
    asked = []
    size = sum(question.topic == "vae" for question in chat.study.library.bank)
    chat.clock.forward(hours=1)
    for _ in range(2 * size):
        await chat.posts()
        asked.append((await chat.daily()).question_id)
        chat.clock.forward(days=1)

    assert len(set(asked[:size])) == size
    assert asked[size:] == asked[:size]


@pytest.mark.both_databases
async def test_two_replicas_post_one_question(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    await asyncio.gather(*(Scheduler(chat.study, seconds=5).run_once() for _ in range(4)))

    assert len(await chat.posts()) == 1


async def test_after_downtime_one_question_is_posted_late_and_the_rest_are_skipped(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily reveal=22:00")
    chat.clock.forward(days=3, hours=3)

    posts = await chat.posts()

    assert sum("Question of the day" in post for post in posts) == 1
    assert await delivery_states(chat) == [DeliveryState.SKIPPED] * 3 + [DeliveryState.DONE]


async def test_more_than_twelve_hours_late_is_too_late(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 days=daily reveal=08:00")
    chat.clock.forward(hours=14)

    assert await chat.posts() == []
    assert await delivery_states(chat) == [DeliveryState.SKIPPED]


class Crashing(Outbox):
    """An outbox whose process dies right after it has posted: nothing is recorded."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        await self._chat.outbox.post(location, reply, key)
        raise asyncio.CancelledError

    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        raise PostError("Messages can't be edited here.")

    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        raise PostError("There's nobody to tell.")


@pytest.mark.both_databases
async def test_a_crash_after_posting_posts_nothing_twice(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00")
    chat.clock.forward(hours=1)
    chat.app.attach("terminal", Crashing(chat))
    await chat.scheduler.run_once()
    chat.app.attach("terminal", chat.outbox)

    chat.clock.forward(minutes=1)
    await chat.scheduler.run_once()
    assert await delivery_states(chat) == [DeliveryState.SENDING]
    chat.clock.forward(minutes=1)

    assert len(await chat.posts()) == 1
    assert await delivery_states(chat) == [DeliveryState.DONE]


class Refusing(Outbox):
    """An outbox whose channel is gone; it records which managers were told."""

    def __init__(self, retry: bool) -> None:
        self.retry = retry
        self.posts = 0
        self.told: list[str] = []

    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        self.posts += 1
        raise PostError("the channel is gone.", retry=self.retry)

    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        raise PostError("the channel is gone.")

    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
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
    assert sorted(refusing.told) == ["ada", "maya"]  # the one added as a manager, and the one who set it up
    assert "stopped: the channel is gone." in await chat.say("maya", "schedule list")
    assert "Back on" in await chat.say("maya", "schedule resume")


@pytest.mark.both_databases
async def test_a_schedule_paused_until_a_date_resumes_on_its_own(chat: Chat) -> None:
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

    reply = await chat.say("maya", "schedule list")
    assert "Monday, Wednesday at 09:00" in reply
    assert "18:30" in reply
    assert "Add the number of yours" in await chat.say("maya", "schedule pause")
    assert "Paused until `schedule resume`" in await chat.say("maya", "schedule pause 2")
    assert "paused" in await chat.say("maya", "schedule list")
    assert "Back on" in await chat.say("maya", "schedule resume 2")
    assert "Removed" in await chat.say("maya", "schedule remove 1")
    assert "no schedule 2 here" in await chat.say("maya", "schedule remove 2")


async def test_a_second_schedule_like_the_first_is_refused(chat: Chat) -> None:
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

    assert "This was a test, so no points" in await chat.say("maya", "a")
    assert "Your streak: 0 days" in await chat.say("maya", "streak")


@pytest.mark.both_databases
async def test_questions_keep_their_local_time_when_the_clocks_change(chat: Chat) -> None:
    chat.clock.now += timedelta(days=128)  # the day before clocks go forward in Europe, 2027-03-27
    await chat.say("maya", "schedule setup 09:00 Europe/Berlin days=daily")
    before = await chat.study.store.query(next_due)
    chat.clock.now = before
    await chat.posts()

    assert await chat.study.store.query(next_due) - before == timedelta(hours=23)


async def test_a_day_without_its_question_is_excused(chat: Chat) -> None:
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
    assert "excused: no daily question was posted" in await chat.say("ada", "streak why")


async def test_a_schedule_with_nothing_left_to_ask_skips_the_day(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 topics=vae easy")
    await chat.say("maya", "reports retire vae-vs-autoencoder")
    chat.clock.forward(hours=1)

    assert await chat.posts() == []
    [delivery] = await chat.study.store.query(daily_deliveries)
    assert (delivery.state, delivery.problem) == (DeliveryState.SKIPPED, "no question matches the schedule")
    assert "No question in the bank matches" in await chat.say("maya", "schedule setup 10:00 topics=vae easy")


@pytest.mark.both_databases
async def test_only_the_first_schedule_sets_the_workspaces_zone(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 09:00 UTC")
    await chat.say("maya", "schedule setup 09:00 Asia/Tokyo")

    assert await chat.study.store.query(zone_of_workspace) == "UTC"
