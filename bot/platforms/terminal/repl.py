"""The study room on standard input and output: lines in, replies and posts out."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator

import structlog
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner

from bot.app import App
from bot.errors import DatabaseError
from bot.platforms.terminal.outbox import TerminalOutbox, restore
from bot.platforms.terminal.render import draw
from bot.platforms.terminal.room import Room
from bot.replies import Reply

log = structlog.get_logger()

PROMPT = "› "
EXIT_WORDS = {"exit", "quit", "bye", ":q"}


class Repl:
    """One study room on a console; interactive on a terminal, otherwise lines are piped in."""

    def __init__(self, app: App, outbox: TerminalOutbox, console: Console, owner: str = "") -> None:
        self._app, self._outbox, self._console = app, outbox, console
        self._room = Room(app, owner)
        self._interactive = console.is_terminal and sys.stdin.isatty()
        self._prompting = False
        self._showing_posts = asyncio.Lock()

    async def run(self) -> int:
        """Run lines one by one until the input ends; return how many there were."""
        count = 0
        if self._interactive:
            self._console.print(_welcome(self._app))
        await self._show_posts()
        lines = InputLines(self._interactive)
        watch = asyncio.create_task(self._watch_posts())
        try:
            while (line := await self._next_line(lines)) is not None:
                count += 1
                if line.strip().lower() in EXIT_WORDS:
                    break
                if line.strip() or self._room.has_open_form:
                    await self._show_replies(self._room.hear(line))
                await self._show_posts()
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        return count

    async def _next_line(self, lines: InputLines) -> str | None:
        self._prompting = True
        try:
            return await lines.next()
        finally:
            self._prompting = False

    async def _show_replies(self, replies: AsyncIterator[Reply]) -> None:
        """On a terminal, each draft replaces the one before; a pipe gets only the last reply."""
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

    async def _watch_posts(self) -> None:
        """Show posts that arrive while the room waits for a line, then restore what was typed so far."""
        while True:
            await self._outbox.arrived.wait()
            self._outbox.arrived.clear()
            if not self._prompting or not await self._has_unseen_posts():
                continue  # shown already, or shown after the current reply
            if self._interactive:
                self._console.print()
            await self._show_posts()
            if self._interactive:
                sys.stdout.write(PROMPT + _typed_so_far())
                sys.stdout.flush()

    async def _has_unseen_posts(self) -> bool:
        try:
            return bool(await self._app.terminal_posts.unseen())
        except DatabaseError as problem:
            log.error("posts not shown", problem=str(problem))
            return False

    async def _show_posts(self) -> None:
        """Show what hasn't been seen. While the database can't be used, posts stay unseen, and the room open."""
        async with self._showing_posts:  # or two tasks could show a post before either marks it as seen
            try:
                for post_id, channel, body in await self._app.terminal_posts.unseen():
                    if self._room.receives(channel):
                        self._show_post(restore(body))
                        await self._app.terminal_posts.mark_seen(post_id)
            except DatabaseError as problem:
                log.error("posts not shown", problem=str(problem))

    def _show_post(self, post: Reply) -> None:
        self._console.print(draw(post))
        self._console.print()
        self._room.offer(post)


def _typed_so_far() -> str:
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


class InputLines:
    """Read standard input in a thread: asyncio can't watch a regular file, and hangs on /dev/null.

    On a terminal the next line is read only once `next` is called, so that the prompt comes after the reply.
    """

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive
        self._loop = asyncio.get_running_loop()
        self._requested = threading.Semaphore(0)
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        threading.Thread(target=self._read, daemon=True, name="stdin").start()

    async def next(self) -> str | None:
        """Return the next line without its line break; None at the end of the input."""
        self._requested.release()
        return await self._lines.get()

    def _read(self) -> None:
        if self._interactive:
            with contextlib.suppress(ImportError):
                import readline  # noqa: F401  # line editing and history for input()
        line: str | None = ""
        while line is not None:
            self._requested.acquire()
            line = self._read_line()
            with contextlib.suppress(RuntimeError):  # the loop has ended: somebody pressed Ctrl-C
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line)

    def _read_line(self) -> str | None:
        try:
            line = input(PROMPT) + "\n" if self._interactive else sys.stdin.readline()
        except EOFError:
            return None
        except UnicodeDecodeError:
            return "\ufffd"
        return line.rstrip("\r\n") if line else None
