"""Draw a reply's pictures in time, or leave them out: every platform can also say in words what they show."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import structlog

from bot.drawing.renderer import Renderer
from bot.replies import Block, Calendar, Mastery, Reply, Standings

log = structlog.get_logger()

DRAW_TIMEOUT = 5.0
"""Seconds that a reply waits for its pictures; then it says in words what they'd show."""

Chart = Standings | Calendar | Mastery
Pictures = Mapping[Block | str, bytes]
"""PNGs: a chart under its block, a formula under its LaTeX."""


async def draw_pictures(renderer: Renderer, reply: Reply, formulas: Iterable[str]) -> Pictures:
    """Draw these formulas, each once, and the reply's charts that are wanted as pictures.

    Leave out each that fails or isn't there in time.
    """
    charts = [block for block in reply.blocks if isinstance(block, Chart) and block.as_picture]
    wanted: list[Chart | str] = [*dict.fromkeys(formulas), *charts]
    if not wanted:
        return {}
    drawing = {subject: asyncio.create_task(_draw(renderer, subject)) for subject in wanted}
    try:
        await asyncio.wait(drawing.values(), timeout=DRAW_TIMEOUT)
    finally:
        late = sum(task.cancel() for task in drawing.values())  # the renderer finishes them, for a later reply
    if late:
        log.warning("pictures too slow", count=late)
    pictures: dict[Block | str, bytes] = {}
    for subject, task in drawing.items():
        if not task.done():
            continue
        if problem := task.exception():  # a picture must not cost the answer
            log.error("picture not drawn", exc_info=problem)
        elif png := task.result():
            pictures[subject] = png
    return pictures


async def _draw(renderer: Renderer, subject: Chart | str) -> bytes | None:
    """Return None for a formula that can't be drawn."""
    match subject:
        case str():
            return await renderer.formula(subject)
        case Standings():
            return await renderer.standings(subject)
        case Calendar():
            return await renderer.calendar(subject)
        case Mastery():
            return await renderer.mastery(subject)
