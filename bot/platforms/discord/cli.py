"""`studyhall discord`: print the invite link and register the commands, over REST alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord import app_commands
from rich.console import Console
from rich.table import Table

from bot import logs
from bot.config import loader as settings
from bot.config.loader import Config
from bot.dispatch.catalog import registry
from bot.errors import SetupError
from bot.platforms.discord import permissions
from bot.platforms.discord.login import REQUEST_ERRORS, log_in
from bot.platforms.discord.sync import payload, pending_changes, reason, register
from bot.platforms.discord.tree import build_tree

out = Console()
WHEN_NEEDED = {"always": "always", "thread": "for threads", "pin": "for pins"}
ROLE_NOTE = (
    "The bot doesn't ask for permission to mention everyone. To let it mention a role, open Server Settings, Roles, "
    "the role, and turn on “Allow anyone to @mention this role”."
)


def invite(application_id: str) -> None:
    """Print the invite link and the permissions it asks for; without an id, get it from Discord. Raises SetupError."""
    if application_id and not re.fullmatch(r"[0-9]{15,20}", application_id):
        raise SetupError("--app-id is the Application ID on the app's page in the Developer Portal: 17 to 20 digits.")
    link = discord.utils.oauth_url(
        application_id or asyncio.run(_fetch_application_id()),
        permissions=permissions.invite_permissions(),
        scopes=("bot", "applications.commands"),
    )
    out.print(link, markup=False, highlight=False, soft_wrap=True)
    grid = Table("Permission", "Needed", "Why", title="Permissions", title_justify="left")
    for needed in permissions.REQUIRED:
        if needed.when in WHEN_NEEDED:
            grid.add_row(needed.name, WHEN_NEEDED[needed.when], needed.why)
    out.print(grid)
    out.print(ROLE_NOTE, markup=False, highlight=False)


def sync(*, dry: bool, clear: bool) -> None:
    """Print how the commands differ from those registered, then register them; `clear` removes the dev guild's."""
    config = _config()
    if clear and config.discord.guild is None:
        raise SetupError("--clear removes the commands of [discord] dev_guild, which isn't set.")
    asyncio.run(_sync(config, dry=dry, clear=clear))


def command_tree(client: discord.Client) -> app_commands.CommandTree[Any]:
    """Build the command tree to register; nothing runs when its commands are called."""

    async def nothing(*_: Any) -> Any:
        return ()

    return build_tree(client, registry(), nothing, nothing)


def _config() -> Config:
    config = settings.load()
    logs.set_up("warning", config.log.format, secrets=config.secrets())
    return config


async def _fetch_application_id() -> str:
    async with _signed_in(_config()) as client:
        return str(client.application_id)


async def _sync(config: Config, *, dry: bool, clear: bool) -> None:
    guild = config.discord.guild
    async with _signed_in(config) as client:
        ours = [] if clear else payload(command_tree(client))
        try:
            changes = await pending_changes(client, ours, guild)
            if changes and not dry:
                await register(client, ours, guild)
        except REQUEST_ERRORS as problem:
            hint = " Is the bot in the server that [discord] dev_guild names?" if guild else ""
            raise SetupError(f"Discord didn't register the commands: {reason(problem)}.{hint}") from None
    if not changes:
        out.print("Nothing to change.")
        return
    for line in changes:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    where = f"in the server {guild}" if guild else "in every server"
    out.print(f"{'Not changed (--dry-run)' if dry else 'Changed'} {where}.", highlight=False)


@asynccontextmanager
async def _signed_in(config: Config) -> AsyncIterator[discord.Client]:
    """Log in without connecting for events. Raises SetupError."""
    if not config.discord_configured:
        raise SetupError("DISCORD_TOKEN isn't set. `studyhall doctor` says what each platform needs.")
    async with discord.Client(intents=discord.Intents(guilds=True)) as client:
        await log_in(client, config.discord_token.get_secret_value())
        yield client
