"""A server that misbehaves in the ways a shared one does: the client says what happened and never hangs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.inference.client import Inference, InferenceError, Message
from tests.clocks import forward

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def event(text: str, finish: str | None = None) -> bytes:
    chunk = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}],
    }
    return f"data: {json.dumps(chunk)}\n\n".encode()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def ask(url: str, **limits: float) -> tuple[str, str]:
    """Return the text that arrived, and the problem in words."""
    inference = Inference(url, model="m", api_key="sk-very-secret", **limits)  # type: ignore[arg-type]
    text = ""
    try:
        async for piece in inference.stream([Message("user", "hello")]):
            text += piece
    except InferenceError as problem:
        return text, str(problem)
    finally:
        await inference.close()
    return text, ""


async def stream(request: web.Request, *parts: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for part in parts:
        await response.write(part)
    return response


async def test_a_whole_answer_arrives() -> None:
    async def whole(request: web.Request) -> web.StreamResponse:
        return await stream(request, event("Hel"), event("lo"), event("", "stop"), b"data: [DONE]\n\n")

    async with serving(whole) as url:
        assert await ask(url) == ("Hello", "")


async def test_a_stream_that_breaks_off_does_not_count_as_complete() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        return await stream(request, event("Half of"))

    async with serving(cut) as url:
        text, problem = await ask(url)
    assert text == "Half of"
    assert "in the middle" in problem


async def test_an_answer_that_reaches_the_token_limit_is_reported_as_cut_off() -> None:
    async def long(request: web.Request) -> web.StreamResponse:
        return await stream(request, event("Half of it"), event("", "length"), b"data: [DONE]\n\n")

    async with serving(long) as url:
        text, problem = await ask(url)
    assert text == "Half of it"
    assert "cut off at 700 tokens" in problem


async def test_silence_before_the_first_text_ends_at_its_deadline() -> None:
    asked = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(silent) as url:
        asking = asyncio.create_task(ask(url, first_text_timeout=600))
        await asked.wait()
        forward(600)
        assert await asking == ("", "the inference server took more than 600 seconds")


async def test_silence_in_the_middle_ends_at_the_deadline_for_the_whole_answer() -> None:
    async def stalls(request: web.Request) -> web.StreamResponse:
        await stream(request, event("Half of"))
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(stalls) as url:
        inference = Inference(url, model="m", first_text_timeout=600, total_timeout=900)
        pieces = inference.stream([Message("user", "hello")])
        assert await anext(pieces) == "Half of"
        ending = asyncio.ensure_future(anext(pieces))
        forward(600)
        await asyncio.sleep(0)
        assert not ending.done()
        forward(300)
        with pytest.raises(InferenceError, match="more than 900 seconds"):
            await ending
        await inference.close()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "rejected the key in INFERENCE_API_KEY"),
        (404, "doesn't know the model"),
        (429, "over its rate limit"),
        (500, "answered with status 500"),
    ],
)
async def test_each_refusal_gets_its_own_explanation(status: int, words: str) -> None:
    async def refuses(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no"}}, status=status, headers={"Retry-After": "0"})

    async with serving(refuses) as url:
        text, problem = await ask(url)
    assert text == ""
    assert words in problem
    assert "sk-very-secret" not in problem


async def test_garbage_is_reported_as_a_problem() -> None:
    async def garbage(request: web.Request) -> web.StreamResponse:
        return await stream(request, b"data: {]\n\n", b"<html>")

    async with serving(garbage) as url:
        text, problem = await ask(url)
    assert text == ""
    assert problem


async def test_a_canceled_reader_stops_even_if_text_keeps_coming() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        return await stream(request, *(event("word ") for _ in range(2000)), event("", "stop"), b"data: [DONE]\n\n")

    async def read(inference: Inference, begun: asyncio.Event) -> None:
        async for _ in inference.stream([Message("user", "hello")]):
            begun.set()

    async with serving(endless) as url:
        inference = Inference(url, model="m")
        for _ in range(20):
            begun = asyncio.Event()
            reading = asyncio.create_task(read(inference, begun))
            await begun.wait()
            reading.cancel()
            await asyncio.wait({reading})
            assert reading.cancelled()
        await inference.close()
