"""Charts as pictures, and as words."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.drawing import charts
from bot.drawing.alt_text import MAX_LENGTH, alt_of
from bot.drawing.calendar import calendar
from bot.drawing.charts import mastery
from bot.drawing.labels import legible
from bot.replies import Calendar, DayMark, Mastery, Rank, Standings, TopicMastery
from tests.drawing.png import size

NASTY = [
    "<b>&amp;</b>",
    'a"b',
    "]]>",
    "\0\x01\x1b[31m",
    "\u202eevil",
    "محمد بن موسى",
    "李小龍",
    "🎉🏳️‍🌈👩‍👩‍👧🇩🇪",
    "\ud800",
    "Z\u0301" * 40,
]
names = st.sampled_from(NASTY) | st.text(max_size=30) | st.text(min_size=200, max_size=300)
ranks = st.builds(Rank, st.integers(1, 10**6), names, st.from_regex(r"\d{1,7}(\.\d)?", fullmatch=True) | names, names)


def standings(block: Standings) -> bytes:
    """Return the picture of standings whose names can be drawn."""
    drawn = charts.standings(block)
    assert drawn is not None
    return drawn


def ranked(count: int) -> tuple[Rank, ...]:
    return tuple(Rank(place, f"member {place}", str(900 - place), "12 answers") for place in range(1, count + 1))


def days(*marks: DayMark) -> tuple[tuple[date, DayMark], ...]:
    return tuple((date(2026, 11, 1) + timedelta(days=number), mark) for number, mark in enumerate(marks))


def test_each_rank_makes_the_standings_taller_but_not_wider() -> None:
    ten, eleven = (size(standings(Standings("This week", ranked(count)))) for count in (10, 11))

    assert ten[0] == eleven[0] == 1120
    assert 600 <= ten[1] < eleven[1] <= 900


@pytest.mark.parametrize("name", ["ꆈꌠꉙ", "Ada ꆈꌠ", "𐎠𐎡𐎢"])
def test_standings_with_a_name_that_no_font_here_has_are_written_instead(name: str) -> None:
    rows = (Rank(1, "Ada", "20"), Rank(2, name, "10"))

    assert (charts.standings(Standings("Standings", rows)) is None) == (legible(name) != name)


def test_the_members_own_row_looks_different() -> None:
    mine = Rank(1, "ada", "40", mine=True)

    assert standings(Standings("", (mine,))) != standings(Standings("", (Rank(1, "ada", "40"),)))


def test_the_members_own_rank_below_the_others_has_a_row() -> None:
    mine = Rank(27, "ada", "4", mine=True)

    assert size(standings(Standings("", ranked(3), mine)))[1] > size(standings(Standings("", ranked(3))))[1]


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param((), id="none"),
        pytest.param((DayMark.MISSED, DayMark.STUDIED, DayMark.OPEN), id="three"),
        pytest.param(tuple(DayMark) * 5, id="five weeks"),
        pytest.param((DayMark.STUDIED,) * 400, id="more than a year"),
    ],
)
def test_a_calendar_of_any_length_has_a_sane_size(marks: tuple[DayMark, ...]) -> None:
    width, height = size(calendar(Calendar("Your streak", 3, 5, 1, days(*marks))))

    assert width == 1120
    assert 400 <= height <= 700


def test_every_mark_looks_different() -> None:
    pictures = {calendar(Calendar("", 0, 0, 0, days(mark))) for mark in DayMark}

    assert len(pictures) == len(DayMark)


@pytest.mark.parametrize("count", [0, 1, 10, 20, 500])
def test_mastery_is_never_very_tall(count: int) -> None:
    rows = [(f"topic-{number}", number, number / count if number % 3 else None) for number in range(count)]
    width, height = size(
        mastery(Mastery("Mastery", tuple(TopicMastery(name, number, number, share) for name, number, share in rows)))
    )

    assert width in (1120, 1568)
    assert height <= 2 * width


@given(st.lists(ranks, max_size=4), st.none() | ranks, names, names)
def test_no_name_breaks_the_standings(rows: list[Rank], mine: Rank | None, title: str, footnote: str) -> None:
    block = Standings(title, tuple(rows), mine, footnote)

    drawn = charts.standings(block)
    assert drawn is None or size(drawn)[0] == 1120
    assert len(alt_of(block)) <= MAX_LENGTH


@given(names, st.integers(0, 10**9), st.lists(st.tuples(st.dates(), st.sampled_from(DayMark)), max_size=40))
def test_no_title_number_or_mark_breaks_the_calendar(
    title: str, number: int, marks: list[tuple[date, DayMark]]
) -> None:
    block = Calendar(title, number, number, number, tuple(sorted(marks)))

    assert size(calendar(block))[0] == 1120
    assert len(alt_of(block)) <= MAX_LENGTH


@given(st.lists(st.tuples(names, st.integers(0, 10**9), st.none() | st.floats(0, 1)), max_size=4))
def test_no_topic_breaks_mastery(rows: list[tuple[str, int, float | None]]) -> None:
    block = Mastery("Mastery", tuple(TopicMastery(topic, number, number, share) for topic, number, share in rows))

    assert size(mastery(block))[0] == 1120
    assert len(alt_of(block)) <= MAX_LENGTH


def test_alt_text_of_a_formula_says_it_in_one_line() -> None:
    assert alt_of("x^2 < y_1") == "Formula: x² < y₁"
    assert "\n" not in alt_of(r"\begin{aligned} a &= b \\ c &= d \end{aligned}")
    assert len(alt_of("x + " * 499)) == MAX_LENGTH


def test_alt_text_of_standings_names_every_rank_and_the_members_own() -> None:
    rows = (Rank(1, "ada", "40", "3 answers"), Rank(2, "bob", "38", mine=True))

    assert alt_of(Standings("This week", rows)) == (
        "Standings, This week: 1. ada 40 points, 3 answers; 2. bob 38 points (you)."
    )


def test_alt_text_of_long_standings_keeps_the_members_own_rank() -> None:
    words = alt_of(Standings("All time", ranked(50), Rank(400, "ada", "4", mine=True)))

    assert len(words) <= MAX_LENGTH
    assert words.endswith("; … Below: 400. ada 4 points (you).")


def test_alt_text_of_a_calendar_counts_its_days() -> None:
    block = Calendar("Your streak", 1, 4, 2, days(DayMark.BLANK, DayMark.MISSED, DayMark.STUDIED, DayMark.STUDIED))

    assert alt_of(block) == (
        "Your streak: 1 day in a row, longest 4 days, 2 freezes left. From Nov 1 to Nov 4, 2026: 2 studied, 1 missed."
    )


def test_alt_text_of_mastery_says_what_was_not_tried() -> None:
    assert (
        alt_of(Mastery("Mastery", (TopicMastery("rag", 12, 4, 0.5), TopicMastery("gan", 3))))
        == "Mastery: rag 50% (12); gan not tried (3)."
    )
