"""Write the post of a daily question."""

from __future__ import annotations

from dataclasses import replace

from bot.replies import Button, Buttons, Reply
from bot.store.models import Round
from bot.study.practice.rounds import question_card
from bot.text.plural import plural
from knowledge.questions import Question

HEADING = "Question of the day"
PRIVACY_NOTE = "Your answer is private, and only your first one counts."


def question_post(question_round: Round, question: Question, heading: str = HEADING, *, answers: int = 0) -> Reply:
    """Return the message in the channel, with the number of answers so far."""
    so_far = f" {plural(answers, 'answer')} so far." if answers else ""
    return Reply.of(question_card(question_round, question, heading, note=f"{PRIVACY_NOTE}{so_far}"))


def closed_post(question_round: Round, question: Question, answers: int) -> Reply:
    """Return what the message becomes once its answer is out: the choices are to read, and it's practice to answer."""
    card = question_card(question_round, question, HEADING)
    options = tuple(replace(option, button=None) for option in card.options)
    note = f"The answer is out. {plural(answers, 'answer')}."
    return Reply.of(
        replace(card, options=options, write=None, closes=None, note=note),
        Buttons((Button("Answer as practice", f"practice {question.id}"),)),
    )
