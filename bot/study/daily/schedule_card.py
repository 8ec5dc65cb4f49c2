"""What a manager sees of schedules: all of a channel in a table, one with everything that can be picked for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.context.identity import RequestContext
from bot.context.local_time import WEEKDAYS
from bot.context.outbox import PostExtras
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Menu, MenuOption, Table, menu_options
from bot.store.models import ScheduleState
from bot.store.orm import Schedule
from knowledge.questions import Difficulty

MOST_TOPICS = 24
"""Topics that a menu lists beside "all": it holds 25 entries on every platform."""
_LEVELS = (("any difficulty", "any"), *((level.value, level.value) for level in Difficulty))


def card(schedules: list[Schedule], context: RequestContext) -> Table:
    return Table(
        ("No.", "When", "Zone", "Questions", "Reveal", "Next"),
        tuple(
            (
                str(number),
                f"{in_words(s.weekdays)} {s.at:%H:%M}",
                s.zone,
                _selection(s),
                _reveal(s),
                _state(s),
            )
            for number, s in enumerate(schedules, 1)
        ),
        title=f"Daily questions in {context.location.channel_name or context.location.channel}",
    )


def _state(schedule: Schedule) -> str | datetime:
    match schedule.state:
        case ScheduleState.PAUSED:
            return f"paused until {schedule.paused_until}" if schedule.paused_until else "paused"
        case ScheduleState.FAILED:
            return f"stopped: {schedule.problem}"
        case _:
            return schedule.next_due or "none"


def in_words(weekdays: str) -> str:
    """The weekdays in words: "every day", "weekdays", else their short names."""
    match weekdays:
        case "0123456":
            return "every day"
        case "01234":
            return "weekdays"
        case "56":
            return "weekends"
        case _:
            return ", ".join(WEEKDAYS[int(d)] for d in weekdays)


def mark(schedule: Schedule) -> str:
    """What stands for it in buttons: its number in the channel's list changes when another is removed."""
    return f"s{schedule.id}"


def wants_of(schedule: Schedule) -> PostExtras:
    return PostExtras(schedule.thread, schedule.pin, schedule.role or "")


def settings(study: Study, context: RequestContext, schedule: Schedule) -> tuple[Block, ...]:
    """One schedule with what can be picked for it."""
    line = f"schedule change {mark(schedule)}"
    offers = outbox.capabilities if (outbox := study.outboxes.get(context.location.platform)) else frozenset()
    return (
        _one(schedule, context),
        Menu("Weekdays", line, "days", _weekdays(schedule), multiple=True),
        Menu("Topics", line, "topics", _topics(study, schedule), multiple=True),
        Menu("Difficulty", line, "difficulty", menu_options(_LEVELS, (schedule.difficulty or "any",))),
        *(_extras(line, schedule, offers)),
        Buttons(
            (
                Button("Change the time", f"schedule move {mark(schedule)}"),
                Button("Post a test now", f"schedule test {mark(schedule)}"),
                Button("All schedules here", "schedule list"),
                Button("Remove", f"schedule remove {mark(schedule)}", "danger"),
            )
        ),
    )


def _one(schedule: Schedule, context: RequestContext) -> Table:
    """One schedule, a line for each setting."""
    return Table(
        ("Setting", "Value"),
        (
            ("When", f"{in_words(schedule.weekdays)} at {schedule.at:%H:%M}, {schedule.zone}"),
            ("Questions", _selection(schedule)),
            ("Answer", _reveal(schedule)),
            ("Next", _state(schedule)),
        ),
        title=f"Daily question in {context.location.channel_name or context.location.channel}",
    )


def _selection(schedule: Schedule) -> str:
    return f"{', '.join(schedule.topics) or 'all topics'}{f', {schedule.difficulty}' if schedule.difficulty else ''}"


def _reveal(schedule: Schedule) -> str:
    return f"{schedule.reveal:%H:%M}{'' if schedule.reveal > schedule.at else ' next day'}"


def _weekdays(schedule: Schedule) -> tuple[MenuOption, ...]:
    return tuple(MenuOption(name, name.lower(), str(day) in schedule.weekdays) for day, name in enumerate(WEEKDAYS))


def _topics(study: Study, schedule: Schedule) -> tuple[MenuOption, ...]:
    every = MenuOption("all topics", "all", not schedule.topics)
    return (every, *menu_options(((name, name) for name in study.library.bank.topics[:MOST_TOPICS]), schedule.topics))


def _extras(line: str, schedule: Schedule, offers: frozenset[str]) -> Iterator[Menu]:
    for name, prompt, on in (
        ("thread", "A thread under each question", schedule.thread),
        ("pin", "Pinned until the next one", schedule.pin),
    ):
        if name in offers:
            yield Menu(prompt, line, name, menu_options((("yes", "on"), ("no", "off")), ("on" if on else "off",)))
    if "role" in offers:
        chosen = (MenuOption(schedule.role, schedule.role, chosen=True),) if schedule.role else ()
        yield Menu("Call a role (picking none calls nobody)", line, "role", chosen, kind="roles")


def next_steps() -> Buttons:
    return Buttons((Button("Post a test now", "schedule test"), Button("Change it", "schedule change")))
