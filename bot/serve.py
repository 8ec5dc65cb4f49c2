"""Running the bot: the database made ready, the clockwork wound up, the platforms opened."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from rich.console import Console

from bot import config as settings
from bot import log
from bot.app import App, open_app
from bot.config import Config
from bot.errors import SetupError
from bot.schedule import clockwork
from bot.store.address import address, file_of
from bot.store.upgrade import upgrade
from bot.tasks import Preparing, err


def run(platform: str | None) -> None:
    """Until the platforms end. Raises SetupError."""
    config = settings.load()
    wanted = platform or _configured(config)
    if wanted != "terminal":
        raise SetupError(f"This version does not speak to {wanted} yet. `studyhall run terminal` opens the study room.")
    on_screen = sys.stdin.isatty() and sys.stdout.isatty()
    # In the terminal, screen and pipe belong to the conversation.
    log.set_up(config.log.level, config.log.format, file=config.log_file, secrets=config.secrets())
    if file_of(address(config.database_url)) is not None:
        # The embedded database belongs to this program alone; PostgreSQL is upgraded by a deployment's release step.
        upgrade(config.database_url, lambda line: err.print(line, style="dim", markup=False, highlight=False))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_terminal(config, on_screen))


def _configured(config: Config) -> str:
    if config.discord_configured:
        return "discord"
    return "slack" if config.slack_configured else "terminal"


async def _terminal(config: Config, on_screen: bool) -> None:
    from bot.platforms.terminal.outbox import TerminalOutbox
    from bot.platforms.terminal.repl import Repl

    async with open_app(config, Preparing()) as app:
        for line in app.left_out:
            err.print(f"left out: {line}", style="yellow", markup=False, highlight=False)
        outbox = TerminalOutbox(app.posts)
        app.attach("terminal", outbox)
        warming = await _warm(app, on_screen)
        async with clockwork(app.study, config.schedule.sweep_seconds):
            console = Console(width=config.terminal.width or None, highlight=False)
            await Repl(app, outbox, console, config.terminal.name).run()
        if warming is not None:
            warming.cancel()


async def _warm(app: App, on_screen: bool) -> asyncio.Task[None] | None:
    """Prepare vectors where there are none, with progress; load the model behind a waiting prompt."""
    if not app.study.library.prepared:
        await app.study.library.warm()
    elif on_screen:
        return asyncio.create_task(app.study.library.warm())
    return None
