"""The terminal's outbox: posts are kept until somebody in the room has seen them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from bot import replies
from bot.app import Posts
from bot.commands import Place
from bot.replies import Block, Reply

_KINDS: dict[str, TypeAdapter[Block]] = {kind.__name__: TypeAdapter(kind) for kind in replies.Block.__args__}


class TerminalOutbox:
    """Posts go to SQL under their key, so that none is lost and none is there twice; `arrived` wakes the room."""

    def __init__(self, posts: Posts) -> None:
        self._posts = posts
        self.arrived = asyncio.Event()

    async def post(self, place: Place, reply: Reply, key: str) -> str:
        ref = await self._posts.put(key, place.channel, dump(reply))
        self.arrived.set()
        return ref

    async def edit(self, place: Place, ref: str, reply: Reply) -> None:
        await self._posts.replace(ref, dump(reply))

    async def tell(self, place: Place, member: str, reply: Reply, key: str) -> None:
        await self._posts.put(key, f"@{member}", dump(reply))
        self.arrived.set()


def dump(reply: Reply) -> str:
    """The reply as JSON, each block under the name of its kind."""
    blocks = [[type(b).__name__, to_jsonable_python(asdict(b), bytes_mode="base64")] for b in reply.blocks]
    return json.dumps(blocks, ensure_ascii=False)


def restore(body: str) -> Reply:
    """The reply that `dump` wrote."""
    return Reply(tuple(_KINDS[kind].validate_python(fields) for kind, fields in json.loads(body)))
