"""Streaks: every rule by an example, and what holds for any history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from bot.replies import DayMark
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import (
    Answer,
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Member,
    Person,
    RestDays,
    Round,
    RoundKind,
    Schedule,
    Workspace,
)
from bot.study.account.queries import set_rest_days
from bot.study.members.queries import lock_member
from bot.study.progress import streaks
from bot.study.progress.streaks import Streak, StudyDay, compute_streak
from tests.study.progress.classroom import add

pytestmark = pytest.mark.both_databases

MONDAY = date(2026, 11, 2)
LETTERS = {
    DayMark.STUDIED: "s",
    DayMark.FREEZE: "f",
    DayMark.REST: "r",
    DayMark.EXCUSED: "e",
    DayMark.BRIDGED: "b",
    DayMark.MISSED: "m",
    DayMark.OPEN: "o",
    DayMark.BLANK: ".",
}


def study_day(day: date, at: int = 12, zone: str = "UTC") -> StudyDay:
    moment = datetime.combine(day, time(at), tzinfo=UTC)
    return StudyDay(day, moment, moment, zone, zone)


def after(number: int) -> date:
    return MONDAY + timedelta(days=number)


def rest(weekdays: str, from_day: date = MONDAY) -> RestDays:
    return RestDays(member_id=1, from_day=from_day, weekdays=weekdays)


def history(pattern: str, *, rest_changes: Iterable[RestDays] = (), excused: Iterable[int] = ()) -> Streak:
    """Compute from the first Monday, one letter a day: s for studied, anything else for not; the last is today."""
    days = [study_day(after(number)) for number, letter in enumerate(pattern) if letter == "s"]
    return compute_streak(
        days, today=after(len(pattern) - 1), rest_changes=rest_changes, excused={after(n) for n in excused}
    )


def drawn(streak: Streak) -> str:
    return "".join(LETTERS[mark] for _, mark in streak.marks)


# The rules


def test_without_answers_there_is_only_today() -> None:
    assert compute_streak([], today=MONDAY) == Streak(0, 0, 0, ((MONDAY, DayMark.OPEN),))


def test_days_in_a_row_add_up() -> None:
    assert history("sss").current == 3


def test_today_is_open_until_it_ends() -> None:
    assert (history("sss-").current, drawn(history("sss-"))) == (3, "ssso")


def test_a_missed_day_ends_the_streak() -> None:
    streak = history("sss--")

    assert (streak.current, streak.longest, drawn(streak)) == (0, 3, "sssmo")


def test_a_new_streak_starts_after_one_that_ended() -> None:
    streak = history("sss--ss")

    assert (streak.current, streak.longest, drawn(streak)) == (2, 3, "sssm.ss")


def test_seven_days_earn_a_freeze() -> None:
    assert history("ssssss").freezes == 0
    assert history("sssssss").freezes == 1


def test_a_freeze_covers_one_missed_day_and_does_not_count() -> None:
    streak = history("sssssss-s")

    assert (streak.current, streak.freezes, drawn(streak)) == (8, 0, "sssssssfs")


def test_a_freeze_does_not_cover_a_second_missed_day() -> None:
    streak = history("sssssss--s")

    assert (streak.current, streak.longest, drawn(streak)) == (1, 7, "sssssssfms")


def test_at_most_two_freezes_are_held() -> None:
    assert history("s" * 28).freezes == 2
    assert history("s" * 28 + "--s").current == 29
    assert history("s" * 28 + "---s").current == 1


def test_freezes_are_used_day_by_day() -> None:
    assert history("s" * 14 + "-").freezes == 2
    assert history("s" * 14 + "--").freezes == 1
    assert history("s" * 14 + "---").freezes == 0
    assert history("s" * 14 + "----").current == 0


def test_seven_more_days_of_study_earn_a_used_freeze_again() -> None:
    assert history("sssssss-ssssss").freezes == 0
    assert history("sssssss-sssssss").freezes == 1


def test_a_streak_that_ended_leaves_no_freeze() -> None:
    streak = history("s" * 14 + "---" + "s")

    assert (streak.current, streak.freezes) == (1, 0)


def test_a_rest_weekday_changes_nothing() -> None:
    streak = history("sssss--s", rest_changes=[rest("56")])

    assert (streak.current, drawn(streak)) == (6, "sssssrrs")


def test_an_answer_on_a_rest_day_counts() -> None:
    assert history("ssssss-s", rest_changes=[rest("56")]).current == 7


def test_rest_days_apply_from_their_day_on() -> None:
    late = history("sssss--s", rest_changes=[rest("56", after(6))])
    given_up = history("sssss--sssss--s", rest_changes=[rest("56"), rest("", after(8))])

    assert drawn(late) == "sssssm.s"
    assert drawn(given_up) == "sssssrrsssssfms"


def test_rest_days_need_no_freeze() -> None:
    assert history("sssssss--s", rest_changes=[rest("01")]).freezes == 1


def test_an_excused_day_changes_nothing() -> None:
    streak = history("ss-s", excused=[2])

    assert (streak.current, drawn(streak)) == (3, "sses")


def test_a_day_is_excused_only_within_a_streak() -> None:
    assert drawn(history("s--s", excused=[2])) == "sm.s"


# A move east: Monday evening in Los Angeles, then Wednesday in Tokyo.

LEFT = StudyDay(
    after(0),
    datetime(2026, 11, 2, 18, tzinfo=UTC),
    datetime(2026, 11, 3, 5, tzinfo=UTC),
    "America/Los_Angeles",
    "America/Los_Angeles",
)
LANDED = StudyDay(
    after(2),
    datetime(2026, 11, 3, 20, tzinfo=UTC),
    datetime(2026, 11, 3, 21, tzinfo=UTC),
    "Asia/Tokyo",
    "Asia/Tokyo",
)


def test_a_date_lost_by_a_move_east_is_bridged_and_does_not_count() -> None:
    streak = compute_streak([LEFT, LANDED], today=after(2))

    assert (streak.current, drawn(streak)) == (2, "sbs")


def test_a_lost_date_shows_as_bridged_before_the_first_answer_there() -> None:
    assert drawn(compute_streak([LEFT], today=after(2), arrival=LANDED)) == "sbo"
    assert compute_streak([LEFT], today=after(2), arrival=LANDED).current == 1


def test_more_than_36_hours_are_not_bridged() -> None:
    on_time = StudyDay(after(2), LEFT.last_at + timedelta(hours=36), LANDED.last_at, "Asia/Tokyo", "Asia/Tokyo")
    late = StudyDay(after(2), LEFT.last_at + timedelta(hours=36, seconds=1), LANDED.last_at, "Asia/Tokyo", "Asia/Tokyo")

    assert drawn(compute_streak([LEFT, on_time], today=after(2))) == "sbs"
    assert drawn(compute_streak([LEFT, late], today=after(2))) == "sms"


def test_a_move_west_bridges_nothing() -> None:
    east = StudyDay(after(0), LEFT.first_at, LEFT.last_at, "Asia/Tokyo", "Asia/Tokyo")
    west = StudyDay(after(2), LANDED.first_at, LANDED.last_at, "America/Los_Angeles", "America/Los_Angeles")

    assert drawn(compute_streak([east, west], today=after(2))) == "sms"


def test_staying_bridges_nothing() -> None:
    stayed = StudyDay(after(2), LANDED.first_at, LANDED.last_at, "America/Los_Angeles", "America/Los_Angeles")

    assert drawn(compute_streak([LEFT, stayed], today=after(2))) == "sms"


def test_daylight_saving_is_not_a_move() -> None:
    # Paris and Berlin keep the same time; the clocks went forward on 29 March 2026.
    before = StudyDay(
        date(2026, 3, 28),
        datetime(2026, 3, 28, 20, tzinfo=UTC),
        datetime(2026, 3, 28, 22, tzinfo=UTC),
        "Europe/Paris",
        "Europe/Paris",
    )
    later = StudyDay(
        date(2026, 3, 30),
        datetime(2026, 3, 29, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 23, tzinfo=UTC),
        "Europe/Berlin",
        "Europe/Berlin",
    )

    assert drawn(compute_streak([before, later], today=date(2026, 3, 30))) == "sms"


def test_two_missing_dates_are_not_bridged() -> None:
    far = StudyDay(after(3), LANDED.first_at, LANDED.last_at, "Asia/Tokyo", "Asia/Tokyo")

    assert drawn(compute_streak([LEFT, far], today=after(3))) == "sm.s"


# What holds for any history

recent_days = st.sets(st.integers(0, 59).map(after), max_size=60)
rest_changes = st.dictionaries(
    st.integers(0, 59).map(after), st.sets(st.sampled_from("0123456"), max_size=3), max_size=4
).map(lambda chosen: [rest("".join(sorted(weekdays)), day) for day, weekdays in chosen.items()])
TODAY = after(59)


def streak_of(days: Iterable[date], rests: Iterable[RestDays] = (), excused: Iterable[date] = ()) -> Streak:
    return compute_streak([study_day(day) for day in days], today=TODAY, rest_changes=rests, excused=set(excused))


@given(recent_days, rest_changes, recent_days)
def test_studying_today_adds_exactly_one(days: set[date], rests: list[RestDays], excused: set[date]) -> None:
    with_today = streak_of(days | {TODAY}, rests, excused)
    without = streak_of(days - {TODAY}, rests, excused)

    assert with_today.current == without.current + 1


@given(st.lists(st.sampled_from(sorted(map(after, range(60))))), rest_changes, st.randoms(use_true_random=False))
def test_neither_order_nor_repeats_matter(days: list[date], rests: list[RestDays], random: object) -> None:
    shuffled = [*days, *days]
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert streak_of(shuffled, rests) == streak_of(sorted(set(days)), reversed(rests))


@given(recent_days, rest_changes, recent_days)
def test_the_numbers_stay_within_their_bounds(days: set[date], rests: list[RestDays], excused: set[date]) -> None:
    streak = streak_of(days, rests, excused)

    assert 0 <= streak.current <= streak.longest <= len(days)
    assert 0 <= streak.freezes <= 2
    assert drawn(streak).count("s") == len(days)
    assert [day for day, _ in streak.marks] == [after(n) for n in range(60 - len(streak.marks), 60)]


@given(recent_days)
def test_the_marks_explain_the_streak(days: set[date]) -> None:
    streak = streak_of(days)

    running = drawn(streak).rpartition("m")[2]
    assert running.count("s") == streak.current
    assert not set(running.lstrip(".")) - set("sfo")


# From the store

NOON = time(12)


class History:
    """Ada's answers in two channels with a schedule each."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.workspace = 0
        self.member = 0
        self.channels: list[int] = []
        self.schedules: list[int] = []
        self._count = 0

    async def begin(self) -> History:
        await self.store.transaction(self._begin)
        return self

    def _begin(self, connection: Connection) -> None:
        now = datetime.combine(MONDAY, NOON, tzinfo=UTC)
        workspace = Workspace(platform="terminal", external_id="here", name="here", created_at=now)
        self.workspace = add(connection, tables.workspaces, workspace.columns())
        member = Member(
            workspace_id=self.workspace,
            person_id=add(connection, tables.persons, Person(created_at=now).columns()),
            external_id="ada",
            name="ada",
            zone="UTC",
            joined_at=now,
        )
        self.member = add(connection, tables.members, member.columns())
        for name in "ab":
            channel = Channel(workspace_id=self.workspace, external_id=name, name=name)
            self.channels.append(add(connection, tables.channels, channel.columns()))
            schedule = Schedule(
                channel_id=self.channels[-1],
                request_id="r",
                at=time(9),
                zone="UTC",
                weekdays="0123456",
                reveal=time(17),
                created_at=now,
            )
            self.schedules.append(add(connection, tables.schedules, schedule.columns()))

    async def answers(self, *numbers: int, channel: int = 0) -> None:
        for number in numbers:
            self._count += 1
            await self.store.transaction(self._answer, self._count, number, self.channels[channel])

    def _answer(self, connection: Connection, count: int, number: int, channel_id: int) -> None:
        at = datetime.combine(after(number), NOON, tzinfo=UTC)
        new_round = Round(
            round_key=f"t{count}",
            workspace_id=self.workspace,
            channel_id=channel_id,
            kind=RoundKind.PRACTICE,
            question_id="lora",
            choice_order="0123",
            choices_hash="f",
            opened_at=at,
        )
        answer = Answer(
            request_id=f"a{count}",
            round_id=add(connection, tables.rounds, new_round.columns()),
            member_id=self.member,
            workspace_id=self.workspace,
            channel_id=channel_id,
            question_id="lora",
            topic="fine-tuning",
            accepted_at=at,
            day=after(number),
            zone="UTC",
            week="w",
            month="m",
        )
        add(connection, tables.answers, answer.columns())

    async def delivery(
        self, number: int, state: DeliveryState, channel: int = 0, kind: DeliveryKind = DeliveryKind.DAILY
    ) -> None:
        due_at = datetime.combine(after(number), time(9), tzinfo=UTC)
        delivery = Delivery(
            workspace_id=self.workspace,
            schedule_id=self.schedules[channel],
            channel_id=self.channels[channel],
            kind=kind,
            day=after(number),
            due_at=due_at,
            available_at=due_at,
            state=state,
        )
        await self.store.transaction(add, tables.deliveries, delivery.columns())

    async def streak(self, today: int) -> Streak:
        member = await self.store.transaction(lock_member, self.member)
        return await self.store.query(streaks.streak_of, member, datetime.combine(after(today), NOON, tzinfo=UTC))


async def test_a_streak_is_computed_from_the_answers(store: Store) -> None:
    study = await History(store).begin()
    await study.answers(2, 0, 1, 1)

    assert (await study.streak(3)).current == 3
    assert drawn(await study.streak(4)) == "sssmo"


async def test_rest_days_come_from_their_history(store: Store) -> None:
    study = await History(store).begin()
    await study.answers(*range(5), 7)
    await store.transaction(set_rest_days, study.member, MONDAY, "56")

    assert drawn(await study.streak(7)) == "sssssrrs"


async def test_a_day_without_a_daily_question_is_excused(store: Store) -> None:
    study = await History(store).begin()
    await study.answers(0, 4)
    await study.answers(0, 4, channel=1)
    for number, states in enumerate(
        [(DeliveryState.FAILED, DeliveryState.SKIPPED), (DeliveryState.SKIPPED, DeliveryState.FAILED)], start=1
    ):
        for channel, state in enumerate(states):
            await study.delivery(number, state, channel)

    assert drawn(await study.streak(4)) == "seems"


async def test_a_question_posted_in_one_channel_means_no_excuse(store: Store) -> None:
    study = await History(store).begin()
    await study.answers(0, 2)
    await study.answers(0, channel=1)
    await study.delivery(1, DeliveryState.FAILED, channel=0)
    await study.delivery(1, DeliveryState.DONE, channel=1)

    assert drawn(await study.streak(2)) == "sms"


async def test_joining_a_channel_later_does_not_revoke_an_excuse(store: Store) -> None:
    study = await History(store).begin()
    await study.answers(0, 2)
    await study.delivery(1, DeliveryState.FAILED, channel=0)
    await study.delivery(1, DeliveryState.DONE, channel=1)
    assert drawn(await study.streak(2)) == "ses"

    await study.answers(2, channel=1)

    assert drawn(await study.streak(2)) == "ses"


async def test_a_failed_reveal_excuses_nothing(store: Store) -> None:
    study = await History(store).begin()
    await study.answers(0, 2)
    await study.delivery(1, DeliveryState.DONE)
    await study.delivery(1, DeliveryState.FAILED, kind=DeliveryKind.REVEAL)

    assert drawn(await study.streak(2)) == "sms"
