"""How the Slack app fares when more is asked than it can answer.

    python -m benchmarks.overload [--seconds 10] [--rate 100] [--ask-rate 10]

Members send `streak` at a fixed rate, whether or not earlier ones were answered, and others send `ask` beside them,
which calls the embedding model. The app and its members are processes of their own, each kept to a core of its own.
Prints the milliseconds until Slack has the acknowledgment.

Goals: `streak` is acknowledged within 1 s at p99, everything within Slack's 3 s, and whoever isn't served is told so.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from benchmarks.discord import MEMBERS, cuts
from benchmarks.slack import Pair, pair
from benchmarks.start import TEXTS

WARM = 2.0
PATIENCE = 60


async def measure(options: argparse.Namespace, log: IO[bytes], console: Console) -> None:
    table = Table(
        "what", "a second", "p50 ms", "p99 ms", "slowest", "unacknowledged", "failed", "answers, at most three"
    )
    async with pair("ours", log) as ours:
        ours.bot.pin(0)
        ours.crowd.pin(1)
        where = ours.where
        await ours.bot.ask("fill", channels=where["channels"], members=where["members"], rounds=2)
        await ours.connect()
        await ours.bot.ask("warm")
        for seconds in (WARM, options.seconds):
            results = await load(ours, options, seconds)
        rates = {"streak": options.rate, "ask": options.ask_rate}
        for what, found in (("streak", results), ("ask", results["beside"])):
            table.add_row(what, f"{rates[what]:g}", *row(found))
    console.print(table)
    console.print(
        f"members came up to {results['late']:.0f} ms late; Slack and its members were {results['busy']:.0%} busy"
    )


async def load(ours: Pair, options: argparse.Namespace, seconds: float) -> Any:
    beside = {"kind": "ask", "values": [{"text": text} for text in TEXTS], "rate": options.ask_rate}
    return await ours.crowd.ask(
        "load", kind="streak", values=[{"text": ""}], rate=options.rate, seconds=seconds, seed=round(seconds),
        expect="Your streak", patience=PATIENCE, beside=beside,
    )  # fmt: skip


def row(found: Mapping[str, Any]) -> list[str]:
    percentiles = cuts(found["first"])
    answers = "; ".join(f"{count} × {answer}" for answer, count in found["answers"])
    return [
        f"{percentiles[49]:.0f}",
        f"{percentiles[98]:.0f}",
        f"{max(found['first']):.0f}",
        str(found["unacknowledged"]),
        str(found["failed"]),
        answers,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=100, help="`streak` per second")
    parser.add_argument("--ask-rate", type=float, default=10, help="`ask` per second")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryFile() as log:
        asyncio.run(measure(options, log, console))
    console.print(f"{MEMBERS} members; load of the machine, on {os.cpu_count()} cores: {os.getloadavg()}")


if __name__ == "__main__":
    main()
