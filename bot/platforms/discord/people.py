"""Who acts on Discord, and where."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import discord

from bot.commands import Actor, Place

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

_HOME = re.compile(r"@(\d{1,20}) ")


class Stranger(Exception):
    """Whoever pressed a button of a direct message is not in its server any more."""


def split_home(id: str) -> tuple[str, str]:
    """The server that a direct message's button belongs to, "" in a channel, and the button's command line."""
    found = _HOME.match(id)
    return (found[1], id[found.end() :]) if found else ("", id)


def place_of(interaction: Interaction, home: str = "") -> Place:
    """Where an interaction comes from; `home` is the server that a direct message belongs to."""
    guild = interaction.client.get_guild(int(home)) if home else interaction.guild
    return Place(
        "discord",
        home or str(interaction.guild_id or ""),
        str(interaction.channel_id or ""),
        guild.name if guild else "",
        "direct message" if home else str(getattr(interaction.channel, "name", None) or ""),
    )


def actor_of(user: discord.User | discord.Member, rights: discord.Permissions) -> Actor:
    """A manager is whoever may manage the server."""
    return Actor(str(user.id), user.display_name, manager=rights.administrator or rights.manage_guild)


async def at_home(interaction: Interaction, home: str) -> tuple[Place, Actor]:
    """Where and who. A direct message knows nothing of the server it belongs to, so that is asked. Raises Stranger."""
    place = place_of(interaction, home)
    if not home:
        return place, actor_of(interaction.user, interaction.permissions)
    client = interaction.client
    try:
        # Direct messages come to the first shard, whose process may know nothing of the server.
        guild = client.get_guild(int(home)) or await client.fetch_guild(int(home))
        member = await guild.fetch_member(interaction.user.id)
    except (discord.NotFound, discord.Forbidden):
        raise Stranger("This belongs to a server that one of us has left.") from None
    return place, actor_of(member, member.guild_permissions)
