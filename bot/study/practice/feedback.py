"""What a member is told about their answer: at once, in private, with a reason and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.replies import Button, Buttons, Notice, Point, Reply, Verdict
from bot.store.orm import Answer, Round
from bot.study.practice.grading import POINTS, TEXT_CAP
from bot.study.practice.rounds import LETTERS, display_order
from bot.study.progress.streaks import Streak
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.coverage import Coverage

UNCOUNTED = {
    "practice": "Practice: no points, but it counts for your streak and mastery.",
    "late": "The answer was out already, so no points; it counts for your streak and mastery.",
    "looked-up": "You had seen the answer already, so no points; it counts for your streak and mastery.",
    "test": "A test post: no points.",
}


@dataclass(frozen=True, slots=True)
class Graded:
    """An answer with what is told beside it. `again`: the member had answered this round before."""

    answer: Answer
    coverage: Coverage | None = None
    streak: Streak | None = None
    new_zone: str | None = None
    again: bool = False


def verdict(question: Question, round: Round, graded: Graded) -> Reply:
    """The verdict, the streak, the question about a zone just assumed, and the next steps."""
    given = graded.answer
    return Reply.of(
        _by_choice(question, round, graded) if given.choice is not None else _in_words(question, graded),
        _streak(graded.streak) if graded.streak and not graded.again else None,
        _judge(round) if _judgeable(given) else None,
        Buttons(
            (
                *((Button("In depth", f"show {question.id} depth"),) if question.in_depth else ()),
                Button("Another one", f"question {question.topic}"),
                Button("Report this question", f"report {question.id}"),
            )
        ),
        *(_zone(graded.new_zone) if graded.new_zone else ()),
    )


def _judgeable(given: Answer) -> bool:
    """Only one's own words, once, and not what is kept nowhere."""
    return (
        given.text is not None and not given.self_graded and (given.share or 0) > 0 and given.unscored_reason != "test"
    )


def _score(question: Question, given: Answer) -> str:
    if not given.scored:
        return UNCOUNTED[given.unscored_reason]
    full = POINTS[question.difficulty]
    if given.choice is not None:
        return f"+{given.points} points" if given.points else "No points this time."
    judged = " (by your own judgement)" if given.self_graded else ""
    return f"+{given.points} of the {int(full * TEXT_CAP)} points a written answer can earn{judged}"


def _by_choice(question: Question, round: Round, graded: Graded) -> Verdict:
    given = graded.answer
    order = display_order(round)
    chosen = question.choices[given.choice or 0]

    def named(index: int) -> str:
        return f"{LETTERS[order.index(index)].upper()}. {question.choices[index].text}"

    headline = "Right!" if chosen.right else "Not this time."
    if graded.again:
        headline = "You have answered this one already, and " + ("you were right." if chosen.right else "it was wrong.")
    return Verdict(
        right=chosen.right,
        headline=headline,
        chosen=named(given.choice or 0),
        reason=_sentence(chosen.reason),
        correct=named(question.right_choice),
        reference=question.answer,
        score=_score(question, given),
    )


def _sentence(text: str) -> str:
    """The bank writes reasons as the end of a sentence; here they stand alone."""
    return text[:1].upper() + text[1:]


def _in_words(question: Question, graded: Graded) -> Verdict:
    given, coverage = graded.answer, graded.coverage
    points = tuple(Point(p.claim, p.state, p.sentence) for p in coverage.points) if coverage else ()
    reason = ""
    if coverage is None:
        headline = "You have judged your answer." if given.self_graded else "You have answered this one already."
    elif coverage.off_topic:
        headline = "This seems to be about something else."
    else:
        mentioned = sum(p.state == "mentioned" for p in coverage.points)
        what = "key points" if question.key_points else "statements of the answer"
        headline = f"You mentioned {mentioned} of {len(coverage.points)} {what}."
        if coverage.misconceptions:
            doubt = coverage.misconceptions[0]
            reason = f"Check this: “{doubt.sentence}” sounds like a common misconception. {doubt.reason}"
    if graded.again and coverage is not None:
        headline = f"You have answered this one already; your first answer stays. {headline}"
    return Verdict(
        right=given.correct,
        headline=headline,
        reason=reason,
        points=points,
        reference=question.answer,
        score=_score(question, given),
    )


def _judge(round: Round) -> Buttons:
    return Buttons(
        (
            Button("I had it", f"assess {round.round_key} had-it"),
            Button("Partly", f"assess {round.round_key} partly"),
            Button("I missed it", f"assess {round.round_key} missed"),
        ),
        prompt="I compare words, not truth. Beside the reference, how was your answer?",
    )


def _streak(streak: Streak) -> Notice:
    days = f"{streak.current} day{'s' * (streak.current != 1)}"
    best = " Your longest yet." if streak.current == streak.longest and streak.current > 2 else ""
    return Notice(f"🔥 Streak: {days}.{best}")  # no sign of success: it stands under wrong answers too


def _zone(zone: str) -> tuple[Notice, Buttons]:
    return (
        Notice(f"I count your days in {zone}. Is that right? If not, tell me yours, like `me zone=Europe/Berlin`."),
        Buttons((Button("That is my zone", f"zone {zone}"),)),
    )
