"""Socket Mode: the app opens a connection, and Slack sends everything over it in envelopes."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import aiohttp
from aiohttp import web

from tests.clocks import within_hang
from tests.platforms.slack.fake.delivery import EVENT, Delivery

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack


Loss = Literal["connection", "acknowledgment"]


class Sockets:
    """`live` has the open connections, oldest first; the newest gets everything."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Condition()
        self.live: list[web.WebSocketResponse] = []
        self.opened = 0
        """How many connections have ever been opened."""
        self.blocked = False
        """Whether a proxy in between refuses every connection."""
        self.loses: Loss | None = None
        """What gets lost with the next envelope, which then comes again over the next connection."""
        self._lost: dict[str, asyncio.Event] = {}
        self._refused = asyncio.Event()

    def address(self) -> str:
        """Return an address for one connection."""
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return f"{self._slack.address.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self._slack.app_id}"

    async def connected(self, opened: int = 1) -> None:
        """Wait until that many connections were opened so far, and one is open."""
        await within_hang(self._wait_connected(opened))

    async def _wait_connected(self, opened: int) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self.opened >= opened and bool(self.live))

    async def refused(self) -> None:
        """Wait until a connection was refused because they're blocked."""
        await within_hang(self._refused.wait())

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask the app to reconnect, as Slack does every few hours, and close the connections."""
        gone, self.live = self.live, []
        for ws in gone:
            await ws.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}})
            await ws.close()

    async def end(self) -> None:
        for ws in list(self.live):
            await ws.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        if self.blocked:
            self._refused.set()
            return web.Response(status=403)
        if request.query.get("ticket", "") not in self._tickets:
            return web.Response(status=404)
        self._tickets.remove(request.query["ticket"])
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.live.append(ws)
        self.opened += 1
        info = {"host": "applink", "build_number": 1, "approximate_connection_time": 18060}
        hello = {"type": "hello", "num_connections": len(self.live), "debug_info": info}
        await ws.send_json(hello | {"connection_info": {"app_id": self._slack.app_id}})
        async with self._news:
            self._news.notify_all()
        try:
            async for message in ws:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._answered(message.data)
        finally:
            if ws in self.live:
                self.live.remove(ws)
        return ws

    async def deliver(self, sent: Delivery) -> tuple[int, str]:
        """Send an envelope, and return what came with its acknowledgement."""
        if loss := self.loses:
            self.loses = None
            await self._lose(sent, loss)
            sent = replace(sent, retry=sent.retry + 1, reason="timeout")
        envelope = _envelope(sent)
        waiting = self._waiting[envelope["envelope_id"]] = asyncio.get_running_loop().create_future()
        try:
            await self.live[-1].send_json(envelope)
            payload = (await waiting).get("payload")
        finally:
            del self._waiting[envelope["envelope_id"]]
        return 200, json.dumps(payload) if payload else ""

    async def _lose(self, sent: Delivery, loss: Loss) -> None:
        """Send an envelope over a connection that ends before its acknowledgement, and wait for the next connection."""
        envelope, opened = _envelope(sent), self.opened
        acknowledged = self._lost[envelope["envelope_id"]] = asyncio.Event()
        ws = self.live.pop()
        await ws.send_json(envelope)
        if loss == "acknowledgment":
            await acknowledged.wait()
        await ws.close(code=aiohttp.WSCloseCode.GOING_AWAY)
        await self.connected(opened + 1)

    def _answered(self, text: str) -> None:
        said = json.loads(text)
        if lost := self._lost.get(said.get("envelope_id")):
            lost.set()
            return
        waiting = self._waiting.get(said.get("envelope_id"))
        if waiting is None or waiting.done():
            self._slack.violate("acknowledgement", "socket", f"nothing was waiting for {text[:200]}")
        else:
            waiting.set_result(said)


def _envelope(sent: Delivery) -> dict[str, Any]:
    envelope: dict[str, Any] = {"envelope_id": str(uuid.uuid4()), "type": sent.kind, "payload": sent.payload}
    envelope["accepts_response_payload"] = sent.kind != EVENT
    if sent.kind == EVENT:
        envelope |= {"retry_attempt": sent.retry, "retry_reason": sent.reason}
    return envelope
