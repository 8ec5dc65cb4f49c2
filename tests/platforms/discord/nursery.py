"""Processes with real discord.py on a fake Discord that runs elsewhere, to be killed at any moment.

    python -m tests.platforms.discord.nursery

Reads one JSON object per line: the database's `url`, the fake's `api`, `gateway` and `token`, how many seconds its
clock is `ahead`, and what to do (`work`): "send" what's due and end, or "serve" members until killed. Prints the id of
the process, and then how it ended: the exit status, or minus the signal. Each is a fork of this one, which has already
imported everything.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bot import logs
from bot.app import App, TerminalPosts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.platforms.discord.client import connected
from bot.scheduler import Scheduler
from bot.store.engine import Store
from knowledge.format.reader import load
from knowledge.questions import Bank
from knowledge.retrieval.embedding import Embedder
from tests.platforms.discord.fake import in_place_of_discord


async def live(bank: Bank, order: dict[str, Any]) -> None:
    """Do what one process does."""
    store = await Store.open(order["url"])
    ahead = timedelta(seconds=order["ahead"])
    library = Library(bank, Path(order["folder"]), Embedder(), max_wait=None)
    study = Study(store=store, library=library, clock=lambda: datetime.now(UTC) + ahead)
    app = App(registry(), study, TerminalPosts(store))
    with in_place_of_discord(SimpleNamespace(api=order["api"], gateway_url=order["gateway"])):
        async with connected(app, token=order["token"]) as connection:
            if order["work"] == "send":
                await Scheduler(study, seconds=5).run_once()
            else:
                await connection
    app.renderer.close()
    await store.close()


def begin(bank: Bank, order: dict[str, Any]) -> int:
    """Start a process, and return its id."""
    child = os.fork()
    if child:
        return child
    try:
        asyncio.run(live(bank, order))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def main() -> None:
    logs.set_up("critical")
    bank = load().bank
    gc.disable()  # it would touch, and so copy, all that the processes share
    print("ready", flush=True)
    for line in sys.stdin:
        child = begin(bank, json.loads(line))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
