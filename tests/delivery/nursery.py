"""Processes that send what's due on a ledger, and kill themselves at a given step.

    python -m tests.delivery.nursery

Reads one JSON object per line: the database's `url`, the `ledger`'s file, the time `now`, and `kill_at`, the number of
the step before which the process ends by SIGKILL, 0 for never. Prints how it ended: the exit status, or minus the
signal. Steps are before and after everything a process does on the platform or commits to the database. Each process is
a fork of this one, which has already imported everything.
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
    """Counts the steps, and ends the process at one of them."""

    def __init__(self, kill_at: int) -> None:
        self._left = kill_at

    def __call__(self, *_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def send(library: Library, order: dict[str, Any]) -> None:
    """Do what one process would do on one sweep."""
    step, now = Steps(order["kill_at"]), datetime.fromisoformat(order["now"])
    event.listen(Engine, "commit", step)
    store = await Store.open(order["url"])
    outbox = LedgerOutbox(Path(order["ledger"]), step)
    study = Study(store=store, library=library, clock=lambda: now, outboxes={PLATFORM: outbox})
    await Scheduler(study, seconds=5).run_once()
    await store.close()


def main() -> None:
    logs.set_up("error")
    library = Library(load().bank, Path(), Embedder())  # never searched
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(send(library, json.loads(line)))
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
