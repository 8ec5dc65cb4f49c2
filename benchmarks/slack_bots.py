"""The apps that `benchmarks.slack` compares, each as a process (`benchmarks.children`): ours, and a bare one."""

from __future__ import annotations

import argparse
import asyncio
import re
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk import signature
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Connection, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks import bots
from benchmarks.bots import Watched, now, opened
from benchmarks.children import CONSTANT, obey
from bot import logs
from bot.app import App
from bot.context.identity import Location
from bot.platforms.slack.app import Credentials, slack
from bot.platforms.slack.manifest import EVENTS_PATH
from bot.store import tables
from bot.study.daily.posts import question_post
from bot.study.practice.queries import round_by_key
from bot.web.app import web_app
from bot.web.server import served


def today(_: signature.Clock) -> float:
    """Return the time of the benchmark's own day, on which Slack signs its requests."""
    return now().timestamp()


class Bare(Watched):
    """A minimal app: always the same answer.

    A command gets it in its acknowledgement, a button through its response_url, over one session, because Bolt's own
    `respond` opens a session for each answer.
    """

    def __init__(self, options: argparse.Namespace, running: AsyncExitStack) -> None:
        super().__init__()
        self._given = options
        self._running = running
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession

    async def connect(self) -> str:
        """Start listening, and return the address."""
        self._session = await self._running.enter_async_context(aiohttp.ClientSession())
        web = AsyncWebClient(token=self._given.token, base_url=self._given.api, session=self._session)
        bolt = AsyncApp(client=web, signing_secret=self._given.secret, process_before_response=True)
        bolt.command("/study")(self._on_command)
        bolt.action(re.compile("."))(self._on_button)
        handler = AsyncSlackRequestHandler(bolt)

        async def events(request: Request) -> Response:
            return await handler.handle(request)

        app = Starlette(routes=[Route(EVENTS_PATH, events, methods=["POST"])])
        address = await self._running.enter_async_context(served(app, "127.0.0.1", 0))
        return f"{address}{EVENTS_PATH}"

    async def _on_command(self, ack: AsyncAck) -> None:
        await ack(CONSTANT)

    async def _on_button(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        task = asyncio.create_task(self._say(body["response_url"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _say(self, url: str) -> None:
        message = {"text": CONSTANT, "response_type": "ephemeral", "replace_original": False}
        async with self._session.post(url, json=message):
            pass


class Ours(bots.Ours):
    """The real app, which connects on request, after its database has been filled."""

    def __init__(self, app: App, options: argparse.Namespace, running: AsyncExitStack) -> None:
        super().__init__(app, options.token, running)
        self._keys = Credentials(signing_secret=options.secret, bot_token=options.token)
        self._api: str = options.api

    async def connect(self) -> str:  # type: ignore[override]  # here the crowd comes to the app
        """Start listening, and return the address."""
        routes = await self._running.enter_async_context(slack(self.app, self._keys, api=self._api))
        address = await self._running.enter_async_context(served(web_app(self.app, routes), "127.0.0.1", 0))
        return f"{address}{EVENTS_PATH}"

    async def fill(self, channels: list[Any], members: list[Any], rounds: int) -> None:
        await super().fill(channels, members, rounds)
        await self.study.store.transaction(_move_to_slack)

    async def cards(self, channels: list[Any]) -> None:
        """Post the open questions."""
        team, _, channel, _ = channels[0]
        for round_key in self.round_keys:
            question_round = await self.study.store.query(round_by_key, round_key)
            assert question_round is not None  # noqa: S101
            reply = question_post(question_round, self.study.library.question(question_round.question_id))
            await self.study.outboxes["slack"].post(Location("slack", team, channel), reply, f"card-{round_key}")


def _move_to_slack(connection: Connection) -> None:
    connection.execute(update(tables.workspaces).values(platform="slack"))


async def bare(options: argparse.Namespace) -> None:
    async with AsyncExitStack() as running:
        bot = Bare(options, running)
        await obey({order.__name__: order for order in (bot.cpu, bot.profile, bot.connect)})


async def ours(options: argparse.Namespace) -> None:
    async with opened() as app, AsyncExitStack() as running:
        bot = Ours(app, options, running)
        orders = (bot.cpu, bot.profile, bot.connect, bot.fill, bot.cards, bot.answers, bot.warm)
        await obey({order.__name__: order for order in orders})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("ours", "bare"))
    parser.add_argument("--api", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--secret", required=True)
    arguments = parser.parse_args()
    logs.set_up("info")
    signature.Clock.now = today  # type: ignore[assignment, method-assign]  # Bolt takes no clock
    asyncio.run({"ours": ours, "bare": bare}[arguments.kind](arguments))
