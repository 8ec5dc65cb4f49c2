"""Tell a member how they did: right away, in private, with the reason and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.replies import Button, Buttons, Notice, Point, Reply, Verdict
from bot.store.models import Answer, Round
from bot.study.practice.grading import max_text_points
from bot.study.practice.open_questions import VIEWED_NOTICE
from bot.study.practice.round_kinds import ROUND_KINDS, UnscoredReason
from bot.study.practice.rounds import LETTERS, display_order
from bot.study.progress.streaks import Streak
from bot.text.plural import plural
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.coverage import Coverage

MIN_STREAK_FOR_RECORD = 3
"""Minimum days for a streak to be called the longest yet."""


@dataclass(frozen=True, slots=True)
class Graded:
    """An answer, with what else its verdict says. `again`: the member had already answered this round.

    `new_zone` is a zone that we just assumed for them. `viewed_open`: the same question is still open elsewhere.
    """

    answer: Answer
    coverage: Coverage | None = None
    streak: Streak | None = None
    new_zone: str | None = None
    again: bool = False
    viewed_open: bool = False


def verdict(question: Question, question_round: Round, graded: Graded) -> Reply:
    """Return the verdict, the streak, the question about a zone just assumed, and the next steps."""
    by_choice = graded.answer.choice is not None
    return Reply.of(
        _choice_verdict(question, question_round, graded) if by_choice else _text_verdict(question, graded),
        _streak(graded.streak) if graded.streak and not graded.again else None,
        _self_grade_buttons(question_round) if _can_self_grade(question_round, graded.answer) else None,
        Buttons(
            (
                *((Button("In depth", f"show {question.id} depth"),) if question.in_depth else ()),
                Button("Another one", f"question {question.topic}"),
                Button("Report this question", f"report {question.id}"),
            )
        ),
        *(_zone(graded.new_zone) if graded.new_zone else ()),
        VIEWED_NOTICE if graded.viewed_open else None,
    )


def _can_self_grade(question_round: Round, answer: Answer) -> bool:
    """Whether to ask for a grade: only for a stored written answer that mentions something, and only once."""
    stored = ROUND_KINDS[question_round.kind].stores_answers
    return stored and answer.text is not None and not answer.self_graded and (answer.share or 0) > 0


def _score(question: Question, answer: Answer) -> str:
    if not answer.scored:
        return UnscoredReason(answer.unscored_reason).sentence
    if answer.choice is not None:
        return f"+{answer.points} points" if answer.points else "No points this time."
    self_graded = ", graded by you" if answer.self_graded else ""
    return f"+{answer.points} of up to {max_text_points(question)} points for a written answer{self_graded}"


def _choice_verdict(question: Question, question_round: Round, graded: Graded) -> Verdict:
    order = display_order(question_round)
    index = graded.answer.choice or 0
    chosen = question.choices[index]

    def lettered(choice: int) -> str:
        return f"{LETTERS[order.index(choice)].upper()}. {question.choices[choice].text}"

    headline = "Right!" if chosen.right else "Not this time."
    if graded.again:
        verdict = "you were right" if chosen.right else "you got it wrong"
        headline = f"You've already answered this one, and {verdict}."
    return Verdict(
        right=chosen.right,
        headline=headline,
        question=question.title,
        chosen=lettered(index),
        reason=_capitalized(chosen.reason),
        correct=lettered(question.right_choice),
        reference=question.answer,
        score=_score(question, graded.answer),
    )


def _capitalized(text: str) -> str:
    """In the bank, a reason ends a sentence; here it's a sentence of its own."""
    return text[:1].upper() + text[1:]


def _text_verdict(question: Question, graded: Graded) -> Verdict:
    coverage = graded.coverage
    return Verdict(
        right=graded.answer.correct,
        headline=_text_headline(question, graded),
        question=question.title,
        reason=_misconception(coverage) if coverage else "",
        points=tuple(Point(p.claim, p.state, p.sentence) for p in coverage.points) if coverage else (),
        reference=question.answer,
        score=_score(question, graded.answer),
    )


def _text_headline(question: Question, graded: Graded) -> str:
    coverage = graded.coverage
    if coverage is None:
        return "You've graded your answer." if graded.answer.self_graded else "You've already answered this one."
    if coverage.off_topic:
        headline = "This seems to be about something else."
    else:
        mentioned = sum(point.state == "mentioned" for point in coverage.points)
        what = "key points" if question.key_points else "statements in the answer"
        headline = f"You mentioned {mentioned} of {len(coverage.points)} {what}."
    return f"You've already answered this one, and your first answer counts. {headline}" if graded.again else headline


def _misconception(coverage: Coverage) -> str:
    """Return a warning about the first sentence that sounds like a misconception; empty if none does."""
    if coverage.off_topic or not coverage.misconceptions:
        return ""
    suspect = coverage.misconceptions[0]
    return f"Double-check this: “{suspect.sentence}” sounds like a common misconception. {suspect.reason}"


def _self_grade_buttons(question_round: Round) -> Buttons:
    key = question_round.round_key
    return Buttons(
        (
            Button("I had it", f"assess {key} had-it"),
            Button("Partly", f"assess {key} partly"),
            Button("I missed it", f"assess {key} missed"),
        ),
        prompt="I compare words, but I can't check facts. How does your answer hold up next to the reference?",
    )


def _streak(streak: Streak) -> Notice:
    days = plural(streak.current, "day")
    is_record = streak.current == streak.longest and streak.current >= MIN_STREAK_FOR_RECORD
    record = " Your longest yet!" if is_record else ""
    return Notice(f"🔥 Streak: {days}.{record}")  # no tone of success: it follows wrong answers too


def _zone(zone: str) -> tuple[Notice, Buttons]:
    return (
        Notice(f"I'm counting your days in {zone}. Is that right? If not, set yours, like `me zone=Europe/Berlin`."),
        Buttons((Button("That's my time zone", f"zone {zone}"),)),
    )
