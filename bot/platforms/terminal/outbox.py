"""The terminal's outbox: store posts until somebody in the room has seen them."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import override

from bot import replies
from bot.app import TerminalPosts
from bot.context.identity import Location
from bot.context.outbox import FIRST_ATTEMPT, PLAIN, Attempt, Outbox, PostOptions
from bot.replies import Block, Reply

_KINDS: dict[str, TypeAdapter[Block]] = {kind.__name__: TypeAdapter(kind) for kind in replies.Block.__args__}


class TerminalOutbox(Outbox):
    """Store posts under their keys, so none is lost and none is stored twice; `arrived` wakes the room."""

    def __init__(self, posts: TerminalPosts) -> None:
        self._posts = posts
        self.arrived = asyncio.Event()

    @override
    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        attempt.check()
        ref = await self._posts.add(key, location.channel, dump(reply))
        self.arrived.set()
        return ref

    @override
    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        attempt.check()
        await self._posts.replace(ref, dump(reply))

    @override
    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        attempt.check()
        await self._posts.add(key, f"@{member}", dump(reply))
        self.arrived.set()


def dump(reply: Reply) -> str:
    """Return the reply as JSON, each block with the name of its class."""
    blocks = [[type(block).__name__, asdict(block)] for block in reply.blocks]
    return json.dumps(blocks, ensure_ascii=False, default=_encoded)


def restore(body: str) -> Reply:
    """Return the reply that `dump` wrote."""
    blocks = json.loads(body, object_hook=_decoded)
    return Reply(tuple(_KINDS[kind].validate_python(fields) for kind, fields in blocks))


def _encoded(value: object) -> dict[str, str]:
    """Encode what JSON has no type for as an object with one key that names the type."""
    match value:
        case datetime():  # before date, of which it is a subclass
            return {"@moment": value.isoformat()}
        case date():
            return {"@day": value.isoformat()}
        case bytes():
            return {"@bytes": base64.b64encode(value).decode()}
        case _:
            raise TypeError(f"a reply can't hold a {type(value).__name__}")


def _decoded(fields: dict[str, Any]) -> Any:
    match fields:
        case {"@moment": str(text)}:
            return datetime.fromisoformat(text)
        case {"@day": str(text)}:
            return date.fromisoformat(text)
        case {"@bytes": str(content)}:
            return base64.b64decode(content)
        case _:
            return fields
