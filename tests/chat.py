"""Conversations in the terminal's study room, with a clock that only moves when a test moves it."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import Connection, RowMapping, Select, select

from bot.app import App, TerminalPosts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.inference.client import Inference
from bot.platforms.terminal.outbox import TerminalOutbox, restore
from bot.platforms.terminal.render import draw, shortcuts
from bot.platforms.terminal.room import Room
from bot.replies import Reply
from bot.scheduler import Scheduler
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Answer, Round, RoundKind
from knowledge.questions import Question

OWNER = "maya"


class Clock:
    """A clock that starts on a Wednesday morning in UTC."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class Chat:
    """A study room with a store, a library and a clock; `maya` owns it, so she is a manager."""

    def __init__(self, store: Store, library: Library, inference: Inference | None = None) -> None:
        self.clock = Clock()
        self.study = Study(store=store, library=library, clock=self.clock, inference=inference)
        self.app = App(registry(), self.study, TerminalPosts(store))
        self.outbox = TerminalOutbox(self.app.terminal_posts)
        self.app.attach("terminal", self.outbox)
        self.room = Room(self.app, OWNER)
        self.scheduler = Scheduler(self.study, seconds=5)

    async def replies(self, who: str, line: str) -> list[Reply]:
        """Return every reply to the line, drafts included."""
        return [reply async for reply in self.room.hear(f"@{who}: {line}")]

    async def say(self, who: str, line: str) -> str:
        """Return the last reply to the line, as plain text."""
        return plain((await self.replies(who, line))[-1])

    async def posts(self) -> list[str]:
        """Run the scheduler once, and return the new posts as plain text."""
        await self.scheduler.run_once()
        posts = []
        for post_id, _channel, body in await self.app.terminal_posts.unseen():
            reply = restore(body)
            self.room.offer(reply)
            posts.append(plain(reply))
            await self.app.terminal_posts.mark_seen(post_id)
        return posts

    async def choices(self, who: str, line: str) -> dict[str, str]:
        """Return the command line behind each shortcut key of the reply."""
        reply = (await self.replies(who, line))[-1]
        return {key: action.line for key, action in shortcuts(reply).items()}

    async def practice(self, who: str, topic: str = "") -> tuple[str, str]:
        """Ask for a practice question, and return the command lines for a right and a wrong answer."""
        await self.say(who, f"question {topic}")
        return self.lines(await self.round_of(who))

    def lines(self, question_round: Round) -> tuple[str, str]:
        """Return the command lines for a right and a wrong answer to a round."""
        right = self.study.library.question(question_round.question_id).right_choice
        order = [int(digit) for digit in question_round.choice_order]
        letters = {index: "abcd"[position] for position, index in enumerate(order)}
        key = question_round.round_key
        return f"answer {key} {letters[right]}", f"answer {key} {letters[(right + 1) % 4]}"

    async def round_of(self, who: str) -> Round:
        """Return the member's newest practice round."""
        statement = (
            select(tables.rounds)
            .join(tables.members, tables.members.c.id == tables.rounds.c.member_id)
            .where(tables.members.c.external_id == who)
            .order_by(tables.rounds.c.id.desc())
        )
        found = await self.rows(statement)
        return Round.of(found[0]) if found else pytest.fail(f"{who} has no round")

    async def daily(self) -> Round:
        """Return the newest daily round."""
        rounds = tables.rounds.c
        found = await self.rows(select(tables.rounds).where(rounds.kind == RoundKind.DAILY).order_by(rounds.id.desc()))
        return Round.of(found[0]) if found else pytest.fail("there is no daily round")

    async def rows(self, statement: Select[Any]) -> list[RowMapping]:
        """Return the rows that a SELECT finds."""
        return await self.study.store.query(_rows, statement)

    async def question_of(self, who: str) -> Question:
        return self.study.library.question((await self.round_of(who)).question_id)

    async def answered(self, who: str) -> tuple[Question, int]:
        """Return the question of the member's newest answer, and the index of their choice in the question's order."""
        statement = (
            select(tables.answers)
            .join(tables.members, tables.members.c.id == tables.answers.c.member_id)
            .where(tables.members.c.external_id == who)
            .order_by(tables.answers.c.id.desc())
        )
        found = await self.rows(statement)
        answer = Answer.of(found[0]) if found else pytest.fail(f"{who} hasn't answered")
        return self.study.library.question(answer.question_id), answer.choice or 0


def _rows(connection: Connection, statement: Select[Any]) -> list[RowMapping]:
    return list(connection.execute(statement).mappings())


def plain(reply: Reply) -> str:
    """Return the reply as plain terminal output, 100 columns wide."""
    page = io.StringIO()
    Console(file=page, width=100, color_system=None).print(draw(reply))
    return re.sub(r"[ \t]+\n", "\n", page.getvalue())
