"""Standings, tables, streaks and topics as blocks: tables if Slack takes one there, else lists in mrkdwn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.platforms.shared.emoji import MARKS, MEDALS, WEEKDAY_LETTERS
from bot.platforms.slack.layout import BlockKit, Grid, Mrkdwn, Piece, SmallText
from bot.platforms.slack.markup import DATE_FORMAT, bold, literal_line, local_time, own_text, plain_line, utc
from bot.replies import Calendar, DayMark, Mastery, Rank, Standings, Table, TopicMastery
from bot.text.plural import plural

BAR_LENGTH = 10
DAY_SQUARES = {**MARKS, DayMark.BLANK: "▫️"}
"""The blank shared with Discord is a solid black square, which stands out too much in a light theme."""
LEFT: BlockKit = {"align": "left", "is_wrapped": True}
SHORT: BlockKit = {"align": "left"}
RIGHT: BlockKit = {"align": "right"}
CENTER: BlockKit = {"align": "center"}


def standings_pieces(standings: Standings) -> Iterator[Piece]:
    ranks = (*standings.rows, *((standings.mine,) if standings.mine else ()))
    detailed = any(rank.detail for rank in ranks)
    columns = 3 + detailed
    header = tuple(cell(name, bold=True) for name in ("Place", "Name", "Points", "From")[:columns])
    rows = tuple(_standings_row(rank, columns) for rank in ranks)
    lines = [*map(_standings_line, standings.rows), *(("…", _standings_line(standings.mine)) if standings.mine else ())]
    if ranks:
        yield Grid((header, *rows), (CENTER, LEFT, RIGHT, SHORT)[:columns], Mrkdwn("\n".join(lines)))
    yield SmallText(own_text(standings.footnote))


def _standings_row(rank: Rank, columns: int) -> tuple[BlockKit, ...]:
    values = (MEDALS.get(rank.rank) or str(rank.rank), rank.name, rank.points, rank.detail)
    return tuple(cell(value, bold=rank.mine) for value in values[:columns])


def _standings_line(rank: Rank) -> str:
    detail = f" · {literal_line(rank.detail)}" if rank.detail else ""
    name = bold(literal_line(rank.name)) if rank.mine and rank.name.strip() else literal_line(rank.name)
    return f"{MEDALS.get(rank.rank) or f'{rank.rank}.'} {name} · {literal_line(rank.points)}{detail}"


def table_pieces(table: Table) -> Iterator[Piece]:
    header = tuple(cell(name, bold=True) for name in table.columns)
    rows = tuple(tuple(map(cell, row)) for row in table.rows)
    lines = "\n".join(_table_line(table.columns, *map(_cell_text, row)) for row in table.rows)
    yield Grid((header, *rows), tuple(LEFT for _ in table.columns), Mrkdwn(lines))


def _table_line(columns: tuple[str, ...], first: str, second: str = "", *others: str) -> str:
    """Write a row as a name and its value. Further columns go on a line below, each with its header."""
    labeled = (f"{literal_line(name)}: {value}" for name, value in zip(columns[2:], others, strict=True))
    further = " · ".join(labeled)
    below = f"\n   {further}" if further else ""
    return f"• {bold(first)}  {second}{below}" if second else f"• {first}{below}"


def _cell_text(value: str | datetime) -> str:
    return local_time(value) if isinstance(value, datetime) else literal_line(value)


def cell(value: str | datetime, *, bold: bool = False) -> BlockKit:
    """Return a table cell. Nothing in its text is formatting; Slack shows a time in the reader's own zone."""
    part: BlockKit
    if isinstance(value, datetime):
        part = {"type": "date", "timestamp": int(value.timestamp()), "format": DATE_FORMAT, "fallback": utc(value)}
    else:
        part = {"type": "text", "text": plain_line(value) or "–"}
    if bold:
        part["style"] = {"bold": True}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [part]}]}


def calendar_pieces(calendar: Calendar) -> Iterator[Piece]:
    days = plural(calendar.current, "day")
    lines = [f"🔥 *{days}* · longest {calendar.longest} · 🧊 {calendar.freezes} of 2 freezes"]
    if calendar.days:
        lines.append(WEEKDAY_LETTERS)
    for monday, week in calendar.weeks().items():
        lines.append(f"{''.join(DAY_SQUARES[mark] for mark in week)}  {monday:%b %d}")
    yield Mrkdwn("\n".join(lines))
    yield SmallText(" · ".join(f"{DAY_SQUARES[mark]} {mark.value}" for mark in calendar.legend()))


def mastery_pieces(mastery: Mastery) -> Iterator[Piece]:
    """Yield a bar for each topic tried, and one line with the others."""
    yield Mrkdwn("\n".join(_bar(topic, topic.share) for topic in mastery.topics if topic.share is not None))
    untried = ", ".join(literal_line(topic.topic) for topic in mastery.topics if topic.share is None)
    yield Mrkdwn(f"*Not tried yet:* {untried}" if untried else "")


def _bar(topic: TopicMastery, share: float) -> str:
    full = round(share * BAR_LENGTH)
    squares = "▰" * full + "▱" * (BAR_LENGTH - full)
    return f"{squares}  {bold(literal_line(topic.topic) or '…')} · {share:.0%} of {topic.tried}"
