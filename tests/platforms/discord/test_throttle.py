"""Requests in turns, and none too early."""

from __future__ import annotations

import asyncio

import pytest

from bot.context.outbox import UnavailableError
from bot.platforms.discord.throttle import PATIENCE, SlowLane, Throttle
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


async def test_who_would_wait_long_is_told_when_and_keeps_the_turn() -> None:
    lane = SlowLane(interval=100)
    async with asyncio.timeout(HANG):
        await lane.wait(1)
    told = []
    for member in (2, 3, 2, 3):
        with pytest.raises(UnavailableError) as later:
            await lane.wait(member)
        told.append(later.value.retry_after or 0)

    assert 0 < told[0] <= 100 < told[0] + 50 < told[1] <= 200
    assert told[2] <= told[0]
    assert told[3] <= told[1]


async def test_who_comes_back_at_the_turn_goes_through() -> None:
    lane = SlowLane(interval=PATIENCE + 0.05)
    async with asyncio.timeout(HANG):
        await lane.wait(1)
        with pytest.raises(UnavailableError) as later:
            await lane.wait(2)
        await asyncio.sleep(later.value.retry_after or 0)
        await lane.wait(2)
