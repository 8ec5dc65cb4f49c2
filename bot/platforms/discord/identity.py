"""Identify who is acting on Discord, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog

from bot.context.identity import Actor, Location
from bot.dispatch.request import Request

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

log = structlog.get_logger()

_WORKSPACE = re.compile(r"@(\d{1,20}) ")


class UnknownMemberError(Exception):
    """The member behind a direct message can't be looked up in its server; the message says why."""


def split_workspace(custom_id: str) -> tuple[str, str]:
    """Split a button's id into the server of a direct message ("" in a channel) and the command line."""
    found = _WORKSPACE.match(custom_id)
    return (found[1], custom_id[found.end() :]) if found else ("", custom_id)


def location_of(interaction: Interaction, workspace: str = "") -> Location:
    """Return where an interaction comes from; `workspace` is the server that a direct message belongs to."""
    guild = interaction.client.get_guild(int(workspace)) if workspace else interaction.guild
    parent, parent_name = parent_of(interaction.channel)
    return Location(
        "discord",
        workspace or str(interaction.guild_id or ""),
        str(interaction.channel_id or ""),
        guild.name if guild else "",
        "direct message" if workspace else str(getattr(interaction.channel, "name", None) or ""),
        parent_channel=parent,
        parent_name=parent_name,
    )


def location_of_message(message: discord.Message) -> Location:
    """Return where a message in a server was written; this process may not know the server, but knows its id."""
    guild, channel = message.guild, message.channel
    parent, parent_name = parent_of(channel)
    return Location(
        "discord",
        str(guild.id if guild else getattr(channel, "guild_id", "")),
        str(channel.id),
        guild.name if guild and not guild.unavailable else "",
        str(getattr(channel, "name", "")),
        parent_channel=parent,
        parent_name=parent_name,
    )


def parent_of(channel: object) -> tuple[str, str]:
    """Return the id and the name of a thread's channel, both empty for a forum's post: a forum takes no messages.

    During an outage, what the thread is in may be unknown.
    """
    if not isinstance(channel, discord.Thread) or not isinstance(channel.parent, discord.TextChannel):
        return "", ""
    return str(channel.parent.id), channel.parent.name


def picked_members(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the names in the server of the members in an option, a field or a menu, by id; a bot's is empty."""
    resolved = data.get("resolved") or {}
    members = resolved.get("members") or {}
    return {
        user_id: ""
        if user.get("bot")
        else (members.get(user_id) or {}).get("nick") or user.get("global_name") or user["username"]
        for user_id, user in (resolved.get("users") or {}).items()
    }


def actor_of(user: discord.User | discord.Member, rights: discord.Permissions) -> Actor:
    """Return the actor; managers are those who may manage the server."""
    return Actor(str(user.id), user.display_name, manager=rights.administrator or rights.manage_guild)


async def fetch_if_member(client: discord.Client, guild_id: int, user_id: int) -> discord.Member | None:
    """Return somebody as a member of a server; None if they or the bot aren't in it.

    Raises UnknownMemberError if Discord can't tell.
    """
    try:
        return await fetch_member(client, guild_id, user_id)
    except (discord.NotFound, discord.Forbidden):
        return None
    except (discord.DiscordException, aiohttp.ClientError) as problem:
        log.warning("member not looked up", problem=type(problem).__name__)
        raise UnknownMemberError(
            "Discord can't tell me who you are in your server right now. Please try again later."
        ) from problem


async def looked_up(client: discord.Client, request: Request, workspace: str) -> Request:
    """Return a request from a direct message with the member's name and rights in its server.

    Raises UnknownMemberError.
    """
    member = await fetch_if_member(client, int(workspace), int(request.actor.id))
    if member is None:
        raise UnknownMemberError("This is from a server that you or I have left.")
    location = replace(request.location, workspace_name=member.guild.name)
    return replace(request, location=location, actor=actor_of(member, member.guild_permissions))


async def fetch_member(client: discord.Client, guild_id: int, user_id: int) -> discord.Member:
    """Look a member up. Raises discord.py's errors.

    Direct messages reach the first shard, whose process may not know the guild: fetch it then.
    """
    guild = client.get_guild(guild_id)
    if guild is None or guild.unavailable:
        guild = await client.fetch_guild(guild_id)
    return await guild.fetch_member(user_id)


def on_other_shard(client: discord.Client, guild_id: int) -> bool:
    """Return whether a guild belongs to another process's shards, so that this process knows nothing about it."""
    shard_ids, count = getattr(client, "shard_ids", None), client.shard_count
    return bool(shard_ids and count) and (guild_id >> 22) % (count or 1) not in (shard_ids or ())
