"""The pictures that a reply wants, drawn in time or not at all: every platform has words for what they show."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import structlog

from bot.drawing.renderer import Easel
from bot.replies import Block, Calendar, Mastery, Reply, Standings

log = structlog.get_logger()

PATIENCE = 5.0
"""Seconds that a reply waits for its pictures; then it says in words what they would show."""

Pictures = Mapping[Block | str, bytes]
"""What has been drawn: a chart under its block, a formula under its LaTeX."""


async def pictures(easel: Easel, reply: Reply, formulas: Iterable[str]) -> Pictures:
    """These formulas, each once, and the charts of the reply that were asked for as pictures."""
    wanted: list[Block | str] = [*dict.fromkeys(formulas), *(block for block in reply.blocks if _drawn(block))]
    if not wanted:
        return {}
    try:
        async with asyncio.timeout(PATIENCE):
            drawn = await asyncio.gather(*(_picture(easel, one) for one in wanted))
    except Exception:  # a picture must not cost the answer
        log.exception("no picture")
        return {}
    return {one: png for one, png in zip(wanted, drawn, strict=True) if png is not None}


def _drawn(block: Block) -> bool:
    return isinstance(block, Standings | Calendar | Mastery) and block.as_picture


async def _picture(easel: Easel, wanted: Block | str) -> bytes | None:
    match wanted:
        case str():
            return await easel.formula(wanted)
        case Standings():
            return await easel.standings(wanted)
        case Calendar():
            return await easel.calendar(wanted)
        case Mastery():
            return await easel.mastery(wanted)
        case _:
            return None
