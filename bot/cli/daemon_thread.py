"""Run blocking work in a thread that doesn't keep the program from exiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def run_in_daemon_thread(work: Callable[[], T]) -> T:
    """Run the work in a daemon thread: asyncio waits for its own at exit, even for a dead network disk."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(deliver: Callable[[], None]) -> None:
        def unless_cancelled() -> None:
            if not result.done():
                deliver()

        if not loop.is_closed():
            loop.call_soon_threadsafe(unless_cancelled)

    def run() -> None:
        try:
            value = work()
        except Exception as problem:
            caught = problem
            settle(lambda: result.set_exception(caught))
        else:
            settle(lambda: result.set_result(value))

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return await result
