"""Local days: which one an instant belongs to, and when a schedule is next due."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.context.local_time import (
    assigned_day,
    change_clock,
    clock_in_force,
    day_boundary,
    instant_of,
    local_day,
    next_occurrence,
    parse_zone,
    period_keys,
    zones_like,
)
from bot.errors import UserError
from bot.store.models import Member

EVERY_DAY = "0123456"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def member(zone: str | None = "Europe/Paris", day_starts_at: int = 0, last_day: date | None = None) -> Member:
    return Member(
        workspace_id=1, person_id=1, external_id="ada", name="ada", zone=zone, day_starts_at=day_starts_at,
        last_day=last_day, joined_at=utc("2026-01-01T00:00"),
    )  # fmt: skip


zone_names = st.sampled_from(
    ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Midway",
     "America/St_Johns", "Australia/Lord_Howe", "America/Havana", "Asia/Tokyo"]
)  # fmt: skip
moments = st.floats(0, 40 * 365.25 * 86_400).map(lambda s: utc("2000-01-01T00:00") + timedelta(seconds=s))
day_starts = st.integers(0, 4)


def test_an_instant_belongs_to_the_local_date() -> None:
    assert local_day(utc("2026-11-16T23:30"), "Europe/Paris") == date(2026, 11, 17)
    assert local_day(utc("2026-11-16T23:30"), "America/New_York") == date(2026, 11, 16)


def test_hours_before_the_day_starts_belong_to_the_day_before() -> None:
    assert local_day(utc("2026-11-17T01:59"), "Europe/Paris", day_starts_at=3) == date(2026, 11, 16)
    assert local_day(utc("2026-11-17T02:00"), "Europe/Paris", day_starts_at=3) == date(2026, 11, 17)


def test_the_start_of_the_day_follows_the_local_clock_when_daylight_saving_begins() -> None:
    # Paris, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
    assert local_day(utc("2026-03-29T00:59"), "Europe/Paris", day_starts_at=3) == date(2026, 3, 28)
    assert local_day(utc("2026-03-29T01:00"), "Europe/Paris", day_starts_at=3) == date(2026, 3, 29)


@given(moments, zone_names, day_starts)
def test_a_day_ends_at_its_boundary(instant: datetime, zone: str, day_starts_at: int) -> None:
    boundary = day_boundary(instant, zone, day_starts_at)

    assert instant < boundary <= instant + timedelta(hours=26)
    assert local_day(boundary, zone, day_starts_at) == local_day(instant, zone, day_starts_at) + timedelta(days=1)


def test_a_midnight_that_occurs_twice_ends_the_day_the_second_time() -> None:
    # Newfoundland, 29 October 2006: 00:01 became 23:01 of the 28th, at 02:31 UTC.
    assert day_boundary(utc("2006-10-29T02:00"), "America/St_Johns") == utc("2006-10-29T02:30")
    assert local_day(utc("2006-10-29T03:00"), "America/St_Johns") == date(2006, 10, 28)
    assert day_boundary(utc("2006-10-29T03:00"), "America/St_Johns") == utc("2006-10-29T03:30")


def test_a_time_that_occurs_twice_means_the_first() -> None:
    assert instant_of(date(2026, 10, 25), time(2, 30), "Europe/Paris") == utc("2026-10-25T00:30")


def test_a_skipped_time_means_what_the_old_clock_would_have_shown() -> None:
    assert instant_of(date(2026, 3, 29), time(2, 30), "Europe/Paris") == utc("2026-03-29T01:30")


def test_weeks_and_months_are_iso_periods_of_the_workspace() -> None:
    assert period_keys(utc("2026-11-16T09:00"), "Europe/Paris") == ("2026-W47", "2026-11")
    assert period_keys(utc("2026-12-31T23:30"), "Europe/Paris") == ("2026-W53", "2027-01")
    assert period_keys(utc("2024-12-30T12:00"), "UTC") == ("2025-W01", "2024-12")


# A member's clock


def test_a_new_zone_takes_over_when_the_old_day_ends() -> None:
    ada = member("Europe/Paris")
    ada = change_clock(ada, utc("2026-11-16T12:00"), zone="Asia/Tokyo")

    assert clock_in_force(ada, utc("2026-11-16T22:59")) == ("Europe/Paris", 0)
    assert clock_in_force(ada, utc("2026-11-16T23:00")) == ("Asia/Tokyo", 0)


def test_a_new_start_of_the_day_takes_over_when_the_old_day_ends() -> None:
    ada = member("Europe/Paris", day_starts_at=2)
    ada = change_clock(ada, utc("2026-11-16T12:00"), day_starts_at=4)

    assert clock_in_force(ada, utc("2026-11-17T00:59")) == ("Europe/Paris", 2)
    assert clock_in_force(ada, utc("2026-11-17T01:00")) == ("Europe/Paris", 4)


def test_a_first_zone_takes_effect_at_once() -> None:
    ada = member(None)
    assert clock_in_force(ada, utc("2026-11-16T12:00")) == ("UTC", 0)

    ada = change_clock(ada, utc("2026-11-16T12:00"), zone="Asia/Tokyo")

    assert ada.next_from is None
    assert clock_in_force(ada, utc("2026-11-16T12:00")) == ("Asia/Tokyo", 0)


def test_zone_and_start_changed_on_one_day_both_take_over() -> None:
    ada = member("Europe/Paris")
    ada = change_clock(ada, utc("2026-11-16T12:00"), zone="Asia/Tokyo")
    ada = change_clock(ada, utc("2026-11-16T13:00"), day_starts_at=3)

    assert clock_in_force(ada, utc("2026-11-16T23:00")) == ("Asia/Tokyo", 3)


def test_changing_back_on_the_same_day_changes_nothing() -> None:
    ada = member("Europe/Paris")
    ada = change_clock(ada, utc("2026-11-16T12:00"), zone="Asia/Tokyo")
    ada = change_clock(ada, utc("2026-11-16T13:00"), zone="Europe/Paris")

    assert (ada.next_zone, ada.next_from) == (None, None)


def test_a_second_change_starts_from_the_clock_that_the_first_one_set() -> None:
    ada = member("Europe/Paris")
    ada = change_clock(ada, utc("2026-11-16T12:00"), zone="Asia/Tokyo")
    ada = change_clock(ada, utc("2026-11-20T12:00"), zone="America/New_York")

    assert ada.zone == "Asia/Tokyo"
    assert ada.next_from == utc("2026-11-20T15:00")


def test_a_move_west_does_not_repeat_a_date() -> None:
    ada = member("Asia/Tokyo", last_day=date(2026, 11, 17))
    ada = change_clock(ada, utc("2026-11-16T12:00"), zone="America/Los_Angeles")

    assert local_day(utc("2026-11-16T16:00"), "America/Los_Angeles") == date(2026, 11, 16)
    assert assigned_day(ada, utc("2026-11-16T16:00")) == date(2026, 11, 17)


# Schedules


def test_the_next_occurrence_is_strictly_later() -> None:
    due = utc("2026-11-16T08:00")

    assert next_occurrence(due - timedelta(seconds=1), time(9), "Europe/Paris", EVERY_DAY) == (date(2026, 11, 16), due)
    assert next_occurrence(due, time(9), "Europe/Paris", EVERY_DAY) == (date(2026, 11, 17), due + timedelta(days=1))


def test_days_off_are_skipped() -> None:
    friday = utc("2026-11-20T09:00")

    assert next_occurrence(friday, time(9), "Europe/Paris", "01234")[0] == date(2026, 11, 23)


def test_a_local_time_keeps_its_hour_through_daylight_saving() -> None:
    before = utc("2026-03-28T08:00")

    assert next_occurrence(before, time(9), "Europe/Paris", EVERY_DAY) == (date(2026, 3, 29), utc("2026-03-29T07:00"))


def test_a_date_skipped_by_its_zone_is_posted_once() -> None:
    # Samoa went from 29 to 31 December 2011: the 30th and the 31st would share a moment.
    first = next_occurrence(utc("2011-12-30T00:00"), time(9), "Pacific/Apia", EVERY_DAY)
    second = next_occurrence(first[1], time(9), "Pacific/Apia", EVERY_DAY)

    assert first == (date(2011, 12, 30), utc("2011-12-30T19:00"))
    assert second == (date(2012, 1, 1), utc("2011-12-31T19:00"))


def test_a_day_that_shares_its_instant_with_a_day_off_is_posted() -> None:
    found = next_occurrence(utc("2011-12-30T00:00"), time(9), "Pacific/Apia", "5")

    assert found == (date(2011, 12, 31), utc("2011-12-30T19:00"))


def test_a_schedule_without_weekdays_is_refused() -> None:
    with pytest.raises(ValueError, match="weekday"):
        next_occurrence(utc("2026-11-16T08:00"), time(9), "UTC", "")


@given(moments, st.times(), zone_names, st.sets(st.sampled_from(EVERY_DAY), min_size=1))
def test_occurrences_come_in_order_on_scheduled_days(after: datetime, at: time, zone: str, chosen: set[str]) -> None:
    weekdays = "".join(sorted(chosen))
    day, instant = next_occurrence(after, at, zone, weekdays)
    later_day, later = next_occurrence(instant, at, zone, weekdays)

    assert after < instant < later
    assert day < later_day
    assert str(day.weekday()) in weekdays
    assert instant - after < timedelta(days=9)


# Names of zones


@pytest.mark.parametrize("typed", ["Europe/Paris", "europe/paris", " EUROPE/PARIS "])
def test_a_zone_is_found_in_any_case(typed: str) -> None:
    assert parse_zone(typed) == ZoneInfo("Europe/Paris")


def test_spaces_stand_for_underscores() -> None:
    assert parse_zone("america/new york") == ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Paris", "Europe/Paris"),
        ("Europe/Pariss", "Europe/Paris"),
        ("new york", "America/New_York"),
        ("Tokio", "Asia/Tokyo"),
    ],
)
def test_the_nearest_zone_is_suggested(typed: str, meant: str) -> None:
    with pytest.raises(UserError, match=f"Did you mean .*{meant}"):
        parse_zone(typed)


@pytest.mark.parametrize("typed", ["", "   ", "+02:00", "../../etc/passwd", "zzzzqqqq"])
def test_something_unlike_any_zone_gets_an_example(typed: str) -> None:
    with pytest.raises(UserError, match="like Europe/Paris"):
        parse_zone(typed)


def test_suggestions_begin_with_cities_that_start_with_the_text() -> None:
    assert zones_like("par")[:2] == ["America/Paramaribo", "Europe/Paris"]
    assert zones_like("kolk") == ["Asia/Kolkata"]
