"""The easel: pictures are drawn beside the event loop, once, and kept within bounds."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest

from bot.drawing.renderer import OVERHEAD, Easel
from bot.replies import Calendar, DayMark, Mastery, Rank, Standings, TopicMastery
from tests.drawing.png import size

TOPICS = Mastery("Mastery", (TopicMastery("rag", 12, 4, 0.5),))


def week(title: str = "This week") -> Standings:
    return Standings(title, (Rank(1, "ada", "40"),))


def month(day: int = 1) -> Calendar:
    return Calendar("Your streak", 1, 1, 0, ((date(2026, 11, day), DayMark.STUDIED),))


@pytest.fixture
async def easel() -> AsyncIterator[Easel]:
    easel = Easel()
    yield easel
    easel.close()


async def test_it_draws_formulas_and_charts(easel: Easel) -> None:
    pictures = [
        await easel.formula("x^2"),
        await easel.standings(week()),
        await easel.calendar(month()),
        await easel.mastery(TOPICS),
    ]

    assert all(picture is not None and size(picture)[0] >= 1000 for picture in pictures)


async def test_an_undrawable_formula_is_none(easel: Easel) -> None:
    assert await easel.formula(r"\tfrac{1}{2}") is None
    assert await easel.formula(r"\tfrac{1}{2}") is None


async def test_an_equal_block_gets_the_same_picture(easel: Easel) -> None:
    assert await easel.standings(week()) is await easel.standings(week())
    assert await easel.mastery(TOPICS) is await easel.mastery(replace(TOPICS))


async def test_other_content_gets_another_picture(easel: Easel) -> None:
    assert await easel.calendar(month(1)) != await easel.calendar(month(3))
    assert await easel.mastery(TOPICS) != await easel.mastery(replace(TOPICS, title="How you are doing"))


async def test_who_asks_at_once_gets_the_one_picture(easel: Easel) -> None:
    first, second, third = await asyncio.gather(*(easel.standings(week()) for _ in range(3)))

    assert first is second
    assert second is third


async def test_who_stops_waiting_takes_the_picture_from_nobody(easel: Easel) -> None:
    impatient = asyncio.create_task(easel.standings(week()))
    patient = asyncio.create_task(easel.standings(week()))
    await asyncio.sleep(0)
    impatient.cancel()

    assert size(await patient)[0] == 1120
    assert impatient.cancelled()


async def test_what_was_asked_for_last_is_kept() -> None:
    easel = Easel(room=3 * OVERHEAD)
    first, *_ = [await easel.formula(rf"\{name}") for name in ("tfrac", "dfrac", "cfrac")]
    picture = await easel.standings(week())

    assert first is None
    assert len(picture) > 2 * OVERHEAD
    assert await easel.standings(week()) is not picture, "larger than all the room"
    easel.close()


async def test_pictures_are_kept_within_their_room() -> None:
    one = len(await _once(week("a")))
    easel = Easel(room=2 * (one + OVERHEAD) + one // 2)
    a, b = await easel.standings(week("a")), await easel.standings(week("b"))
    assert await easel.standings(week("a")) is a
    await easel.standings(week("c"))

    assert await easel.standings(week("a")) is a, "asked for after b"
    assert await easel.standings(week("b")) is not b
    easel.close()


async def _once(block: Standings) -> bytes:
    easel = Easel()
    try:
        return await easel.standings(block)
    finally:
        easel.close()


def test_importing_it_loads_no_drawing_library() -> None:
    program = "import sys, bot.drawing.renderer; print({'ziamath', 'ziafont', 'resvg_py'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "set()"
