"""The Discord client: a command tree, and buttons and forms that work for ever because their ids say everything."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.app import App
from bot.commands.parameters import Parameter, Suggestion
from bot.context.identity import Location
from bot.drawing.renderer import Easel
from bot.errors import DatabaseError
from bot.platforms.discord.dispatch import Dispatch
from bot.platforms.discord.identity import place_of
from bot.platforms.discord.login import log_in
from bot.platforms.discord.onboarding import catch_up, greet
from bot.platforms.discord.outbox import DiscordOutbox
from bot.platforms.discord.sync import sync
from bot.platforms.discord.tree import plant

log = structlog.get_logger()

LAST_WORDS = 15.0
"""Seconds that interactions in hand get to finish when the program ends."""


class StudyClient(discord.AutoShardedClient):
    """Slash commands, buttons and forms of every guild it is in; it caches no members and no messages, and reads only
    those that mention it.
    """

    def __init__(self, app: App, *, dev_guild: int | None = None, easel: Easel | None = None, **options: Any) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            **options,
        )
        self.app = app
        self._dev_guild = dev_guild
        self._easel = easel or Easel()
        self._outbox = DiscordOutbox(self, self._easel)
        self._dispatch = Dispatch(app, self._easel)
        self.tree = planted(self, app, self._dispatch)

    async def setup_hook(self) -> None:
        await sync(self, self.tree, self._dev_guild)
        self.app.attach("discord", self._outbox)

    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Buttons, menus and forms; the tree sees to slash commands.

        Not through discord.py's views: those live in memory, and would be rebuilt for every press to no end.
        """
        data: Any = interaction.data or {}
        if interaction.type is discord.InteractionType.component:
            await self._dispatch.on_component(interaction, data)
        elif interaction.type is discord.InteractionType.modal_submit:
            await self._dispatch.on_form(interaction, data)

    async def on_message(self, message: discord.Message) -> None:
        """Whoever mentions the bot, or answers one of its messages, talks to it; all else is none of its business."""
        me = self.user
        if me is None or message.author.bot or message.guild is None or all(m.id != me.id for m in message.mentions):
            return
        text = re.sub(rf"<@!?{me.id}>", "", message.content).strip()
        await self._dispatch.on_mention(message, text)

    async def on_ready(self) -> None:
        log.info("ready", guilds=len(self.guilds), shards=self.shard_count)
        await self._looked_after(catch_up(self.app, self._outbox, self))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._looked_after(greet(self.app, self._outbox, guild))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self._looked_after(self.app.workspace_left(Location("discord", str(guild.id), "", guild.name)))

    async def _looked_after(self, work: Any) -> None:
        """What nobody waits for: its problems go into the log."""
        with self._dispatch.errands.in_hand():
            try:
                await work
            except DatabaseError as problem:
                log.error("database", problem=str(problem))
            except Exception:
                log.exception("failed")

    async def close(self) -> None:
        """No more events; what is in hand is finished, then the connection ends."""
        for shard in self.shards.values():
            await shard.disconnect()
        await self._dispatch.errands.finish(LAST_WORDS)
        self._easel.close()
        await super().close()


def planted(client: discord.Client, app: App, dispatch: Dispatch) -> app_commands.CommandTree[Any]:
    """The client's tree with every command on it."""

    async def complete(interaction: discord.Interaction[Any], parameter: Parameter, typed: str) -> Sequence[Suggestion]:
        if parameter.autocomplete is None:
            return ()
        try:
            here = await app.for_workspace(place_of(interaction))
        except DatabaseError as problem:
            log.warning("suggestions without a workspace's own questions", problem=str(problem))
            here = app
        return here.suggestions(parameter, typed)

    return plant(client, app.registry, dispatch.on_command, complete)


@asynccontextmanager
async def connected(app: App, *, token: str, **options: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Logged in to Discord for as long as it is open; the task ends only with the connection. Raises SetupError."""
    async with StudyClient(app, **options) as client:
        await log_in(client, token)
        task = asyncio.create_task(client.connect(), name="discord")
        try:
            yield task
        finally:
            await client.close()
            task.cancel()  # discord.py goes on trying to connect for ever, closed or not
            await asyncio.gather(task, return_exceptions=True)
