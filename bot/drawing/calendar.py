"""Draw a streak's calendar: a column per week, a square per day, and a summary beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from bot.drawing.labels import label, text_width
from bot.drawing.svg import BODY, CARD, FIGURE, INK, MARGIN, QUIET, SMALL, TITLE, WIDTH, card, rect, stroke
from bot.replies import Calendar, DayMark

TOP = 92.0
LEFT = MARGIN + 38
SUMMARY_LEFT = 300.0
"""Where the summary starts, right of the squares."""

MAX_STEP = 32.0
"""From one square to the next."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MIN_WEEKS = 5
MAX_WEEKS = 26
"""Only the last ones are drawn: with more, the squares would be too small to see."""

COLORS = {
    DayMark.STUDIED: "#2f9e75",
    DayMark.FREEZE: "#8ec5ee",
    DayMark.REST: "#d3d9e4",
    DayMark.EXCUSED: "#d9d2ee",
    DayMark.BRIDGED: "#d9d2ee",
    DayMark.MISSED: "#f4c0b4",
    DayMark.OPEN: CARD,
    DayMark.BLANK: "#e9ecf2",
}
SYMBOLS = {
    DayMark.STUDIED: "M-.4 0L-.1 .3L.45 -.35",
    DayMark.FREEZE: "M0 -.5V.5M-.43 -.25L.43 .25M-.43 .25L.43 -.25",
    DayMark.REST: "M-.35 0H.35",
    DayMark.EXCUSED: "M-.02 0H.02",
    DayMark.BRIDGED: "M-.35 -.35L0 0L-.35 .35M.1 -.35L.45 0L.1 .35",
    DayMark.MISSED: "M-.35 -.35L.35 .35M.35 -.35L-.35 .35",
}
"""A symbol in each square, since not everybody can tell the colors apart; in coordinates from -1 to 1."""

SYMBOL_COLORS = {DayMark.STUDIED: "#ffffff", DayMark.FREEZE: "#1d5f93", DayMark.MISSED: "#a8432c"}


def calendar(block: Calendar) -> bytes:
    """Draw weeks as columns, oldest first and Monday at the top, with streak, freezes and legend at the side."""
    parts = [label(MARGIN, MARGIN + TITLE, block.title, TITLE, strong=True, max_width=WIDTH - 2 * MARGIN)]
    summary, bottom = _summary(block, SUMMARY_LEFT if block.days else MARGIN)
    if block.days:
        grid, end = _grid(block.days)
        parts.append(grid)
        bottom = max(bottom, end)
    return card("".join((*parts, summary)), WIDTH, bottom + 20)


def _grid(days: tuple[tuple[date, DayMark], ...]) -> tuple[str, float]:
    """Return the squares with their labels, and the y where they end."""
    marks = dict(days)
    mondays = list(_mondays(min(marks), max(marks)))
    step = min(MAX_STEP, (SUMMARY_LEFT - 28 - LEFT) / len(mondays))
    parts = [label(MARGIN, TOP + (day + 0.5) * step + 3, name, SMALL, QUIET) for day, name in _weekdays(step)]
    next_label_x = LEFT
    for column, monday in enumerate(mondays):
        x = LEFT + column * step
        week = [monday + timedelta(days=n) for n in range(7)]
        starts_month = next((day for day in week if day.day == 1), monday if column == 0 else None)
        month = MONTHS[starts_month.month - 1] if starts_month else ""
        if month and x >= next_label_x:
            parts.append(label(x, TOP - 8, month, SMALL, QUIET))
            next_label_x = x + text_width(month, SMALL) + 4
        for row, day in enumerate(week):
            parts.append(_square(x, TOP + row * step, step - max(2.0, step / 8), marks.get(day, DayMark.BLANK)))
    return "".join(parts), TOP + 7 * step


def _mondays(first: date, last: date) -> Iterator[date]:
    """Yield each week's Monday: the last MAX_WEEKS at most, padded with earlier weeks to at least MIN_WEEKS."""
    end = last - timedelta(days=last.weekday())
    count = min(max((end - first).days // 7 + 1 + ((end - first).days % 7 > 0), MIN_WEEKS), MAX_WEEKS)
    yield from (end - timedelta(weeks=back) for back in reversed(range(count)))


def _weekdays(step: float) -> tuple[tuple[int, str], ...]:
    names = ((0, "Mon"), (1, "Tue"), (2, "Wed"), (3, "Thu"), (4, "Fri"), (5, "Sat"), (6, "Sun"))
    return names if step > 16 else names[::2]


def _square(x: float, y: float, size: float, mark: DayMark) -> str:
    radius = size / 4.5
    if mark is DayMark.OPEN:
        dashes = f' stroke="{COLORS[DayMark.STUDIED]}" stroke-width="1.6" stroke-dasharray="3.4 2.4"'
        return rect(x + 0.8, y + 0.8, size - 1.6, size - 1.6, COLORS[mark], radius=radius, attributes=dashes)
    square = rect(x, y, size, size, COLORS[mark], radius=radius)
    if size < 12 or mark not in SYMBOLS:
        return square
    half = size / 2
    symbol = stroke(SYMBOLS[mark], SYMBOL_COLORS.get(mark, QUIET), 0.15 if mark is not DayMark.EXCUSED else 0.3)
    return square + f'<g transform="translate({x + half:.2f} {y + half:.2f}) scale({half * 0.9:.2f})">{symbol}</g>'


def _summary(block: Calendar, left: float) -> tuple[str, float]:
    """Return the figures and the legend, and the y where they end."""
    days = "day" if block.current == 1 else "days"
    y = TOP + 20
    figure = str(block.current)
    parts = [
        label(left, y, figure, FIGURE, strong=True, max_width=150),
        label(left + min(text_width(figure, FIGURE), 150) + 10, y, f"{days} in a row", BODY),
    ]
    y += 34
    for name, value in (("Longest", str(block.longest)), ("Freezes left", str(block.freezes))):
        parts.append(label(left, y, name, BODY, QUIET))
        parts.append(
            label(left + WIDTH - MARGIN - SUMMARY_LEFT, y, value, BODY, INK, align="right", strong=True, max_width=110)
        )
        y += 26
    used = block.legend()
    y += 8
    for number, mark in enumerate(used):
        x, row = left + number % 2 * 120, y + number // 2 * 26
        parts.append(_square(x, row, 18, mark))
        parts.append(label(x + 26, row + 13.5, mark.value, SMALL, QUIET))
    return "".join(parts), y + -(-len(used) // 2) * 26
