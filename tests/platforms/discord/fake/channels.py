"""Channel routes: messages, pins, threads and DMs, with permission checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from discord import Permissions

from tests.platforms.discord.fake import compose
from tests.platforms.discord.fake.calls import Call, Route
from tests.platforms.discord.fake.clock import stamp
from tests.platforms.discord.fake.gateway import DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS
from tests.platforms.discord.fake.model import FORUM, REPLY, THREAD, Channel, Message, Payload
from tests.platforms.discord.fake.refusals import RefusalError

if TYPE_CHECKING:
    from tests.platforms.discord.fake.server import Discord

MOST_PINS = 250


def routes(discord: Discord) -> Iterator[Route]:
    it = Channels(discord)
    yield Route("POST", "/users/@me/channels", it.converse)
    yield Route("GET", "/channels/{channel_id}", it.show)
    yield Route("PATCH", "/channels/{channel_id}", it.change)
    yield Route("POST", "/channels/{channel_id}/typing", it.typing)
    yield Route("PUT", "/channels/{channel_id}/thread-members/@me", it.typing)
    for pins in ("/channels/{channel_id}/messages/pins", "/channels/{channel_id}/pins"):
        yield Route("GET", pins, it.pins if "messages" in pins else it.pins_of_old)
        yield Route("PUT", pins + "/{message_id}", it.pin)
        yield Route("DELETE", pins + "/{message_id}", it.unpin)
    yield Route("GET", "/channels/{channel_id}/messages", it.read)
    yield Route("POST", "/channels/{channel_id}/messages", it.post)
    yield Route("GET", "/channels/{channel_id}/messages/{message_id}", it.message)
    yield Route("PATCH", "/channels/{channel_id}/messages/{message_id}", it.edit)
    yield Route("DELETE", "/channels/{channel_id}/messages/{message_id}", it.delete)
    yield Route("POST", "/channels/{channel_id}/messages/{message_id}/threads", it.open_thread)


class Channels:
    def __init__(self, discord: Discord) -> None:
        self._discord = discord

    def _find(self, call: Call, **needed: bool) -> Channel:
        """Return the channel. Raises RefusalError if the bot can't see it or lacks a permission in `needed`."""
        channel = self._discord.channels.get(call.id("channel_id"))
        if channel is None:
            raise RefusalError(404, 10003)
        if channel.guild is None:
            return channel
        if channel.guild.id not in self._discord.guilds:
            raise RefusalError(403, 50001)
        mine = channel.guild.permissions(self._discord.me.id, channel)
        if not mine.view_channel:
            raise RefusalError(403, 50001)
        if not Permissions(**needed) <= mine:
            raise RefusalError(403, 50013)
        return channel

    def _message(self, channel: Channel, call: Call) -> Message:
        found = channel.messages.get(call.id("message_id"))
        if found is None:
            raise RefusalError(404, 10008)
        return found

    def _tell(self, name: str, channel: Channel, data: Payload) -> None:
        intent = GUILD_MESSAGES if channel.guild else DIRECT_MESSAGES
        self._discord.gateway.tell(name, data, channel.guild, intent)

    async def converse(self, call: Call) -> Payload:
        user = self._discord.users.get(int(call.json["recipient_id"]))
        if user is None:
            raise RefusalError(404, 10013)
        return self._discord.conversation(user).payload

    async def show(self, call: Call) -> Payload:
        return self._find(call).payload

    async def change(self, call: Call) -> Payload:
        channel = self._find(call, manage_threads=True)
        channel.name = call.json.get("name", channel.name)
        return channel.payload

    async def typing(self, call: Call) -> None:
        self._find(call)

    async def read(self, call: Call) -> list[Payload]:
        """Return messages, newest first; an empty list without the permission to read the history."""
        channel = self._find(call)
        if channel.guild and not channel.guild.permissions(self._discord.me.id, channel).read_message_history:
            return []
        before, after = int(call.query.get("before", 0)), int(call.query.get("after", 0))
        found = [m for m in channel.messages.values() if (not before or m.id < before) and m.id > after]
        limit = int(call.query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise RefusalError(400, 50035, "limit is between 1 and 100")
        return [m.payload for m in sorted(found[:limit] if after else found[-limit:], key=lambda m: -m.id)]

    async def message(self, call: Call) -> Payload:
        return self._message(self._find(call, read_message_history=True), call).payload

    async def post(self, call: Call) -> Payload:
        channel = self._find(call)
        if channel.type == FORUM:
            raise RefusalError(400, 50008)
        needed = "send_messages_in_threads" if channel.type == THREAD else "send_messages"
        self._find(call, **{needed: True}, attach_files=bool(call.files))
        if channel.recipient and channel.recipient.closed:
            raise RefusalError(403, 50007)
        nonce = call.json.get("nonce")
        if nonce and call.json.get("enforce_nonce") and (made := compose.remembered(self._discord, channel, nonce)):
            return made.payload
        answered = self._answered(channel, call.json.get("message_reference") or {})
        kind = REPLY if answered else 0
        made = compose.create(self._discord, channel, call.json, call.files, kind=kind, reference=answered)
        if nonce:
            compose.remember(self._discord, nonce, made)
        self._tell("MESSAGE_CREATE", channel, made.payload)
        return made.payload

    def _answered(self, channel: Channel, reference: Payload) -> int | None:
        """Return the id of the message that a post replies to.

        A reply needs the permission to read the history. To a message that's gone, it's refused or a plain message.
        """
        if not reference:
            return None
        if channel.guild and not channel.guild.permissions(self._discord.me.id, channel).read_message_history:
            raise RefusalError(400, 160002)
        found = channel.messages.get(int(reference["message_id"]))
        if found is None and reference.get("fail_if_not_exists", True):
            raise RefusalError(400, 50035, "Unknown message")
        if found is not None and found.type not in (0, REPLY):
            raise RefusalError(400, 50035, "Cannot reply to a system message")
        return found.id if found else None

    async def edit(self, call: Call) -> Payload:
        channel = self._find(call)
        message = self._message(channel, call)
        if message.author is not self._discord.me:
            raise RefusalError(403, 50005)
        compose.edit(self._discord, message, call.json, call.files)
        self._tell("MESSAGE_UPDATE", channel, message.payload)
        return message.payload

    async def delete(self, call: Call) -> None:
        channel = self._find(call)
        message = self._message(channel, call)
        if message.author is not self._discord.me:
            self._find(call, manage_messages=True)
        del channel.messages[message.id]
        gone = {"id": str(message.id), "channel_id": str(channel.id)}
        self._tell("MESSAGE_DELETE", channel, gone | ({"guild_id": str(channel.guild.id)} if channel.guild else {}))

    def _pinned(self, channel: Channel) -> list[Message]:
        return [m for m in reversed(channel.messages.values()) if m.pinned]

    async def pins(self, call: Call) -> Payload:
        found = self._pinned(self._find(call, read_message_history=True))
        items = [{"pinned_at": stamp(self._discord.clock.now()), "message": m.payload} for m in found]
        return {"items": items, "has_more": False}

    async def pins_of_old(self, call: Call) -> list[Payload]:
        return [m.payload for m in self._pinned(self._find(call, read_message_history=True))]

    async def pin(self, call: Call) -> None:
        """Pin a message, and post the system message that announces it."""
        channel = self._find(call, pin_messages=True)
        message = self._message(channel, call)
        if message.pinned:
            return
        if len(self._pinned(channel)) >= MOST_PINS:
            raise RefusalError(400, 30003)
        message.pinned = True
        said = compose.create(self._discord, channel, {}, {}, kind=6, reference=message.id)
        self._tell("MESSAGE_CREATE", channel, said.payload)

    async def unpin(self, call: Call) -> None:
        self._message(self._find(call, pin_messages=True), call).pinned = False

    async def open_thread(self, call: Call) -> Payload:
        message = self._message(self._find(call, create_public_threads=True), call)
        if message.id in self._discord.channels:
            raise RefusalError(400, 160004)
        thread = self._discord.thread(message, call.json["name"])
        self._discord.gateway.tell("THREAD_CREATE", thread.payload | {"newly_created": True}, thread.guild, GUILDS)
        return thread.payload
