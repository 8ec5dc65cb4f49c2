"""Describe a picture for screen readers: plain text of at most 1,000 characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bot.drawing.program import Subject
from bot.replies import Calendar, DayMark, Mastery, Rank, Standings, TopicMastery
from bot.text.cleaning import clean, short
from bot.text.formulas import unicode_text
from bot.text.plural import plural

MAX_LENGTH = 1000
MAX_NAME = 60


def alt_of(subject: Subject) -> str:
    """Say a formula in Unicode, or else in LaTeX; describe a chart.

    A chart's last rows are left out first, but never the member's own.
    """
    match subject:
        case str():
            return short(" ".join(f"Formula: {unicode_text(subject) or subject}".split()), MAX_LENGTH)
        case Standings():
            own = f" Below: {_rank(subject.mine)}." if subject.mine else ""
            return _listed(f"Standings, {_name(subject.title)}", map(_rank, subject.rows), own)
        case Calendar():
            return _calendar(subject)
        case Mastery(title, topics):
            return _listed(_name(title), map(_topic, topics))


def _listed(head: str, rows: Iterable[str], tail: str = "") -> str:
    """List as many rows as fit between head and tail, then an ellipsis if there are more."""
    text = f"{head}:"
    for row in rows:
        if len(text) + len(row) + len(tail) + 4 > MAX_LENGTH:
            return f"{text.removesuffix(';')}; …{tail}"
        text += f" {row};"
    return text.rstrip(":;") + "." + tail


def _rank(row: Rank) -> str:
    detail = f", {_name(row.detail)}" if row.detail else ""
    return f"{row.rank}. {_name(row.name)} {_name(row.points)} points{detail}{' (you)' if row.mine else ''}"


def _topic(row: TopicMastery) -> str:
    return f"{_name(row.topic)} {'not tried' if row.share is None else f'{row.share:.0%}'} ({row.questions})"


def _calendar(block: Calendar) -> str:
    counts = Counter(mark for _, mark in block.days)
    del counts[DayMark.BLANK]
    text = (
        f"{_name(block.title)}: {plural(block.current, 'day')} in a row, longest {plural(block.longest, 'day')}, "
        f"{plural(block.freezes, 'freeze')} left."
    )
    if counts:
        first, last = block.days[0][0], block.days[-1][0]
        marks = ", ".join(f"{counts[mark]} {mark.value}" for mark in DayMark if mark in counts)
        text += f" From {first:%b} {first.day} to {last:%b} {last.day}, {last.year}: {marks}."
    return short(text, MAX_LENGTH)


def _name(text: str) -> str:
    return short(" ".join(clean(text).split()), MAX_NAME)
