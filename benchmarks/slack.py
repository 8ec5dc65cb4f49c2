"""What the bot costs on Slack, by signed requests over real sockets, beside a bare Bolt app with one constant answer.

    python -m benchmarks.slack [--seconds 5] [--rate 100] [--ask-rate 20] [--only streak]

Members of a fake Slack come at random moments, so many a second whether or not those before are answered: first to one
app, then to the other, in turns, under the same uvicorn and Starlette. Each app is a process with a Slack of its own.
Prints the apps' CPU for each interaction (all threads), and the milliseconds until Slack has the acknowledgement.

Goals: at most 5 times the CPU of the bare app (but for `ask`, which asks a language model), no acknowledgement over 1 s
at p99, no failure: everybody reads what they asked for, and every answer is in the database.
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
from statistics import quantiles
from typing import IO

from rich.console import Console
from rich.table import Table

from benchmarks.children import child
from benchmarks.discord import CONSTANT, MEMBERS, TURNS, WARM, Side

KINDS = {
    "streak": ("streak", "Your streak"),
    "leaderboard": ("leaderboard", "This week"),
    "an answer by button": ("press", r"Right!|Not this time\."),
    "ask": ("ask", ""),
}
"""What members do, and a pattern of what they are to read; the crowd has those for what they ask."""
GOAL = 5.0
LATEST = 1000.0


class Pair(Side):
    """One app with its Slack."""

    async def connect(self) -> None:
        await self.crowd.ask("point_at", app=await self.bot.ask("connect"))

    async def called(self) -> Counter[str]:
        return Counter(await self.crowd.ask("called"))


@asynccontextmanager
async def pair(kind: str, log: IO[bytes]) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as running:
        crowd = await running.enter_async_context(child("benchmarks.slack_crowd", f"--members={MEMBERS}", log=log))
        where = await crowd.ask("where")
        reach = (f"--{name}={value}" for name, value in where["reach"].items())
        app = await running.enter_async_context(child("benchmarks.slack_bots", kind, *reach, log=log))
        yield Pair(app, crowd, where)


async def compare(given: argparse.Namespace, log: IO[bytes], console: Console) -> None:
    table = Table("what", "a second", "CPU ms", "bare", "ratio", "p50 ms", "p99 ms", "slowest", "failed", "goal")
    for column in table.columns[1:-1]:
        column.justify = "right"
    notes = []
    async with pair("ours", log) as ours, pair("bare", log) as bare:
        notes.append(await begin(given, ours, bare))
        for name, (kind, expect) in KINDS.items():
            if given.only and given.only != kind:
                continue
            rate = given.ask_rate if kind == "ask" else given.rate
            if kind == "ask":
                await ours.bot.ask("warm")
            for one, expected in ((ours, expect), (bare, CONSTANT)):
                await one.load(kind, expected, rate, WARM, 0)
                one.forget()
            if given.profile:
                await ours.bot.ask("profile", file="")
            before = await ours.called()
            for turn in range(TURNS):
                await ours.load(kind, expect, rate, given.seconds / TURNS, turn + 1)
                await bare.load(kind, CONSTANT, rate, given.seconds / TURNS, turn + 1)
            if given.profile:
                await ours.bot.ask("profile", file=f"{given.profile}-{kind}.prof")
            if kind == "press":
                ours.failed += abs(await ours.crowd.ask("pressed") - await ours.bot.ask("answers"))
            table.add_row(name, *row(ours, bare, rate), goal(kind, ours, bare))
            notes.append(
                f"{name}: {details(ours, bare)}; calls of the Web API: {(await ours.called() - before).total()}"
            )
    console.print(table)
    for note in notes:
        console.print(f"  {note}", highlight=False)


async def begin(given: argparse.Namespace, ours: Pair, bare: Pair) -> str:
    """Everything before the first count, and what it showed: at a member's first deed the app asks Slack for their
    name, which it then knows for ten minutes."""
    presses = given.rate * (given.seconds + WARM) + TURNS
    where = ours.where
    await ours.bot.ask("fill", channels=where["channels"], members=where["members"], rounds=int(presses // MEMBERS) + 1)
    for one in (ours, bare):
        await one.connect()
    await ours.bot.ask("cards", channels=where["channels"])
    await bare.crowd.ask("post", cards=await ours.crowd.ask("cards"))
    half = MEMBERS / 2 / given.rate
    for one in (ours, bare):
        await one.load("streak", "", given.rate, half, 0)
        one.forget()
        await one.load("streak", "", given.rate, half, 0)
    note = f"streak, by members the app has to ask Slack about: CPU {ours.cpu:.2f} ms, {ours.cpu / bare.cpu:.1f} times"
    note += f" the bare one; acknowledged with p99 {cuts(ours.first)[98]:.0f} ms"
    for one in (ours, bare):
        one.forget()
    return note


def row(ours: Side, bare: Side, rate: float) -> tuple[str, ...]:
    quick = cuts(ours.first)
    return (
        f"{rate:g}",
        f"{ours.cpu:.2f}",
        f"{bare.cpu:.2f}",
        f"{ours.cpu / bare.cpu:.1f}",
        f"{quick[49]:.0f}",
        f"{quick[98]:.0f}",
        f"{max(ours.first, default=0):.0f}",
        f"{ours.failed} of {ours.sent}",
    )


def details(ours: Side, bare: Side) -> str:
    quick = cuts(bare.first)
    return (
        f"the bare app acknowledged with p50 {quick[49]:.0f}, p99 {quick[98]:.0f} ms, {bare.failed} failed; answered "
        f"with p99 {cuts(ours.last)[98]:.0f} ms; members came up to {max(ours.late, bare.late):.0f} ms late; Slack and "
        f"its members were {ours.busy:.0%} busy"
    )


def cuts(times: list[float]) -> list[float]:
    return quantiles(times, n=100, method="inclusive") if len(times) > 1 else [0.0] * 99


def goal(kind: str, ours: Side, bare: Side) -> str:
    missed = []
    if kind != "ask" and ours.cpu > GOAL * bare.cpu:
        missed.append(f"over {GOAL:g}×")
    if not ours.first or cuts(ours.first)[98] > LATEST:
        missed.append("over 1 s")
    if ours.failed:
        missed.append("failures")
    return f"[red]missed: {', '.join(missed)}[/]" if missed else "[green]met[/]"


async def run(given: argparse.Namespace, log: IO[bytes]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    await compare(given, log, console)
    console.print(f"\nLoad of the machine in the last minutes, on {os.cpu_count()} cores: {os.getloadavg()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="of load, for each kind and each app")
    parser.add_argument("--rate", type=float, default=100, help="members a second")
    parser.add_argument("--ask-rate", type=float, default=20, help="for ask: the model does about 30 a second")
    parser.add_argument("--only", default="", choices=[kind for kind, _ in KINDS.values()])
    parser.add_argument("--profile", default="", help="files to write profiles to begin with this")
    parser.add_argument("--log", default=f"{tempfile.gettempdir()}/studyhall-slack.log", help="the apps' own words")
    given = parser.parse_args()
    with open(given.log, "wb") as log:
        asyncio.run(run(given, log))


if __name__ == "__main__":
    main()
