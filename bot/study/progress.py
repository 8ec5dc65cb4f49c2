"""How one is doing: the streak with its calendar and reasons, and mastery by topic."""

from __future__ import annotations

from collections import defaultdict

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.replies import Action, Calendar, Choices, DayMark, Notice, Reply, Table, Tone
from bot.store.tables import Answer, Member
from bot.study import streaks
from bot.study.context import Asker, Study
from bot.study.people import member_named
from bot.study.streaks import Streak

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


async def streak(study: Study, asker: Asker, *, view: str = "", member: str = "") -> Reply:
    """The streak of the member, or of another; `why` shows what each day was. Others' answers stay theirs."""
    async with study.store.read() as session:
        whose = await member_named(session, asker, member) if member else await session.get_one(Member, asker.member_id)
        it = await streaks.member_streak(session, whose, now=asker.at)
    mine = whose.id == asker.member_id
    title = "Your streak" if mine else f"{whose.name}'s streak"
    if view == "why":
        return Reply.of(*_why(it, title), Notice(streaks.RULES))
    return Reply.of(
        Calendar(title, it.current, it.longest, it.freezes, it.marks[-7 * WEEKS :]),
        _today(it) if mine else None,
        Choices((Action("Why?", "streak why"), Action("Practise now", "question"))) if mine else None,
    )


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


async def topics(study: Study, asker: Asker) -> Reply:
    """The topics, how many questions each has, and the member's mastery: the share right of the last ten answers."""
    async with study.store.read() as session:
        worth = await _last_shares(session, asker.member_id)
    bank = study.library.bank
    rows = []
    for topic in bank.topics:
        shares = worth.get(topic, [])
        mastery = f"{sum(shares) / len(shares):.0%} of {len(shares)}" if shares else "not tried yet"
        rows.append((topic, str(sum(q.topic == topic for q in bank)), mastery))
    share = {topic: sum(shares) / len(shares) for topic, shares in worth.items() if topic in bank.topics}
    weakest = [topic for topic in sorted(share, key=lambda t: share[t]) if share[topic] < MASTERED][:3]
    untried = [topic for topic in bank.topics if topic not in share]
    return Reply.of(
        Table(("Topic", "Questions", "Mastery"), tuple(rows), title="Topics"),
        Choices(tuple(Action(t, f"question {t}") for t in (*weakest, *untried)[:5]), prompt="Practise one:"),
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
