"""Tell whether a message is meant for the bot, and what it says besides the bot's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import aiohttp
import discord
import structlog
from cachetools import LRUCache

log = structlog.get_logger()

FOLLOW_UP = "followup "
"""How the line of an explanation's button begins."""
MAX_GUILDS = 1_000
"""Servers that this process doesn't know, and whose roles it keeps in mind."""


class Addressing:
    """Members mention the bot by its user or by its own role, which Discord lists under the same name.

    A reply mentions whom it answers, unless its author turns that off; one to an explanation is for the bot all the
    same.
    """

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._roles: LRUCache[int, int] = LRUCache(MAX_GUILDS)

    async def text_for_us(self, message: discord.Message) -> str | None:
        """Return what a message in a server tells the bot, without the bot's name; None if it isn't for the bot."""
        bot_user = self._client.user
        if bot_user is None:
            return None
        role = await self._role_mentioned(message)
        is_mentioned = bool(role) or any(mentioned.id == bot_user.id for mentioned in message.mentions)
        if not is_mentioned and not _continues(message, bot_user.id):
            return None
        return without_name(message.content, bot_user.id, role)

    async def _role_mentioned(self, message: discord.Message) -> int:
        """Return the id of the bot's own role if the message mentions it, else 0."""
        if not message.raw_role_mentions:
            return 0
        role = await self._own_role(message)
        return role if role in message.raw_role_mentions else 0

    async def _own_role(self, message: discord.Message) -> int:
        """Return the id of the role that Discord made for the bot; 0 if it has none.

        Ask Discord where this process doesn't know the server, as during an outage.
        """
        guild = message.guild
        if guild is not None and not guild.unavailable:
            return guild.self_role.id if guild.self_role else 0
        guild_id = guild.id if guild else getattr(message.channel, "guild_id", None)
        if guild_id is None:
            return 0
        if guild_id not in self._roles:
            try:
                roles = await self._client.http.get_roles(guild_id)
            except (discord.DiscordException, aiohttp.ClientError) as problem:
                log.warning("roles not looked up", problem=type(problem).__name__)
                return 0
            bot_id = str(self._client.user.id) if self._client.user else ""
            own = (int(role["id"]) for role in roles if (role.get("tags") or {}).get("bot_id") == bot_id)
            self._roles[guild_id] = next(own, 0)
        return self._roles[guild_id]


def without_name(text: str, bot_id: int, role: int = 0) -> str:
    """Return what a message says besides the mentions of the bot and of its own role."""
    names = rf"<@!?{bot_id}>" + (rf"|<@&{role}>" if role else "")
    return re.sub(names, "", text).strip()


def is_hidden_reply(message: discord.Message) -> bool:
    """Return whether it's a reply of which Discord shows us nothing, as to responses of interactions."""
    return message.type is discord.MessageType.reply and not message.content


def _continues(message: discord.Message, bot_id: int) -> bool:
    """Return whether it's a reply to one of the bot's explanations, and Discord shows what it says."""
    answered = message.reference.resolved if message.reference else None
    if not isinstance(answered, discord.Message) or answered.author.id != bot_id or not message.content:
        return False
    return any(button.startswith(FOLLOW_UP) for button in _button_ids(answered.components))


def _button_ids(components: Iterable[Any]) -> Iterator[str]:
    for component in components:
        if isinstance(component, discord.Button) and component.custom_id:
            yield component.custom_id
        yield from _button_ids(getattr(component, "children", ()))
