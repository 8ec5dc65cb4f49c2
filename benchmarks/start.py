"""Measure how long a start takes and what it costs, in separate processes, each compared with a floor.

    python -m benchmarks.start [--lookups 1000] [--rounds 3] [--only ask]

A cold start uses a freshly installed copy of the program, without data, whose packages are not in the page cache; a
warm start is the same again. Prints wall time, CPU of the process and its children, and peak memory; the median of
the warm rounds. Then a bot on a fake Slack: when it serves, when search by meaning is ready, the longest wait for a
health check until then (which bounds how long the event loop is blocked), and its memory after many lookups.

Goals on two idle cores: the first `ask` of a fresh clone answered in full in 10 s, and by words in 3 s; the room open
in 2 s; no wait over .1 s; the first `ask` of a running bot no slower than the second; 500 MB after 1,000 lookups.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import fcntl
import os
import pty
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, Any

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.children import Child, child

ROOT = Path(__file__).parents[1]
PROGRAM = ("bot", "knowledge", "migrations", "pyproject.toml", "config.example.toml")
QUESTION = "what is lora"
ANSWER = b"low-rank"
BY_WORDS = b"By keywords"
PROMPT = "› ".encode()
STOP = b"\x03"
"""Ctrl-C, so the benchmark needn't wait for the rest."""
PATIENCE = 180
HEALTH_EVERY = 0.002
"""Seconds between two health checks."""

IMPORTS = "import typer, rich.console, pydantic, structlog, markdown_it, rapidfuzz"
ASK_FLOOR = f"{IMPORTS}, numpy, safetensors, tokenizers, onnxruntime"
ROOM_FLOOR = f"{IMPORTS}, sqlmodel, sqlalchemy.ext.asyncio, alembic.command, apscheduler.schedulers.asyncio"
SERVE_FLOOR = f"{ROOM_FLOOR}, slack_bolt.async_app, uvicorn, starlette.applications, aiohttp"


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took: seconds until its sign appeared, and until it ended; CPU seconds; peak megabytes."""

    until: float
    wall: float
    cpu: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lookups", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("ask", "room", "bot"))
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    with tempfile.TemporaryDirectory() as folder:
        if given.only in (None, "ask", "room"):
            console.print(commands(Path(folder), given))
        if given.only in (None, "bot"):
            with (Path(folder) / "log").open("wb") as log:
                asyncio.run(bot(Path(folder), given.lookups, console, log))


def commands(folder: Path, given: argparse.Namespace) -> Table:
    """Measure the command line and the room, cold and warm, each after its floor."""
    table = Table("what", "until its sign, s", "until its end, s", "CPU s", "peak MB", title="The start")
    for column in table.columns[1:]:
        column.justify = "right"
    ask = ["-m", "bot", "ask", QUESTION]
    rows = {
        "ask": (
            ("floor: imports of `ask`", ["-c", f"{ASK_FLOOR}; print('{ANSWER.decode()}')"], ANSWER, b""),
            ("`ask`, until the full answer", ask, ANSWER, b""),
            ("`ask` without vectors, until the answer by keywords", ask, BY_WORDS, STOP),
        ),
        "room": (
            ("floor: imports of the room", ["-c", f"{ROOM_FLOOR}; print('{PROMPT.decode()}')"], PROMPT, b""),
            ("the room, until its prompt", ["-m", "bot", "run", "terminal"], PROMPT, b"exit\n"),
            ("the room, until its first `ask` is answered", ["-m", "bot", "run", "terminal"], ANSWER, b""),
        ),
    }
    for kind in rows if given.only is None else [given.only]:
        for what, words, sign, then in rows[kind]:
            typed = f"ask {QUESTION}\n".encode() if sign is ANSWER and "run" in words else b""
            program = fresh(folder)
            if sign is BY_WORDS:
                shutil.rmtree(program / "knowledge" / "vectors")
            forget_pages()
            cold = process(program, words, sign, typed, then or b"exit\n" * bool(typed))
            warm = [process(program, words, sign, typed, then or b"exit\n" * bool(typed)) for _ in range(given.rounds)]
            table.add_row(f"{what}: cold", *shown([cold]))
            table.add_row(f"{what}: warm", *shown(warm))
        table.add_section()
    return table


def fresh(folder: Path) -> Path:
    """Return a copy of the program as if freshly installed: compiled, without data."""
    program = Path(tempfile.mkdtemp(dir=folder))
    for name in PROGRAM:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, program / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, program / name)
    compileall.compile_dir(program, quiet=1)
    return program


def forget_pages() -> None:
    """Ask the system to drop the pages of all packages, as after a reboot; not every system does."""
    for path in Path(sys.prefix).rglob("*"):
        with suppress(OSError):
            if path.is_file() and not path.is_symlink():
                opened = os.open(path, os.O_RDONLY)
                try:
                    os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(opened)


def process(program: Path, words: list[str], sign: bytes, typed: bytes, then: bytes) -> Run:
    """Run Python with these words in a terminal, type a line, wait for its sign, and type another."""
    here, there = pty.openpty()
    environment = {**os.environ, "STUDYHALL_DATA": str(program / "data"), "PYTHONPATH": str(program), "COLUMNS": "100"}
    started = time.perf_counter()
    running = subprocess.Popen(  # noqa: S603
        [sys.executable, *words],
        cwd=program,
        env=environment,
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
        # so that Ctrl-C arrives; no thread runs yet
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )
    os.close(there)
    os.write(here, typed)
    until, said = 0.0, b""
    with suppress(OSError):  # the terminal's other end is closed
        while some := os.read(here, 65536):
            said += some
            if not until and sign in said:
                until = time.perf_counter() - started
                os.write(here, then)
    _, status, used = os.wait4(running.pid, 0)
    wall = time.perf_counter() - started
    os.close(here)
    if (status and then is not STOP) or not until:
        sys.exit(f"{words} ended with {status}, saying: {said.decode(errors='replace')}")
    return Run(until, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def shown(runs: list[Run]) -> tuple[str, ...]:
    return (
        f"{median(run.until for run in runs):.2f}",
        f"{median(run.wall for run in runs):.2f}",
        f"{median(run.cpu for run in runs):.2f}",
        f"{median(run.peak for run in runs):.0f}",
    )


async def bot(folder: Path, lookups: int, console: Console, log: IO[bytes]) -> None:
    """Measure a serving bot, from its start to its memory after the lookups."""
    table = Table("a bot on Slack", "", title="Serving")
    table.columns[1].justify = "right"
    floor = process(fresh(folder), ["-c", f"{SERVE_FLOOR}; print('ready')"], b"ready", b"", b"")
    table.add_row("floor: imports, s", f"{floor.until:.2f}")
    table.add_row("floor: imports, MB", f"{floor.peak:.0f}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with (
        child("benchmarks.slack_crowd", "--members=10", "--today", log=log) as crowd,
        aiohttp.ClientSession() as web,
    ):
        reach = (await crowd.ask("where"))["reach"]
        await crowd.ask("point_at", app=f"http://127.0.0.1:{port}/slack/events")
        environment = {
            **os.environ,
            "STUDYHALL_DATA": str(folder / "bot"),
            "SLACK_API_URL": reach["api"],
            "SLACK_BOT_TOKEN": reach["token"],
            "SLACK_SIGNING_SECRET": reach["secret"],
            "PORT": str(port),
        }
        started = time.perf_counter()
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", "slack", cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            served, ready, longest = await health(web, f"http://127.0.0.1:{port}", started)
            table.add_row("until it serves, s", f"{served:.2f}")
            table.add_row("until search by meaning is ready, s", f"{ready:.2f}")
            table.add_row("longest wait for its health meanwhile, ms", f"{longest * 1000:.0f}")
            await load(crowd, "streak", [""])  # from here on it knows who asks
            first, second, third = [(await load(crowd, "ask", ["what is LoRA"], rate=1))["last"][0] for _ in range(3)]
            table.add_row("the first `ask`, the second, the third, ms", f"{first:.0f}, {second:.0f}, {third:.0f}")
            table.add_row("memory after these, MB", f"{memory(running.pid):.0f}")
            for _ in range(0, lookups, 100):
                it = await load(crowd, "ask", TEXTS, seconds=5)
                if it["failed"]:
                    console.print(f"{it['failed']} of 100 lookups failed", style="red")
            table.add_row(f"memory after {lookups:,} lookups, MB", f"{memory(running.pid):.0f}")
        finally:
            running.terminate()
            await running.wait()
    console.print(table)


TEXTS = (
    "what is LoRA",
    "why do VAEs blur",
    "how does RAG find documents",
    "what is a diffusion model",
    "attention heads",
    "how would you decide between fine-tuning and retrieval for a support bot whose documents change every week",
)


async def load(crowd: Child, kind: str, texts: Sequence[str], *, rate: int = 20, seconds: int = 1) -> Any:
    """Send `rate` requests a second and return the results; `last` has the milliseconds to their answers."""
    values = [{"text": text} for text in texts]
    return await crowd.ask(
        "load", kind=kind, values=values, rate=rate, seconds=seconds, seed=seconds, expect=".", patience=PATIENCE
    )


async def health(web: aiohttp.ClientSession, url: str, started: float) -> tuple[float, float, float]:
    """Return the seconds until the bot serves and until all of it is ready, and the longest wait for a health check."""
    served, longest = 0.0, 0.0
    async with asyncio.timeout(PATIENCE):
        while True:
            asked = time.perf_counter()
            try:
                async with web.get(f"{url}/healthz") as answer:
                    await answer.text()
            except aiohttp.ClientError:
                await asyncio.sleep(HEALTH_EVERY)
                continue
            now = time.perf_counter()
            served, longest = served or now - started, max(longest, now - asked)
            async with web.get(f"{url}/readyz") as answer:
                if await answer.text() == "ok\n":
                    return served, time.perf_counter() - started, longest
            await asyncio.sleep(HEALTH_EVERY)


def memory(pid: int) -> float:
    """Return the megabytes that a process and its children use, counting shared memory once."""
    total = 0
    for one in family(pid):
        lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for one in (task / "children").read_text().split():
            yield from family(int(one))


if __name__ == "__main__":
    main()
