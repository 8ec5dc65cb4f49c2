"""Control the event loop's time, so that tests don't depend on how fast the machine is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

HANG = 600
"""Seconds after which something counts as hung, however busy the machine is."""
SLOWNESS = 50
POLL, PAUSE = 0.25, 3.0
"""The longest sleeps, in seconds, between two polls and between two calls to a service."""

_sleep = asyncio.sleep


class _LoopTime:
    """A loop's time: `slowness` times slower than wall time, plus what tests skipped."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.slowness = 1.0
        self.skipped = 0.0
        self._real = loop.time
        self._start = loop.time()

    def __call__(self) -> float:
        return self._start + (self._real() - self._start) / self.slowness + self.skipped


def _loop_time() -> _LoopTime:
    """Return the running loop's time, replacing its clock with ours on first use."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop.time, _LoopTime):
        loop.time = _LoopTime(loop)  # type: ignore[method-assign]
    assert isinstance(loop.time, _LoopTime)
    return loop.time


def slow(patch: pytest.MonkeyPatch) -> None:
    """Slow down the running loop's time, so that timeouts only expire if a test calls `forward`.

    Sleeps don't get longer: a polling sleep (up to POLL) takes its usual wall time, and a pause between calls to a
    service (up to PAUSE) ends at once and moves the loop's time forward instead.
    """
    _loop_time().slowness = SLOWNESS
    patch.setattr(asyncio, "sleep", _hurried)


async def _hurried(seconds: float, result: T | None = None) -> T | None:
    if POLL < seconds <= PAUSE:
        due = _loop_time()() + seconds
        await _sleep(0)
        forward(max(0.0, due - _loop_time()()))
        return result
    return await _sleep(seconds / SLOWNESS if seconds <= POLL else seconds, result)


def forward(seconds: float) -> None:
    """Move the running loop's time forward, so that timers before then are due."""
    _loop_time().skipped += seconds


async def within_hang(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`. Raises TimeoutError after HANG seconds of wall time, not loop time."""
    deadline = time.monotonic() + HANG
    task = asyncio.create_task(work)
    while not task.done():
        if time.monotonic() > deadline:
            task.cancel()
            raise TimeoutError("the test hangs")
        await asyncio.wait({task}, timeout=1 / _loop_time().slowness)
    return await task


async def reach_limits(task: asyncio.Task[T], step: float = 0.1) -> T:
    """Return the task's result, moving time forward, by `step` seconds at once, until its timeouts have ended it.

    For waits that a test can't observe. It moves every running timeout closer, so there should be only one.
    """
    while not task.done():
        await _sleep(0.02 / SLOWNESS)
        forward(step)
    return await task
