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
    """Draw these formulas, each once, and the reply's charts that are wanted as pictures; leave out what fails."""
    charts = [block for block in reply.blocks if isinstance(block, Chart) and block.as_picture]
    wanted: list[Chart | str] = [*dict.fromkeys(formulas), *charts]
    if not wanted:
        return {}
    try:
        async with asyncio.timeout(DRAW_TIMEOUT):
            pngs = await asyncio.gather(*(_draw(renderer, subject) for subject in wanted))
    except Exception:  # a picture must not cost the answer
        log.exception("pictures not drawn")
        return {}
    return {subject: png for subject, png in zip(wanted, pngs, strict=True) if png is not None}


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
