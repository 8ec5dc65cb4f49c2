"""The Discord client: a command tree, and buttons and forms that work for ever because their ids say everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.app import App
from bot.errors import SetupError
from bot.platforms.discord import dispatch
from bot.platforms.discord.outbox import DiscordOutbox
from bot.platforms.discord.tree import plant

# Voice is not what it is for: no warning that its libraries are missing.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


class StudyClient(discord.AutoShardedClient):
    """Slash commands, buttons and forms of every guild it is in; it reads no messages and caches no members."""

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            **options,
        )
        self.app = app
        self.tree = app_commands.CommandTree(self, allowed_contexts=app_commands.AppCommandContext(guild=True))
        plant(self.tree, app)

    async def setup_hook(self) -> None:
        await self.tree.sync()
        self.app.attach("discord", DiscordOutbox(self))

    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Buttons and forms; the tree sees to slash commands.

        Not through discord.py's views: those live in memory, and would be rebuilt for every press to no end.
        """
        data: Any = interaction.data or {}
        if interaction.type is discord.InteractionType.component:
            await dispatch.on_button(self.app, interaction, data["custom_id"])
        elif interaction.type is discord.InteractionType.modal_submit:
            await dispatch.on_form(self.app, interaction, data["custom_id"], data)


@asynccontextmanager
async def connected(app: App, *, token: str) -> AsyncIterator[asyncio.Task[None]]:
    """Logged in to Discord for as long as it is open; the task ends only with the connection. Raises SetupError."""
    async with StudyClient(app) as client:
        try:
            await client.login(token)
        except discord.LoginFailure:
            raise SetupError(
                "Discord refuses DISCORD_TOKEN. Copy it anew from the bot's page, without `Bot `."
            ) from None
        except (aiohttp.ClientError, OSError, discord.HTTPException) as problem:
            raise SetupError(
                f"Discord cannot be reached ({type(problem).__name__}). Is this computer online?"
            ) from None
        task = asyncio.create_task(client.connect(), name="discord")
        try:
            yield task
        finally:
            await client.close()
            await asyncio.gather(task, return_exceptions=True)
