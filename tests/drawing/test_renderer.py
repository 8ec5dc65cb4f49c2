"""The renderer: pictures are drawn beside the event loop, once, and kept within bounds."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest

from bot.drawing.renderer import OVERHEAD, Renderer
from bot.replies import Calendar, DayMark, Mastery, Rank, Standings, TopicMastery
from tests.drawing.png import size

TOPICS = Mastery("Mastery", (TopicMastery("rag", 12, 4, 0.5),))


def week(title: str = "This week") -> Standings:
    return Standings(title, (Rank(1, "ada", "40"),))


def month(day: int = 1) -> Calendar:
    return Calendar("Your streak", 1, 1, 0, ((date(2026, 11, day), DayMark.STUDIED),))


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer()
    yield renderer
    renderer.close()


async def test_it_draws_formulas_and_charts(renderer: Renderer) -> None:
    pictures = [
        await renderer.formula("x^2"),
        await renderer.standings(week()),
        await renderer.calendar(month()),
        await renderer.mastery(TOPICS),
    ]

    assert all(picture is not None and size(picture)[0] >= 1000 for picture in pictures)


async def test_an_undrawable_formula_gives_none(renderer: Renderer) -> None:
    assert await renderer.formula(r"\cfrac{1}{2}") is None
    assert await renderer.formula(r"\cfrac{1}{2}") is None


async def test_an_equal_block_gets_the_same_picture(renderer: Renderer) -> None:
    assert await renderer.standings(week()) is await renderer.standings(week())
    assert await renderer.mastery(TOPICS) is await renderer.mastery(replace(TOPICS))


async def test_different_content_gets_a_different_picture(renderer: Renderer) -> None:
    assert await renderer.calendar(month(1)) != await renderer.calendar(month(3))
    assert await renderer.mastery(TOPICS) != await renderer.mastery(replace(TOPICS, title="How you are doing"))


async def test_simultaneous_requests_share_one_picture(renderer: Renderer) -> None:
    first, second, third = await asyncio.gather(*(renderer.standings(week()) for _ in range(3)))

    assert first is second
    assert second is third


async def test_canceling_one_request_does_not_cancel_the_others(renderer: Renderer) -> None:
    impatient = asyncio.create_task(renderer.standings(week()))
    patient = asyncio.create_task(renderer.standings(week()))
    await asyncio.sleep(0)
    impatient.cancel()

    assert size(await patient)[0] == 1120
    assert impatient.cancelled()


async def test_a_picture_larger_than_the_cache_is_not_kept() -> None:
    renderer = Renderer(cache_size=3 * OVERHEAD)
    first, *_ = [await renderer.formula(rf"\{name}") for name in ("genfrac", "mathop", "cfrac")]
    picture = await renderer.standings(week())

    assert first is None
    assert len(picture) > 2 * OVERHEAD
    assert await renderer.standings(week()) is not picture, "larger than all the room"
    renderer.close()


async def test_the_cache_drops_the_least_recently_used_picture() -> None:
    one = len(await _once(week("a")))
    renderer = Renderer(cache_size=2 * (one + OVERHEAD) + one // 2)
    a, b = await renderer.standings(week("a")), await renderer.standings(week("b"))
    assert await renderer.standings(week("a")) is a
    await renderer.standings(week("c"))

    assert await renderer.standings(week("a")) is a, "asked for after b"
    assert await renderer.standings(week("b")) is not b
    renderer.close()


async def _once(block: Standings) -> bytes:
    renderer = Renderer()
    try:
        return await renderer.standings(block)
    finally:
        renderer.close()


def test_importing_it_loads_no_drawing_library() -> None:
    program = "import sys, bot.drawing.renderer; print({'ziamath', 'ziafont', 'resvg_py'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "set()"
