"""Run a benchmark's programs as child processes, which take orders and answer in lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

CONSTANT = "Here you are."
"""What the bare bots answer."""
LONGEST = 64 * 1024 * 1024
"""Bytes of a line."""

Order = Callable[..., Awaitable[Any]]


class Child:
    """One of our programs, as a child process."""

    def __init__(self, process: Process, name: str) -> None:
        self._process = process
        self._name = name

    def pin(self, core: int) -> None:
        """Keep the process to one core, where the system can (Linux). Call it before it has threads of its own."""
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, {core})

    async def ask(self, order: str, **values: Any) -> Any:
        """Send an order and return the answer, however long it takes. Raises RuntimeError if the process has ended."""
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps([order, values]).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} has ended; its last words are in its log")
        return json.loads(line)


@asynccontextmanager
async def child(module: str, *arguments: str, log: IO[bytes]) -> AsyncIterator[Child]:
    """Run the module as a child process while the block runs; its standard error goes to `log`."""
    root = Path(__file__).parents[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=root, stdin=PIPE, stdout=PIPE, stderr=log, limit=LONGEST
    )
    try:
        yield Child(process, f"{module} {' '.join(arguments)}")
    finally:
        assert process.stdin is not None  # noqa: S101
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()


async def obey(orders: Mapping[str, Order]) -> None:
    """Run in the child process: carry out orders one by one until the input ends."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order, values = json.loads(line)
        print(json.dumps(await orders[order](**values)), flush=True)
