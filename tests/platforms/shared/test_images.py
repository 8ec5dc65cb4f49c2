"""Pictures of a reply: what can't be drawn is left out, and never costs the answer."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.drawing.renderer import Renderer
from bot.platforms.shared.images import draw_pictures
from bot.replies import Rank, Reply, Standings, Text
from tests.clocks import reach_limits, slow

STANDINGS = Standings("This week", (Rank(1, "ada", "40"),), as_picture=True)


class Broken(Renderer):
    async def standings(self, block: Standings) -> bytes:
        raise RuntimeError("no font")


async def test_charts_are_found_by_their_block_and_formulas_by_their_latex() -> None:
    renderer = Renderer()
    pictures = await draw_pictures(renderer, Reply.of(Text("$$x$$"), STANDINGS), ["x", r"\cfrac{1}{2}", "x"])
    renderer.close()

    assert list(pictures) == ["x", STANDINGS]


async def test_a_drawing_that_fails_leaves_the_reply_without_pictures() -> None:
    renderer = Broken()
    with capture_logs() as logs:
        assert await draw_pictures(renderer, Reply.of(STANDINGS), []) == {}
    renderer.close()

    assert [line["event"] for line in logs] == ["picture not drawn"]


class Patient(Renderer):
    """Draws formulas at once, but never finishes one that's called `slow`, and fails at one that's called `bad`."""

    async def formula(self, latex: str) -> bytes | None:
        if latex == "slow":
            await asyncio.Event().wait()
        if latex == "bad":
            raise RuntimeError("no font")
        return latex.encode()


async def test_a_drawing_that_fails_or_is_late_costs_no_other_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch)
    renderer = Patient()
    with capture_logs() as logs:
        drawing = asyncio.create_task(draw_pictures(renderer, Reply.of(Text("")), ["a", "slow", "bad", "b"]))
        pictures = await reach_limits(drawing)
    renderer.close()

    assert pictures == {"a": b"a", "b": b"b"}
    assert [line["event"] for line in logs] == ["pictures too slow", "picture not drawn"]
