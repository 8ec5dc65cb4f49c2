"""The event loop's time in the tests' hands, so that no test depends on how fast the machine is."""

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
"""Seconds: the longest sleep between two looks at something, and the longest between two calls of a service."""

_sleep = asyncio.sleep


class _LoopTime:
    """A loop's time, `slowness` times slower than the wall's, plus what tests skipped."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.slowness = 1.0
        self.skipped = 0.0
        self._real = loop.time
        self._start = loop.time()

    def __call__(self) -> float:
        return self._start + (self._real() - self._start) / self.slowness + self.skipped


def _loop_time() -> _LoopTime:
    """Return the running loop's time, which is ours from now on."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop.time, _LoopTime):
        loop.time = _LoopTime(loop)  # type: ignore[method-assign]
    assert isinstance(loop.time, _LoopTime)
    return loop.time


def slow(patch: pytest.MonkeyPatch) -> None:
    """Let the running loop's time pass so slowly that only a test that calls `forward` reaches a limit.

    Sleeps don't take longer for it: a short one, which polls, takes its seconds on the wall, and one that spaces calls
    of a service ends at once, with the time moved on by as much.
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
    """Move the running loop's time on: whatever waits for a time before then is due."""
    _loop_time().skipped += seconds


async def within_hang(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns. Raises TimeoutError after HANG seconds on the wall, whatever the loop's time is."""
    deadline = time.monotonic() + HANG
    task = asyncio.create_task(work)
    while not task.done():
        if time.monotonic() > deadline:
            task.cancel()
            raise TimeoutError("the test hangs")
        await asyncio.wait({task}, timeout=1 / _loop_time().slowness)
    return await task


async def reach_limits(task: asyncio.Task[T]) -> T:
    """Return the task's result, with the time moved on until limits of time have ended it.

    For a wait that shows nowhere: all limits that are running come closer, so there should be only one.
    """
    while not task.done():
        await _sleep(0.02 / SLOWNESS)
        forward(0.1)
    return await task
