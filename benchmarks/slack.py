"""What the bot costs on Slack: signed requests over real sockets, compared with a bare Bolt app with one fixed answer.

    python -m benchmarks.slack [--seconds 5] [--rate 100] [--ask-rate 20] [--only streak]

Members of a fake Slack send requests at random moments, at a fixed rate, whether or not earlier ones were answered:
to one app, then to the other, in turns, under the same uvicorn and Starlette. Each app is a process with its own Slack.
Prints the apps' CPU per interaction (all threads), and the milliseconds until Slack has the acknowledgement.

Goals: at most 5 times the CPU of the bare app (except `ask`, which calls a language model), acknowledgements within 1 s
at p99, and no failures: every member gets the right answer, and every answer is in the database.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import IO

from rich.console import Console
from rich.table import Table

from benchmarks.children import CONSTANT, child
from benchmarks.discord import MEMBERS, TURNS, WARM, Side, cuts, row

KINDS = {
    "streak": ("streak", "Your streak"),
    "leaderboard": ("leaderboard", "This week"),
    "an answer by button": ("press", r"Right!|Not this time\."),
    "ask": ("ask", ""),
}
"""What members do, and a pattern that the answer must match; for `ask` the crowd has the patterns."""
MAX_CPU_RATIO = 5.0
MAX_P99_MS = 1000.0


class Pair(Side):
    """One app and its Slack."""

    async def connect(self) -> None:
        await self.crowd.ask("point_at", app=await self.bot.ask("connect"))

    async def called(self) -> Counter[str]:
        return Counter(await self.crowd.ask("called"))


@asynccontextmanager
async def pair(kind: str, log: IO[bytes]) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as running:
        crowd = await running.enter_async_context(child("benchmarks.slack_crowd", f"--members={MEMBERS}", log=log))
        where = await crowd.ask("where")
        arguments = (f"--{name}={value}" for name, value in where["reach"].items())
        app = await running.enter_async_context(child("benchmarks.slack_bots", kind, *arguments, log=log))
        yield Pair(app, crowd, where)


async def compare(options: argparse.Namespace, log: IO[bytes], console: Console) -> None:
    table = Table("what", "a second", "CPU ms", "bare", "ratio", "p50 ms", "p99 ms", "slowest", "failed", "goal")
    for column in table.columns[1:-1]:
        column.justify = "right"
    notes = []
    async with pair("ours", log) as ours, pair("bare", log) as bare:
        notes.append(await begin(options, ours, bare))
        for name, (kind, expect) in KINDS.items():
            if options.only and options.only != kind:
                continue
            rate = options.ask_rate if kind == "ask" else options.rate
            if kind == "ask":
                await ours.bot.ask("warm")
            for side, expected in ((ours, expect), (bare, CONSTANT)):
                await side.load(kind, expected, rate, WARM, 0)
                side.forget()
            if options.profile:
                await ours.bot.ask("profile", file="")
            before = await ours.called()
            for turn in range(TURNS):
                await ours.load(kind, expect, rate, options.seconds / TURNS, turn + 1)
                await bare.load(kind, CONSTANT, rate, options.seconds / TURNS, turn + 1)
            if options.profile:
                await ours.bot.ask("profile", file=f"{options.profile}-{kind}.prof")
            if kind == "press":
                ours.failed += abs(await ours.crowd.ask("pressed") - await ours.bot.ask("answers"))
            table.add_row(name, *row(ours, bare, rate), goal(kind, ours, bare))
            notes.append(
                f"{name}: {details(ours, bare)}; calls of the Web API: {(await ours.called() - before).total()}"
            )
    console.print(table)
    for note in notes:
        console.print(f"  {note}", highlight=False)


async def begin(options: argparse.Namespace, ours: Pair, bare: Pair) -> str:
    """Warm everything up, and return a note on members the app doesn't know yet.

    It asks Slack for a member's name on their first interaction, and keeps it for ten minutes.
    """
    presses = options.rate * (options.seconds + WARM) + TURNS
    where = ours.where
    await ours.bot.ask("fill", channels=where["channels"], members=where["members"], rounds=int(presses // MEMBERS) + 1)
    for side in (ours, bare):
        await side.connect()
    await ours.bot.ask("cards", channels=where["channels"])
    await bare.crowd.ask("post", cards=await ours.crowd.ask("cards"))
    half = MEMBERS / 2 / options.rate
    for side in (ours, bare):
        await side.load("streak", "", options.rate, half, 0)
        side.forget()
        await side.load("streak", "", options.rate, half, 0)
    note = f"streak, by members the app has to ask Slack about: CPU {ours.cpu:.2f} ms, {ours.cpu / bare.cpu:.1f} times"
    note += f" the bare one; acknowledged with p99 {cuts(ours.first)[98]:.0f} ms"
    for side in (ours, bare):
        side.forget()
    return note


def details(ours: Side, bare: Side) -> str:
    quick = cuts(bare.first)
    return (
        f"the bare app acknowledged with p50 {quick[49]:.0f}, p99 {quick[98]:.0f} ms, {bare.failed} failed; answered "
        f"with p99 {cuts(ours.last)[98]:.0f} ms; members came up to {max(ours.late, bare.late):.0f} ms late; Slack and "
        f"its members were {ours.busy:.0%} busy"
    )


def goal(kind: str, ours: Side, bare: Side) -> str:
    missed = []
    if kind != "ask" and ours.cpu > MAX_CPU_RATIO * bare.cpu:
        missed.append(f"over {MAX_CPU_RATIO:g}×")
    if not ours.first or cuts(ours.first)[98] > MAX_P99_MS:
        missed.append("over 1 s")
    if ours.failed:
        missed.append("failures")
    return f"[red]missed: {', '.join(missed)}[/]" if missed else "[green]met[/]"


async def run(options: argparse.Namespace, log: IO[bytes]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    await compare(options, log, console)
    console.print(f"\nLoad of the machine in the last minutes, on {os.cpu_count()} cores: {os.getloadavg()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="seconds of load, for each kind and each app")
    parser.add_argument("--rate", type=float, default=100, help="requests per second")
    parser.add_argument("--ask-rate", type=float, default=20, help="the same for ask: the model can only handle 40")
    parser.add_argument("--only", default="", choices=[kind for kind, _ in KINDS.values()])
    parser.add_argument("--profile", default="", help="write profiles to files whose names begin with this")
    parser.add_argument("--log", default=f"{tempfile.gettempdir()}/studyhall-slack.log", help="for the apps' logs")
    options = parser.parse_args()
    with open(options.log, "wb") as log:
        asyncio.run(run(options, log))


if __name__ == "__main__":
    main()
