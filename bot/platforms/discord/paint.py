"""A reply's messages with the pictures that it wants in them."""

from __future__ import annotations

from bot.drawing.easel import Easel
from bot.platforms.discord.render import draw
from bot.platforms.discord.sheet import Drawing
from bot.platforms.formulas import formulas
from bot.platforms.pictures import pictures
from bot.replies import Reply


async def paint(easel: Easel, reply: Reply, *, key: str = "", role: str = "", home: str = "") -> list[Drawing]:
    """The reply's messages, with pictures in them where it wants any."""
    return draw(reply, await pictures(easel, reply, formulas(reply)), key=key, role=role, home=home)
