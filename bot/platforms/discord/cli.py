"""`studyhall discord`: the link that invites the bot, and the commands that Discord has; over REST alone."""

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
from bot.platforms.discord.login import UNREACHED, log_in
from bot.platforms.discord.sync import payload, pending, reason, write
from bot.platforms.discord.tree import plant

out = Console()
WHEN = {"always": "always", "thread": "for threads", "pin": "for pins"}
NOT_ASKED_FOR = (
    "A role can be called if everybody may mention it: Server Settings, Roles, the role, "
    "“Allow anyone to @mention this role”. So the bot does not ask to mention everyone."
)


def invite(application: str) -> None:
    """Print the link and what it asks for; the application's id is asked of Discord where none is given."""
    if application and not re.fullmatch(r"[0-9]{15,20}", application):
        raise SetupError("--app-id is the Application ID on the app's page in the Developer Portal: 17 to 20 digits.")
    link = discord.utils.oauth_url(
        application or asyncio.run(_application()),
        permissions=permissions.invite_permissions(),
        scopes=("bot", "applications.commands"),
    )
    out.print(link, markup=False, highlight=False, soft_wrap=True)
    grid = Table("Permission", "Needed", "Why", title="What it asks for", title_justify="left")
    for need in permissions.NEEDS:
        if need.when in WHEN:
            grid.add_row(need.name, WHEN[need.when], need.why)
    out.print(grid)
    out.print(NOT_ASKED_FOR, markup=False, highlight=False)


def sync(*, dry: bool, clear: bool) -> None:
    """Print how the commands differ from those registered, and register them; or take the dev guild's away."""
    config = _config()
    if clear and config.discord.guild is None:
        raise SetupError("--clear takes the commands of [discord] dev_guild away, and there is none in the settings.")
    asyncio.run(_sync(config, dry=dry, clear=clear))


def grown(client: discord.Client) -> app_commands.CommandTree[Any]:
    """The tree as it is registered: all the commands, and nothing behind them."""

    async def nothing(*_: Any) -> Any:
        return ()

    return plant(client, registry(), nothing, nothing)


def _config() -> Config:
    config = settings.load()
    logs.set_up("warning", config.log.format, secrets=config.secrets())
    return config


async def _application() -> str:
    async with _signed_in(_config()) as client:
        return str(client.application_id)


async def _sync(config: Config, *, dry: bool, clear: bool) -> None:
    guild = config.discord.guild
    async with _signed_in(config) as client:
        ours = [] if clear else payload(grown(client))
        try:
            changes = await pending(client, ours, guild)
            if changes and not dry:
                await write(client, ours, guild)
        except UNREACHED as problem:
            member = " Is the bot in the server of [discord] dev_guild?" if guild else ""
            raise SetupError(f"Discord does not register the commands: {reason(problem)}.{member}") from None
    if not changes:
        out.print("Nothing to change.")
        return
    for line in changes:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    where = f"in the server {guild}" if guild else "in every server"
    out.print(f"{'Left as they are (--dry-run)' if dry else 'Changed'} {where}.", highlight=False)


@asynccontextmanager
async def _signed_in(config: Config) -> AsyncIterator[discord.Client]:
    """Logged in, without a connection that events would come over. Raises SetupError."""
    if not config.discord_configured:
        raise SetupError("DISCORD_TOKEN is not set; `studyhall doctor` names what each platform needs.")
    async with discord.Client(intents=discord.Intents(guilds=True)) as client:
        await log_in(client, config.discord_token.get_secret_value())
        yield client
