"""The server: answers requests, records them, and fails when a test asks."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Protocol

import discord.gateway
import discord.http
import yarl
from aiohttp import web

from tests.clocks import HANG
from tests.platforms.discord.fake import callbacks, channels, rest
from tests.platforms.discord.fake.calls import Call, Route
from tests.platforms.discord.fake.gateway import GUILDS, Gateway
from tests.platforms.discord.fake.interactions import ACKNOWLEDGE_WITHIN
from tests.platforms.discord.fake.limits import Fault, Faults, Rates
from tests.platforms.discord.fake.model import BOT_ADD, Guild, Payload, User
from tests.platforms.discord.fake.refusals import RefusalError
from tests.platforms.discord.fake.spec import check, queried
from tests.platforms.discord.fake.world import World

API = "/api/v10"
TOKEN = "a-token"
OPEN = ("/interactions/", "/webhooks/")
"""Paths authorized by the interaction token in them instead of the bot's token."""


class Discord(World):
    """The whole fake. `requests` has every request, `problems` what the bot should never have sent."""

    def __init__(self, *, shards: int = 1, patience: float = ACKNOWLEDGE_WITHIN, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.patience = patience
        """Seconds that the bot has to acknowledge an interaction."""
        self.checks = True
        """Whether to check requests against Discord's OpenAPI spec and `rules`."""
        self.keeps = True
        """Whether to record requests; benchmarks turn it off."""
        self.requests: list[Call] = []
        self.problems: list[str] = []
        self.outage: int | None = None
        """The status that all requests get; 0 breaks their connections."""
        self.rates = Rates()
        self.faults = Faults()
        self.crossing: Callable[[Call], bool] = lambda _call: True
        """Called when a request arrives, and again once it's carried out, when its status is set.

        If it returns False, the connection is dropped there: nothing more happens to the request.
        """
        self.gateway = Gateway(self, shards)
        self.address = ""
        self._news = asyncio.Event()

    @property
    def api(self) -> str:
        return self.address + API

    @property
    def gateway_url(self) -> str:
        return self.address.replace("http", "ws", 1) + "/gateway"

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[Discord]:
        """Listen on loopback while the block runs."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes([web.get("/gateway", self.gateway.connect), web.get("/gateway/", self.gateway.connect)])
        app.add_routes([web.get("/attachments/{tail:.*}", self._attachment)])
        for part in (rest, channels, callbacks):
            for route in part.routes(self):
                app.add_routes([web.route(route.method, API + route.path, self._serving(route))])
        app.add_routes([web.route("*", API + "/{tail:.*}", self._serving(Route("*", "", self._nowhere)))])
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def until(self, holds: Callable[[], bool], within: float = HANG) -> None:
        """Wait until `holds` is true, checking after every request and event."""
        async with asyncio.timeout(within):
            while not holds():
                self._news.clear()
                await self._news.wait()

    def changed(self) -> None:
        self._news.set()

    def join(self, guild: Guild, by: User | None = None) -> None:
        """Add the bot to a guild; the audit log names `by`, or the owner by default."""
        self.guilds[guild.id] = guild
        self.record(guild, BOT_ADD, by or guild.owner, self.me)
        # Discord sends `unavailable` only for guilds that come back after an outage.
        payload = {name: value for name, value in guild.payload.items() if name != "unavailable"}
        self.gateway.tell("GUILD_CREATE", payload, guild, GUILDS)

    def part_with(self, guild: Guild) -> None:
        """Remove the bot from the guild, as if it left or was kicked."""
        self.guilds.pop(guild.id, None)
        self.gateway.tell("GUILD_DELETE", {"id": str(guild.id)}, guild, GUILDS)

    def asked(self, method: str, path: str) -> list[Call]:
        """Return matching requests so far, oldest first; `path` is a regex for the whole path."""
        return [r for r in self.requests if r.method == method and re.fullmatch(path, r.path)]

    def fail(
        self,
        method: str,
        path: str,
        status: int,
        code: int = 0,
        *,
        times: int = 1,
        after: float | None = None,
        everywhere: bool = False,
    ) -> None:
        """Refuse the next matching requests; `after` is the seconds to wait before a retry."""
        refusal = RefusalError(status, code, after=after)
        refusal.everywhere = everywhere
        self.faults.waiting.append(Fault(method, re.compile(path), refusal, times))

    def hold(self, method: str, path: str) -> asyncio.Event:
        """Make the next matching request wait for the returned event."""
        event = asyncio.Event()
        self.faults.waiting.append(Fault(method, re.compile(path), until=event))
        return event

    def cut(self, method: str, path: str) -> None:
        """Carry out the next matching request, but drop the connection before the answer."""
        self.faults.waiting.append(Fault(method, re.compile(path), cut=True))

    def _serving(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            path = request.path.removeprefix(API)
            call = Call(request.method, path, dict(request.match_info), dict(request.query), route.path)
            if self.keeps:
                self.requests.append(call)
            headers: dict[str, str] = {}
            try:
                await _read(request, call)
                if self.outage == 0 and request.transport is not None:
                    request.transport.abort()
                if self.outage is not None:
                    raise RefusalError(self.outage or 503)
                fault = self.faults.next(call.method, path)
                if fault is not None and fault.refusal is not None:
                    raise fault.refusal
                if not self.crossing(call):
                    return _dropped(request)
                if not path.startswith(OPEN) and request.headers.get("Authorization") != f"Bot {self.token}":
                    raise RefusalError(401)
                headers = self.rates.admit(call.method, path)
                if fault is not None and fault.until is not None:
                    self.changed()  # a test may be waiting for the held request to arrive
                    await fault.until.wait()
                self._hold_against_the_rules(route, call)
                answer = await route.handler(call)
                if fault is not None and fault.cut and request.transport is not None:
                    request.transport.abort()
                call.status = 204 if answer is None else 200
                if not self.crossing(call):
                    return _dropped(request)
            except RefusalError as refusal:
                call.status, answer, headers = refusal.status, refusal.json, headers | refusal.with_headers()
            finally:
                self.changed()
            # No charset: discord.py only parses JSON if the type is exactly application/json.
            body = None if answer is None else json.dumps(answer).encode()
            kind = None if answer is None else "application/json"
            return web.Response(status=call.status, body=body, content_type=kind, headers=headers)

        return serve

    def _hold_against_the_rules(self, route: Route, call: Call) -> None:
        if not self.checks:
            return
        found = list(queried(route.method, route.path, call.query))
        if call.method in ("POST", "PUT", "PATCH"):
            found += check(route.method, route.path, call.json, call.files)
        self.problems += [f"{call.method} {call.path}: {problem.text}" for problem in found]
        if any(problem.refused for problem in found):
            raise RefusalError(400, 50035, "; ".join(problem.text for problem in found))

    async def _nowhere(self, call: Call) -> Payload:
        self.problems.append(f"{call.method} {call.path}: this fake has no such route")
        raise RefusalError(404, 0, "404: Not Found")

    async def _attachment(self, request: web.Request) -> web.Response:
        found = self.blobs.get(request.path)
        return web.Response(status=404) if found is None else web.Response(body=found)


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _read(request: web.Request, call: Call) -> None:
    """Read the body: JSON, or multipart with files and a JSON part. Raises RefusalError."""
    text: str | None = None
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            name, content = getattr(part, "name", None), await part.read()  # type: ignore[union-attr]
            if name == "payload_json":
                text = bytes(content).decode()
            else:
                call.files[getattr(part, "filename", None) or str(name)] = bytes(content)
    elif request.can_read_body:
        if request.content_type != "application/json":
            raise RefusalError(400, 50109, f"Content-Type is {request.content_type}")
        text = await request.text()
    if text:
        with suppress(ValueError):
            call.json = json.loads(text)
            return
        raise RefusalError(400, 50109)


@asynccontextmanager
async def met(*, shards: int = 1) -> AsyncIterator[Discord]:
    """Run a fake that this process's clients connect to; fail at the end if they sent anything wrong."""
    # More patient than the real one, so that tests don't fail on a busy machine.
    there = Discord(shards=shards, patience=HANG)
    async with there.listening():
        with in_place_of_discord(there):
            yield there
    for thread in threading.enumerate():
        if isinstance(thread, discord.gateway.KeepAliveHandler):  # a client that was closed while disconnected left it
            thread.stop()
            await asyncio.to_thread(thread.join)
    assert not there.problems, "\n".join(there.problems)


class Address(Protocol):
    """Where a fake listens, maybe in another process."""

    @property
    def api(self) -> str: ...

    @property
    def gateway_url(self) -> str: ...


@contextmanager
def in_place_of_discord(there: Address) -> Iterator[None]:
    """Point discord.py clients created inside the block at this server."""
    base, gateway = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    discord.http.Route.BASE = there.api
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(there.gateway_url)
    try:
        yield
    finally:
        discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = base, gateway
