"""What the bot costs on Discord, over real sockets, beside a bare discord.py bot that says one constant sentence.

    python -m benchmarks.discord [--seconds 5] [--rate 200] [--ask-rate 20] [--channels 1000] [--only streak]

Members of a fake Discord come at random moments, so many a second whether or not those before are answered: first to
one bot, then to the other, in turns. Each bot is a process with a Discord of its own. Prints the bots' CPU for each
interaction (all threads), and the milliseconds until Discord has a bot's first answer to it; then how long it takes to
post in many channels that are due at once, where Discord takes 50 requests a second.

Goals: at most 4 times the CPU of the bare bot (but for /ask, which asks a language model), no answer after 3 s, no
failure; posts in at most 1.2 times what Discord's limits alone take.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import IO, Any

from rich.console import Console
from rich.table import Table

sys.path[0] = str(Path(__file__).parents[1])  # run as a file, `discord` would be this one

from benchmarks.children import Child, child  # noqa: E402

MEMBERS = 200
WARM = 1.0
"""Seconds that are not counted, of each kind."""
TURNS = 2
PER_SECOND = 50
"""What Discord takes of a bot."""
IN_A_GUILD = 5
ASKED = (
    "what is LoRA",
    "why do VAEs blur",
    "how does RAG find documents",
    "what is a diffusion model",
    "attention heads",
)
KINDS = {
    "/streak": ("streak", "Your streak"),
    "/leaderboard": ("leaderboard", "This week"),
    "an answer by button": ("press", r"Right!|Not this time\."),
    "/ask": ("ask", ""),
}
"""What members do, and a pattern of what they are to read."""
GOAL = 4.0
LATEST = 3000.0
POSTING = 1.2
CONSTANT = "Here you are."


@dataclass
class Side:
    """One bot with its Discord, and what came out."""

    bot: Child
    crowd: Child
    where: Any
    seconds: float = 0.0
    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    failed: int = 0
    sent: int = 0
    late: float = 0.0
    busy: float = 0.0

    async def connect(self) -> None:
        await self.bot.ask("connect")
        await self.crowd.ask("connected")

    async def load(self, kind: str, expect: str, rate: float, seconds: float, seed: int) -> None:
        before = await self.bot.ask("cpu")
        values = [{"text": text} for text in ASKED] if kind == "ask" else [{}]
        it = await self.crowd.ask(
            "load", kind=kind, values=values, rate=rate, seconds=seconds, seed=seed, expect=expect, patience=60
        )
        await asyncio.sleep(0.2)  # what a bot still does after its answer is part of it
        self.seconds += await self.bot.ask("cpu") - before
        self.first += it["first"]
        self.last += it["last"]
        self.failed += it["failed"]
        self.sent += round(rate * seconds)
        self.late, self.busy = max(self.late, it["late"]), max(self.busy, it["busy"])

    def forget(self) -> None:
        self.seconds, self.first, self.last, self.failed, self.sent, self.late, self.busy = 0.0, [], [], 0, 0, 0.0, 0.0

    @property
    def cpu(self) -> float:
        """Milliseconds an interaction."""
        return self.seconds / self.sent * 1000


@asynccontextmanager
async def side(
    kind: str, log: IO[bytes], *, guilds: int = 1, channels: int = 1, members: int = 0
) -> AsyncIterator[Side]:
    async with AsyncExitStack() as running:
        size = (f"--guilds={guilds}", f"--channels={channels}", f"--members={members}")
        crowd = await running.enter_async_context(child("benchmarks.crowd", *size, log=log))
        where = await crowd.ask("where")
        reach = where["reach"]
        address = (f"--api={reach['api']}", f"--gateway={reach['gateway_url']}", f"--token={reach['token']}")
        bot = await running.enter_async_context(child("benchmarks.bots", kind, *address, log=log))
        yield Side(bot, crowd, where)


async def compare(given: argparse.Namespace, log: IO[bytes], console: Console) -> None:
    table = Table("what", "a second", "CPU ms", "bare", "ratio", "p50 ms", "p99 ms", "slowest", "failed", "goal")
    for column in table.columns[1:-1]:
        column.justify = "right"
    notes = []
    async with side("ours", log, members=MEMBERS) as ours, side("bare", log, members=MEMBERS) as bare:
        presses = given.rate * (given.seconds + WARM)
        await ours.bot.ask(
            "fill", channels=ours.where["channels"], members=ours.where["members"], rounds=int(presses // MEMBERS) + 1
        )
        for one in (ours, bare):
            await one.connect()
        await ours.bot.ask("cards", channels=ours.where["channels"])
        await bare.crowd.ask("post", bodies=await ours.crowd.ask("cards"))
        for name, (kind, expect) in KINDS.items():
            if given.only and given.only != kind:
                continue
            rate = given.ask_rate if kind == "ask" else given.rate
            if kind == "ask":
                await ours.bot.ask("warm")
            for one in (ours, bare):
                await one.load(kind, "", rate, WARM, 0)
                one.forget()
            if given.profile:
                await ours.bot.ask("profile", file="")
            for turn in range(TURNS):
                await ours.load(kind, expect, rate, given.seconds / TURNS, turn + 1)
                await bare.load(kind, CONSTANT, rate, given.seconds / TURNS, turn + 1)
            if given.profile:
                await ours.bot.ask("profile", file=f"{given.profile}-{kind}.prof")
            if kind == "press":
                lost = round(presses) - await ours.bot.ask("answers")
                ours.failed += abs(lost)
            table.add_row(name, *_row(ours, bare, rate), _goal(kind, ours, bare))
            notes.append(
                f"{name}: the bare bot answered with p99 {_cuts(bare.first)[98]:.0f} ms, {bare.failed} failed; "
                f"answered to the end p99 {_cuts(ours.last)[98]:.0f} ms; members came up to {ours.late:.0f} ms late; "
                f"Discord itself was {ours.busy:.0%} busy"
            )
    console.print(table)
    for note in notes:
        console.print(f"  {note}", highlight=False)


def _row(ours: Side, bare: Side, rate: float) -> tuple[str, ...]:
    cuts = _cuts(ours.first)
    return (
        f"{rate:g}",
        f"{ours.cpu:.2f}",
        f"{bare.cpu:.2f}",
        f"{ours.cpu / bare.cpu:.1f}",
        f"{cuts[49]:.0f}",
        f"{cuts[98]:.0f}",
        f"{max(ours.first, default=0):.0f}",
        f"{ours.failed} of {ours.sent}",
    )


def _cuts(times: list[float]) -> list[float]:
    return quantiles(times, n=100, method="inclusive") if len(times) > 1 else [0.0] * 99


def _goal(kind: str, ours: Side, bare: Side) -> str:
    missed = []
    if kind != "ask" and ours.cpu > GOAL * bare.cpu:
        missed.append(f"over {GOAL:g}×")
    if max(ours.first, default=LATEST + 1) > LATEST:
        missed.append("over 3 s")
    if ours.failed:
        missed.append("failures")
    return f"[red]missed: {', '.join(missed)}[/]" if missed else "[green]met[/]"


async def post(given: argparse.Namespace, log: IO[bytes], console: Console) -> None:
    """Many channels that are due at once."""
    guilds = -(-given.channels // IN_A_GUILD)
    async with side("ours", log, guilds=guilds, channels=IN_A_GUILD) as ours:
        channels = ours.where["channels"][: given.channels]
        await ours.bot.ask("schedules", channels=channels)
        await ours.connect()
        await ours.crowd.ask("limited")
        if given.profile:
            await ours.bot.ask("profile", file="")
        turn = await ours.bot.ask("turn")
        if given.profile:
            await ours.bot.ask("profile", file=f"{given.profile}-due.prof")
        it = await ours.crowd.ask("posted")
    least = given.channels / PER_SECOND
    ratio = turn["seconds"] / least
    refused = it["statuses"].get("429", 0)
    done = ratio <= POSTING and it["once"] == given.channels
    console.print(
        f"\n{it['once']} of {given.channels} channels due at once have their post after {turn['seconds']:.1f} s: "
        f"{ratio:.2f} times the {least:g} s that the limits take, {'[green]met' if done else '[red]missed'}[/]\n"
        f"  the posts alone took {it['seconds']:.1f} s; {refused} of them were refused for now (429), and "
        f"{it['others']} other requests; CPU {turn['cpu'] / given.channels * 1000:.1f} ms a post",
        highlight=False,
    )


async def run(given: argparse.Namespace, log: IO[bytes]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    if given.only != "due":
        await compare(given, log, console)
    if given.only in ("", "due"):
        await post(given, log, console)
    console.print(f"\nLoad of the machine in the last minutes, on {os.cpu_count()} cores: {os.getloadavg()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="of load, for each kind and each bot")
    parser.add_argument("--rate", type=float, default=200, help="members a second")
    parser.add_argument("--ask-rate", type=float, default=20, help="for /ask: the model does about 30 a second")
    parser.add_argument("--channels", type=int, default=1000, help="due at once")
    parser.add_argument("--only", default="", choices=("streak", "leaderboard", "press", "ask", "due"))
    parser.add_argument("--profile", default="", help="files to write profiles to begin with this")
    parser.add_argument("--log", default=f"{tempfile.gettempdir()}/studyhall-discord.log", help="the bots' own words")
    given = parser.parse_args()
    with open(given.log, "wb") as log:
        asyncio.run(run(given, log))


if __name__ == "__main__":
    main()
