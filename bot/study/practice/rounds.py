"""Rounds: one posing of a question, the card that shows it and the order of its choices."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Button, Notice, Option, QuestionCard
from bot.store.models import RoundKind
from bot.store.orm import Answer, RetiredQuestion, Round, ViewedAnswer
from bot.store.upsert import insert
from knowledge.questions import Bank, Question

LETTERS = "abcd"
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that reads like something else


def choices_hash(question: Question) -> str:
    """Changes when the choices do: an order recorded for other choices would point at the wrong ones."""
    return hashlib.sha256(repr([(c.text, c.right) for c in question.choices]).encode()).hexdigest()[:16]


def new_round(
    question: Question,
    *,
    workspace_id: int,
    channel_id: int,
    kind: RoundKind,
    at: datetime,
    member_id: int | None = None,
    request_id: str | None = None,
    closes: datetime | None = None,
) -> Round:
    """A round with a fresh token and the choices in a random order, not yet stored."""
    order = list(range(len(question.choices)))
    secrets.SystemRandom().shuffle(order)
    return Round(
        round_key="".join(secrets.choice(_SIGNS) for _ in range(8)),
        workspace_id=workspace_id,
        channel_id=channel_id,
        member_id=member_id,
        request_id=request_id,
        kind=kind,
        question_id=question.id,
        choice_order="".join(map(str, order)),
        choices_hash=choices_hash(question),
        opened_at=at,
        closes_at=closes,
    )


def display_order(round: Round) -> list[int]:
    """Indices into the question's choices, in the order in which the round shows them."""
    return [int(digit) for digit in round.choice_order]


def question_card(round: Round, question: Question, heading: str, note: str = "") -> QuestionCard:
    """The round as a card: a button for each choice, and one for answering in one's own words."""
    return QuestionCard(
        heading=heading,
        question=question.title,
        topic=question.topic,
        difficulty=question.difficulty,
        options=tuple(
            Option(letter, question.choices[index].text, Button(letter.upper(), f"answer {round.round_key} {letter}"))
            for letter, index in zip(LETTERS, display_order(round), strict=False)
        ),
        write=Button("In my own words", f"write {round.round_key}"),
        note=note,
        closes=round.closes_at,
    )


def question_of(study: Study, round: Round) -> Question:
    """The round's question, if its choices are still those that were shown. Raises UserError."""
    question = unchanged_question(study.library.bank, round)
    if question is None:
        raise UserError("This question has been rewritten since it was asked. `question` gives you a new one.")
    return question


def unchanged_question(bank: Bank, round: Round) -> Question | None:
    """The round's question; None where it left the bank, or its choices are not those that were shown."""
    question = bank.get(round.question_id)
    return question if question is not None and choices_hash(question) == round.choices_hash else None


def still_open(workspace: Any, at: Any) -> tuple[ColumnElement[bool], ...]:
    """What makes a round a daily one of the workspace whose answers still count at a moment."""
    round: Any = Round.__table__.c  # type: ignore[attr-defined]
    return round.workspace_id == workspace, round.kind == RoundKind.DAILY, round.closes_at > at


async def open_questions(session: AsyncSession, workspace_id: int, now: datetime) -> set[str]:
    """Ids of the workspace's daily questions whose answers still count."""
    query = select(Round.question_id).where(*still_open(workspace_id, now))
    return set((await session.exec(query)).all())


async def unanswered_open_rounds(
    session: AsyncSession, context: RequestContext, questions: Collection[str]
) -> list[int]:
    """Daily rounds of these questions whose answers still count, and which the member has not answered."""
    answered = select(Answer.round_id).where(Answer.member_id == context.member_id)
    query = select(Round.id).where(
        *still_open(context.workspace_id, context.at),
        col(Round.question_id).in_(questions),
        col(Round.id).not_in(answered),
    )
    return list((await session.exec(query)).all())


def record_viewed(connection: Connection, context: RequestContext, rounds: Collection[int]) -> Notice | None:
    """Keep that the member has seen the answer to these open rounds, and say what follows from it."""
    for id in rounds:
        peek = insert(connection, ViewedAnswer).values(round_id=id, member_id=context.member_id, at=context.at)
        connection.execute(peek.on_conflict_do_nothing())
    words = "This is an open daily question: now that you have seen its answer, it counts as practice for you."
    return Notice(words) if rounds else None


async def retired_questions(session: AsyncSession, workspace_id: int) -> set[str]:
    """Ids of the questions that the workspace no longer asks."""
    query = select(RetiredQuestion.question_id).where(RetiredQuestion.workspace_id == workspace_id)
    return set((await session.exec(query)).all())
