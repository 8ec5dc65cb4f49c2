"""Suggest values while somebody types. This uses no model and no database, because it has to be instant."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.parameters import Suggestion
from bot.context.local_time import WEEKDAYS, zones_like
from bot.context.study import Study
from bot.text.writer import bare

MAX_SUGGESTIONS = 25
"""Discord's limit."""
_TIMES = tuple(f"{hour:02}:{minute}" for hour in (*range(7, 24), *range(7)) for minute in ("00", "30"))
_WEEKS = ("mon-fri", "mon,wed,fri", "tue,thu", "daily", "sat,sun", "monday", "friday")


def titles(study: Study, typed: str) -> Sequence[Suggestion]:
    """Suggest questions by title; the value is the title."""
    return [
        Suggestion(bare(question.title), question.title) for question in study.library.suggest(typed, MAX_SUGGESTIONS)
    ]


def ids(study: Study, typed: str) -> Sequence[Suggestion]:
    """Suggest questions by title; the value is the id."""
    return [Suggestion(bare(question.title), question.id) for question in study.library.suggest(typed, MAX_SUGGESTIONS)]


def topics(study: Study, typed: str) -> Sequence[Suggestion]:
    """Suggest topics that contain what was typed; those that begin with it come first."""
    wanted = typed.lower().strip()
    matches = [name for name in study.library.bank.topics if wanted in name]
    matches.sort(key=lambda name: (not name.startswith(wanted), name))
    return [Suggestion(name, name) for name in matches[:MAX_SUGGESTIONS]]


def topic_lists(study: Study, typed: str) -> Sequence[Suggestion]:
    """Suggest the next topic of a list with commas; each value is the whole list."""
    complete, comma, last = typed.rpartition(",")
    prefix = f"{complete.strip()}{comma}"
    return [Suggestion(prefix + topic.label, prefix + topic.value) for topic in topics(study, last)]


def all_topics(study: Study) -> Sequence[Suggestion]:
    """Return every topic, by name."""
    return [Suggestion(name, name) for name in sorted(study.library.bank.topics)]


def zones(_study: Study, typed: str) -> Sequence[Suggestion]:
    """Suggest time zones."""
    return [Suggestion(name, name) for name in zones_like(typed)[:MAX_SUGGESTIONS]]


def weekdays(_study: Study) -> Sequence[Suggestion]:
    """Return every weekday, from Monday; the value is its first three letters."""
    return [Suggestion(day, day[:3].lower()) for day in WEEKDAYS]


def weeks(_study: Study, typed: str) -> Sequence[Suggestion]:
    """Suggest the usual choices of weekdays."""
    return [Suggestion(days, days) for days in _WEEKS if days.startswith(typed.strip().lower())]


def times(_study: Study, typed: str) -> Sequence[Suggestion]:
    """Suggest the half hours that begin with what was typed, starting at 7 a.m."""
    begun = typed.strip()
    matches = [time for time in _TIMES if time.startswith((begun, f"0{begun}"))]
    return [Suggestion(time, time) for time in matches[:MAX_SUGGESTIONS]]
