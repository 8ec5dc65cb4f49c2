"""The daily question: which one, how it is posted, what the reveal says, and the channel's question of today."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.replies import Action, Choices, Notice, Reply, Text, Tone
from bot.store.tables import (
    Answer,
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Member,
    Round,
    RoundKind,
    Schedule,
    ScheduleState,
)
from bot.study import streaks
from bot.study.context import Asker, Study
from bot.study.days import instant_of
from bot.study.rounds import LETTERS, card, retired, shown
from knowledge.questions import Bank, Question

KEPT = 10
"""Most names a reveal lists."""


async def choose(session: AsyncSession, bank: Bank, schedule: Schedule) -> Question | None:
    """The schedule's next question: one this channel has not had, else the one it had longest ago.

    None where nothing fits, because all that would is retired or left the bank.
    """
    channel = await session.get_one(Channel, schedule.channel_id)
    shut = await retired(session, channel.workspace_id)
    fits = [
        q
        for q in bank
        if (not schedule.topics or q.topic in schedule.topics)
        and schedule.difficulty in (None, q.difficulty)
        and q.id not in shut
    ]
    query = (
        select(Round.question_id, func.max(Round.id))
        .where(Round.channel_id == schedule.channel_id, Round.kind == RoundKind.DAILY)
        .group_by(col(Round.question_id))
    )
    last = dict((await session.exec(query)).all())

    def order(question: Question) -> tuple[int, str]:
        mixed = hashlib.sha256(f"{schedule.id}:{question.id}".encode()).hexdigest()
        return last.get(question.id, 0), mixed

    return min(fits, key=order, default=None)


def reveal_at(schedule: Schedule, day: date) -> datetime:
    """When the question of that day is answered: on the same day if the time of the reveal is later, else the next."""
    return instant_of(day if schedule.reveal > schedule.at else day + timedelta(days=1), schedule.reveal, schedule.zone)


def post(round: Round, question: Question, heading: str = "Question of the day") -> Reply:
    """The message in the channel. Answers to it are private."""
    return Reply.of(card(round, question, heading, note="Your answer is private; the first one counts."))


async def reveal(session: AsyncSession, round: Round, question: Question, now: datetime) -> Reply:
    """The answer, how many answered and were right, and who keeps a streak (members who are listed)."""
    query = (
        select(Answer, Member)
        .join(Member, col(Member.id) == Answer.member_id)
        .where(Answer.round_id == round.id)
        .order_by(col(Answer.accepted_at))
    )
    given = (await session.exec(query)).all()
    chosen = [answer for answer, _ in given if answer.choice is not None]
    right = sum(bool(answer.right) for answer in chosen)
    kept = []
    for _, member in given:
        if member.listed and (streak := await streaks.member_streak(session, member, now=now)).current > 1:
            kept.append(f"{member.name} ({streak.current})")
    letter = LETTERS[shown(round).index(question.right_choice)].upper()
    return Reply.of(
        Text(
            f"**{letter}. {question.choices[question.right_choice].text}**\n\n{question.answer}",
            title=f"The answer: {question.title}",
        ),
        Notice(_counted(len(given), len(chosen), right), Tone.GOOD if right else Tone.INFO),
        Notice(f"On a streak: {_listed(kept)}") if kept else None,
        Choices(
            (Action("In depth", f"show {question.id} depth"), Action("Practise more", f"question {question.topic}"))
        ),
    )


def _counted(all_: int, chosen: int, right: int) -> str:
    if not all_:
        return "Nobody answered this one."
    people = "1 person" if all_ == 1 else f"{all_} people"
    words = all_ - chosen
    own = f", {words} in their own words" if words else ""
    return f"{people} answered{own}; {right} of {chosen} choices {'was' if chosen == 1 else 'were'} right."


def _listed(names: list[str]) -> str:
    more = len(names) - KEPT
    return ", ".join(names[:KEPT]) + (f" and {more} more" if more > 0 else "")


async def daily(study: Study, asker: Asker) -> Reply:
    """This channel's question of today, from each of its schedules; when the next comes, where there is none."""
    async with study.store.read() as session:
        found = await _latest(session, asker)
        waiting = await _next(session, asker)
        mine = await _answered(session, asker, found)
    blocks = []
    for round in found:
        question = study.library.bank.get(round.question_id)
        if question is None:
            continue
        if round.id in mine:
            note = "You have answered this one."
        elif round.closes_at and round.closes_at <= asker.at:
            note = "The answer is out: this is practice now."
        else:
            note = "Your answer is private; the first one counts."
        blocks.append(card(round, question, "Question of the day", note=note))
    if blocks:
        return Reply(tuple(blocks))
    if waiting:
        return Reply.of(Notice("No question here yet today. The next one comes", when=waiting))
    return Reply.of(
        Notice("This channel has no daily question yet. A manager sets one up with `schedule setup 09:00`."),
        Choices((Action("Practise now", "question"),)),
    )


async def _latest(session: AsyncSession, asker: Asker) -> list[Round]:
    """The newest posted round of each schedule of the channel that is open, or closed less than a day ago."""
    query = (
        select(Round, Delivery.schedule_id)
        .join(Delivery, col(Delivery.id) == Round.delivery_id)
        .join(Schedule, col(Schedule.id) == Delivery.schedule_id)
        .where(
            Round.channel_id == asker.channel_id,
            Delivery.kind == DeliveryKind.DAILY,
            col(Delivery.state).in_((DeliveryState.POSTED, DeliveryState.DONE)),
            col(Schedule.state) != ScheduleState.REMOVED,
        )
        .order_by(col(Round.id).desc())
        .limit(50)
    )
    newest: dict[int, Round] = {}
    for round, schedule_id in (await session.exec(query)).all():
        newest.setdefault(schedule_id, round)
    return [r for r in newest.values() if r.closes_at is None or (asker.at - r.closes_at).days < 1]


async def _next(session: AsyncSession, asker: Asker) -> datetime | None:
    query = select(func.min(Schedule.next_due)).where(Schedule.channel_id == asker.channel_id)
    return (await session.exec(query)).one()


async def _answered(session: AsyncSession, asker: Asker, rounds: Iterable[Round]) -> set[int]:
    query = select(Answer.round_id).where(
        Answer.member_id == asker.member_id, col(Answer.round_id).in_([round.id for round in rounds])
    )
    return set((await session.exec(query)).all())
