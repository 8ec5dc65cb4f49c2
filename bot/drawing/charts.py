"""Draw standings and mastery, 560 units wide; mastery is wider with two columns."""

from __future__ import annotations

from math import isfinite

from bot.drawing.labels import can_write, label, text_width, wrapped
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
    WIDTH,
    card,
    circle,
    rect,
    stroke,
)
from bot.replies import Mastery, Rank, Standings, TopicMastery

ROW = 32.0
HEADER = 62.0
BAR = 8.0
MAX_ROWS = 50
"""More would be unreadable."""

NAME_WIDTH = 226.0
MAX_SINGLE_COLUMN = 10
"""More topics than this get two columns: chats shrink tall pictures until they're narrow."""


def standings(block: Standings) -> bytes | None:
    """Draw a bar for each member's points; the member's own row is highlighted, or set apart below the others.

    Return None if no font here has the letters of somebody's name.
    """
    rows = block.rows[:MAX_ROWS]
    all_rows = (*rows, block.mine) if block.mine else rows
    if not all(can_write(row.name) for row in all_rows):
        return None
    max_points = max((_amount(row.points) for row in all_rows), default=0.0)
    points_width = max((text_width(row.points, BODY) for row in all_rows), default=0.0)
    detail_width = max((text_width(row.detail, SMALL) for row in all_rows), default=0.0)
    columns = min(points_width, 90.0), min(detail_width, 90.0)
    parts, y = [label(MARGIN, MARGIN + TITLE, block.title, TITLE, strong=True, max_width=WIDTH - 2 * MARGIN)], HEADER
    for row in rows:
        parts.append(_rank(row, y, max_points, columns))
        y += ROW
    if block.mine:
        parts.append(stroke(f"M{MARGIN} {y + 7}H{WIDTH - MARGIN}", EDGE, 1))
        parts.append(_rank(block.mine, y + 14, max_points, columns))
        y += ROW + 14
    for text in wrapped(block.footnote, SMALL, WIDTH - 2 * MARGIN, lines=2):
        y += 18
        parts.append(label(MARGIN, y, text, SMALL, QUIET))
    return card("".join(parts), WIDTH, y + 18)


def _rank(row: Rank, y: float, max_points: float, columns: tuple[float, float]) -> str:
    """Draw a row that starts at `y`: rank, name, bar, points and detail; `columns` are the widths of the last two."""
    middle, right = y + ROW / 2, WIDTH - MARGIN
    base = middle + BODY * 0.36
    parts = []
    if row.mine:
        parts.append(rect(MARGIN - 10, y + 1, WIDTH - 2 * MARGIN + 20, ROW - 2, ACCENT_FAINT, radius=8))
    if medal := MEDALS.get(row.rank):
        parts.append(circle(MARGIN + 11, middle, 11, medal))
        parts.append(label(MARGIN + 11, middle + SMALL * 0.37, str(row.rank), SMALL, align="middle", strong=True))
    else:
        parts.append(label(MARGIN + 11, base, str(row.rank), BODY - 1, QUIET, align="middle", max_width=34))
    parts.append(label(MARGIN + 34, base, row.name, BODY, strong=row.mine, max_width=NAME_WIDTH - 34))
    points_width, detail_width = columns
    end = right - (detail_width + 12 if detail_width else 0)
    if detail_width:
        parts.append(label(right, base, row.detail, SMALL, QUIET, align="right", max_width=detail_width + 1))
    parts.append(label(end, base, row.points, BODY, align="right", strong=True, max_width=points_width + 1))
    left = MARGIN + NAME_WIDTH + 14
    share = _amount(row.points) / max_points if max_points else 0.0
    parts.append(_bar(left, middle, end - points_width - 14 - left, share, mine=row.mine))
    return "".join(parts)


def mastery(block: Mastery) -> bytes:
    """Draw each topic with its share of right answers as a bar, and its number of questions."""
    rows = block.topics[:MAX_ROWS]
    columns = 1 if len(rows) <= MAX_SINGLE_COLUMN else 2
    rows_per_column = -(-len(rows) // columns)
    width = WIDTH if columns == 1 else 1.4 * WIDTH
    gap = 2 * MARGIN
    column_width = (width - 2 * MARGIN - gap * (columns - 1)) / columns
    parts = [
        label(MARGIN, MARGIN + TITLE, block.title, TITLE, strong=True, max_width=width / 2),
        label(
            width - MARGIN,
            MARGIN + TITLE,
            "share right (–: not tried), number of questions",
            SMALL,
            QUIET,
            align="right",
        ),
    ]
    for number, row in enumerate(rows):
        column, position = divmod(number, rows_per_column)
        parts.append(_topic(row, MARGIN + column * (column_width + gap), HEADER + position * ROW, column_width))
    return card("".join(parts), width, HEADER + rows_per_column * ROW + 18)


def _topic(row: TopicMastery, x: float, y: float, column_width: float) -> str:
    name, number, share = row.topic, row.questions, row.share
    middle, base, right = y + ROW / 2, y + ROW / 2 + BODY * 0.36, x + column_width
    tried = share is not None
    left, end = x + column_width * 0.4, right - 84
    return "".join(
        (
            label(x, base, name, BODY, INK if tried else QUIET, max_width=column_width * 0.4 - 10),
            _bar(left, middle, end - left, share or 0.0),
            label(right - 34, base, f"{share:.0%}" if tried else "–", BODY, INK if tried else QUIET, align="right"),
            label(right, base, str(number), SMALL, QUIET, align="right", max_width=30),
        )
    )


def _bar(x: float, middle: float, length: float, share: float, *, mine: bool = True) -> str:
    color = ACCENT if mine else ACCENT_SOFT
    track = rect(x, middle - BAR / 2, length, BAR, TRACK, radius=BAR / 2)
    filled = length * min(max(share, 0.0), 1.0)
    return track + (rect(x, middle - BAR / 2, max(filled, BAR), BAR, color, radius=BAR / 2) if filled else "")


def _amount(points: str) -> float:
    """Return the points as a number, for the length of a bar; 0 if they aren't one."""
    try:
        amount = float(points.replace(",", ""))
    except ValueError:
        return 0.0
    return max(amount, 0.0) if isfinite(amount) else 0.0
