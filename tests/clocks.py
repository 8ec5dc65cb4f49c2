"""The event loop's time in the tests' hands, so that no limit of time is met because the machine is busy."""

from __future__ import annotations

import asyncio

HANG = 600
"""Seconds after which something is taken to hang, however busy the machine is."""
SLOW = 10


def slow() -> None:
    """From now on the running loop's time passes that many times slower: limits meant for a person's patience hold.

    A test that wants one to be met moves the time `forward`.
    """
    loop = asyncio.get_running_loop()
    time, began = loop.time, loop.time()
    loop.time = lambda: began + (time() - began) / SLOW  # type: ignore[method-assign]


def forward(seconds: float) -> None:
    """From now on the running loop's time is that much later: whatever waits for a time before then comes due."""
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign]
