"""The daily question: which one, how it is posted, what the reveal says, and the channel's question of today."""

from __future__ import annotations

import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.local_time import assigned_day, instant_of
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Notice, Reply, Text, Tone
from bot.store.models import DeliveryKind, RoundKind, ScheduleState
from bot.store.orm import Answer, Channel, Delivery, Member, RetiredQuestion, Round, Schedule
from bot.study.practice.feedback import Graded, verdict
from bot.study.practice.rounds import LETTERS, choices_hash, display_order, question_card, unchanged_question
from bot.study.progress import streaks
from bot.text.cleaning import named
from knowledge.questions import Bank, Question

KEPT = 10
"""Most names a reveal lists."""


@dataclass(frozen=True, slots=True)
class Choosing:
    """What has to be known to choose for a batch of schedules, read at once: a batch may have hundreds.

    `own` are the banks of workspaces with questions of their own; all others ask from `bank`. `last` holds for each
    channel and question the number of the round that had it last; `shut` for each workspace the questions it retired.
    A test post is a round like any other: the channel has seen its answer.
    """

    bank: Bank
    own: Mapping[int, Bank]
    channels: dict[int, Channel]
    shut: dict[int, set[str]]
    last: dict[tuple[int, str], int]

    @classmethod
    async def among(
        cls, session: AsyncSession, bank: Bank, own: Mapping[int, Bank], schedules: Sequence[Schedule]
    ) -> Choosing:
        ids = {schedule.channel_id for schedule in schedules}
        channels = {c.id: c for c in (await session.exec(select(Channel).where(col(Channel.id).in_(ids)))).all()}
        shut: dict[int, set[str]] = defaultdict(set)
        workspaces = {channel.workspace_id for channel in channels.values()}
        for gone in (
            await session.exec(select(RetiredQuestion).where(col(RetiredQuestion.workspace_id).in_(workspaces)))
        ).all():
            shut[gone.workspace_id].add(gone.question_id)
        query = (
            select(Round.channel_id, Round.question_id, func.max(Round.id))
            .where(col(Round.channel_id).in_(ids), col(Round.kind).in_((RoundKind.DAILY, RoundKind.TEST)))
            .group_by(col(Round.channel_id), col(Round.question_id))
        )
        last = {(channel, question): number for channel, question, number in (await session.exec(query)).all()}
        return cls(bank, own, channels, shut, last)

    def next(self, schedule: Schedule) -> Question | None:
        """The schedule's next question: one its channel has not had, else the one it had longest ago.

        None where nothing fits, because all that would is retired or left the bank.
        """
        workspace = self.channels[schedule.channel_id].workspace_id
        shut = self.shut.get(workspace, set())
        mixing = zlib.crc32(f"{schedule.id}:".encode())

        def order(question: Question) -> tuple[int, int]:
            mixed = zlib.crc32(question.id.encode(), mixing)
            return self.last.get((schedule.channel_id, question.id), 0), mixed

        fits = (
            q
            for q in self.own.get(workspace, self.bank)
            if (not schedule.topics or q.topic in schedule.topics)
            and schedule.difficulty in (None, q.difficulty)
            and q.id not in shut
        )
        chosen = min(fits, key=order, default=None)
        if chosen is not None:  # the next schedule of this batch that posts in the channel asks something else
            self.last[schedule.channel_id, chosen.id] = sys.maxsize
        return chosen


async def choose(session: AsyncSession, bank: Bank, schedule: Schedule) -> Question | None:
    """The next question of one schedule, from the bank that its workspace has."""
    return (await Choosing.among(session, bank, {}, [schedule])).next(schedule)


def reveal_at(schedule: Schedule, day: date) -> datetime:
    """When the question of that day is answered: on the same day if the time of the reveal is later, else the next."""
    return instant_of(day if schedule.reveal > schedule.at else day + timedelta(days=1), schedule.reveal, schedule.zone)


def post(round: Round, question: Question, heading: str = "Question of the day", answers: int = 0) -> Reply:
    """The message in the channel, with how many have answered it so far. Answers to it are private."""
    so_far = f" {answers} answered so far." if answers else ""
    return Reply.of(
        question_card(round, question, heading, note=f"Your answer is private; the first one counts.{so_far}")
    )


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
    right = sum(bool(answer.correct) for answer in chosen)
    kept = []
    for _, member in given:
        if member.listed and (days := await _running(session, member, now)) > 1:
            kept.append(f"{named(member.name)} ({days})")
    depth = (Button("In depth", f"show {question.id} depth"),) if question.in_depth else ()
    return Reply.of(
        Text(f"{_right(round, question)}{question.answer}", title=f"The answer: {question.title}"),
        Notice(_counted(len(given), len(chosen), right), Tone.GOOD if right else Tone.INFO),
        Notice(f"On a streak: {_listed(kept)}") if kept else None,
        Buttons((*depth, Button("Practise more", f"question {question.topic}"))),
    )


def _right(round: Round, question: Question) -> str:
    """The right choice, by its letter unless the channel saw other choices; nothing where there are none."""
    if not question.choices:
        return ""
    letter = ""
    if choices_hash(question) == round.choices_hash:
        letter = f"{LETTERS[display_order(round).index(question.right_choice)].upper()}. "
    return f"**{letter}{question.choices[question.right_choice].text}**\n\n"


async def _running(session: AsyncSession, member: Member, now: datetime) -> int:
    """The member's current streak; reckoned only where a day can have been missed since the one in their row."""
    if member.last_day is not None and assigned_day(member, now) - member.last_day <= timedelta(days=1):
        return member.streak
    return (await (await session.connection()).run_sync(streaks.streak_of, member, now)).current


def _counted(all_: int, chosen: int, right: int) -> str:
    if not all_:
        return "Nobody answered this one."
    people = "1 person" if all_ == 1 else f"{all_} people"
    words = all_ - chosen
    own = f", {words} in their own words" if words else ""
    if not chosen:
        return f"{people} answered{own}."
    return f"{people} answered{own}; {right} of {chosen} choices {'was' if chosen == 1 else 'were'} right."


def _listed(names: list[str]) -> str:
    more = len(names) - KEPT
    return ", ".join(names[:KEPT]) + (f" and {more} more" if more > 0 else "")


async def daily(study: Study, context: RequestContext) -> Reply:
    """This channel's question of today, from each of its schedules; when the next comes, where there is none."""
    async with study.store.read() as session:
        found = await _latest(session, context)
        waiting = await _next(session, context)
        mine = await _answered(session, context, found)
    blocks: list[Block] = []
    for round in found:
        question = unchanged_question(study.library.bank, round)
        if question is None:
            continue
        if given := mine.get(round.id):
            blocks += verdict(question, round, Graded(given, again=True)).blocks
            continue
        if round.closes_at and round.closes_at <= context.at:
            note = "The answer is out: this is practice now."
        else:
            note = "Your answer is private; the first one counts."
        blocks.append(question_card(round, question, "Question of the day", note=note))
    if blocks:
        return Reply(tuple(blocks))
    if waiting:
        return Reply.of(Notice("No question here yet today. The next one comes", when=waiting))
    return Reply.of(
        Notice("This channel has no daily question yet. A manager sets one up with `schedule setup 09:00`."),
        Buttons((Button("Practise now", "question"),)),
    )


async def _latest(session: AsyncSession, context: RequestContext) -> list[Round]:
    """The newest posted round of each schedule of the channel that is open, or closed less than a day ago."""
    query = (
        select(Round, Delivery.schedule_id)
        .join(Delivery, col(Delivery.id) == Round.delivery_id)
        .join(Schedule, col(Schedule.id) == Delivery.schedule_id)
        .where(
            Round.channel_id == context.channel_id,
            Delivery.kind == DeliveryKind.DAILY,
            col(Delivery.message_ref).is_not(None),
            col(Schedule.state) != ScheduleState.REMOVED,
        )
        .order_by(col(Round.id).desc())
        .limit(50)
    )
    newest: dict[int, Round] = {}
    for round, schedule_id in (await session.exec(query)).all():
        newest.setdefault(schedule_id, round)
    return [r for r in newest.values() if r.closes_at is None or (context.at - r.closes_at).days < 1]


async def _next(session: AsyncSession, context: RequestContext) -> datetime | None:
    query = select(func.min(Schedule.next_due)).where(
        Schedule.channel_id == context.channel_id, Schedule.state == ScheduleState.ACTIVE
    )
    return (await session.exec(query)).one()


async def _answered(session: AsyncSession, context: RequestContext, rounds: Iterable[Round]) -> dict[int, Answer]:
    """The member's answers to these rounds, by round."""
    query = select(Answer).where(
        Answer.member_id == context.member_id, col(Answer.round_id).in_([round.id for round in rounds])
    )
    return {answer.round_id: answer for answer in (await session.exec(query)).all()}
