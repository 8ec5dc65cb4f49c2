"""A reply's messages with the pictures that it wants in them."""

from __future__ import annotations

from bot.drawing.renderer import Easel
from bot.platforms.discord.layout import Drawing
from bot.platforms.discord.render import draw
from bot.platforms.shared.formulas import formulas
from bot.platforms.shared.images import pictures
from bot.replies import Reply


async def paint(easel: Easel, reply: Reply, *, key: str = "", role: str = "", home: str = "") -> list[Drawing]:
    """The reply's messages, with pictures in them where it wants any."""
    return draw(reply, await pictures(easel, reply, formulas(reply)), key=key, role=role, home=home)
