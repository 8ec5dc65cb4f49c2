"""A conversation in a test: members speak in the terminal's study room, and the clock stands until it is moved."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from sqlmodel import col, select

from bot.app import App, Posts
from bot.context.library import Library
from bot.context.study import Study
from bot.dispatch.catalog import registry
from bot.inference.client import Inference
from bot.platforms.terminal.outbox import TerminalOutbox, restore
from bot.platforms.terminal.render import draw, shortcuts
from bot.platforms.terminal.room import Room
from bot.replies import Reply
from bot.scheduler import Scheduler
from bot.store.engine import Store
from bot.store.models import RoundKind
from bot.store.orm import Answer, Member, Round
from knowledge.questions import Question

OWNER = "maya"


class Clock:
    """The present, moved by hand. A Wednesday morning in UTC to begin with."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class Chat:
    """The study room with a store, a bank and a clock; `maya` owns it and is its manager."""

    def __init__(self, store: Store, library: Library, inference: Inference | None = None) -> None:
        self.clock = Clock()
        self.study = Study(store=store, library=library, clock=self.clock, inference=inference)
        self.app = App(registry(), self.study, Posts(store))
        self.outbox = TerminalOutbox(self.app.terminal_posts)
        self.app.attach("terminal", self.outbox)
        self.room = Room(self.app, OWNER)
        self.scheduler = Scheduler(self.study, seconds=5)

    async def replies(self, who: str, line: str) -> list[Reply]:
        """Every reply to the line, drafts too."""
        return [reply async for reply in self.room.hear(f"@{who}: {line}")]

    async def say(self, who: str, line: str) -> str:
        """What the member reads in the end, as plain text."""
        return plain((await self.replies(who, line))[-1])

    async def posts(self) -> list[str]:
        """Run the scheduler once, and return the posts since the last look, which are now seen."""
        await self.scheduler.run_once()
        found = []
        for id, _channel, body in await self.app.terminal_posts.unseen():
            reply = restore(body)
            self.room.offer(reply)
            found.append(plain(reply))
            await self.app.terminal_posts.seen(id)
        return found

    async def choices(self, who: str, line: str) -> dict[str, str]:
        """The keys the member may press after the line, with the command line behind each."""
        reply = (await self.replies(who, line))[-1]
        return {key: action.line for key, action in shortcuts(reply).items()}

    async def practice(self, who: str, topic: str = "") -> tuple[str, str]:
        """Get a practice question; the lines of a right and of a wrong answer to it."""
        await self.say(who, f"question {topic}")
        return self.lines(await self.round_of(who))

    def lines(self, round: Round) -> tuple[str, str]:
        """The lines of the right answer to a round and of a wrong one."""
        right = self.study.library.question(round.question_id).right_choice
        order = [int(digit) for digit in round.choice_order]
        letters = {index: "abcd"[place] for place, index in enumerate(order)}
        return f"answer {round.round_key} {letters[right]}", f"answer {round.round_key} {letters[(right + 1) % 4]}"

    async def round_of(self, who: str) -> Round:
        """The member's newest practice round."""
        async with self.study.store.read() as session:
            query = (
                select(Round)
                .join(Member, col(Member.id) == Round.member_id)
                .where(Member.external_id == who)
                .order_by(col(Round.id).desc())
            )
            return (await session.exec(query)).first() or pytest.fail(f"{who} has no round")

    async def daily(self) -> Round:
        """The newest daily round."""
        async with self.study.store.read() as session:
            query = select(Round).where(Round.kind == RoundKind.DAILY).order_by(col(Round.id).desc())
            return (await session.exec(query)).first() or pytest.fail("there is no daily round")

    async def question_of(self, who: str) -> Question:
        return self.study.library.question((await self.round_of(who)).question_id)

    async def answered(self, who: str) -> tuple[Question, int]:
        """The member's newest choice: its question, and its index in the question's own order."""
        async with self.study.store.read() as session:
            query = (
                select(Answer)
                .join(Member, col(Member.id) == Answer.member_id)
                .where(Member.external_id == who)
                .order_by(col(Answer.id).desc())
            )
            answer = (await session.exec(query)).first() or pytest.fail(f"{who} has not answered")
        return self.study.library.question(answer.question_id), answer.choice or 0


def plain(reply: Reply) -> str:
    """The reply as the terminal shows it in a pipe, 100 columns wide."""
    page = io.StringIO()
    Console(file=page, width=100, color_system=None).print(draw(reply))
    return re.sub(r"[ \t]+\n", "\n", page.getvalue())
