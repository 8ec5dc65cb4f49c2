"""Standings, a calendar and mastery as pictures, 560 units wide."""

from __future__ import annotations

from math import isfinite

from bot.drawing.calendar import calendar
from bot.drawing.labels import line, width, wrapped
from bot.drawing.svg import (
    ACCENT,
    ACCENT_FAINT,
    ACCENT_SOFT,
    BODY,
    EDGE,
    INK,
    MARGIN,
    MEDALS,
    QUIET,
    SMALL,
    TITLE,
    TRACK,
    card,
    disc,
    rect,
    stroke,
)
from bot.replies import Mastery, Rank, Standings, TopicMastery

__all__ = ["calendar", "mastery", "standings"]

WIDE = 560.0
ROW = 32.0
HEAD = 62.0
BAR = 8.0
MOST_ROWS = 50
"""More would make a picture that nobody can read."""

NAME = 226.0
SPLIT = 10
"""Topics up to this many stand in one column, more in two: chats cut down tall pictures to little width."""


def standings(block: Standings) -> bytes:
    """Bars as long as the points; my row is marked, or stands below the others, apart."""
    rows = block.rows[:MOST_ROWS]
    everyone = (*rows, block.mine) if block.mine else rows
    most = max((_amount(row.points) for row in everyone), default=0.0)
    figures = max((width(row.points, BODY) for row in everyone), default=0.0)
    details = max((width(row.detail, SMALL) for row in everyone), default=0.0)
    columns = min(figures, 90.0), min(details, 90.0)
    parts, y = [line(MARGIN, MARGIN + TITLE, block.title, TITLE, strong=True, within=WIDE - 2 * MARGIN)], HEAD
    for row in rows:
        parts.append(_rank(row, y, most, columns))
        y += ROW
    if block.mine:
        parts.append(stroke(f"M{MARGIN} {y + 7}H{WIDE - MARGIN}", EDGE, 1))
        parts.append(_rank(block.mine, y + 14, most, columns))
        y += ROW + 14
    for text in wrapped(block.footnote, SMALL, WIDE - 2 * MARGIN, lines=2):
        y += 18
        parts.append(line(MARGIN, y, text, SMALL, QUIET))
    return card("".join(parts), WIDE, y + 18)


def _rank(row: Rank, y: float, most: float, columns: tuple[float, float]) -> str:
    """A row from `y` on: place, name, bar, points and detail, the last two in columns of their own widths."""
    middle, right = y + ROW / 2, WIDE - MARGIN
    base = middle + BODY * 0.36
    parts = []
    if row.mine:
        parts.append(rect(MARGIN - 10, y + 1, WIDE - 2 * MARGIN + 20, ROW - 2, ACCENT_FAINT, round=8))
    if medal := MEDALS.get(row.rank):
        parts.append(disc(MARGIN + 11, middle, 11, medal))
        parts.append(line(MARGIN + 11, middle + SMALL * 0.37, str(row.rank), SMALL, align="middle", strong=True))
    else:
        parts.append(line(MARGIN + 11, base, str(row.rank), BODY - 1, QUIET, align="middle", within=34))
    name = row.name if width(row.name, BODY) else "…"  # no font here for any of it
    parts.append(line(MARGIN + 34, base, name, BODY, strong=row.mine, within=NAME - 34))
    figures, details = columns
    end = right - (details + 12 if details else 0)
    if details:
        parts.append(line(right, base, row.detail, SMALL, QUIET, align="right", within=details + 1))
    parts.append(line(end, base, row.points, BODY, align="right", strong=True, within=figures + 1))
    left = MARGIN + NAME + 14
    share = _amount(row.points) / most if most else 0.0
    parts.append(_bar(left, middle, end - figures - 14 - left, share, mine=row.mine))
    return "".join(parts)


def mastery(block: Mastery) -> bytes:
    """Topics with bars as long as the share right, and how many questions each has."""
    rows = block.topics[:MOST_ROWS]
    columns = 1 if len(rows) <= SPLIT else 2
    down = -(-len(rows) // columns)
    wide = WIDE if columns == 1 else 1.4 * WIDE
    gap = 2 * MARGIN
    across = (wide - 2 * MARGIN - gap * (columns - 1)) / columns
    parts = [
        line(MARGIN, MARGIN + TITLE, block.title, TITLE, strong=True, within=wide / 2),
        line(
            wide - MARGIN,
            MARGIN + TITLE,
            "share right (–: not tried), number of questions",
            SMALL,
            QUIET,
            align="right",
        ),
    ]
    for number, row in enumerate(rows):
        column, above = divmod(number, down)
        parts.append(_topic(row, MARGIN + column * (across + gap), HEAD + above * ROW, across))
    return card("".join(parts), wide, HEAD + down * ROW + 18)


def _topic(row: TopicMastery, x: float, y: float, across: float) -> str:
    name, number, share = row.topic, row.questions, row.share
    middle, base, right = y + ROW / 2, y + ROW / 2 + BODY * 0.36, x + across
    tried = share is not None
    left, end = x + across * 0.4, right - 84
    return "".join(
        (
            line(x, base, name, BODY, INK if tried else QUIET, within=across * 0.4 - 10),
            _bar(left, middle, end - left, share or 0.0),
            line(right - 34, base, f"{share:.0%}" if tried else "–", BODY, INK if tried else QUIET, align="right"),
            line(right, base, str(number), SMALL, QUIET, align="right", within=30),
        )
    )


def _bar(x: float, middle: float, length: float, share: float, *, mine: bool = True) -> str:
    colour = ACCENT if mine else ACCENT_SOFT
    track = rect(x, middle - BAR / 2, length, BAR, TRACK, round=BAR / 2)
    filled = length * min(max(share, 0.0), 1.0)
    return track + (rect(x, middle - BAR / 2, max(filled, BAR), BAR, colour, round=BAR / 2) if filled else "")


def _amount(points: str) -> float:
    """The points as a number, for the length of a bar; 0 for what is none."""
    try:
        amount = float(points.replace(",", ""))
    except ValueError:
        return 0.0
    return max(amount, 0.0) if isfinite(amount) else 0.0
