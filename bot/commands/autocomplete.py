"""What is suggested while a value is typed. Without a model and without the database: there is a moment for it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.parameters import Suggestion
from bot.context.local_time import WEEKDAYS, zones_like
from bot.context.study import Study

MOST_SUGGESTIONS = 25


def titles(study: Study, typed: str) -> Sequence[Suggestion]:
    return [Suggestion(q.title, q.title) for q in study.library.suggest(typed, MOST_SUGGESTIONS)]


def ids(study: Study, typed: str) -> Sequence[Suggestion]:
    return [Suggestion(q.title, q.id) for q in study.library.suggest(typed, MOST_SUGGESTIONS)]


def topics(study: Study, typed: str) -> Sequence[Suggestion]:
    wanted = typed.lower().strip()
    names = sorted(study.library.bank.topics, key=lambda t: (not t.startswith(wanted), wanted not in t, t))
    return [Suggestion(name, name) for name in names if wanted in name or not wanted][:MOST_SUGGESTIONS]


def zones(study: Study, typed: str) -> Sequence[Suggestion]:
    return [Suggestion(name, name) for name in zones_like(typed)[:MOST_SUGGESTIONS]]


def lists(study: Study, typed: str) -> Sequence[Suggestion]:
    """What has been typed of a list of topics, with the next one added."""
    done, comma, last = typed.rpartition(",")
    before = f"{done.strip()}{comma}"
    return [Suggestion(before + s.label, before + s.value) for s in topics(study, last)]


def all_topics(study: Study) -> Sequence[Suggestion]:
    return [Suggestion(name, name) for name in sorted(study.library.bank.topics)]


def weekdays(study: Study) -> Sequence[Suggestion]:
    return [Suggestion(day, day[:3].lower()) for day in WEEKDAYS]


def times(study: Study, typed: str) -> Sequence[Suggestion]:
    """Every half hour that begins with what was typed."""
    begun = typed.strip()
    every = [f"{hour:02}:{minute}" for hour in (*range(7, 24), *range(7)) for minute in ("00", "30")]
    fits = [time for time in every if time.startswith((begun, f"0{begun}"))]
    return [Suggestion(time, time) for time in fits[:MOST_SUGGESTIONS]]


def weeks(study: Study, typed: str) -> Sequence[Suggestion]:
    usual = ("mon-fri", "mon,wed,fri", "tue,thu", "daily", "sat,sun", "monday", "friday")
    return [Suggestion(days, days) for days in usual if days.startswith(typed.strip().lower())]
