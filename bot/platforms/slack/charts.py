"""Standings, tables, streaks and topics in words, in mrkdwn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from bot.platforms.shared.emoji import MARKS
from bot.platforms.slack.layout import BlockKit, Grid, Piece, Said, Small
from bot.platforms.slack.markup import MOMENT, moment, named, plain, spoken, utc
from bot.replies import Calendar, DayMark, Mastery, Rank, Standings, Table, TopicMastery

MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
BAR = 10
"""Squares of a full bar."""
SQUARES = {**MARKS, DayMark.BLANK: "▫️"}
"""The shared blank is a full black square, which shouts where the theme is light."""
LEFT: BlockKit = {"align": "left", "is_wrapped": True}
RIGHT: BlockKit = {"align": "right"}
CENTRE: BlockKit = {"align": "center"}


def standings_pieces(standings: Standings) -> Iterator[Piece]:
    ranks = (*standings.rows, *((standings.mine,) if standings.mine else ()))
    detailed = any(rank.detail for rank in ranks)
    head = tuple(cell(name, bold=True) for name in ("Place", "Name", "Points", "From")[: 3 + detailed])
    rows = tuple(_ranked(rank, detailed) for rank in ranks)
    lines = [*map(_rank, standings.rows), *(("…", _rank(standings.mine)) if standings.mine else ())]
    if ranks:
        yield Grid((head, *rows), (CENTRE, LEFT, RIGHT, LEFT)[: 3 + detailed], Said("\n".join(lines)))
    yield Small(spoken(standings.footnote))


def _ranked(rank: Rank, detailed: bool) -> tuple[BlockKit, ...]:
    values = (MEDALS.get(rank.rank) or str(rank.rank), rank.name, rank.points, rank.detail)
    return tuple(cell(value, bold=rank.mine) for value in values[: 3 + detailed])


def _rank(rank: Rank) -> str:
    detail = f" · {named(rank.detail)}" if rank.detail else ""
    name = f"*{named(rank.name)}*" if rank.mine and rank.name.strip() else named(rank.name)
    return f"{MEDALS.get(rank.rank) or f'{rank.rank}.'} {name} · {named(rank.points)}{detail}"


def table_pieces(table: Table) -> Iterator[Piece]:
    head = tuple(cell(name, bold=True) for name in table.columns)
    rows = tuple(tuple(map(cell, row)) for row in table.rows)
    lines = "\n".join(_row(table.columns, *map(_worded, row)) for row in table.rows)
    yield Grid((head, *rows), tuple(LEFT for _ in table.columns), Said(lines))


def _row(columns: tuple[str, ...], first: str, second: str = "", *others: str) -> str:
    """Two columns are a name and what belongs to it. What stands in any further ones is named, on a line beneath."""
    further = " · ".join(f"{named(name)}: {value}" for name, value in zip(columns[2:], others, strict=True))
    beneath = f"\n   {further}" if further else ""
    return f"• *{first}*  {second}{beneath}" if second else f"• {first}{beneath}"


def _worded(value: str | datetime) -> str:
    return moment(value) if isinstance(value, datetime) else named(value)


def cell(value: str | datetime, *, bold: bool = False) -> BlockKit:
    """A cell of a table. Its text is no marks, and a moment is the reader's own."""
    part: BlockKit
    if isinstance(value, datetime):
        part = {"type": "date", "timestamp": int(value.timestamp()), "format": MOMENT, "fallback": utc(value)}
    else:
        part = {"type": "text", "text": plain(value) or "–"}
    if bold:
        part["style"] = {"bold": True}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [part]}]}


def calendar_pieces(calendar: Calendar) -> Iterator[Piece]:
    days = f"{calendar.current} day{'s' * (calendar.current != 1)}"
    lines = [f"🔥 *{days}* · longest {calendar.longest} · 🧊 {calendar.freezes} of 2 freezes"]
    weeks: dict[date, list[str]] = {}
    for day, mark in calendar.days:
        # Weeks begin on Mondays: what comes before the first day is blank.
        row = weeks.setdefault(day - timedelta(days=day.weekday()), [SQUARES[DayMark.BLANK]] * 7)
        row[day.weekday()] = SQUARES[mark]
    lines += (f"{''.join(week)}  {monday:%d %b}" for monday, week in weeks.items())
    yield Said("\n".join(lines))
    there = {mark for _, mark in calendar.days}
    used = [mark for mark in DayMark if mark is not DayMark.BLANK and mark in there]
    yield Small(" · ".join(f"{SQUARES[mark]} {mark.value}" for mark in used))


def mastery_pieces(mastery: Mastery) -> Iterator[Piece]:
    """A bar for each topic that has been tried, and the others in one line."""
    yield Said("\n".join(_bar(topic, topic.share) for topic in mastery.topics if topic.share is not None))
    untried = ", ".join(named(topic.topic) for topic in mastery.topics if topic.share is None)
    yield Said(f"*Not tried yet:* {untried}" if untried else "")


def _bar(topic: TopicMastery, share: float) -> str:
    full = round(share * BAR)
    return f"{'▰' * full}{'▱' * (BAR - full)}  *{named(topic.topic) or '…'}* · {share:.0%} of {topic.tried}"
