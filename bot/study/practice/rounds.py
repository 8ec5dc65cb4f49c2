"""Rounds: a question as it was asked, the card that shows it, and the order of its choices."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from functools import lru_cache
from itertools import permutations

from bot.errors import UserError
from bot.replies import Button, Option, QuestionCard
from bot.store.models import Round, RoundKind
from knowledge.questions import Bank, Choice, Question

LETTERS = "abcd"
KEY_SIZE = 8
_KEY_ALPHABET = b"abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
_FAIR = 256 - 256 % len(_KEY_ALPHABET)
_LETTERS = _KEY_ALPHABET * (256 // len(_KEY_ALPHABET)) + bytes(256 - _FAIR)
"""The letter of each random byte below `_FAIR`; the others would make some letters likelier."""
_UNFAIR = bytes(range(_FAIR, 256))
_ORDERS = [["".join(order) for order in permutations("0123"[:size])] for size in range(len(LETTERS) + 1)]
"""The orders that so many choices can have."""


def new_key(size: int = KEY_SIZE) -> str:
    """Return a random key that people can read out and type."""
    letters = b""
    while len(letters) < size:
        letters += secrets.token_bytes(2 * size).translate(_LETTERS, _UNFAIR)
    return letters[:size].decode()


def choices_hash(question: Question) -> str:
    """Return a hash of the choices: an order stored for different choices would point to the wrong ones."""
    return _hash(question.choices)


@lru_cache(2048)
def _hash(choices: tuple[Choice, ...]) -> str:
    return hashlib.sha256(repr([(choice.text, choice.right) for choice in choices]).encode()).hexdigest()[:16]


def new_round(
    question: Question,
    *,
    workspace_id: int,
    channel_id: int,
    kind: RoundKind,
    at: datetime,
    member_id: int | None = None,
    delivery_id: int | None = None,
    request_id: str | None = None,
    closes: datetime | None = None,
) -> Round:
    """Return a round with a new key and its choices in random order, not yet stored."""
    order = secrets.choice(_ORDERS[len(question.choices)])
    return Round(
        round_key=new_key(),
        workspace_id=workspace_id,
        channel_id=channel_id,
        member_id=member_id,
        delivery_id=delivery_id,
        request_id=request_id,
        kind=kind,
        question_id=question.id,
        choice_order=order,
        choices_hash=choices_hash(question),
        opened_at=at,
        closes_at=closes,
    )


def display_order(question_round: Round) -> list[int]:
    """Return indices into the question's choices, in the order in which the round shows them."""
    return [int(digit) for digit in question_round.choice_order]


def question_card(question_round: Round, question: Question, heading: str, note: str = "") -> QuestionCard:
    """Return the round as a card, with a button for each choice and one for a written answer."""
    key = question_round.round_key
    return QuestionCard(
        heading=heading,
        question=question.title,
        topic=question.topic,
        difficulty=question.difficulty,
        options=tuple(
            Option(letter, question.choices[index].text, Button(letter.upper(), f"answer {key} {letter}"))
            for letter, index in zip(LETTERS, display_order(question_round), strict=False)
        ),
        write=Button("In my own words", f"write {key}"),
        note=note,
        closes=question_round.closes_at,
    )


def question_of(bank: Bank, question_round: Round) -> Question:
    """Return the round's question. Raises UserError if its choices are no longer those that were shown."""
    question = unchanged_question(bank, question_round)
    if question is None:
        raise UserError("This question has been rewritten since it was asked. `question` gets you a new one.")
    return question


def unchanged_question(bank: Bank, question_round: Round) -> Question | None:
    """Find the round's question; None if it left the bank or its choices are no longer those that were shown."""
    question = bank.get(question_round.question_id)
    return question if question is not None and choices_hash(question) == question_round.choices_hash else None
