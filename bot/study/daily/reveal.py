"""Write the reveal of a daily question: its answer, and how the channel did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.context.local_time import assigned_day
from bot.replies import Button, Buttons, Notice, Reply, Text, Tone
from bot.store.models import Member, Round
from bot.study.daily import round_queries
from bot.study.practice.rounds import LETTERS, choices_hash, display_order
from bot.study.progress import streaks
from bot.text.cleaning import named
from knowledge.questions import Question

MAX_STREAK_NAMES = 10


@dataclass(frozen=True, slots=True)
class RevealResults:
    """How many answered, picked a choice and picked the right one, and which listed members have a streak.

    `streaks` has names and days, in the order of their answers.
    """

    answers: int
    choices: int
    correct: int
    streaks: tuple[tuple[str, int], ...]


def reveal_results(connection: Connection, round_id: int, now: datetime) -> RevealResults:
    """Count the answers to a round, and find out who has a streak of at least two days."""
    answered = round_queries.answers_to(connection, round_id)
    chosen = [answer for answer, _ in answered if answer.choice is not None]
    listed = [(member.name, _current_streak(connection, member, now)) for _, member in answered if member.listed]
    return RevealResults(
        answers=len(answered),
        choices=len(chosen),
        correct=sum(bool(answer.correct) for answer in chosen),
        streaks=tuple((name, days) for name, days in listed if days > 1),
    )


def _current_streak(connection: Connection, member: Member, now: datetime) -> int:
    """Return the member's current streak, recomputed only if a day may have been missed since the one in their row."""
    if member.last_day is not None and assigned_day(member, now) - member.last_day <= timedelta(days=1):
        return member.streak
    return streaks.streak_of(connection, member, now).current


def reveal_post(question_round: Round, question: Question, results: RevealResults) -> Reply:
    in_depth = (Button("In depth", f"show {question.id} depth"),) if question.in_depth else ()
    return Reply.of(
        Text(f"{_right_choice(question_round, question)}{question.answer}", title=f"The answer: {question.title}"),
        Notice(_summary(results), Tone.GOOD if results.correct else Tone.INFO),
        Notice(f"On a streak: {_streak_names(results)}") if results.streaks else None,
        Buttons((*in_depth, Button("Practice more", f"question {question.topic}"))),
    )


def _right_choice(question_round: Round, question: Question) -> str:
    """Return the right choice with the letter that the channel saw, if it saw these choices; empty without choices."""
    if not question.choices:
        return ""
    letter = ""
    if choices_hash(question) == question_round.choices_hash:
        letter = f"{LETTERS[display_order(question_round).index(question.right_choice)].upper()}. "
    return f"**{letter}{question.choices[question.right_choice].text}**\n\n"


def _summary(results: RevealResults) -> str:
    if not results.answers:
        return "Nobody answered this one."
    people = "1 person" if results.answers == 1 else f"{results.answers} people"
    in_own_words = results.answers - results.choices
    wrote = f", {in_own_words} in their own words" if in_own_words else ""
    picked = f" {results.correct} of {results.choices} picked the right choice." if results.choices else ""
    return f"{people} answered{wrote}.{picked}"


def _streak_names(results: RevealResults) -> str:
    names = [f"{named(name)} ({days})" for name, days in results.streaks[:MAX_STREAK_NAMES]]
    more = len(results.streaks) - MAX_STREAK_NAMES
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
