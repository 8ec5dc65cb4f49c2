"""The renderer: pictures are drawn beside the event loop, once, and kept within bounds."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from bot.drawing.renderer import CACHE_SIZE, OVERHEAD, RETRY_INTERVAL, DrawingError, Renderer
from bot.drawing.worker import Worker
from bot.replies import Calendar, DayMark, Mastery, Rank, Standings, TopicMastery
from tests.clocks import forward, reach_limits, slow
from tests.drawing.png import size

TOPICS = Mastery("Mastery", (TopicMastery("rag", 12, 4, 0.5),))

TRYING = """
import os, sys
from bot.drawing.program import serve

def draw(latex):
    print(latex, file=sys.stderr, flush=True)
    if latex == "hang":
        while True:
            pass
    if latex == "crash":
        os._exit(1)
    if latex == "fail":
        raise ValueError("no font")
    print("printed-by-a-library")
    return latex.encode()

serve(draw)
"""
"""A drawing process that says what it draws, and whose pictures are their subjects."""


BOT = """
import asyncio, sys
from bot.drawing.renderer import Renderer

asyncio.run(Renderer(command=(sys.executable, "-c", sys.argv[1])).draw("hang"))
"""


def trying(cache_size: int = CACHE_SIZE) -> Renderer:
    return Renderer(cache_size, (sys.executable, "-c", TRYING))


def week(title: str = "This week") -> Standings:
    return Standings(title, (Rank(1, "ada", "40"),))


def month(day: int = 1) -> Calendar:
    return Calendar("Your streak", 1, 1, 0, ((date(2026, 11, day), DayMark.STUDIED),))


async def test_it_draws_formulas_and_charts(renderer: Renderer) -> None:
    pictures = [await renderer.draw(subject) for subject in ("x^2", week(), month(), TOPICS)]

    assert all(picture is not None and size(picture)[0] == 1120 for picture in pictures)


async def test_an_undrawable_formula_gives_none(renderer: Renderer) -> None:
    assert await renderer.draw(r"\foo") is None
    assert await renderer.draw(r"\foo") is None


async def test_an_equal_block_gets_the_same_picture(renderer: Renderer) -> None:
    assert await renderer.draw(week()) is await renderer.draw(week())
    assert await renderer.draw(TOPICS) is await renderer.draw(replace(TOPICS))


async def test_different_content_gets_a_different_picture(renderer: Renderer) -> None:
    assert await renderer.draw(month(1)) != await renderer.draw(month(3))
    assert await renderer.draw(TOPICS) != await renderer.draw(replace(TOPICS, title="How you are doing"))


async def test_what_several_wait_for_is_drawn_once_and_canceled_by_none_of_them(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with closing(trying()) as renderer:
        impatient, *patient = (asyncio.create_task(renderer.draw("x")) for _ in range(3))
        await asyncio.sleep(0)
        impatient.cancel()
        first, second = await asyncio.gather(*patient)

    assert impatient.cancelled()
    assert first == second == b"x"
    assert drawn(capfd) == ["x"]


async def test_a_drawing_that_takes_too_long_is_ended_and_the_next_one_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow(monkeypatch)
    with closing(trying()) as renderer:
        hanging, next_one = (asyncio.create_task(renderer.draw(latex)) for latex in ("hang", "x"))
        with pytest.raises(DrawingError, match="took more than 10 seconds"):
            await reach_limits(hanging, step=1)

        assert await next_one == b"x"


@pytest.mark.parametrize(("latex", "problem"), [("fail", "ValueError: no font"), ("crash", "process ended")])
async def test_a_drawing_that_failed_is_not_tried_again_for_a_while(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], latex: str, problem: str
) -> None:
    slow(monkeypatch)
    with closing(trying()) as renderer:
        for wait in (0, RETRY_INTERVAL / 2, RETRY_INTERVAL):
            forward(wait)
            with pytest.raises(DrawingError, match=problem):
                await renderer.draw(latex)

    assert drawn(capfd) == [latex, latex]


async def test_closing_cancels_who_waits() -> None:
    renderer = trying()
    waiting = [asyncio.create_task(renderer.draw(latex)) for latex in ("hang", "x")]
    await asyncio.sleep(0)
    renderer.close()
    await asyncio.wait(waiting)

    assert all(task.cancelled() for task in waiting)


def test_a_process_that_does_not_end_by_itself_is_killed() -> None:
    worker = Worker((sys.executable, "-c", "import time; time.sleep(3600)"))
    worker.stop()

    with pytest.raises(DrawingError, match="process ended"):
        worker.draw("x")


def test_no_drawing_outlives_a_bot_that_is_killed() -> None:
    """Whoever still runs keeps the other end of the pipe open."""
    bot = [sys.executable, "-c", BOT, TRYING]
    with subprocess.Popen(bot, stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert process.stderr.readline() == b"hang\n"
        process.kill()

        assert process.stderr.read() == b""


async def test_a_picture_larger_than_the_cache_is_not_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(trying(cache_size=OVERHEAD + 2)) as renderer:
        for latex in ("xyz", "xyz", "x", "x"):
            await renderer.draw(latex)

    assert drawn(capfd) == ["xyz", "xyz", "x"]


async def test_the_cache_drops_the_least_recently_used_picture(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(trying(cache_size=2 * (OVERHEAD + 1))) as renderer:
        for latex in ("a", "b", "a", "c", "a", "b"):
            await renderer.draw(latex)

    assert drawn(capfd) == ["a", "b", "c", "b"]


def test_drawing_loads_no_more_than_it_needs() -> None:
    """Neither in the bot, where all of it runs in another process, nor in that process."""
    program = "import sys, bot.drawing.{}; print({{'ziamath', 'resvg_py', 'sqlalchemy', 'numpy'}} & set(sys.modules))"

    assert printed(program.format("renderer")) == "set()"
    assert printed(program.format("formula, bot.drawing.charts")) == "set()"


def printed(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def drawn(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Return what the process was asked to draw, and was before it ended."""
    return [line for line in capfd.readouterr().err.split() if len(line) < 6]
