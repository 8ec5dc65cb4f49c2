"""The calendar of a streak: a column per week, a square per day, with what the days were beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from bot.drawing.labels import line, width
from bot.drawing.svg import BODY, FIGURE, INK, MARGIN, QUIET, SMALL, TITLE, card, rect, stroke
from bot.replies import Calendar, DayMark

WIDE = 560.0
TOP = 92.0
LEFT = MARGIN + 38
SIDE = 300.0
"""Where what stands beside the squares begins."""

STEP = 32.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEAST_WEEKS = 5
MOST_WEEKS = 26
"""The last of them are drawn: more squares would be too small to see."""

COLOURS = {
    DayMark.STUDIED: "#2f9e75",
    DayMark.FREEZE: "#8ec5ee",
    DayMark.REST: "#d3d9e4",
    DayMark.EXCUSED: "#d9d2ee",
    DayMark.BRIDGED: "#d9d2ee",
    DayMark.MISSED: "#f4c0b4",
    DayMark.OPEN: "#fcfcfd",
    DayMark.BLANK: "#f1f3f7",
}
LINES = {
    DayMark.STUDIED: "M-.4 0L-.1 .3L.45 -.35",
    DayMark.FREEZE: "M0 -.5V.5M-.43 -.25L.43 .25M-.43 .25L.43 -.25",
    DayMark.REST: "M-.35 0H.35",
    DayMark.EXCUSED: "M-.02 0H.02",
    DayMark.BRIDGED: "M-.35 -.35L0 0L-.35 .35M.1 -.35L.45 0L.1 .35",
    DayMark.MISSED: "M-.35 -.35L.35 .35M.35 -.35L-.35 .35",
}
"""A sign in each square, since colours alone do not reach everybody. Its square goes from -1 to 1."""

LINE_COLOURS = {DayMark.STUDIED: "#ffffff", DayMark.FREEZE: "#1d5f93", DayMark.MISSED: "#a8432c"}


def calendar(block: Calendar) -> bytes:
    """Weeks as columns from the oldest on, Monday at the top; streak, freezes and a legend at the side."""
    parts = [line(MARGIN, MARGIN + TITLE, block.title, TITLE, strong=True, within=WIDE - 2 * MARGIN)]
    side, bottom = _beside(block, SIDE if block.days else MARGIN)
    if block.days:
        squares, end = _grid(block.days)
        parts.append(squares)
        bottom = max(bottom, end)
    return card("".join((*parts, side)), WIDE, bottom + 20)


def _grid(days: tuple[tuple[date, DayMark], ...]) -> tuple[str, float]:
    """The squares with their labels, and where they end."""
    marks = dict(days)
    mondays = list(_mondays(min(marks), max(marks)))
    step = min(STEP, (SIDE - 28 - LEFT) / len(mondays))
    parts = [line(MARGIN, TOP + (day + 0.5) * step + 3, name, SMALL, QUIET) for day, name in _weekdays(step)]
    free = LEFT
    for column, monday in enumerate(mondays):
        x = LEFT + column * step
        week = [monday + timedelta(days=n) for n in range(7)]
        begins = next((day for day in week if day.day == 1), monday if column == 0 else None)
        month = MONTHS[begins.month - 1] if begins else ""
        if month and x >= free:
            parts.append(line(x, TOP - 8, month, SMALL, QUIET))
            free = x + width(month, SMALL) + 4
        for row, day in enumerate(week):
            parts.append(_square(x, TOP + row * step, step - max(2.0, step / 8), marks.get(day, DayMark.BLANK)))
    return "".join(parts), TOP + 7 * step


def _mondays(first: date, last: date) -> Iterator[date]:
    """Of each week, the last ones where there are too many, and of weeks before where there are few."""
    end = last - timedelta(days=last.weekday())
    count = min(max((end - first).days // 7 + 1 + ((end - first).days % 7 > 0), LEAST_WEEKS), MOST_WEEKS)
    yield from (end - timedelta(weeks=back) for back in reversed(range(count)))


def _weekdays(step: float) -> tuple[tuple[int, str], ...]:
    names = ((0, "Mon"), (1, "Tue"), (2, "Wed"), (3, "Thu"), (4, "Fri"), (5, "Sat"), (6, "Sun"))
    return names if step > 16 else names[::2]


def _square(x: float, y: float, size: float, mark: DayMark) -> str:
    round = size / 4.5
    if mark is DayMark.OPEN:
        dashes = f' stroke="{COLOURS[DayMark.STUDIED]}" stroke-width="1.6" stroke-dasharray="3.4 2.4"'
        return rect(x + 0.8, y + 0.8, size - 1.6, size - 1.6, COLOURS[mark], round=round, more=dashes)
    square = rect(x, y, size, size, COLOURS[mark], round=round)
    if size < 12 or mark not in LINES:
        return square
    half = size / 2
    sign = stroke(LINES[mark], LINE_COLOURS.get(mark, QUIET), 0.15 if mark is not DayMark.EXCUSED else 0.3)
    return square + f'<g transform="translate({x + half:.2f} {y + half:.2f}) scale({half * 0.9:.2f})">{sign}</g>'


def _beside(block: Calendar, left: float) -> tuple[str, float]:
    """The figures and the legend, and where they end."""
    days = "day" if block.current == 1 else "days"
    y = TOP + 20
    figure = str(block.current)
    parts = [
        line(left, y, figure, FIGURE, strong=True, within=150),
        line(left + min(width(figure, FIGURE), 150) + 10, y, f"{days} in a row", BODY),
    ]
    y += 34
    for label, value in (("Longest", str(block.longest)), ("Freezes held", str(block.freezes))):
        parts.append(line(left, y, label, BODY, QUIET))
        parts.append(line(left + WIDE - MARGIN - SIDE, y, value, BODY, INK, align="right", strong=True, within=110))
        y += 26
    used = [mark for mark in DayMark if mark is not DayMark.BLANK and any(mark is m for _, m in block.days)]
    y += 8
    for number, mark in enumerate(used):
        x, row = left + number % 2 * 120, y + number // 2 * 26
        parts.append(_square(x, row, 18, mark))
        parts.append(line(x + 26, row + 13.5, mark.value, SMALL, QUIET))
    return "".join(parts), y + -(-len(used) // 2) * 26
