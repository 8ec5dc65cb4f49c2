"""Run what follows an accepted answer, one function after another, in the transaction that stores it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from bot.study.practice.queries import request_count_update
from bot.study.practice.round_kinds import is_open
from bot.study.progress.accepted_answers import AcceptedAnswer, add_to_totals, extend_streak

Subscriber = Callable[[Connection, AcceptedAnswer], AcceptedAnswer]
"""Takes the accepted answer from the previous subscriber and returns it, with the member's updated row.

Whatever it raises undoes the answer and everything that followed from it.
"""


def update_live_count(connection: Connection, accepted: AcceptedAnswer) -> AcceptedAnswer:
    """Make the posted question show the new number of answers, while it's open."""
    question_round, at = accepted.question_round, accepted.answer.accepted_at
    if question_round.delivery_id is not None and is_open(question_round, at):
        request_count_update(connection, question_round, at)
    return accepted


SUBSCRIBERS: tuple[Subscriber, ...] = (add_to_totals, extend_streak, update_live_count)
"""Always in this order, because each one locks rows: otherwise two answers at once could deadlock."""


def notify(
    connection: Connection, accepted: AcceptedAnswer, subscribers: Iterable[Subscriber] = SUBSCRIBERS
) -> AcceptedAnswer:
    """Call every subscriber; return the accepted answer from the last one."""
    for subscriber in subscribers:
        accepted = subscriber(connection, accepted)
    return accepted
