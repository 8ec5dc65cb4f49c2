"""Draw a reply's pictures in time, or leave them out: every platform can also say in words what they show."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import islice

import structlog

from bot.drawing.renderer import Chart, Renderer, Subject
from bot.platforms.shared.formulas import formulas
from bot.replies import Reply

log = structlog.get_logger()

DRAWING_TIMEOUT = 5.0
"""Seconds that a reply waits for its pictures; then it says in words what they'd show."""
MAX_FORMULAS = 10
"""Formulas drawn for one reply; the others are written in words."""

Pictures = Mapping[Subject, bytes]
"""PNGs: a chart under its block, a formula under its LaTeX."""


async def draw_pictures(renderer: Renderer, reply: Reply) -> Pictures:
    """Draw the reply's first display formulas, each once, and its charts that are wanted as pictures.

    Leave out each that fails or isn't there in time.
    """
    charts = [block for block in reply.blocks if isinstance(block, Chart) and block.as_picture]
    wanted: list[Subject] = [*islice(dict.fromkeys(formulas(reply)), MAX_FORMULAS), *charts]
    if not wanted:
        return {}
    drawing = {subject: asyncio.create_task(renderer.draw(subject)) for subject in wanted}
    try:
        await asyncio.wait(drawing.values(), timeout=DRAWING_TIMEOUT)
    finally:
        late = sum(task.cancel() for task in drawing.values())  # the renderer finishes them, for a later reply
    if late:
        log.warning("pictures too slow", count=late)
    pictures: dict[Subject, bytes] = {}
    for subject, task in drawing.items():
        if not task.done():
            continue
        if problem := task.exception():  # a picture must not cost the answer
            log.error("picture not drawn", exc_info=problem)
        elif png := task.result():
            pictures[subject] = png
    return pictures
