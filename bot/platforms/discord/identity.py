"""Who acts on Discord, and where."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import discord
import structlog

from bot.context.identity import Actor, Location

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

log = structlog.get_logger()

_HOME = re.compile(r"@(\d{1,20}) ")


class Stranger(Exception):
    """Who pressed a button of a direct message is not known in its server; it says why in words."""


def split_home(id: str) -> tuple[str, str]:
    """The server that a direct message's button belongs to, "" in a channel, and the button's command line."""
    found = _HOME.match(id)
    return (found[1], id[found.end() :]) if found else ("", id)


def place_of(interaction: Interaction, home: str = "") -> Location:
    """Where an interaction comes from; `home` is the server that a direct message belongs to."""
    guild = interaction.client.get_guild(int(home)) if home else interaction.guild
    return Location(
        "discord",
        home or str(interaction.guild_id or ""),
        str(interaction.channel_id or ""),
        guild.name if guild else "",
        "direct message" if home else str(getattr(interaction.channel, "name", None) or ""),
    )


def actor_of(user: discord.User | discord.Member, rights: discord.Permissions) -> Actor:
    """A manager is whoever may manage the server."""
    return Actor(str(user.id), user.display_name, manager=rights.administrator or rights.manage_guild)


async def at_home(interaction: Interaction, home: str) -> tuple[Location, Actor]:
    """Where and who. A direct message knows nothing of the server it belongs to, so that is asked. Raises Stranger."""
    place = place_of(interaction, home)
    if not home:
        return place, actor_of(interaction.user, interaction.permissions)
    try:
        member = await _member(interaction.client, int(home), interaction.user.id)
    except (discord.NotFound, discord.Forbidden):
        raise Stranger("This belongs to a server that one of us has left.") from None
    except (discord.HTTPException, aiohttp.ClientError) as problem:
        log.warning("member not looked up", problem=type(problem).__name__)
        raise Stranger("Discord does not tell me just now who you are in your server. Try again later.") from problem
    return replace(place, workspace_name=member.guild.name), actor_of(member, member.guild_permissions)


async def _member(client: discord.Client, server: int, user: int) -> discord.Member:
    """Direct messages come to the first shard, whose process may know nothing of the server: then that is asked too."""
    guild = client.get_guild(server)
    if guild is None or guild.unavailable:
        guild = await client.fetch_guild(server)
    return await guild.fetch_member(user)


def elsewhere(client: discord.Client, server: int) -> bool:
    """Whether a server belongs to another process's shards, so that nothing of it is known here."""
    mine, count = getattr(client, "shard_ids", None), client.shard_count
    return bool(mine and count) and (server >> 22) % (count or 1) not in (mine or ())
