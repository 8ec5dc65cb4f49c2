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
from sqlmodel import select, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks import bots
from benchmarks.bots import Watched, now, opened
from benchmarks.children import obey
from bot import logs
from bot.app import App
from bot.context.identity import Location
from bot.platforms.slack.app import Credentials, slack
from bot.platforms.slack.server import EVENTS_PATH
from bot.store.orm import Round, Workspace
from bot.study.daily import questions
from bot.web.app import web_app
from bot.web.server import served

CONSTANT = "Here you are."


def today(_: signature.Clock) -> float:
    """The benchmark's own day, on which Slack has signed its requests."""
    return now().timestamp()


class Bare(Watched):
    """The least that an app can be: whatever it is asked, it says the same. A command is answered as it is
    acknowledged, a button by its response_url, over one session: Bolt's own `respond` opens one for each answer."""

    def __init__(self, given: argparse.Namespace, running: AsyncExitStack) -> None:
        super().__init__()
        self._given = given
        self._running = running
        self._begun: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession

    async def connect(self) -> str:
        """Where it listens."""
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
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    async def _say(self, url: str) -> None:
        message = {"text": CONSTANT, "response_type": "ephemeral", "replace_original": False}
        async with self._session.post(url, json=message):
            pass


class Ours(bots.Ours):
    """The real one, which connects when it is told to, after its database has been filled."""

    def __init__(self, app: App, given: argparse.Namespace, running: AsyncExitStack) -> None:
        super().__init__(app, given.token, running)
        self._keys = Credentials(signing_secret=given.secret, bot_token=given.token)
        self._api: str = given.api

    async def connect(self) -> str:  # type: ignore[override]  # here the crowd comes to the app
        """Where it listens."""
        routes = await self._running.enter_async_context(slack(self.app, self._keys, api=self._api))
        address = await self._running.enter_async_context(served(web_app(self.app, routes), "127.0.0.1", 0))
        return f"{address}{EVENTS_PATH}"

    async def fill(self, channels: list[Any], members: list[Any], rounds: int) -> None:
        await super().fill(channels, members, rounds)
        async with self.study.store.write() as session:
            await session.exec(update(Workspace).values(platform="slack"))

    async def cards(self, channels: list[Any]) -> None:
        """Post the open questions."""
        team, _, channel, _ = channels[0]
        for token in self.tokens:
            async with self.study.store.read() as session:
                posed = (await session.exec(select(Round).where(Round.round_key == token))).one()
            reply = questions.post(posed, self.study.library.question(posed.question_id))
            await self.study.outboxes["slack"].post(Location("slack", team, channel), reply, f"card-{token}")


async def bare(given: argparse.Namespace) -> None:
    async with AsyncExitStack() as running:
        it = Bare(given, running)
        await obey({order.__name__: order for order in (it.cpu, it.profile, it.connect)})


async def ours(given: argparse.Namespace) -> None:
    async with opened() as app, AsyncExitStack() as running:
        it = Ours(app, given, running)
        orders = (it.cpu, it.profile, it.connect, it.fill, it.cards, it.answers, it.warm)
        await obey({order.__name__: order for order in orders})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("ours", "bare"))
    parser.add_argument("--api", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--secret", required=True)
    asked = parser.parse_args()
    logs.set_up("info")
    signature.Clock.now = today  # type: ignore[assignment, method-assign]  # Bolt takes no clock
    asyncio.run({"ours": ours, "bare": bare}[asked.kind](asked))
