"""Socket Mode: the app calls, and Slack hands it everything in envelopes over that connection."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from tests.clocks import HANG
from tests.platforms.slack.fake.delivery import EVENT, Delivery

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack


class Sockets:
    """`live` holds the connections, oldest first; what is to be handed over goes to the newest."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Condition()
        self.live: list[web.WebSocketResponse] = []
        self.opened = 0
        """How many there ever were."""

    def address(self) -> str:
        """Of a connection that may be opened once."""
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return f"{self._slack.address.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self._slack.app_id}"

    async def connected(self, opened: int = 1) -> None:
        """Wait until so many connections have been opened so far, and one is open."""
        async with asyncio.timeout(HANG), self._news:
            await self._news.wait_for(lambda: self.opened >= opened and bool(self.live))

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask the app to come again, as Slack does every few hours, and end the connections."""
        gone, self.live = self.live, []
        for ws in gone:
            await ws.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}})
            await ws.close()

    async def end(self) -> None:
        for ws in list(self.live):
            await ws.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    async def connect(self, request: web.Request) -> web.StreamResponse:
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
        """An envelope, and what came with its acknowledgement."""
        id = str(uuid.uuid4())
        envelope: dict[str, Any] = {"envelope_id": id, "type": sent.kind, "payload": sent.payload}
        envelope["accepts_response_payload"] = sent.kind != EVENT
        if sent.kind == EVENT:
            envelope |= {"retry_attempt": sent.retry, "retry_reason": sent.reason}
        self._waiting[id] = asyncio.get_running_loop().create_future()
        try:
            await self.live[-1].send_json(envelope)
            payload = (await self._waiting[id]).get("payload")
        finally:
            del self._waiting[id]
        return 200, json.dumps(payload) if payload else ""

    def _answered(self, text: str) -> None:
        said = json.loads(text)
        waiting = self._waiting.get(said.get("envelope_id"))
        if waiting is None or waiting.done():
            self._slack.violate("acknowledgement", "socket", f"nothing was waiting for {text[:200]}")
        else:
            waiting.set_result(said)
