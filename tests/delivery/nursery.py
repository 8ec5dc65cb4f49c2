"""Processes that send what's due on a ledger, and kill or stop themselves at a given step.

    python -m tests.delivery.nursery

Reads one JSON object per line: the database's `url`, the `ledger`'s file, the file with the time (`clock`, which all
processes read), the number of the `step` at which the process gets the signal, 0 for never, and the signal's name. Or
the id of a stopped process that is to `continue`. Prints how it ended: the exit status, or minus the signal; or
"stopped" and its id. Steps are before and after everything a process does on the platform, and before everything it
commits to the database if it's to be killed. Each process is a fork of this one, which has already imported everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from bot import logs
from bot.context.library import Library
from bot.context.study import Study
from bot.scheduler import Scheduler
from bot.store.engine import Store
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder
from tests.delivery.ledger import PLATFORM, LedgerOutbox


class Steps:
    """Counts the steps, and sends this process a signal at one of them."""

    def __init__(self, step: int, name: str) -> None:
        self._left, self._signal = step, signal.Signals[name]

    def __call__(self, *_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._signal)


async def send(library: Library, order: dict[str, Any]) -> None:
    """Do what one process would do on one sweep."""
    step, clock = Steps(order["step"], order["signal"]), Path(order["clock"])
    if order["signal"] == "SIGKILL":  # one that's stopped in a transaction would hold its locks
        event.listen(Engine, "commit", step)
    store = await Store.open(order["url"])
    outbox = LedgerOutbox(Path(order["ledger"]), step)
    study = Study(
        store=store,
        library=library,
        clock=lambda: datetime.fromisoformat(clock.read_text()),
        outboxes={PLATFORM: outbox},
    )
    await Scheduler(study, seconds=5).run_once()
    await store.close()


def begin(library: Library, order: dict[str, Any]) -> int:
    """Start a process, and return its id."""
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(send(library, order))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def main() -> None:
    logs.set_up("error")
    library = Library(load().bank, Path(), Embedder())  # never searched
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if child := order.get("continue"):
            os.kill(child, signal.SIGCONT)
        else:
            child = begin(library, order)
        _, status = os.waitpid(child, os.WUNTRACED)
        print(f"stopped {child}" if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
