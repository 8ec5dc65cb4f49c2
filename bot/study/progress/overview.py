"""How one is doing: the streak with its calendar and reasons, and mastery by topic."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial

from sqlalchemy import Connection
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Calendar, DayMark, Mastery, Notice, Reply, Table, Tone, TopicMastery
from bot.store.orm import Answer, Member
from bot.study.members.directory import hidden_notice, require_member
from bot.study.members.queries import member_with_zone
from bot.study.progress import streaks
from bot.study.progress.streaks import Streak

WEEKS = 5
MASTERY_OF = 10
"""How many of the last answers in a topic its mastery looks at."""

MASTERED = 0.8
"""From this share on, a topic is not suggested for practice as a weak one."""

WHY = {
    DayMark.STUDIED: "studied",
    DayMark.FREEZE: "missed; a freeze covered it",
    DayMark.REST: "rest day",
    DayMark.EXCUSED: "excused: no daily question came through",
    DayMark.BRIDGED: "swallowed by a move east",
    DayMark.MISSED: "missed",
    DayMark.OPEN: "today, still open",
}


async def streak(study: Study, context: RequestContext, *, view: str = "", member: str = "") -> Reply:
    """The streak of the member, or of another; `why` shows what each day was. Others' answers stay theirs."""
    if member:
        async with study.store.read() as session:
            whose = await (await session.connection()).run_sync(require_member, context, member)
            if hidden := hidden_notice(context, whose):
                return Reply.of(hidden)
            it = await streaks.member_streak(session, whose, now=context.at)
    else:
        whose, it = await study.store.look(partial(_mine, context=context))
    mine = whose.id == context.member_id
    title = "Your streak" if mine else _title(whose)
    if view == "why":
        return Reply.of(*_why(it, title), Notice(streaks.RULES))
    return Reply.of(
        _calendar(it, title, drawn=view == "picture"),
        _today(it) if mine else None,
        _on(it, view) if mine else None,
    )


async def for_others(study: Study, context: RequestContext) -> tuple[Member, tuple[Block, ...]]:
    """The asker and their own streak, for others to read."""
    whose, it = await study.store.look(partial(_mine, context=context))
    return whose, (_calendar(it, _title(whose)), Buttons((Button("My streak", "streak"),)))


def _title(whose: Member) -> str:
    return f"{whose.name}'s streak"


def _calendar(it: Streak, title: str, *, drawn: bool = False) -> Calendar:
    return Calendar(title, it.current, it.longest, it.freezes, it.marks[-7 * WEEKS :], as_picture=drawn)


def _on(it: Streak, view: str) -> Buttons:
    share = (Button("Share", "share streak"),) if it.current else ()
    return Buttons((Button("Practise now", "question"), Button("Why?", "streak why"), *_other(view), *share))


def _other(view: str) -> tuple[Button, ...]:
    """The calendar the other way: in words, or drawn."""
    return (Button("In words", "streak"),) if view == "picture" else (Button("As a picture", "streak picture"),)


def _mine(connection: Connection, context: RequestContext) -> tuple[Member, Streak]:
    member, _ = member_with_zone(connection, context.member_id)
    return member, streaks.streak_of(connection, member, context.at)


def _why(it: Streak, title: str) -> tuple[Table | Notice, ...]:
    days = [(day, mark) for day, mark in it.marks[-7 * WEEKS :] if mark is not DayMark.BLANK]
    head = Notice(f"{title}: {it.current}, longest {it.longest}, {it.freezes} of 2 freezes held.")
    if not days:
        return (head,)
    return head, Table(("Day", "What it was"), tuple((f"{d:%a %d %b}", WHY[m]) for d, m in reversed(days)))


def _today(it: Streak) -> Notice | None:
    if it.marks and it.marks[-1][1] is DayMark.OPEN and it.current:
        return Notice("Today is still open: any answer keeps the streak going.")
    if not it.current:
        return Notice("Any answer starts a streak, practice too.")
    return Notice("Today counts already.", Tone.GOOD)


async def topics(study: Study, context: RequestContext) -> Reply:
    """The topics, how many questions each has, and the member's mastery: the share right of the last ten answers."""
    async with study.store.read() as session:
        worth = await _last_shares(session, context.member_id)
    bank = study.library.bank
    questions = Counter(question.topic for question in bank)
    share = {topic: sum(shares) / len(shares) for topic, shares in worth.items() if topic in bank.topics}
    known = tuple(TopicMastery(t, questions[t], len(worth.get(t, ())), share.get(t)) for t in bank.topics)
    weakest = [topic for topic in sorted(share, key=lambda t: share[t]) if share[topic] < MASTERED][:3]
    untried = [topic for topic in bank.topics if topic not in share]
    return Reply.of(
        Mastery("Topics", known, as_picture=True),
        Buttons(tuple(Button(t, f"question {t}") for t in (*weakest, *untried)[:5]), prompt="Practise one:"),
    )


async def _last_shares(session: AsyncSession, member_id: int) -> dict[str, list[float]]:
    """What the last ten answers in each topic were worth, 0 to 1, newest first."""
    since = (
        select(Answer.topic, Answer.share)
        .where(Answer.member_id == member_id)
        .order_by(col(Answer.accepted_at).desc(), col(Answer.id).desc())
    )
    worth: dict[str, list[float]] = defaultdict(list)
    for topic, share in (await session.exec(since)).all():
        if len(worth[topic]) < MASTERY_OF:
            worth[topic].append(share or 0.0)
    return worth
