"""The gateway: identifying, resuming with missed events, invalidating and dropping sessions."""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import zstandard
from aiohttp import web

from tests.platforms.discord.fake.model import Guild, Payload

if TYPE_CHECKING:
    from tests.platforms.discord.fake.server import Discord

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11
GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES = 1 << 0, 1 << 9, 1 << 12
PRIVILEGED = (1 << 1) | (1 << 8) | (1 << 15)
"""The intents for members, presences and message content."""
KEPT = 5000
"""How many events a session keeps for a resume."""


def _packer(kind: str | None) -> Callable[[bytes], bytes] | None:
    """Return the compressor for the `compress` query parameter of a connection, or None."""
    if kind == "zstd-stream":
        zstd = zstandard.ZstdCompressor().compressobj()
        return lambda data: zstd.compress(data) + zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    if kind == "zlib-stream":
        deflate = zlib.compressobj()
        return lambda data: deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return None


@dataclass(slots=True)
class Socket:
    """One WebSocket connection."""

    ws: web.WebSocketResponse
    request: web.Request
    pack: Callable[[bytes], bytes] | None
    is_dead: bool = False
    """Nothing comes through anymore, but neither side has noticed."""

    async def send(self, payload: Payload) -> None:
        if self.is_dead:
            return
        data = json.dumps(payload, separators=(",", ":")).encode()
        if self.pack is not None:
            await self.ws.send_bytes(self.pack(data))
        else:
            await self.ws.send_str(data.decode())

    def cut(self) -> None:
        """Drop the connection without a close frame."""
        if self.request.transport is not None:
            self.request.transport.abort()


@dataclass(slots=True)
class Session:
    """A session, which outlives its connections. `queue` holds the events still to send over the current one."""

    shard: int
    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    kept: list[Payload] = field(default_factory=list)
    queue: asyncio.Queue[Payload] = field(default_factory=asyncio.Queue)
    socket: Socket | None = None

    def event(self, name: str, data: Any) -> None:
        self.sequence += 1
        payload = {"op": DISPATCH, "t": name, "s": self.sequence, "d": data}
        self.kept.append(payload)
        del self.kept[:-KEPT]
        if self.socket is not None:
            self.queue.put_nowait(payload)


class Gateway:
    """`identified` and `resumed` hold the data of all Identify and Resume payloads, oldest first."""

    def __init__(self, discord: Discord, shards: int) -> None:
        self._discord = discord
        self.shards = shards
        self.heartbeat = 41.25
        """The interval, in seconds."""
        self.privileged = 0
        """Privileged intents enabled for the application."""
        self.refuses: int | None = None
        """If set, close every connection that identifies with this code."""
        self.opened = asyncio.Event()
        """New connections wait for it; set from the start."""
        self.opened.set()
        self.identified: list[Payload] = []
        self.resumed: list[Payload] = []
        self.sessions: dict[str, Session] = {}
        self.copies = 1
        """How often each session gets each event."""
        self.latest: tuple[str, Any, Guild | None, int] = ("", None, None, 0)
        """The latest event, as `tell` takes it."""

    @property
    def ready(self) -> bool:
        """Whether every shard has a connected session, and all events have been sent."""
        live = [s for s in self.sessions.values() if s.socket and not s.socket.ws.closed]
        return {s.shard for s in live} == set(range(self.shards)) and all(s.queue.empty() for s in live)

    def tell(self, name: str, data: Any, guild: Guild | None = None, intent: int = 0) -> None:
        """Send an event to the guild's shard if it has the intent; a disconnected session keeps it for a resume."""
        self.latest = (name, data, guild, intent)
        shard = (guild.id >> 22) % self.shards if guild else 0
        for session in self.sessions.values():
            if session.shard == shard and (not intent or session.intents & intent):
                for _ in range(self.copies):
                    session.event(name, data)

    async def order_away(self) -> None:
        """Ask every client to reconnect (opcode 7)."""
        for session in self._connected():
            assert session.socket is not None
            await session.socket.send({"op": RECONNECT, "d": None})

    async def invalidate(self) -> None:
        """Drop every session, and tell its client that it can't resume."""
        gone = self._connected()
        self.sessions.clear()
        for session in gone:
            assert session.socket is not None
            await session.socket.send({"op": INVALID, "d": False})

    def cut(self) -> None:
        """Drop every connection, but keep the sessions."""
        for session in self._connected():
            assert session.socket is not None
            session.socket.cut()
            session.socket = None

    def deaden(self) -> None:
        """Let nothing through on any connection: no event, and no answer to a heartbeat."""
        for session in self._connected():
            assert session.socket is not None
            session.socket.is_dead = True

    def repeat(self, name: str) -> None:
        """Send every event of that name again."""
        for session in self._connected():
            for event in [event for event in session.kept if event["t"] == name]:
                session.event(name, event["d"])

    def _connected(self) -> list[Session]:
        return [s for s in self.sessions.values() if s.socket is not None]

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a connection until it closes."""
        await self.opened.wait()
        ws = web.WebSocketResponse(max_msg_size=4096 * 4)
        await ws.prepare(request)
        socket = Socket(ws, request, _packer(request.query.get("compress")))
        await socket.send({"op": HELLO, "d": {"heartbeat_interval": int(self.heartbeat * 1000)}})
        session: Session | None = None
        sending: asyncio.Task[None] | None = None
        try:
            async for message in ws:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                payload = json.loads(message.data)
                match payload["op"]:
                    case 1:
                        await socket.send({"op": ACK})
                    case 2 if session is None:
                        session = await self._identify(socket, payload["d"])
                    case 6 if session is None:
                        session = await self._resume(socket, payload["d"])
                    case 2 | 6:
                        await ws.close(code=4005, message=b"Already authenticated.")
                    case 3 | 4 | 8:
                        pass  # presence, voice and member requests are ignored
                    case _:
                        await ws.close(code=4001, message=b"Unknown opcode.")
                if session is not None and sending is None:
                    sending = asyncio.create_task(self._send(session, socket))
        finally:
            if sending is not None:
                sending.cancel()
            if session is not None and session.socket is socket:
                session.socket = None
            self._discord.changed()
        return ws

    async def _send(self, session: Session, socket: Socket) -> None:
        """Send queued events in the background, so that a slow client doesn't hold up any request."""
        try:
            while True:
                await socket.send(await session.queue.get())
                if session.queue.empty():
                    self._discord.changed()
        except (ConnectionError, aiohttp.ClientError):
            return

    async def _identify(self, socket: Socket, data: Payload) -> Session | None:
        self.identified.append(data)
        shard, shards = data.get("shard", [0, 1])
        problem = self.refuses
        if data["token"].removeprefix("Bot ") != self._discord.token:
            problem = 4004
        elif shards != self.shards or not 0 <= shard < shards:
            problem = 4010
        elif data["intents"] & PRIVILEGED & ~self.privileged:
            problem = 4014
        if problem is not None:
            await socket.ws.close(code=problem)
            return None
        session = Session(shard, data["intents"], socket=socket)
        # Other connected sessions of the shard stay; its disconnected ones can't be resumed anymore.
        gone = [session_id for session_id, s in self.sessions.items() if s.shard == shard and s.socket is None]
        kept = {session_id: s for session_id, s in self.sessions.items() if session_id not in gone}
        self.sessions = kept | {session.id: session}
        mine = [g for g in self._discord.guilds.values() if (g.id >> 22) % shards == shard]
        ready = {
            "v": 10,
            "user": self._discord.me.payload | {"verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in mine],
            "session_id": session.id,
            "resume_gateway_url": self._discord.gateway_url,
            "shard": [shard, shards],
            "application": {"id": str(self._discord.application), "flags": 0},
        }
        session.event("READY", ready)
        if session.intents & GUILDS:
            for guild in mine:
                if not guild.unavailable:
                    session.event("GUILD_CREATE", guild.payload)
        return session

    async def _resume(self, socket: Socket, data: Payload) -> Session | None:
        self.resumed.append(data)
        session = self.sessions.get(data["session_id"])
        if session is None or data["token"].removeprefix("Bot ") != self._discord.token:
            await socket.send({"op": INVALID, "d": False})
            return None
        session.socket = socket
        session.queue = asyncio.Queue()
        for payload in session.kept:
            if payload["s"] > data["seq"]:
                session.queue.put_nowait(payload)
        session.event("RESUMED", {})
        return session
