"""What Discord is told unasked: posts in channels, edits of them, and words to one member."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import discord

from bot.commands import CannotPost, Place
from bot.platforms.discord import limits
from bot.platforms.discord.render import draw
from bot.replies import Reply

if TYPE_CHECKING:
    from discord.abc import Messageable

NOBODY = discord.AllowedMentions.none()


class DiscordOutbox:
    """Posts carry their key as a nonce, by which Discord itself knows a second post of the same for some minutes."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def post(self, place: Place, reply: Reply, key: str) -> str:
        with_id = await self._send(self._client.get_partial_messageable(int(place.channel)), reply, key)
        return str(with_id)

    async def edit(self, place: Place, ref: str, reply: Reply) -> None:
        drawing = draw(reply)
        message = self._client.get_partial_messageable(int(place.channel)).get_partial_message(int(ref))
        async with _in_words():
            await message.edit(view=drawing.view, attachments=drawing.files, allowed_mentions=NOBODY)

    async def tell(self, place: Place, member: str, reply: Reply, key: str) -> None:
        async with _in_words():
            user = self._client.get_user(int(member)) or await self._client.fetch_user(int(member))
        await self._send(user, reply, key)

    async def _send(self, where: Messageable, reply: Reply, key: str) -> int:
        drawing = draw(reply)
        async with _in_words():
            message = await where.send(
                view=drawing.view, files=drawing.files, nonce=nonce(key), allowed_mentions=NOBODY
            )
        return message.id


def nonce(key: str) -> str:
    """The key itself where it is short enough, else its digest."""
    if len(key) <= limits.NONCE:
        return key
    return hashlib.blake2b(key.encode(), digest_size=limits.NONCE // 2).hexdigest()


@asynccontextmanager
async def _in_words() -> AsyncIterator[None]:
    """Discord's refusals as CannotPost."""
    try:
        yield
    except discord.Forbidden as refusal:
        raise CannotPost("I may not write there. Discord wants View Channel and Send Messages for me.") from refusal
    except discord.NotFound as refusal:
        raise CannotPost("The channel, message or member is gone.") from refusal
    except (discord.DiscordServerError, discord.RateLimited) as refusal:
        raise CannotPost("Discord cannot take messages just now.", retry=True) from refusal
    except discord.HTTPException as refusal:
        raise CannotPost(f"Discord refused the message (error {refusal.code}).") from refusal
