"""The study room on a real screen: a person at a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import pytest
from rich.console import Console
from structlog.testing import capture_logs

from bot.app import App, TerminalPosts
from bot.errors import DatabaseError
from bot.platforms.terminal.outbox import TerminalOutbox
from bot.platforms.terminal.repl import Repl
from bot.platforms.terminal.room import LOCATION
from bot.replies import Notice, Reply
from bot.store.terminal_posts import UnseenPost
from tests.clocks import HANG

PROMPT = "› "
END = b"\x04"
"""Ctrl-D."""


class Screen:
    """What a person sees and types; `shows` waits for text that comes after what it found last."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._text = b""
        self._seen = 0
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def _read(self) -> None:
        self._text += os.read(self._terminal, 65536)
        self._changed.set()

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(HANG):
            while (at := self._text.find(text.encode(), self._seen)) < 0:
                self._changed.clear()
                await self._changed.wait()
        self._seen = at + len(text.encode())

    def types(self, keys: bytes) -> None:
        os.write(self._terminal, keys)


@pytest.fixture
def outbox(app: App) -> TerminalOutbox:
    outbox = TerminalOutbox(app.terminal_posts)
    app.attach("terminal", outbox)
    return outbox


@asynccontextmanager
async def at_a_terminal(app: App, outbox: TerminalOutbox) -> AsyncIterator[tuple[Screen, asyncio.Task[int]]]:
    """Run the room at a terminal; not in a fixture, since pytest puts its own streams back before the test."""
    terminal, ours = pty.openpty()
    stdin, stdout = os.fdopen(ours, encoding="utf-8", closefd=False), os.fdopen(ours, "w", encoding="utf-8")
    with patch.multiple(sys, stdin=stdin, stdout=stdout):
        console = Console(file=stdout, width=100, color_system=None)
        running = asyncio.create_task(Repl(app, outbox, console, "maya").run())
        screen = Screen(terminal)
        yield screen, running
        if not running.done():
            screen.types(END)
        await asyncio.wait_for(running, HANG)
    asyncio.get_running_loop().remove_reader(terminal)
    stdout.close()
    os.close(terminal)


async def test_a_person_is_welcomed_answered_and_says_bye(app: App, outbox: TerminalOutbox) -> None:
    async with at_a_terminal(app, outbox) as (screen, running):
        await screen.shows("questions on")
        await screen.shows(PROMPT)
        screen.types(b"team create Blue\n")
        await screen.shows("Team Blue is set up")
        await screen.shows(PROMPT)
        screen.types(b"bye\n")

        assert await asyncio.wait_for(running, HANG) == 2


async def test_a_post_is_shown_while_the_room_waits_for_a_line(app: App, outbox: TerminalOutbox) -> None:
    async with at_a_terminal(app, outbox) as (screen, running):
        await screen.shows(PROMPT)
        await outbox.post(LOCATION, Reply.of(Notice("A question for everybody")), "post-1")
        await screen.shows("A question for everybody")
        await screen.shows(PROMPT)
        screen.types(END)

        assert await asyncio.wait_for(running, HANG) == 0


async def test_an_empty_line_cancels_a_form_and_is_ignored_otherwise(app: App, outbox: TerminalOutbox) -> None:
    async with at_a_terminal(app, outbox) as (screen, running):
        await screen.shows(PROMPT)
        screen.types(b"\n")
        await screen.shows(PROMPT)
        screen.types(b"team create\n")
        await screen.shows("leave it empty to cancel")
        await screen.shows(PROMPT)
        screen.types(b"\n")
        await screen.shows("nothing changed")
        await screen.shows(PROMPT)
        screen.types(END)

        assert await asyncio.wait_for(running, HANG) == 3


async def test_bytes_that_are_not_text_do_not_end_the_room(app: App, outbox: TerminalOutbox) -> None:
    async with at_a_terminal(app, outbox) as (screen, _):
        await screen.shows(PROMPT)
        screen.types(b"\xff\n")
        await screen.shows("!")
        await screen.shows(PROMPT)


@dataclass(frozen=True, slots=True)
class Locked(TerminalPosts):
    """Posts whose database is locked the next time they're read, if `locked` is set."""

    locked: asyncio.Event = field(default_factory=asyncio.Event)
    refused: asyncio.Event = field(default_factory=asyncio.Event)

    async def unseen(self) -> list[UnseenPost]:
        if self.locked.is_set():
            self.locked.clear()
            self.refused.set()
            raise DatabaseError("locked")
        return await TerminalPosts.unseen(self)


async def test_a_locked_database_does_not_end_the_room_or_lose_its_posts(app: App) -> None:
    stored = Locked(app.terminal_posts.store)
    app = replace(app, terminal_posts=stored)
    outbox = TerminalOutbox(app.terminal_posts)
    async with at_a_terminal(app, outbox) as (screen, running):
        await screen.shows(PROMPT)
        stored.locked.set()
        with capture_logs() as logs:
            await outbox.post(LOCATION, Reply.of(Notice("A first question")), "post-1")
            await asyncio.wait_for(stored.refused.wait(), HANG)
            await outbox.post(LOCATION, Reply.of(Notice("A second question")), "post-2")
            await screen.shows("A first question")
            await screen.shows("A second question")
            await screen.shows(PROMPT)
            stored.locked.set()
            screen.types(b"team list\n")
            await screen.shows(PROMPT)
        screen.types(END)

        assert await asyncio.wait_for(running, HANG) == 1
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["posts not shown"] * 2
