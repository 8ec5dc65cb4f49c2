"""The pace of growing replies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.platforms.shared.throttle import throttle


async def test_the_first_comes_at_once_and_the_last_always() -> None:
    shown = asyncio.Event()

    async def drafts() -> AsyncIterator[int]:
        yield 1
        await shown.wait()
        for number in (2, 3, 4):
            yield number

    seen = []
    async for number in throttle(drafts(), every=3600):
        seen.append(number)
        shown.set()

    assert seen == [1, 4]


async def test_every_draft_is_shown_if_the_reader_keeps_up() -> None:
    shown = asyncio.Event()

    async def drafts() -> AsyncIterator[int]:
        for number in range(3):
            shown.clear()
            yield number
            await shown.wait()

    seen = []
    async for number in throttle(drafts(), every=0):
        seen.append(number)
        shown.set()

    assert seen == [0, 1, 2]


async def test_an_empty_stream_ends_at_once() -> None:
    async def drafts() -> AsyncIterator[int]:
        return
        yield

    assert [number async for number in throttle(drafts(), every=3600)] == []


async def test_an_error_comes_after_the_items_before_it() -> None:
    async def drafts() -> AsyncIterator[int]:
        yield 1
        raise ValueError("broken off")

    numbers = throttle(drafts(), every=0)

    assert await anext(numbers) == 1
    with pytest.raises(ValueError, match="broken off"):
        await anext(numbers)


async def test_a_reader_who_stops_also_stops_the_source() -> None:
    stopped = asyncio.Event()

    async def drafts() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            stopped.set()

    replies = throttle(drafts(), every=0)
    await anext(replies)
    await replies.aclose()

    assert stopped.is_set()
