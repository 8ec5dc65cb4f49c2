"""A member's own progress: the streak with its calendar and reasons, and mastery by topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Calendar, DayMark, Mastery, Notice, Reply, Table, Tone, TopicMastery
from bot.store.models import Member
from bot.study.members.directory import hidden_notice, require_member
from bot.study.members.queries import member_with_zone
from bot.study.progress import queries, streaks
from bot.study.progress.queries import TopicShare
from bot.study.progress.streaks import Streak
from bot.text.plural import plural
from knowledge.questions import Bank

CALENDAR_DAYS = 5 * 7
MASTERY_ANSWERS = 10
"""How many of the latest answers in a topic count toward its mastery."""
MASTERED_SHARE = 0.8
"""A topic with at least this share is no longer suggested as a weak one."""
MAX_WEAK_TOPICS = 3
MAX_SUGGESTIONS = 5

REASONS = {
    DayMark.STUDIED: "studied",
    DayMark.FREEZE: "missed, covered by a freeze",
    DayMark.REST: "rest day",
    DayMark.EXCUSED: "excused: no daily question was posted",
    DayMark.BRIDGED: "a day lost by changing time zones",
    DayMark.MISSED: "missed",
    DayMark.OPEN: "today, still open",
}


async def streak(study: Study, context: RequestContext, *, view: str = "", member: str = "") -> Reply:
    """Show the member's own streak or, with `member`, somebody else's; `why` explains each day."""
    owner, current = await study.store.query(_member_and_streak, context, member)
    if hidden := hidden_notice(context, owner):
        return Reply.of(hidden)
    is_own = owner.id == context.member_id
    title = "Your streak" if is_own else _title(owner)
    if view == "why":
        return Reply.of(*_reasons(current, title), Notice(streaks.RULES))
    return Reply.of(
        _calendar(current, title, as_picture=view == "picture"),
        _today(current) if is_own else None,
        _next_steps(current, view) if is_own else None,
    )


async def for_others(study: Study, context: RequestContext) -> tuple[Member, tuple[Block, ...]]:
    """Return the member who's asking, and their streak, for others to read."""
    owner, current = await study.store.query(_member_and_streak, context)
    return owner, (_calendar(current, _title(owner)), Buttons((Button("My streak", "streak"),)))


def _member_and_streak(connection: Connection, context: RequestContext, name: str = "") -> tuple[Member, Streak]:
    """Find a member, or without a name the one asking, and compute their streak."""
    if name:
        member = require_member(connection, context, name)
    else:
        member, _ = member_with_zone(connection, context.member_id)
    return member, streaks.streak_of(connection, member, context.at)


def _title(owner: Member) -> str:
    return f"{owner.name}'s streak"


def _calendar(streak: Streak, title: str, *, as_picture: bool = False) -> Calendar:
    days = streak.marks[-CALENDAR_DAYS:]
    return Calendar(title, streak.current, streak.longest, streak.freezes, days, as_picture=as_picture)


def _next_steps(streak: Streak, view: str) -> Buttons:
    other_view = Button("In words", "streak") if view == "picture" else Button("As a picture", "streak picture")
    share = (Button("Share", "share streak"),) if streak.current else ()
    return Buttons((Button("Practice now", "question"), Button("Why?", "streak why"), other_view, *share))


def _reasons(streak: Streak, title: str) -> tuple[Table | Notice, ...]:
    """Describe each day of the calendar, newest first."""
    days = [(day, mark) for day, mark in streak.marks[-CALENDAR_DAYS:] if mark is not DayMark.BLANK]
    days_so_far = f"{plural(streak.current, 'day')}, longest {plural(streak.longest, 'day')}"
    summary = Notice(f"{title}: {days_so_far}, {streak.freezes} of {streaks.MAX_FREEZES} freezes.")
    if not days:
        return (summary,)
    rows = tuple((f"{day:%a %b} {day.day}", REASONS[mark]) for day, mark in reversed(days))
    return summary, Table(("Day", "What it was"), rows)


def _today(streak: Streak) -> Notice:
    if not streak.current:
        return Notice("Any answer starts a streak, practice included.")
    if streak.marks and streak.marks[-1][1] is DayMark.OPEN:
        return Notice("Today is still open: any answer keeps your streak going.")
    return Notice("Today already counts.", Tone.GOOD)


async def topics(study: Study, context: RequestContext) -> Reply:
    """Show each topic with its number of questions and the member's mastery: the share of right answers."""
    shares = await study.store.query(queries.topic_shares, context.member_id, MASTERY_ANSWERS)
    mastery = topic_mastery(study.library.bank, shares)
    buttons = tuple(Button(topic, f"question {topic}") for topic in _suggestions(mastery))
    return Reply.of(Mastery("Topics", mastery, as_picture=True), Buttons(buttons, prompt="Practice one:"))


def topic_mastery(bank: Bank, shares: Sequence[TopicShare]) -> tuple[TopicMastery, ...]:
    """Return the mastery of every topic of the bank, in its order; the share of one not tried yet is None."""
    questions = Counter(question.topic for question in bank)
    by_topic = {share.topic: share for share in shares}
    return tuple(
        TopicMastery(topic, questions[topic], tried.answers, tried.share)
        if (tried := by_topic.get(topic))
        else TopicMastery(topic, questions[topic], 0, None)
        for topic in bank.topics
    )


def _suggestions(mastery: Sequence[TopicMastery]) -> list[str]:
    """Name topics to practice: the weakest first, then those not tried yet."""
    tried = sorted((topic.share, number) for number, topic in enumerate(mastery) if topic.share is not None)
    weakest = [mastery[number].topic for share, number in tried if share < MASTERED_SHARE][:MAX_WEAK_TOPICS]
    untried = [topic.topic for topic in mastery if topic.share is None]
    return [*weakest, *untried][:MAX_SUGGESTIONS]
