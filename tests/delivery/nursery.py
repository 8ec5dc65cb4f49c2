"""Processes that send what's due on a ledger, and are killed or stopped, or see their clock jump, at a given step.

    python -m tests.delivery.nursery LOG_LEVEL

Reads one JSON object per line, with what to `do`:

- `start` a process on a database (`url`) and the files of a `ledger` and a `time`. Prints its id. Its `event` has the
  number of a `step` and what happens there: `kill`, `stop`, or `jump`, after which its wall clock is wrong by `error`
  seconds. With a `trouble`, a seed, the platform has its troubles; `refuses_posts` is the ledger's.
- `wait` for a process (`id`). Prints how it ended: the exit status, or minus the signal; or "stopped".
- `continue` a stopped one, and print "continued".

Steps are before and after everything a process does on the platform, and before everything it commits to the database
unless it's to be stopped. Each process is a fork of this one, which has already imported everything.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from bot import logs
from bot.context.clock import DatabaseClock
from bot.context.library import Library
from bot.context.study import Study
from bot.errors import DatabaseError
from bot.scheduler import Scheduler
from bot.store.engine import Store
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder
from tests.delivery.ledger import PLATFORM, LedgerOutbox, Trouble
from tests.delivery.machine import Computer, SharedTime

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class Steps:
    """Counts the steps, and lets something happen at one of them."""

    def __init__(self, computer: Computer, happening: dict[str, Any]) -> None:
        self._computer, self._happening = computer, happening
        self._left = happening["step"]

    def __call__(self, *_: Any) -> None:
        self._left -= 1
        if self._left:
            return
        if self._happening["do"] == "jump":
            self._computer.jump(self._happening["error"])
        else:
            os.kill(os.getpid(), SIGNALS[self._happening["do"]])


async def send(library: Library, order: dict[str, Any], time: SharedTime, computer: Computer) -> None:
    """Do what one process would do on one sweep."""
    steps = Steps(computer, order["event"])
    if order["event"]["do"] != "stop":  # a process that's stopped in a transaction would hold its locks
        event.listen(Engine, "commit", steps)
    store = await Store.open(order["url"])
    trouble = Trouble(time, order["trouble"]) if order["trouble"] is not None else None
    outbox = LedgerOutbox(Path(order["ledger"]), time, steps, trouble, order["refuses_posts"])
    clock = DatabaseClock(store, computer.now, computer.monotonic)
    study = Study(store=store, library=library, clock=clock, outboxes={PLATFORM: outbox})
    async with clock.running():
        await Scheduler(study, seconds=5).run_once()
    await store.close()


def start(library: Library, order: dict[str, Any]) -> int:
    """Start a process, and return its id."""
    child = os.fork()
    if child:
        return child
    time = SharedTime(Path(order["time"]))
    computer = Computer(time, is_shared=order["url"].startswith("sqlite"))
    computer.install()
    try:
        asyncio.run(send(library, order, time, computer))
    except DatabaseError:
        os._exit(os.EX_UNAVAILABLE)  # so does the program, if it can't start
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(os.EX_SOFTWARE)
    os._exit(os.EX_OK)


def carry_out(library: Library, order: dict[str, Any]) -> str:
    match order["do"]:
        case "start":
            return str(start(library, order))
        case "wait":
            _, status = os.waitpid(order["id"], os.WUNTRACED)
            return "stopped" if os.WIFSTOPPED(status) else str(os.waitstatus_to_exitcode(status))
        case "continue":
            os.kill(order["id"], signal.SIGCONT)
            return "continued"
        case other:
            raise ValueError(other)


def main() -> None:
    logs.set_up(sys.argv[1])
    library = Library(load().bank, Path(), Embedder())  # never searched
    gc.collect()
    gc.freeze()  # or each fork copies what it never changes
    print("ready", flush=True)
    for line in sys.stdin:
        print(carry_out(library, json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
