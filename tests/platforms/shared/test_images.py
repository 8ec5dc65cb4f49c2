"""Pictures of a reply: what can't be drawn is left out, and never costs the answer."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.drawing.renderer import DrawingError, Renderer, Subject
from bot.platforms.shared.images import MAX_FORMULAS, draw_pictures
from bot.replies import Rank, Reply, Standings, Text
from tests.clocks import reach_limits, slow

STANDINGS = Standings("This week", (Rank(1, "ada", "40"),), as_picture=True)


class Patient(Renderer):
    """Draws at once, but never finishes a formula that's called `slow`, and fails at one that's called `bad`."""

    async def draw(self, subject: Subject) -> bytes | None:
        if subject == "slow":
            await asyncio.Event().wait()
        if subject == "bad":
            raise DrawingError("no font")
        return None if subject == "undrawable" else str(subject).encode()


def displayed(*formulas: str) -> Text:
    return Text("\n\n".join(f"$${latex}$$" for latex in formulas))


async def test_charts_are_found_by_their_block_and_formulas_by_their_latex() -> None:
    pictures = await draw_pictures(Patient(), Reply.of(displayed("x", "undrawable", "x"), STANDINGS))

    assert list(pictures) == ["x", STANDINGS]


async def test_a_drawing_that_fails_or_is_late_costs_no_other_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch)
    with capture_logs() as logs:
        drawing = asyncio.create_task(draw_pictures(Patient(), Reply.of(displayed("a", "slow", "bad", "b"))))
        pictures = await reach_limits(drawing)

    assert pictures == {"a": b"a", "b": b"b"}
    assert [line["event"] for line in logs] == ["pictures too slow", "picture not drawn"]


async def test_only_the_first_formulas_of_a_reply_are_drawn_but_all_of_its_charts() -> None:
    latex = [f"x_{number}" for number in range(MAX_FORMULAS + 3)]
    pictures = await draw_pictures(Patient(), Reply.of(displayed(*latex[:2]), displayed(*latex), STANDINGS))

    assert list(pictures) == [*latex[:MAX_FORMULAS], STANDINGS]
