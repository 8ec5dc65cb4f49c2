"""Running the bot: the database made ready, the clockwork wound up, the platforms opened."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import SecretStr
from rich.console import Console

from bot import logs
from bot.app import App, open_app
from bot.cli.tasks import err, preparing
from bot.config import loader as settings
from bot.config.loader import Config
from bot.errors import SetupError
from bot.scheduler import clockwork
from bot.store.upgrade import upgrade
from bot.store.urls import address, file_of

if TYPE_CHECKING:
    from starlette.routing import Route

PLATFORMS = ("discord", "slack")
PIPE_WIDTH = 100
"""Columns of what is piped on: wide enough for the code in the bank."""

log = structlog.get_logger()


def run(platform: str | None, host: str | None, port: int | None) -> None:
    """Until the platforms end. `host` and `port` of the web application win over the configured ones. Raises
    SetupError.
    """
    config = settings.load()
    wanted = (platform,) if platform else _configured(config)
    if sys.stdin is None:  # closed by whoever started us
        sys.stdin = open(os.devnull)  # noqa: SIM115  # for as long as the program runs
    on_screen = sys.stdin.isatty() and sys.stdout.isatty()
    # In the terminal, screen and pipe belong to the conversation.
    file = config.log_file if "terminal" in wanted else None
    logs.set_up(config.log.level, config.log.format, file=file, secrets=config.secrets())
    if file_of(address(config.database_url)) is not None:
        # The embedded database belongs to this program alone; PostgreSQL is upgraded by a deployment's release step.
        upgrade(config.database_url, lambda line: err.print(line, style="dim", markup=False, highlight=False))
    if "terminal" in wanted:
        serving = _terminal(config, on_screen)
    else:
        web = config.web
        serving = _platforms(config, wanted, host or web.host, web.port if port is None else port)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serving)


def _configured(config: Config) -> tuple[str, ...]:
    """The platforms that have a token, else the terminal."""
    have = {"discord": config.discord_configured, "slack": config.slack_configured}
    return tuple(name for name in PLATFORMS if have[name]) or ("terminal",)


async def _platforms(config: Config, wanted: Sequence[str], host: str, port: int) -> None:
    """Serve chat platforms until a signal, or until one of them ends by itself."""
    discord_token = _needed(config.discord_token, "DISCORD_TOKEN") if "discord" in wanted else ""
    if "slack" in wanted and not config.slack_configured:
        raise SetupError("Slack is not set up: `studyhall doctor` names what is missing.")
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    import knowledge.retrieval.search  # noqa: F401  # loads NumPy, which holds the interpreter and so the event loop

    if discord_token:
        from bot.platforms.discord.client import connected
    if "slack" in wanted:
        from bot.platforms.slack.app import Keys, slack
    async with AsyncExitStack() as open_here:
        app = await open_here.enter_async_context(open_app(config))
        for line in app.skipped_files:
            log.warning("left out", file=line)
        # What is there now stays: to look through all of it again and again held the event loop up for 0.3 s.
        gc.collect()
        gc.freeze()
        waiting: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait())]
        if discord_token:
            it = config.discord
            shards = {"shard_count": it.shard_total, "shard_ids": it.shard_ids} if it.shard_total else {}
            online = connected(app, token=discord_token, dev_guild=it.guild, **shards)
            waiting.append(await open_here.enter_async_context(online))
        routes: list[Route] = []
        if "slack" in wanted:
            keys = Keys(
                signing_secret=config.slack_signing_secret.get_secret_value(),
                bot_token=config.slack_bot_token.get_secret_value(),
                app_token=config.slack_app_token.get_secret_value(),
                client_id=config.slack_client_id,
                client_secret=config.slack_client_secret.get_secret_value(),
            )
            routes = await open_here.enter_async_context(slack(app, keys, api=config.slack.api_url))
        await open_here.enter_async_context(_web(app, routes, host, port, needed=bool(routes) and not discord_token))
        ready = app.study.library.prepare()  # once members are served: both want the interpreter
        ready.add_done_callback(lambda _: gc.freeze())
        await open_here.enter_async_context(clockwork(app.study, config.schedule.sweep_seconds))
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # a platform that ended by an error ends the program with it


@contextlib.asynccontextmanager
async def _web(app: App, routes: Sequence[Route], host: str, port: int, *, needed: bool) -> AsyncIterator[None]:
    """Serve the web application. Where it cannot listen the log says so; only what is `needed` ends the program."""
    from bot.web.app import web_app
    from bot.web.server import ListenError, served

    async with AsyncExitStack() as open_here:
        try:
            at = await open_here.enter_async_context(served(web_app(app, routes), host, port))
            log.info("listening", at=at, serves=[route.path for route in routes] or "health alone")
        except ListenError as problem:
            if needed:
                raise
            log.error("no web application", problem=str(problem), lost="requests from Slack" if routes else "health")
        yield


def _needed(secret: SecretStr, variable: str) -> str:
    if found := secret.get_secret_value():
        return found
    raise SetupError(f"{variable} is not set; `studyhall doctor` names what each platform needs.")


async def _terminal(config: Config, on_screen: bool) -> None:
    from bot.platforms.terminal.outbox import TerminalOutbox
    from bot.platforms.terminal.repl import Repl

    # Whoever pipes lines in wants whole answers, and sees on standard error what takes long.
    opening = open_app(config) if on_screen else open_app(config, preparing(), patience=None)
    async with opening as app:
        for line in app.skipped_files:
            err.print(f"left out: {line}", style="yellow", markup=False, highlight=False)
        outbox = TerminalOutbox(app.terminal_posts)
        app.attach("terminal", outbox)
        async with clockwork(app.study, config.schedule.sweep_seconds):
            app.study.library.prepare()
            console = Console(width=config.terminal.width or (None if on_screen else PIPE_WIDTH), highlight=False)
            if not await Repl(app, outbox, console, config.terminal.name).run():
                err.print(
                    "The input ended before its first line, and with it the study room: nothing is posted while it is "
                    "closed. Without a terminal, set DISCORD_TOKEN or SLACK_BOT_TOKEN.",
                    highlight=False,
                )
