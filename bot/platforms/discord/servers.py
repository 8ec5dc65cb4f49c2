"""The server that a member's direct messages are about: the one they share with the bot, or the one they chose."""

from __future__ import annotations

import discord

from bot.app import App
from bot.platforms.discord.identity import fetch_if_member
from bot.replies import Button, Buttons, Notice, Reply, Text, Tone
from bot.text.cleaning import clean, short

CHANGE = "server"
"""What a member writes to choose another server, and the command that chooses one."""
MAX_LOOKUPS = 20
"""Servers in which a member is looked up, because each takes a request."""
MAX_LABEL = 60
NONE_SHARED = Notice(
    "I answer for a server, and I don't see one that we share. Use any of my commands once in the server you mean, "
    "then write to me again. If I'm not there yet, ask an admin to add me.",
    Tone.WARNING,
)


class Servers:
    """Asks Discord only about a member who hasn't chosen yet, or has left the server they chose."""

    def __init__(self, client: discord.Client, app: App) -> None:
        self._client, self._app = client, app

    async def chosen(self, user_id: int) -> str:
        """Return the server that the member has chosen and is still in, else "". Raises UnknownMemberError."""
        for known in await self._app.known_workspaces("discord", str(user_id)):
            if known.is_chosen and await fetch_if_member(self._client, int(known.id), user_id):
                return known.id
        return ""

    async def shared(self, user_id: int) -> dict[str, str]:
        """Return the names, by id, of servers that the member and the bot are both in.

        First come those where they've used the bot, then those that this process knows. Raises UnknownMemberError.
        """
        known = await self._app.known_workspaces("discord", str(user_id))
        ids = dict.fromkeys([*(int(workspace.id) for workspace in known), *(guild.id for guild in self._client.guilds)])
        found: dict[str, str] = {}
        for guild_id in list(ids)[:MAX_LOOKUPS]:
            if (member := await fetch_if_member(self._client, guild_id, user_id)) is not None:
                found[str(guild_id)] = member.guild.name
        return found


def choice(servers: dict[str, str]) -> Reply:
    """Ask which server a member's direct messages are about."""
    buttons = tuple(
        Button(short(clean(name), MAX_LABEL) or "Unnamed", f"@{server} {CHANGE}") for server, name in servers.items()
    )
    return Reply.of(
        Text("Which server is this about? I'll remember it. To change it later, write `server`."), Buttons(buttons)
    )
