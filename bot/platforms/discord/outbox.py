"""What Discord is told unasked: posts in channels with their threads and pins, edits, and words to one member."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp
import discord

from bot.context.identity import Location
from bot.context.outbox import Outbox, PostError, PostExtras
from bot.drawing.renderer import Easel
from bot.platforms.discord import limits, permissions
from bot.platforms.discord.identity import elsewhere
from bot.platforms.discord.layout import Drawing
from bot.platforms.discord.render import mark
from bot.platforms.discord.render_images import paint
from bot.platforms.discord.throttle import Pace
from bot.replies import Reply

NOBODY = discord.AllowedMentions.none()
LOOK_BACK = 50
"""The newest messages of a channel among which an earlier try is looked for."""
BUSY = "Discord cannot take messages just now."
TOO_MANY = 429
THREAD_EXISTS = 160004
TOO_OLD_TO_EDIT = 30046
PINS_FULL = 30003
CALLS = "&"
"""What stands between a message and the role it calls in a reference."""
A_DAY: Literal[1440] = 1440
"""Minutes without a word after which Discord puts a thread away."""


class DiscordOutbox(Outbox):
    """A post carries its key twice: as a nonce, by which Discord itself knows a repeat for some minutes, and as the
    number of its frame, by which it is found again in the channel later. Its reference is the message's id, with the
    role that it calls where it calls one: an edit must not take the call away from those who were called.
    """

    capabilities = frozenset({"thread", "pin", "role"})

    def __init__(self, client: discord.Client, easel: Easel) -> None:
        self._client = client
        self._easel = easel
        self._pace = Pace()

    async def missing_permissions(self, location: Location, wants: PostExtras) -> str:
        guild = self._client.get_guild(int(location.workspace))
        if guild is None or guild.unavailable:  # unseen: what Discord takes there, only trying can tell
            return "I am not in that server any more." if self._gone(location) else ""
        async with _in_words():
            channel: Any = guild.get_channel_or_thread(int(location.channel)) or await guild.fetch_channel(
                int(location.channel)
            )
        in_thread = isinstance(channel, discord.Thread)
        if in_thread and wants.thread:
            return "A thread cannot have threads of its own: set the question up in the channel, or without `thread`."
        mine = channel.permissions_for(guild.me)
        missing = permissions.missing(mine, thread=wants.thread, pin=wants.pin, inside=in_thread)
        if missing:
            return permissions.sentence(missing, channel.name)
        if wants.role:
            role = guild.get_role(int(wants.role))
            if role is None:
                return "The role to be called is gone. Pick another one, or none."
            if not (role.mentionable or mine.mention_everyone):
                return (
                    f"I may not call {role.name}. A server admin lets everybody mention it in the role's settings: "
                    "“Allow anyone to @mention this role”."
                )
        return ""

    async def post(self, location: Location, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        channel = self._channel(location)
        called = f"{CALLS}{role}" if role else ""
        if again and (there := await self._posted(channel, key)):
            return there + called
        try:
            return await self._send(channel, await paint(self._easel, reply, key=key, role=role), key, role) + called
        except PostError as refusal:
            if isinstance(refusal.__cause__, discord.Forbidden) and (
                lack := await self.missing_permissions(location, PostExtras())
            ):
                raise PostError(lack) from refusal
            raise

    async def edit(self, location: Location, ref: str, reply: Reply) -> None:
        first, *_ = await paint(self._easel, reply, role=ref.partition(CALLS)[2])
        message = self._channel(location).get_partial_message(_id(ref))
        async with self._asking():
            await message.edit(view=first.view, attachments=first.files, allowed_mentions=NOBODY)

    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
        async with self._asking():
            user = self._client.get_user(int(member)) or await self._client.fetch_user(int(member))
        async with self._asking():
            channel = await user.create_dm()
        await self._send(channel, await paint(self._easel, reply, home=location.workspace), key)

    async def open_thread(self, location: Location, ref: str, name: str, *, again: bool = False) -> str:
        message = self._channel(location).get_partial_message(_id(ref))
        try:
            async with self._asking():
                thread = await message.create_thread(name=name[: limits.THREAD], auto_archive_duration=A_DAY)
        except PostError as refusal:
            if _code(refusal) == THREAD_EXISTS:
                return str(message.id)  # a message's thread has the message's own id
            raise
        return str(thread.id)

    async def pin(self, location: Location, ref: str, instead: str = "") -> None:
        channel = self._channel(location)
        if instead:
            try:
                async with self._asking():
                    await channel.get_partial_message(_id(instead)).unpin()
            except PostError as refusal:
                if refusal.retry:
                    raise
                # Gone, or taken down by somebody: what matters is that the new one is up.
        async with self._asking():
            await channel.get_partial_message(_id(ref)).pin()

    async def owners(self, location: Location) -> Sequence[str]:
        async with _in_words():
            guild = self._client.get_guild(int(location.workspace)) or await self._client.fetch_guild(
                int(location.workspace)
            )
        return [str(guild.owner_id)] if guild.owner_id else []

    def _gone(self, location: Location) -> bool:
        """Whether the server would be known here if the bot were in it; before the client is ready, none is."""
        client, server = self._client, int(location.workspace)
        return client.is_ready() and client.get_guild(server) is None and not elsewhere(client, server)

    def _channel(self, location: Location) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(int(location.channel), guild_id=int(location.workspace))

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """One request, in its turn."""
        await self._pace.turn()
        async with _in_words():
            yield

    async def _posted(self, channel: discord.PartialMessageable, key: str) -> str:
        """The message that an earlier try under this key left, or ""."""
        me, sought = self._client.user, mark(key)
        async with self._asking():
            async for message in channel.history(limit=LOOK_BACK):
                frames = (getattr(component, "id", None) for component in message.components)
                if me is not None and message.author.id == me.id and sought in frames:
                    return str(message.id)
        return ""

    async def _send(self, where: discord.abc.Messageable, drawings: Sequence[Drawing], key: str, role: str = "") -> str:
        """All messages of it; the reference is the first one's. Only a configured role is ever called."""
        calls = discord.AllowedMentions(
            everyone=False, users=False, replied_user=False, roles=[discord.Object(int(role))] if role else False
        )
        refs = []
        for number, page in enumerate(drawings):
            async with self._asking():
                message = await where.send(
                    view=page.view,
                    files=page.files,
                    nonce=nonce(f"{key}/{number}" if number else key),
                    allowed_mentions=NOBODY if number else calls,
                )
            refs.append(str(message.id))
        return refs[0]


def nonce(key: str) -> str:
    """The key itself where it is short enough, else its digest."""
    if len(key) <= limits.NONCE:
        return key
    return hashlib.blake2b(key.encode(), digest_size=limits.NONCE // 2).hexdigest()


def _id(ref: str) -> int:
    return int(ref.partition(CALLS)[0])


def _code(refusal: PostError) -> int:
    return refusal.__cause__.code if isinstance(refusal.__cause__, discord.HTTPException) else 0


@asynccontextmanager
async def _in_words() -> AsyncIterator[None]:
    """Discord's refusals as CannotPost."""
    try:
        yield
    except discord.Forbidden as refusal:
        if refusal.code == 50007:
            raise PostError("Discord does not let me write to this member.") from refusal
        raise PostError("I may not do that there. Discord wants View Channels and Send Messages of me.") from refusal
    except discord.NotFound as refusal:
        raise PostError("The channel, message or member is gone.") from refusal
    except discord.RateLimited as refusal:
        raise PostError(BUSY, retry=True) from refusal
    except aiohttp.ClientError as problem:
        raise PostError(f"Discord did not answer ({type(problem).__name__}).", retry=True) from problem
    except discord.HTTPException as refusal:
        if refusal.status == TOO_MANY or refusal.status >= 500:  # discord.py has waited and tried five times
            raise PostError(BUSY, retry=True) from refusal
        reasons = {
            TOO_OLD_TO_EDIT: "Discord lets messages of more than an hour be edited only so often.",
            PINS_FULL: "The channel has as many pins as Discord allows. Take one down.",
        }
        raise PostError(reasons.get(refusal.code, f"Discord refused it (error {refusal.code}).")) from refusal
