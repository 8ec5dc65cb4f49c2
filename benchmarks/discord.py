"""Measure what the bot costs on Discord, over real sockets, compared with a bare discord.py bot that says one sentence.

    python -m benchmarks.discord [--seconds 5] [--rate 200] [--ask-rate 20] [--channels 1000] [--only streak]

Members of a fake Discord act at random moments, at a fixed rate whether or not earlier ones were answered: with one
bot, then the other, in turns. Each bot is a process with its own Discord. Prints the bots' CPU per interaction (all
threads), and the milliseconds until Discord has a bot's first answer; then how long it takes to post in many channels
that are due at once, when Discord accepts 50 requests per second.

Goals: at most 4 times the bare bot's CPU (except for /ask, which asks a language model), no answer after 3 s, no
failures; posts in at most 1.2 times what Discord's limits alone take.
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
from statistics import quantiles
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from benchmarks.children import CONSTANT, Child, child

MEMBERS = 200
WARM = 1.0
"""Warm-up seconds of each kind, which don't count."""
TURNS = 2
MAX_REQUESTS_PER_SECOND = 50
"""Requests that Discord accepts from a bot."""
CHANNELS_PER_GUILD = 5
QUESTIONS = (
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
"""What members do, and a pattern that the answer must match."""
MAX_CPU_RATIO = 4.0
MAX_ANSWER_MS = 3000.0
MAX_POSTING_RATIO = 1.2


@dataclass
class Side:
    """One bot with its Discord, and its measurements."""

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
        values = [{"text": text} for text in QUESTIONS] if kind == "ask" else [{}]
        result = await self.crowd.ask(
            "load", kind=kind, values=values, rate=rate, seconds=seconds, seed=seed, expect=expect, patience=60
        )
        await asyncio.sleep(0.2)  # what a bot does after its answer counts too
        self.seconds += await self.bot.ask("cpu") - before
        self.first += result["first"]
        self.last += result["last"]
        self.failed += result["failed"]
        self.sent += round(rate * seconds)
        self.late, self.busy = max(self.late, result["late"]), max(self.busy, result["busy"])

    def forget(self) -> None:
        self.seconds, self.first, self.last, self.failed, self.sent, self.late, self.busy = 0.0, [], [], 0, 0, 0.0, 0.0

    @property
    def cpu(self) -> float:
        """Milliseconds of CPU per interaction."""
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


async def compare(options: argparse.Namespace, log: IO[bytes], console: Console) -> None:
    table = Table("action", "per second", "CPU ms", "bare", "ratio", "p50 ms", "p99 ms", "slowest", "failed", "goal")
    for column in table.columns[1:-1]:
        column.justify = "right"
    notes = []
    async with side("ours", log, members=MEMBERS) as ours, side("bare", log, members=MEMBERS) as bare:
        presses = options.rate * (options.seconds + WARM)
        await ours.bot.ask(
            "fill", channels=ours.where["channels"], members=ours.where["members"], rounds=int(presses // MEMBERS) + 1
        )
        for bot_side in (ours, bare):
            await bot_side.connect()
        await ours.bot.ask("cards", channels=ours.where["channels"])
        await bare.crowd.ask("post", bodies=await ours.crowd.ask("cards"))
        for name, (kind, expect) in KINDS.items():
            if options.only and options.only != kind:
                continue
            rate = options.ask_rate if kind == "ask" else options.rate
            if kind == "ask":
                await ours.bot.ask("warm")
            for bot_side in (ours, bare):
                await bot_side.load(kind, "", rate, WARM, 0)
                bot_side.forget()
            if options.profile:
                await ours.bot.ask("profile", file="")
            for turn in range(TURNS):
                await ours.load(kind, expect, rate, options.seconds / TURNS, turn + 1)
                await bare.load(kind, CONSTANT, rate, options.seconds / TURNS, turn + 1)
            if options.profile:
                await ours.bot.ask("profile", file=f"{options.profile}-{kind}.prof")
            if kind == "press":
                lost = round(presses) - await ours.bot.ask("answers")
                ours.failed += abs(lost)
            table.add_row(name, *row(ours, bare, rate), _goal(kind, ours, bare))
            notes.append(
                f"{name}: the bare bot answered with p99 {cuts(bare.first)[98]:.0f} ms, {bare.failed} failed; "
                f"finished with p99 {cuts(ours.last)[98]:.0f} ms; members acted up to {ours.late:.0f} ms late; "
                f"Discord itself was {ours.busy:.0%} busy"
            )
    console.print(table)
    for note in notes:
        console.print(f"  {note}", highlight=False)


def row(ours: Side, bare: Side, rate: float) -> tuple[str, ...]:
    first = cuts(ours.first)
    return (
        f"{rate:g}",
        f"{ours.cpu:.2f}",
        f"{bare.cpu:.2f}",
        f"{ours.cpu / bare.cpu:.1f}",
        f"{first[49]:.0f}",
        f"{first[98]:.0f}",
        f"{max(ours.first, default=0):.0f}",
        f"{ours.failed} of {ours.sent}",
    )


def cuts(times: list[float]) -> list[float]:
    return quantiles(times, n=100, method="inclusive") if len(times) > 1 else [0.0] * 99


def _goal(kind: str, ours: Side, bare: Side) -> str:
    missed = []
    if kind != "ask" and ours.cpu > MAX_CPU_RATIO * bare.cpu:
        missed.append(f"over {MAX_CPU_RATIO:g}×")
    if max(ours.first, default=MAX_ANSWER_MS + 1) > MAX_ANSWER_MS:
        missed.append("over 3 s")
    if ours.failed:
        missed.append("failures")
    return f"[red]missed: {', '.join(missed)}[/]" if missed else "[green]met[/]"


async def post(options: argparse.Namespace, log: IO[bytes], console: Console) -> None:
    """Measure many channels that are due at once."""
    guilds = -(-options.channels // CHANNELS_PER_GUILD)
    async with side("ours", log, guilds=guilds, channels=CHANNELS_PER_GUILD) as ours:
        channels = ours.where["channels"][: options.channels]
        await ours.bot.ask("schedules", channels=channels)
        await ours.connect()
        await ours.crowd.ask("limited")
        if options.profile:
            await ours.bot.ask("profile", file="")
        run_cost = await ours.bot.ask("run_scheduler")
        if options.profile:
            await ours.bot.ask("profile", file=f"{options.profile}-due.prof")
        posted = await ours.crowd.ask("posted")
    shortest = options.channels / MAX_REQUESTS_PER_SECOND
    ratio = run_cost["seconds"] / shortest
    refused = posted["statuses"].get("429", 0)
    met = ratio <= MAX_POSTING_RATIO and posted["once"] == options.channels
    console.print(
        f"\n{posted['once']} of {options.channels} channels due at once got their post after "
        f"{run_cost['seconds']:.1f} s: {ratio:.2f} times the {shortest:g} s that the limits take, "
        f"{'[green]met' if met else '[red]missed'}[/]\n"
        f"  the posts alone took {posted['seconds']:.1f} s; {refused} of them were refused for now (429), and so were "
        f"{posted['others']} other requests; CPU {run_cost['cpu'] / options.channels * 1000:.1f} ms per post",
        highlight=False,
    )


async def run(options: argparse.Namespace, log: IO[bytes]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    if options.only != "due":
        await compare(options, log, console)
    if options.only in ("", "due"):
        await post(options, log, console)
    console.print(f"\nLoad of the machine over the last minutes, on {os.cpu_count()} cores: {os.getloadavg()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="of load, for each kind and each bot")
    parser.add_argument("--rate", type=float, default=200, help="interactions per second")
    parser.add_argument("--ask-rate", type=float, default=20, help="for /ask: the model can only handle 40 per second")
    parser.add_argument("--channels", type=int, default=1000, help="due at once")
    parser.add_argument("--only", default="", choices=("streak", "leaderboard", "press", "ask", "due"))
    parser.add_argument("--profile", default="", help="prefix of the files to write profiles to")
    parser.add_argument("--log", default=f"{tempfile.gettempdir()}/studyhall-discord.log", help="the bots' own output")
    options = parser.parse_args()
    with open(options.log, "wb") as log:
        asyncio.run(run(options, log))


if __name__ == "__main__":
    main()
