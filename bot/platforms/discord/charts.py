"""Charts as text: standings, streaks and topics, unless a picture was requested."""

from __future__ import annotations

from collections.abc import Iterator

from bot.platforms.discord.markup import plain, spoken
from bot.platforms.shared.emoji import MARKS, MEDALS
from bot.replies import Calendar, DayMark, Mastery, Rank, Standings, TopicMastery
from bot.text.plural import plural

BAR_LENGTH = 10
"""Squares in a full bar."""
SQUARES = {**MARKS, DayMark.BLANK: "▪️"}
"""The blank shared with Slack is a solid black square, which stands out too much in the light theme."""


def standings_lines(standings: Standings) -> Iterator[str]:
    yield from map(_rank, standings.rows)
    if standings.mine:
        yield f"…\n{_rank(standings.mine)}"
    if standings.footnote:
        yield f"-# {spoken(standings.footnote)}"


def _rank(rank: Rank) -> str:
    # The dot is escaped, or Discord would renumber the ranks and lose the ties.
    position = MEDALS.get(rank.rank) or f"{rank.rank}\\."
    detail = f" · {plain(rank.detail)}" if rank.detail else ""
    text = f"{plain(rank.name)} · {plain(rank.points)}{detail}"
    return f"{position} **{text}**" if rank.mine else f"{position} {text}"


def calendar_lines(calendar: Calendar) -> Iterator[str]:
    days = plural(calendar.current, "day")
    yield f"🔥 **{days}** · longest {calendar.longest} · 🧊 {calendar.freezes} of 2 freezes"
    for monday, week in calendar.weeks().items():
        yield f"`{monday:%b %d}` {''.join(SQUARES[mark] for mark in week)}"
    if legend := calendar.legend():
        yield "-# " + "  ".join(f"{SQUARES[mark]} {mark.value}" for mark in legend)


def mastery_lines(mastery: Mastery) -> Iterator[str]:
    yield from map(_topic, mastery.topics)


def _topic(topic: TopicMastery) -> str:
    if topic.share is None:
        return f"- {plain(topic.topic)} · not tried yet"
    full = round(topic.share * BAR_LENGTH)
    return f"- {plain(topic.topic)} `{'█' * full}{'░' * (BAR_LENGTH - full)}` {topic.share:.0%} of {topic.tried}"
