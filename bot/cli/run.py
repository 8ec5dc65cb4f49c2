"""`studyhall run`: upgrade the database, start the scheduler, and serve the platforms."""

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
from bot.cli.console import err, indexing_progress, warn_skipped
from bot.config import loader
from bot.config.loader import Config
from bot.config.sections import MetricsSettings, WebSettings
from bot.errors import SetupError
from bot.scheduler import scheduler
from bot.store.upgrade import upgrade
from bot.store.urls import file_of, parse_url

if TYPE_CHECKING:
    from starlette.routing import Route

PLATFORMS = ("discord", "slack")
PIPE_WIDTH = 100
"""Columns of piped output: wide enough for the code in the bank."""
SWITCH_INTERVAL_S = 0.001
"""How long a thread that computes may keep the interpreter while others wait. The event loop waits that long after each
of its reads and writes; at Python's 5 ms, a dozen of them cost a request up to 0.1 s while search is being prepared."""

log = structlog.get_logger()


def run(platform: str | None, host: str | None, port: int | None) -> None:
    """Serve until the platforms end. `host` and `port` override the configured ones. Raises SetupError."""
    config = loader.load()
    platforms = (platform,) if platform else _configured_platforms(config)
    if sys.stdin is None:  # the parent process closed it
        sys.stdin = open(os.devnull)  # noqa: SIM115  # stays open as long as the program runs
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    # In the study room, the screen and the pipe are for the conversation.
    log_file = config.log_file if "terminal" in platforms else None
    logs.set_up(config.log.level, config.log.format, file=log_file, secrets=config.secrets())
    if file_of(parse_url(config.database_url)) is not None:
        # Only this program uses the SQLite file. PostgreSQL is upgraded in the release step of a deployment.
        upgrade(config.database_url, lambda line: err.print(line, style="dim", markup=False, highlight=False))
    if "terminal" in platforms:
        serving = _serve_terminal(config, is_terminal)
    else:
        serving = _serve_platforms(
            config, platforms, host or config.web.host, config.web.port if port is None else port
        )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serving)


def _configured_platforms(config: Config) -> tuple[str, ...]:
    """Return the platforms that have a token, or just the terminal if none has."""
    configured = {"discord": config.discord_configured, "slack": config.slack_configured}
    return tuple(name for name in PLATFORMS if configured[name]) or ("terminal",)


async def _serve_platforms(config: Config, platforms: Sequence[str], host: str, port: int) -> None:
    """Serve chat platforms until a signal arrives or one of them ends.

    The start can wait for a platform for a long time, so a signal during the start cancels it.
    """
    stop, serving = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(_start_and_serve(config, platforms, host, port, stop=stop, serving=serving))

    def end() -> None:
        if not (stop.is_set() or serving.is_set()):  # only once: it must not cancel the cleaning up as well
            running.cancel()
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, end)
    try:
        await running
    except asyncio.CancelledError:
        if not stop.is_set():
            raise


async def _start_and_serve(
    config: Config, platforms: Sequence[str], host: str, port: int, *, stop: asyncio.Event, serving: asyncio.Event
) -> None:
    """Serve until `stop` is set or a platform ends. Sets `serving` once everything has started."""
    discord_token = _required(config.discord_token, "DISCORD_TOKEN") if "discord" in platforms else ""
    if "slack" in platforms and not config.slack_configured:
        raise SetupError("Slack isn't set up. Run `studyhall doctor` to see what's missing.")
    # Importing NumPy holds the interpreter, so do it before the event loop has anything to do.
    import knowledge.retrieval.search  # noqa: F401

    if discord_token:
        from bot.platforms.discord.client import connected
    if "slack" in platforms:
        from bot.platforms.slack.app import Credentials, slack
    async with AsyncExitStack() as resources:
        app = await resources.enter_async_context(open_app(config))
        for problem in app.skipped_files:
            log.warning("question file skipped", file=problem)
        # What's loaded now stays: collecting it again and again blocked the event loop for 0.3 s each time.
        gc.collect()
        gc.freeze()
        waiting: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait())]
        if discord_token:
            settings = config.discord
            shards = (
                {"shard_count": settings.shard_total, "shard_ids": settings.shard_ids} if settings.shard_total else {}
            )
            online = connected(app, token=discord_token, dev_guild=settings.guild, **shards)
            waiting.append(await resources.enter_async_context(online))
        routes: list[Route] = []
        if "slack" in platforms:
            credentials = Credentials(
                signing_secret=config.slack_signing_secret.get_secret_value(),
                bot_token=config.slack_bot_token.get_secret_value(),
                app_token=config.slack_app_token.get_secret_value(),
                client_id=config.slack_client_id,
                client_secret=config.slack_client_secret.get_secret_value(),
            )
            routes = await resources.enter_async_context(slack(app, credentials, api=config.slack.api_url))
        required = bool(routes) and not discord_token
        await resources.enter_async_context(_web_server(app, config.web, routes, host, port, required=required))
        await resources.enter_async_context(_metrics_server(app, config.metrics))
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        ready = app.study.library.prepare()  # only once members are served: both need the interpreter
        ready.add_done_callback(lambda _: gc.freeze())
        await resources.enter_async_context(scheduler(app.study, config.schedule.sweep_seconds))
        serving.set()
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # an error that ends a platform ends the program


@contextlib.asynccontextmanager
async def _web_server(
    app: App, config: WebSettings, routes: Sequence[Route], host: str, port: int, *, required: bool
) -> AsyncIterator[None]:
    """Serve health checks, the pages and the routes.

    If it can't listen, log that, or raise ListenError if it's `required`.
    """
    from bot.web.app import web_app
    from bot.web.pages import Operator, pages
    from bot.web.server import ListenError, served

    operator = Operator(config.operator, config.contact)
    async with AsyncExitStack() as resources:
        try:
            url = await resources.enter_async_context(served(web_app(app, [*pages(operator), *routes]), host, port))
            log.info("listening", at=url, serves=[route.path for route in routes] or "health checks only")
        except ListenError as problem:
            if required:
                raise
            missing = "Slack requests and health checks" if routes else "health checks"
            log.error("web server not started", problem=str(problem), missing=missing)
        yield


@contextlib.asynccontextmanager
async def _metrics_server(app: App, settings: MetricsSettings) -> AsyncIterator[None]:
    """Serve the metrics. If that's impossible, log it: members don't need them."""
    from bot.web.metrics import PATH, event_loop_measured, metrics_app
    from bot.web.server import ListenError, served

    async with AsyncExitStack() as resources:
        try:
            serving = served(metrics_app(app), settings.host, settings.port, setting="[metrics]")
            url = await resources.enter_async_context(serving)
            await resources.enter_async_context(event_loop_measured())
            log.info("metrics served", at=f"{url}{PATH}")
        except ListenError as problem:
            log.error("metrics not served", problem=str(problem))
        yield


def _required(secret: SecretStr, variable: str) -> str:
    if value := secret.get_secret_value():
        return value
    raise SetupError(f"{variable} isn't set. Run `studyhall doctor` to see what each platform needs.")


async def _serve_terminal(config: Config, is_terminal: bool) -> None:
    from bot.platforms.terminal.outbox import TerminalOutbox
    from bot.platforms.terminal.repl import Repl

    # Piped lines get complete answers; standard error shows what takes long.
    opened = open_app(config) if is_terminal else open_app(config, indexing_progress(), max_wait=None)
    async with opened as app:
        warn_skipped(app.skipped_files)
        outbox = TerminalOutbox(app.terminal_posts)
        app.attach("terminal", outbox)
        async with scheduler(app.study, config.schedule.sweep_seconds):
            app.study.library.prepare()
            console = Console(width=config.terminal.width or (None if is_terminal else PIPE_WIDTH), highlight=False)
            if not await Repl(app, outbox, console, config.terminal.name).run():
                err.print(
                    "The input ended before the first line, so the study room closed, and nothing gets posted while "
                    "it's closed. To run without a terminal, set DISCORD_TOKEN or SLACK_BOT_TOKEN.",
                    highlight=False,
                )
