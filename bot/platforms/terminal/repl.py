"""The study room on standard input and output: a line in, a reply out, posts when they come."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from bot.app import App
from bot.platforms.terminal.outbox import TerminalOutbox, restore
from bot.platforms.terminal.render import draw
from bot.platforms.terminal.room import Room
from bot.replies import Reply

PROMPT = "› "
LEAVE = {"exit", "quit", "bye", ":q"}


class Repl:
    """One study room on a console. `interactive`: a person types; otherwise lines are piped in."""

    def __init__(self, app: App, outbox: TerminalOutbox, console: Console, owner: str = "") -> None:
        self._app, self._outbox, self._console = app, outbox, console
        self._room = Room(app, owner)
        self._interactive = console.is_terminal and sys.stdin.isatty()
        self._prompting = False
        self._posting = asyncio.Lock()

    async def run(self) -> int:
        """Until the end of the input; how many lines there were. They are carried out one after the other."""
        count = 0
        if self._interactive:
            self._console.print(_welcome(self._app))
        await self._posts()
        lines = Lines(self._interactive)
        watch = asyncio.create_task(self._watch())
        try:
            while (line := await self._next(lines)) is not None:
                count += 1
                if line.strip().lower() in LEAVE:
                    break
                if line.strip() or self._room.filling:
                    await self._show(self._room.hear(line))
                await self._posts()
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        return count

    async def _next(self, lines: Lines) -> str | None:
        self._prompting = True
        try:
            return await lines.next()
        finally:
            self._prompting = False

    async def _show(self, replies: AsyncIterator[Reply]) -> None:
        """Drafts take each other's place on a terminal; in a pipe only the last reply is written."""
        last: Reply | None = None
        if not self._interactive:
            async for reply in replies:
                last = reply
        else:
            with Live(
                Spinner("dots", "one moment…"), console=self._console, transient=True, refresh_per_second=12
            ) as live:
                async for reply in replies:
                    last = reply
                    live.update(draw(reply))
        if last is not None:
            self._console.print(draw(last))
            self._console.print()

    async def _watch(self) -> None:
        """Show posts as they come while the room waits for a line, and then what has been typed of it again."""
        while True:
            await self._outbox.arrived.wait()
            self._outbox.arrived.clear()
            if not self._prompting or not await self._app.terminal_posts.unseen():
                continue  # shown after the reply in hand, or already
            if self._interactive:
                self._console.print()
            await self._posts()
            if self._interactive:
                sys.stdout.write(PROMPT + _typed())
                sys.stdout.flush()

    async def _posts(self) -> None:
        async with self._posting:  # else the watch and the room may both show what neither has marked as seen yet
            for id, channel, body in await self._app.terminal_posts.unseen():
                if not self._room.hears(channel):
                    continue
                reply = restore(body)
                self._console.print(draw(reply))
                self._console.print()
                self._room.offer(reply)
                await self._app.terminal_posts.mark_seen(id)


def _typed() -> str:
    try:
        import readline
    except ImportError:  # not on every platform
        return ""
    return readline.get_line_buffer()


def _welcome(app: App) -> str:
    questions, topics = app.bank_size
    return (
        f"\nStudyhall · {questions} questions on {topics} topics\n"
        "Try: ask what is LoRA · question · schedule setup 09:00 · help\n"
    )


class Lines:
    """Lines of standard input, read in a thread: asyncio cannot watch a regular file, and hangs on /dev/null.

    On a terminal the next line is asked for only once `next` is called, so that the prompt comes after the reply.
    """

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive
        self._loop = asyncio.get_running_loop()
        self._wanted = threading.Semaphore(0)
        self._read: asyncio.Queue[str | None] = asyncio.Queue()
        threading.Thread(target=self._follow, daemon=True, name="stdin").start()

    async def next(self) -> str | None:
        """The next line without its end; None when the input has ended."""
        self._wanted.release()
        return await self._read.get()

    def _follow(self) -> None:
        if self._interactive:
            with contextlib.suppress(ImportError):
                import readline  # noqa: F401  # line editing and history for input()
        line: str | None = ""
        while line is not None:
            self._wanted.acquire()
            line = self._line()
            with contextlib.suppress(RuntimeError):  # the loop has ended: somebody pressed Ctrl-C
                self._loop.call_soon_threadsafe(self._read.put_nowait, line)

    def _line(self) -> str | None:
        try:
            line = input(PROMPT) + "\n" if self._interactive else sys.stdin.readline()
        except EOFError:
            return None
        except UnicodeDecodeError:
            return "\ufffd"
        return line.rstrip("\r\n") if line else None
