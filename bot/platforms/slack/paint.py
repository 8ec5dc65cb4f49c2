"""The pictures that a reply wants: display formulas, and charts that were asked for as pictures."""

from __future__ import annotations

import asyncio
from itertools import islice

import structlog

from bot.drawing.easel import Easel
from bot.platforms.slack.render import Drawing, Pictures, draw, formulas
from bot.replies import Block, Calendar, Mastery, Reply, Standings

log = structlog.get_logger()

PATIENCE = 5.0
"""Seconds that a reply waits for its pictures; it says in words what they show anyway."""
FORMULAS = 3
"""Formulas of one reply that are drawn: each is a file under the message, and the text has all of them."""


async def paint(easel: Easel, reply: Reply) -> list[Drawing]:
    """The reply's messages, with pictures as files of theirs where it wants any."""
    return draw(reply, await _pictures(easel, reply))


async def _pictures(easel: Easel, reply: Reply) -> Pictures:
    wanted: list[Block | str] = [
        *islice(dict.fromkeys(formulas(reply)), FORMULAS),
        *(block for block in reply.blocks if _drawn(block)),
    ]
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
    return isinstance(block, Standings | Calendar | Mastery) and block.drawn


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
