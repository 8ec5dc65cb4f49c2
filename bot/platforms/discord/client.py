"""The Discord client: the command tree, and buttons and forms that survive restarts since their ids hold everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.app import App
from bot.commands.parameters import Parameter, Suggestion
from bot.context.identity import Location
from bot.errors import DatabaseError
from bot.platforms.discord.addressing import Addressing
from bot.platforms.discord.dispatch import Dispatch
from bot.platforms.discord.identity import location_of
from bot.platforms.discord.login import log_in
from bot.platforms.discord.onboarding import catch_up, greet
from bot.platforms.discord.outbox import DiscordOutbox
from bot.platforms.discord.rate_limits import clear_seldom, counted
from bot.platforms.discord.sync import sync
from bot.platforms.discord.tree import build_tree

log = structlog.get_logger()

MAX_RATE_LIMIT = 30.0
"""Seconds that discord.py waits for a rate limit, the least it allows; the queue waits for longer ones."""
SHUTDOWN_TIMEOUT = 15.0
"""Seconds that running interactions get to finish when the program ends."""


class StudyClient(discord.AutoShardedClient):
    """Serve slash commands, buttons, forms and mentions in every guild.

    It caches no members and no messages, and reads only messages that are for it.
    """

    def __init__(self, app: App, *, token: str, dev_guild: int | None = None, **options: Any) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            http_trace=counted(),
            max_ratelimit_timeout=MAX_RATE_LIMIT,
            **options,
        )
        clear_seldom(self.http)
        self.app = app
        self._dev_guild = dev_guild
        self._outbox = DiscordOutbox(self, app.renderer)
        self._addressing = Addressing(self)
        self._dispatch = Dispatch(self, app, app.renderer, token, self._outbox)
        self.tree = command_tree(self, app, self._dispatch)

    async def setup_hook(self) -> None:
        await sync(self, self.tree, self._dev_guild)
        self.app.attach("discord", self._outbox)

    def resuming(self) -> AbstractAsyncContextManager[None]:
        """Carry out what dead processes have acknowledged, now and again while the block runs; log in first."""
        return self._dispatch.resuming()

    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Handle buttons, menus and forms; the tree handles slash commands.

        discord.py's views aren't used: they live in memory and would have to be rebuilt for every press.
        """
        data: Any = interaction.data or {}
        if interaction.type is discord.InteractionType.component:
            await self._dispatch.on_component(interaction, data)
        elif interaction.type is discord.InteractionType.modal_submit:
            await self._dispatch.on_form(interaction, data)

    async def on_message(self, message: discord.Message) -> None:
        """Answer direct messages, mentions and replies to the bot's messages; ignore everything else.

        The line by which Discord announces each of our pins goes: the question itself has just said more.
        """
        if message.type is discord.MessageType.pins_add and self.user and message.author.id == self.user.id:
            await self._run_logged(self._outbox.delete(message))
        elif message.author.bot:
            return
        elif isinstance(message.channel, discord.DMChannel):
            await self._dispatch.on_direct_message(message)
        else:
            text = await self._addressing.text_for_us(message)
            if text is not None:
                await self._dispatch.on_mention(message, text)

    async def on_ready(self) -> None:
        log.info("ready", guilds=len(self.guilds), shards=self.shard_count)
        await self._run_logged(catch_up(self.app, self._outbox, self))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._run_logged(greet(self.app, self._outbox, guild))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self._run_logged(self.app.workspace_left(Location("discord", str(guild.id), "", guild.name)))

    async def _run_logged(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that no member waits for, and log its errors."""
        with self._dispatch.background_tasks.track():
            try:
                await work
            except DatabaseError as problem:
                log.error("database", problem=str(problem))
            except Exception:
                log.exception("background task failed")

    async def close(self) -> None:
        """Stop receiving events, finish running interactions, then disconnect."""
        for shard in self.shards.values():
            await shard.disconnect()
        await self._dispatch.background_tasks.finish(SHUTDOWN_TIMEOUT)
        await super().close()


def command_tree(client: discord.Client, app: App, dispatch: Dispatch) -> app_commands.CommandTree[Any]:
    """Build the client's tree with every command; `dispatch` runs them."""

    async def complete(interaction: discord.Interaction[Any], parameter: Parameter, typed: str) -> Sequence[Suggestion]:
        if parameter.autocomplete is None:
            return ()
        try:
            workspace_app = await app.for_workspace(location_of(interaction))
        except DatabaseError as problem:
            log.warning("suggestions without custom questions", problem=str(problem))
            workspace_app = app
        return workspace_app.suggestions(parameter, typed)

    return build_tree(client, app.registry, dispatch.on_command, complete)


@asynccontextmanager
async def connected(app: App, *, token: str, **options: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Stay logged in while the block runs; the task ends only with the connection. Raises SetupError."""
    async with StudyClient(app, token=token, **options) as client:
        await log_in(client, token)
        task = asyncio.create_task(client.connect(), name="discord")
        try:
            async with client.resuming():
                yield task
        finally:
            await client.close()
            task.cancel()  # discord.py keeps trying to connect, even once closed
            await asyncio.gather(task, return_exceptions=True)
