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
from bot.platforms.terminal.room import PLACE, Room
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

    async def run(self) -> None:
        """Until the end of the input. Lines are carried out one after the other, in order."""
        if self._interactive:
            self._console.print(_welcome(self._app))
        await self._posts()
        lines = _lines(self._interactive)
        watch = asyncio.create_task(self._watch())
        try:
            self._prompting = True
            async for line in lines:
                self._prompting = False
                if line.strip().lower() in LEAVE:
                    break
                if line.strip() or self._room.filling:
                    await self._show(self._room.hear(line))
                await self._posts()
                self._prompting = True
                self._prompt()
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

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
        """Show posts as they come while the room waits for a line."""
        while True:
            await self._outbox.arrived.wait()
            self._outbox.arrived.clear()
            if self._prompting:
                if self._interactive:
                    self._console.print()
                await self._posts()
                self._prompt()

    async def _posts(self) -> None:
        for id, channel, body in await self._app.posts.unseen():
            if channel not in (PLACE.channel, f"@{self._room.owner.lower()}"):
                continue
            reply = restore(body)
            self._console.print(draw(reply))
            self._console.print()
            self._room.offer(reply)
            await self._app.posts.seen(id)

    def _prompt(self) -> None:
        if self._interactive:
            sys.stdout.write(PROMPT)
            sys.stdout.flush()


def _welcome(app: App) -> str:
    bank = app.study.library.bank
    return (
        f"\nStudyhall · {len(bank)} questions on {len(bank.topics)} topics\n"
        "Try: ask what is LoRA · question · schedule setup 09:00 · help\n"
    )


async def _lines(interactive: bool) -> AsyncIterator[str]:
    """Lines of standard input, read in a thread: asyncio cannot watch a regular file, and hangs on /dev/null."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        if interactive:
            with contextlib.suppress(ImportError):
                import readline  # noqa: F401  # line editing and history for input()
        while True:
            try:
                line = input() if interactive else sys.stdin.readline()
            except (EOFError, ValueError):
                line = ""
                ended = True
            except UnicodeDecodeError:
                loop.call_soon_threadsafe(queue.put_nowait, "\ufffd")
                continue
            else:
                ended = not interactive and not line
            try:
                loop.call_soon_threadsafe(queue.put_nowait, None if ended else line.rstrip("\r\n"))
            except RuntimeError:  # the loop has ended: somebody pressed Ctrl-C
                return
            if ended:
                return

    if interactive:
        sys.stdout.write(PROMPT)
        sys.stdout.flush()
    threading.Thread(target=read, daemon=True, name="stdin").start()
    while (line := await queue.get()) is not None:
        yield line
