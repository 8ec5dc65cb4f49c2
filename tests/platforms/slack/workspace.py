"""A Slack workspace for the tests: its Web API on a real socket, and members who type, press and fill in forms."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.signature import SignatureVerifier

TEAM, TOKEN, SECRET = "T1", "xoxb-test", "signing-secret"
USES = 5
"""Messages that a response_url takes."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody sees. `reader` alone does, where it is set."""

    channel: str
    text: str
    blocks: list[dict[str, Any]]
    ts: str = ""
    reader: str = ""
    metadata: str = ""

    @property
    def words(self) -> str:
        """All the text of its blocks."""
        return "\n".join(words(self.blocks))

    def button(self, label: str) -> dict[str, Any]:
        elements = [e for block in self.blocks if block["type"] == "actions" for e in block["elements"]]
        found: dict[str, Any] = next(e for e in elements if e["text"]["text"] == label)
        return found


class Refusal(Exception):
    """The Web API says no; the text is Slack's word for why."""


class Workspace:
    """The fake's whole state. `admins` are managers; the app is a member of the channels in `joined`."""

    def __init__(self) -> None:
        self.admins = {"UMAYA"}
        self.joined = {"C1"}
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.edits: list[Message] = []
        self.views: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.files: asyncio.Queue[bytes] = asyncio.Queue()
        self._posted: dict[tuple[str, str], Message] = {}
        self._urls: dict[str, tuple[str, str, int]] = {}
        self._numbers = itertools.count(1)
        self._home = ""
        self._app = ""
        self._session: aiohttp.ClientSession

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """The Web API's base address."""
        server = web.Application()
        server.add_routes(
            [
                web.route("*", "/api/{method}", self._call),
                web.post("/respond/{id}", self._respond),
                web.post("/upload/{id}", self._upload),
            ]
        )
        runner = web.AppRunner(server)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._home = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as self._session:
            yield f"{self._home}/api/"
        await runner.cleanup()

    def point_at(self, app: str) -> None:
        """Where the app listens."""
        self._app = app

    async def heard(self) -> Message:
        """The next message that comes."""
        return await asyncio.wait_for(self.messages.get(), 20)

    async def shown(self) -> dict[str, Any]:
        """The next form that opens."""
        return await asyncio.wait_for(self.views.get(), 20)

    async def uploaded(self) -> bytes:
        """The next file that comes."""
        return await asyncio.wait_for(self.files.get(), 20)

    # What members do

    async def types(self, user: str, text: str, channel: str = "C1") -> None:
        """`/study text`, acknowledged with nothing to see."""
        fields = {
            "command": "/study",
            "text": text,
            "team_id": TEAM,
            "team_domain": "readers",
            "channel_id": channel,
            "channel_name": "papers",
            "user_id": user,
            "user_name": user.lower(),
            "trigger_id": self._trigger(),
            "response_url": self._url(channel, user),
        }
        assert await self._send(fields) == ""

    async def presses(self, user: str, message: Message, label: str) -> None:
        button = message.button(label)
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "readers"},
            "user": self._user(user),
            "channel": {"id": message.channel, "name": "papers"},
            "trigger_id": self._trigger(),
            "response_url": self._url(message.channel, user),
            "actions": [{**button, "block_id": "b", "action_ts": str(time.time())}],
        }
        assert await self._send({"payload": json.dumps(payload)}) == ""

    async def sends(self, user: str, view: dict[str, Any], values: dict[str, str]) -> dict[str, str]:
        """Send a form; the problems shown at its fields, none when it closes."""
        inputs = {block["block_id"]: block["element"] for block in view["blocks"]}
        state = {
            name: {element["action_id"]: {"type": element["type"], "value": values.get(name)}}
            for name, element in inputs.items()
        }
        payload = {
            "type": "view_submission",
            "team": {"id": TEAM, "domain": "readers"},
            "user": self._user(user),
            "trigger_id": self._trigger(),
            "view": {**view, "id": "V1", "state": {"values": state}},
        }
        answer = await self._send({"payload": json.dumps(payload)})
        errors: dict[str, str] = json.loads(answer)["errors"] if answer else {}
        return errors

    async def _send(self, fields: dict[str, str]) -> str:
        body = urlencode(fields)
        now = str(int(time.time()))
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=now, body=body)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": str(signature),
        }
        async with self._session.post(self._app, data=body, headers=headers) as answer:
            assert answer.status == 200
            return await answer.text()

    def _user(self, user: str) -> dict[str, str]:
        return {"id": user, "username": user.lower(), "name": user.lower(), "team_id": TEAM}

    def _trigger(self) -> str:
        return f"{next(self._numbers)}.trigger"

    def _url(self, channel: str, user: str) -> str:
        id = str(next(self._numbers))
        self._urls[id] = (channel, user, USES)
        return f"{self._home}/respond/{id}"

    # What the app calls

    async def _call(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        body = await request.json() if request.content_type == "application/json" else await request.post()
        args = {**request.query, **body}
        method = request.match_info["method"].replace(".", "_")
        try:
            result = getattr(self, f"_{method}")(**args)
        except Refusal as refusal:
            return web.json_response({"ok": False, "error": str(refusal)})
        return web.json_response({"ok": True, **result})

    def _auth_test(self, **_: Any) -> dict[str, Any]:
        return {"team_id": TEAM, "user_id": "UBOT", "bot_id": "B1", "url": "https://readers.example/"}

    def _users_info(self, user: str, **_: Any) -> dict[str, Any]:
        name = user.removeprefix("U").lower()
        return {"user": {"id": user, "name": name, "is_admin": user in self.admins, "profile": {"display_name": name}}}

    def _chat_postMessage(self, channel: str, text: str, blocks: Any, metadata: Any = "", **_: Any) -> dict[str, Any]:
        if channel.startswith("U"):
            channel = f"D{channel[1:]}"
        elif channel.startswith("C") and channel not in self.joined:
            raise Refusal("not_in_channel")
        ts = f"{time.time():.0f}.{next(self._numbers):06}"
        message = Message(channel, text, checked(blocks), ts, metadata=json.dumps(metadata))
        self._posted[channel, ts] = message
        self.messages.put_nowait(message)
        return {"channel": channel, "ts": ts}

    def _chat_update(self, channel: str, ts: str, text: str, blocks: Any, **_: Any) -> dict[str, Any]:
        if (channel, ts) not in self._posted:
            raise Refusal("message_not_found")
        self._posted[channel, ts] = message = Message(channel, text, checked(blocks), ts)
        self.edits.append(message)
        if "…" not in message.words:
            self.messages.put_nowait(message)
        return {"channel": channel, "ts": ts}

    def _views_open(self, trigger_id: str, view: Any, **_: Any) -> dict[str, Any]:
        view = _loaded(view)
        View(**view).validate_json()
        checked(view["blocks"])
        self.views.put_nowait(view)
        return {"view": view}

    def _conversations_open(self, users: str, **_: Any) -> dict[str, Any]:
        return {"channel": {"id": f"D{users[1:]}"}}

    def _files_getUploadURLExternal(self, filename: str, length: Any, **_: Any) -> dict[str, Any]:
        return {"upload_url": f"{self._home}/upload/{filename}", "file_id": filename}

    def _files_completeUploadExternal(self, files: Any, **_: Any) -> dict[str, Any]:
        return {"files": _loaded(files)}

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post() if request.content_type.startswith("multipart") else None
        body = form["file"].file.read() if form else await request.read()  # type: ignore[union-attr]
        self.files.put_nowait(body)
        return web.Response(text="OK")

    async def _respond(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        channel, user, uses = self._urls[id]
        if not uses:
            return web.Response(status=404, text="used_url")
        self._urls[id] = (channel, user, uses - 1)
        body = await request.json()
        reader = user if body["response_type"] == "ephemeral" else ""
        self.messages.put_nowait(Message(channel, body["text"], checked(body["blocks"]), reader=reader))
        return web.Response(text="ok")


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def checked(blocks: Any) -> list[dict[str, Any]]:
    """The blocks, if they are what Slack's own models make of them; ids of buttons are not used twice."""
    found: list[dict[str, Any]] = _loaded(blocks)
    for block in found:
        model = Block.parse(block)
        assert model is not None
        model.validate_json()
        assert model.to_dict() == block
    ids = [e["action_id"] for block in found if block["type"] == "actions" for e in block["elements"]]
    assert len(ids) == len(set(ids))
    return found


def words(part: Any) -> list[str]:
    if isinstance(part, list):
        return [word for item in part for word in words(item)]
    if isinstance(part, dict):
        if part.get("type") == "button":
            return []
        text = part.get("text", [])
        return [text] if isinstance(text, str) else [*words(part.get("elements", [])), *words(text)]
    return []
