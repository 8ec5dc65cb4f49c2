"""Requests in turns, and none too early."""

from __future__ import annotations

import asyncio

from bot.platforms.discord.throttle import Throttle
from tests.clocks import HANG

EARLY = 0.001
"""Seconds by which asyncio may wake too early."""


async def test_the_first_request_does_not_wait() -> None:
    async with asyncio.timeout(HANG):
        await Throttle(rate=0.001).wait()


async def test_many_requests_at_once_are_spaced_out_in_order() -> None:
    loop, throttle, turns = asyncio.get_running_loop(), Throttle(rate=500), list[tuple[int, float]]()

    async def one(number: int) -> None:
        await throttle.wait()
        turns.append((number, loop.time()))

    begun = loop.time()
    await asyncio.gather(*(one(number) for number in range(20)))

    assert [number for number, _ in turns] == list(range(20))
    assert all(at - begun >= number / 500 - EARLY for number, at in turns)
