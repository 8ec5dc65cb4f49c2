"""An inference server for the tests: it speaks the OpenAI chat protocol over a real socket, slowly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import cycle

from aiohttp import web

TEXT = "A LoRA adapter learns a low-rank update [1], while the weights of the model stay frozen. "


async def _a_moment() -> None:
    await asyncio.sleep(0.02)


class Model:
    """Writes words until somebody has seen `enough`, then ends; `passing` is what happens between two words.

    `asked` are the bodies of what it was asked.
    """

    def __init__(self) -> None:
        self.enough: Callable[[], bool] = lambda: True
        self.asked: list[str] = []
        self.passing: Callable[[], Awaitable[None]] = _a_moment

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "small", "object": "model"}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.text())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await _send(response, {"content": TEXT})
        for word in cycle(TEXT.split()):
            if self.enough():
                break
            await self.passing()
            await _send(response, {"content": f"{word} "})
        await _send(response, {}, finish="stop")
        await response.write(b"data: [DONE]\n\n")
        return response

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its base address, for as long as it listens."""
        server = web.Application()
        server.add_routes([web.get("/v1/models", self._models), web.post("/v1/chat/completions", self._chat)])
        runner = web.AppRunner(server)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}/v1"
        await runner.cleanup()


async def _send(response: web.StreamResponse, delta: dict[str, str], finish: str | None = None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "small", "choices": [choice]}
    await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
