"""Handle answers: a choice, or a written answer. Each member answers a round once; repeats change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.local_time import assigned_day, clock_in_force, period_keys
from bot.context.study import Study
from bot.errors import NotFoundError, UserError
from bot.replies import Reply
from bot.store.models import Answer, Member, Round
from bot.study.members.queries import member_with_zone
from bot.study.practice import grading, queries
from bot.study.practice.feedback import Graded, verdict
from bot.study.practice.round_kinds import ROUND_KINDS, may_answer, unscored_reason
from bot.study.practice.rounds import LETTERS, display_order, question_of
from bot.study.practice.subscribers import SUBSCRIBERS, Subscriber, notify
from bot.study.progress import streaks, totals
from bot.study.progress.accepted_answers import AcceptedAnswer
from knowledge.questions import Bank, Question

if TYPE_CHECKING:
    from knowledge.coverage import Coverage


@dataclass(frozen=True, slots=True)
class Submission:
    """What a member sent: the letter of a choice, or a text with its coverage of the answer."""

    round_key: str
    letter: str = ""
    text: str | None = None
    coverage: Coverage | None = None


async def answer(study: Study, context: RequestContext, *, round_key: str, choice: str) -> Reply:
    """Answer with a choice."""
    return await _submit(study, context, Submission(round_key, letter=choice))


async def write(study: Study, context: RequestContext, *, round_key: str, text: str) -> Reply:
    """Answer in the member's own words."""
    _, question = await study.store.query(_round_and_question, context, study.library.bank, round_key)
    coverage = await study.library.compare(question, text)
    return await _submit(study, context, Submission(round_key, text=text, coverage=coverage))


async def assess(study: Study, context: RequestContext, *, round_key: str, how: str) -> Reply:
    """Let the member grade their own written answer against the reference, once."""
    return verdict(*await study.store.transaction(self_grade, context, study.library.bank, round_key, how))


async def _submit(study: Study, context: RequestContext, submission: Submission) -> Reply:
    return verdict(*await study.store.transaction(accept, context, study.library.bank, submission))


def accept(
    connection: Connection,
    context: RequestContext,
    bank: Bank,
    submission: Submission,
    subscribers: Iterable[Subscriber] = SUBSCRIBERS,
) -> tuple[Question, Round, Graded]:
    """Store an answer and everything that follows from it, or find the member's earlier answer.

    Its verdict shows the answer to the question. If that's open elsewhere, it's recorded as viewed there.
    Raises NotFoundError for a round that is not the member's to answer, and UserError.
    """
    attempt = _attempt(connection, context, bank, submission)
    prior = queries.prior_state(connection, context, attempt.question_round)
    queries.record_viewed(connection, context, prior.open_rounds)
    if prior.answered:
        graded = _graded_before(connection, context, attempt)
    elif ROUND_KINDS[attempt.question_round.kind].stores_answers:
        graded = _store(connection, context, attempt, subscribers, viewed=prior.viewed)
    else:
        graded = Graded(_graded_answer(context, attempt, viewed=prior.viewed), submission.coverage)
    return attempt.question, attempt.question_round, replace(graded, viewed_open=bool(prior.open_rounds))


def self_grade(
    connection: Connection, context: RequestContext, bank: Bank, round_key: str, judgment: str
) -> tuple[Question, Round, Graded]:
    """Replace the grade of a written answer with the member's own. Raises NotFoundError and UserError."""
    question_round, question = _round_and_question(connection, context, bank, round_key)
    member, _ = member_with_zone(connection, context.member_id, lock=True)
    prior = queries.prior_state(connection, context, question_round)
    before = queries.answer_to(connection, question_round.id, context.member_id) if prior.answered else None
    if before is None or before.text is None:
        raise UserError("There's nothing to grade yet. Answer in your own words first.")
    if before.self_graded:
        raise UserError("You've already graded this answer, and you can only do that once.")
    graded = queries.store_self_grade(connection, before, grading.self_grade(before, question, judgment))
    if graded.scored and graded.points > before.points:
        totals.add_points(connection, graded, member, points=graded.points - before.points, again=True)
    queries.record_viewed(connection, context, prior.open_rounds)
    return question, question_round, Graded(graded, again=True, viewed_open=bool(prior.open_rounds))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A submission with its round and question, and who sent it; `workspace_zone` determines its week and month."""

    submission: Submission
    question_round: Round
    question: Question
    member: Member
    workspace_zone: str


def _attempt(connection: Connection, context: RequestContext, bank: Bank, submission: Submission) -> _Attempt:
    """Find the round and its question, and lock the member's row. Raises NotFoundError and UserError."""
    found = queries.round_to_answer(connection, submission.round_key, context.member_id)
    if found is None:
        raise _not_available()
    question_round, member, workspace_zone = found
    question = _question_to_answer(context, bank, question_round)
    if submission.letter and not question.choices:
        raise UserError("This question has no choices. Answer it in your own words.")
    return _Attempt(submission, question_round, question, member, workspace_zone)


def _graded_before(connection: Connection, context: RequestContext, attempt: _Attempt) -> Graded:
    """Return the earlier answer; if this request is a second delivery, with the streak it made."""
    stored = queries.answer_to(connection, attempt.question_round.id, context.member_id)
    if stored.request_id != context.request_id:
        return Graded(stored, attempt.submission.coverage, again=True)
    streak = streaks.streak_of(connection, attempt.member, context.at)
    return Graded(stored, attempt.submission.coverage, streak)


def _store(
    connection: Connection,
    context: RequestContext,
    attempt: _Attempt,
    subscribers: Iterable[Subscriber],
    *,
    viewed: bool,
) -> Graded:
    """Store a first answer and notify the subscribers, after giving a member without a zone one."""
    new_zone = None
    if attempt.member.zone is None:
        new_zone = _default_zone(connection, attempt)
        queries.set_zone(connection, attempt.member.id, new_zone)
        attempt = replace(attempt, member=attempt.member.model_copy(update={"zone": new_zone}))
    stored = queries.add_answer(connection, _graded_answer(context, attempt, viewed=viewed))
    accepted = notify(connection, AcceptedAnswer(stored, attempt.question_round, attempt.member), subscribers)
    return Graded(stored, attempt.submission.coverage, streaks.stored_streak(accepted.member), new_zone)


def _graded_answer(context: RequestContext, attempt: _Attempt, *, viewed: bool) -> Answer:
    """Return a first answer with its grade, not yet stored. `viewed`: the member already saw the answer."""
    submission, question_round, member = attempt.submission, attempt.question_round, attempt.member
    choice = display_order(question_round)[LETTERS.index(submission.letter)] if submission.letter else None
    unscored = unscored_reason(question_round, context.at, viewed=viewed)
    grade = grading.grade(attempt.question, choice=choice, coverage=submission.coverage, scored=unscored is None)
    week, month = period_keys(context.at, attempt.workspace_zone)
    return Answer(
        request_id=context.request_id,
        round_id=question_round.id,
        member_id=member.id,
        workspace_id=context.workspace_id,
        channel_id=question_round.channel_id,
        team_id=member.team_id,
        question_id=attempt.question.id,
        topic=attempt.question.topic,
        choice=choice,
        text=submission.text,
        share=grade.share,
        correct=grade.correct,
        scored=unscored is None,
        unscored_reason=unscored or "",
        points=grade.points,
        accepted_at=context.at,
        day=assigned_day(member, context.at),
        zone=clock_in_force(member, context.at)[0],
        week=week,
        month=month,
    )


def _default_zone(connection: Connection, attempt: _Attempt) -> str:
    """Return the zone of the schedule that asked, or else the workspace's."""
    delivery_id = attempt.question_round.delivery_id
    scheduled = queries.schedule_zone(connection, delivery_id) if delivery_id is not None else None
    return scheduled or attempt.workspace_zone


def _round_and_question(
    connection: Connection, context: RequestContext, bank: Bank, round_key: str
) -> tuple[Round, Question]:
    question_round = queries.round_by_key(connection, round_key)
    if question_round is None:
        raise _not_available()
    return question_round, _question_to_answer(context, bank, question_round)


def _question_to_answer(context: RequestContext, bank: Bank, question_round: Round) -> Question:
    """Return the round's question. Raises NotFoundError if the round is not the member's to answer, and UserError."""
    if not may_answer(question_round, context):
        raise _not_available()
    return question_of(bank, question_round)


def _not_available() -> NotFoundError:
    """Return the same for somebody else's round as for a missing one, so nobody can find out which keys exist."""
    return NotFoundError("That question is no longer available. `question` gets you a new one.")
