"""Discord's outbox: posts in channels with their threads and pins, edits, and direct messages."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn

import aiohttp
import discord
import structlog
from cachetools import LRUCache
from typing_extensions import override

from bot.context.identity import Location
from bot.context.outbox import (
    FIRST_ATTEMPT,
    PLAIN,
    Attempt,
    Outbox,
    PostError,
    PostExtras,
    PostOptions,
    UnavailableError,
)
from bot.drawing.renderer import Renderer
from bot.platforms.discord import limits, permissions
from bot.platforms.discord.identity import fetch_member, on_other_shard
from bot.platforms.discord.layout import RenderedMessage
from bot.platforms.discord.render import frame_id
from bot.platforms.discord.render_images import render_images
from bot.platforms.discord.throttle import SlowLane, Throttle
from bot.replies import Reply

log = structlog.get_logger()

NO_MENTIONS = discord.AllowedMentions.none()
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far Discord's clock and ours may differ."""
BUSY = "Discord can't take messages right now."
TOO_MANY_REQUESTS = 429
CANNOT_REPLY = 160002
MAX_CONVERSATIONS = 100_000
"""Direct messages whose channel is remembered; 10 MB at most."""
THREAD_EXISTS = 160004
PINS_FULL = 30003
ROLE_SEPARATOR = "&"
"""Separates the message from the role that it mentions, in a reference."""
ARCHIVE_AFTER: Literal[1440] = 1440
"""Minutes without a message after which Discord archives a thread."""


class DiscordOutbox(Outbox):
    """Post, edit and send messages, each post once per key.

    A post carries its key twice: as a nonce, by which Discord itself drops repeats for a few minutes, and as the id of
    its frame, by which it's found again in the channel later. Its reference is the message's id, plus the role that it
    mentions, if any: an edit must not remove that mention.
    """

    capabilities = frozenset({"thread", "pin", "role", "silent"})

    def __init__(self, client: discord.Client, renderer: Renderer) -> None:
        self._client = client
        self._renderer = renderer
        self._throttle = Throttle()
        self._openings = SlowLane()
        self._conversations: LRUCache[int, int] = LRUCache(MAX_CONVERSATIONS)

    @override
    async def missing_permissions(self, location: Location, wants: PostExtras) -> str:
        guild = self._client.get_guild(int(location.workspace))
        if guild is None or guild.unavailable:  # unknown here: only trying can tell
            return "I'm not in that server anymore." if self._gone(location) else ""
        async with _as_post_errors():
            channel: Any = guild.get_channel_or_thread(int(location.channel)) or await guild.fetch_channel(
                int(location.channel)
            )
        in_thread = isinstance(channel, discord.Thread)
        if in_thread and wants.thread:
            return "A thread can't have threads inside it. Set the question up in the channel, or without `thread`."
        granted = channel.permissions_for(guild.me)
        missing = permissions.missing(granted, thread=wants.thread, pin=wants.pin, inside=in_thread)
        if missing:
            return permissions.sentence(missing, channel.name)
        if wants.role:
            role = guild.get_role(int(wants.role))
            if role is None:
                return "The role to mention no longer exists. Pick another one, or none."
            if not (role.mentionable or granted.mention_everyone):
                return (
                    f"I'm not allowed to mention {role.name}. A server admin can allow it in the role's settings: "
                    "“Allow anyone to @mention this role”."
                )
        return ""

    @override
    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        channel = self._channel(location)
        suffix = f"{ROLE_SEPARATOR}{options.role}" if options.role else ""
        try:
            messages = await render_images(self._renderer, reply, key=key, role=options.role)
            return await self._send(channel, messages, key, attempt, options) + suffix
        except PostError as problem:
            if options.reply_to and _code(problem) == CANNOT_REPLY:  # without the permission to read the history
                plain = replace(options, reply_to="")
                return await self.post(location, reply, key, options=plain, attempt=attempt)
            if isinstance(problem.__cause__, discord.Forbidden) and (
                missing := await self.missing_permissions(location, PostExtras())
            ):
                raise PostError(missing) from problem
            raise

    @override
    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        role = ref.partition(ROLE_SEPARATOR)[2]
        first, *_ = await render_images(self._renderer, reply, role=role)
        message = self._channel(location).get_partial_message(_message_id(ref))
        async with self._request():
            attempt.check()
            # An edit notifies nobody, but without the role here, the message wouldn't mention it anymore.
            await message.edit(view=first.view, attachments=first.files, allowed_mentions=_mentions(role))

    @override
    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        channel = self._client.get_partial_messageable(await self._conversation(int(member)))
        messages = await render_images(self._renderer, reply, key=key, workspace=location.workspace)
        await self._send(channel, messages, key, attempt)

    async def _conversation(self, member: int) -> int:
        """Return the channel of direct messages with a member; open it if this process hasn't yet."""
        if member not in self._conversations:
            await self._openings.wait(member)
            async with self._request():
                opened = await self._client.http.start_private_message(member)
            self._conversations[member] = int(opened["id"])
        return self._conversations[member]

    @override
    async def open_thread(self, location: Location, ref: str, name: str, *, attempt: Attempt = FIRST_ATTEMPT) -> str:
        message_id = _message_id(ref)
        try:
            async with self._request():
                attempt.check()
                # By HTTP, because a message's create_thread needs its server in the cache of this process.
                await self._client.http.start_thread_with_message(
                    int(location.channel), message_id, name=name[: limits.THREAD], auto_archive_duration=ARCHIVE_AFTER
                )
        except PostError as problem:
            if _code(problem) != THREAD_EXISTS:
                raise
        return str(message_id)  # a thread under a message has the message's id

    @override
    async def pin(self, location: Location, ref: str, instead: str = "", *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        channel = self._channel(location)
        if instead:
            try:
                async with self._request():
                    attempt.check()
                    await channel.get_partial_message(_message_id(instead)).unpin()
            except PostError as problem:
                if problem.retry:
                    raise
                # Gone, or unpinned by somebody already: what matters is the new pin.
        async with self._request():
            attempt.check()
            await channel.get_partial_message(_message_id(ref)).pin()

    async def delete(self, message: discord.Message) -> None:
        """Delete a message of ours; if Discord refuses, it stays."""
        try:
            async with self._request():
                await message.delete()
        except PostError as refusal:
            log.info("message not deleted", reason=str(refusal))

    @override
    async def member_name(self, location: Location, member: str) -> str:
        try:
            async with _as_post_errors():
                found = await fetch_member(self._client, int(location.workspace), int(member))
        except PostError as problem:
            if isinstance(problem.__cause__, discord.NotFound):
                return ""
            raise
        return found.display_name

    @override
    async def owners(self, location: Location) -> Sequence[str]:
        async with _as_post_errors():
            guild = self._client.get_guild(int(location.workspace)) or await self._client.fetch_guild(
                int(location.workspace)
            )
        return [str(guild.owner_id)] if guild.owner_id else []

    def _gone(self, location: Location) -> bool:
        """Return whether the bot has left the server; False until the client is ready, since it can't know before."""
        client, guild_id = self._client, int(location.workspace)
        return client.is_ready() and client.get_guild(guild_id) is None and not on_other_shard(client, guild_id)

    def _channel(self, location: Location) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(int(location.channel), guild_id=int(location.workspace))

    @asynccontextmanager
    async def _request(self) -> AsyncIterator[None]:
        """Wait for the throttle, then turn Discord's errors into PostError."""
        await self._throttle.wait()
        try:
            async with _as_post_errors():
                yield
        except asyncio.CancelledError:
            # discord.py lets one request wait for a limit on all of them. Canceled, it would leave the others waiting.
            self._client.http._global_over.set()  # noqa: SLF001 (there's no public way)
            raise

    async def _posted(self, channel: discord.abc.Messageable, keys: Sequence[str], since: datetime) -> dict[str, str]:
        """Return the ids of our messages since then under these keys, by key."""
        bot_user, sought = self._client.user, {frame_id(key): key for key in keys}
        posted: dict[str, str] = {}
        async with self._request():
            async for message in channel.history(limit=None, after=since - CLOCK_TOLERANCE, oldest_first=True):
                if bot_user is None or message.author.id != bot_user.id:
                    continue
                for component in message.components:
                    if key := sought.get(getattr(component, "id", None) or 0):
                        posted[key] = str(message.id)
                if len(posted) == len(keys):
                    break
        return posted

    async def _send(
        self,
        channel: discord.abc.Messageable,
        messages: Sequence[RenderedMessage],
        key: str,
        attempt: Attempt,
        options: PostOptions = PLAIN,
    ) -> str:
        """Send the messages that no earlier attempt sent, and return the first one's id.

        Nobody but the configured role is ever mentioned. Only the first message is a reply.
        """
        mentions = _mentions(options.role)
        answered: dict[str, Any] = {"reference": _reference(channel, options.reply_to)} if options.reply_to else {}
        keys = [f"{key}/{number}" if number else key for number in range(len(messages))]
        posted = await self._posted(channel, keys, attempt.since) if attempt.since else {}
        refs = []
        for number, (page, page_key) in enumerate(zip(messages, keys, strict=True)):
            if page_key in posted:
                refs.append(posted[page_key])
                continue
            async with self._request():
                attempt.check()
                message = await channel.send(
                    view=page.view,
                    files=page.files,
                    nonce=nonce(page_key),
                    allowed_mentions=NO_MENTIONS if number else mentions,
                    silent=options.silent,
                    **({} if number else answered),
                )
            refs.append(str(message.id))
        return refs[0]


def nonce(key: str) -> str:
    """Return the key if it's short enough, else its digest."""
    if len(key) <= limits.NONCE:
        return key
    return hashlib.blake2b(key.encode(), digest_size=limits.NONCE // 2).hexdigest()


def _mentions(role: str) -> discord.AllowedMentions:
    """Return what a message may mention: the role, or nobody if it's empty."""
    roles = [discord.Object(int(role))] if role else False
    return discord.AllowedMentions(everyone=False, users=False, replied_user=False, roles=roles)


def _reference(channel: discord.abc.Messageable, ref: str) -> discord.MessageReference:
    """Return what makes a message a reply to another one of the channel, or a plain message if that one is gone."""
    assert isinstance(channel, discord.PartialMessageable)  # noqa: S101  # only posts in channels are replies
    return discord.MessageReference(
        message_id=_message_id(ref), channel_id=channel.id, guild_id=channel.guild_id, fail_if_not_exists=False
    )


def _message_id(ref: str) -> int:
    return int(ref.partition(ROLE_SEPARATOR)[0])


def _code(problem: PostError) -> int:
    """Return Discord's error code; 0 if Discord didn't send one."""
    return problem.__cause__.code if isinstance(problem.__cause__, discord.HTTPException) else 0


FINAL = {
    50007: "Discord doesn't let me message this member.",
    50278: "I share no server with this member anymore, so Discord doesn't let me message them.",
}
"""What Discord refuses for good, by its code, apart from missing permissions."""
FOR_NOW = {
    20026: (3600.0, "Discord's spam filter has blocked this bot. Its owner can appeal in the developer portal."),
    30046: (600.0, "Discord limits how often a message older than an hour can be edited."),
    40003: (600.0, "Discord asks me to open direct messages more slowly."),
}
"""What Discord refuses now and will take later: seconds until then, unless Discord says how many, and the reason."""


@asynccontextmanager
async def _as_post_errors() -> AsyncIterator[None]:
    """Turn Discord's errors into PostError."""
    try:
        yield
    except discord.HTTPException as problem:
        if known := FOR_NOW.get(problem.code):
            raise UnavailableError(known[1], known[0]) from problem
        if reason := FINAL.get(problem.code):
            raise PostError(reason) from problem
        _raise_as_post_error(problem)
    except aiohttp.ClientError as problem:
        raise UnavailableError(f"Discord didn't answer ({type(problem).__name__}).") from problem
    except discord.RateLimited as problem:
        raise UnavailableError(BUSY, problem.retry_after) from problem


def _raise_as_post_error(problem: discord.HTTPException) -> NoReturn:
    """Raise the PostError for what has no code that we know."""
    if isinstance(problem, discord.Forbidden):
        raise PostError("I'm not allowed to do that there. I need View Channel and Send Messages.") from problem
    if isinstance(problem, discord.NotFound):
        raise PostError("The channel, message or member is gone.") from problem
    if problem.status == TOO_MANY_REQUESTS or problem.status >= 500:  # discord.py has tried five times
        raise UnavailableError(BUSY) from problem
    if problem.code == PINS_FULL:
        raise PostError("This channel has as many pins as Discord allows. Unpin one.") from problem
    raise PostError(f"Discord refused it (error {problem.code}).", retry=True) from problem
