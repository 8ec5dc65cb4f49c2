"""Show schedules to a manager: all of a channel's in a table, or one with everything that can be changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.context.identity import RequestContext
from bot.context.local_time import WEEKDAYS
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Menu, MenuOption, Table, menu_options
from bot.store.models import Schedule, ScheduleState
from knowledge.questions import Difficulty

MAX_TOPIC_OPTIONS = 24
"""Topics that a menu lists besides "all topics": every platform takes 25 options."""
_DIFFICULTIES = (("any difficulty", "any"), *((level.value, level.value) for level in Difficulty))
_ON_OFF = (("yes", "on"), ("no", "off"))


def schedule_key(schedule: Schedule) -> str:
    """Return the schedule's key for buttons, because its number in the channel's list can change."""
    return f"s{schedule.id}"


def schedule_id_of(key: str) -> int:
    """Return the id of the schedule with that key."""
    return int(key.removeprefix("s"))


def weekdays_in_words(weekdays: str) -> str:
    """Return "every day", "weekdays" or "weekends", or else the names of the days."""
    match weekdays:
        case "0123456":
            return "every day"
        case "01234":
            return "weekdays"
        case "56":
            return "weekends"
        case _:
            return ", ".join(WEEKDAYS[int(digit)] for digit in weekdays)


def schedule_table(schedules: list[Schedule], context: RequestContext) -> Table:
    """Return a channel's schedules with their numbers."""
    return Table(
        ("No.", "When", "Questions", "Reveal", "Next"),
        tuple(
            (
                str(number),
                _when(schedule),
                _selection(schedule),
                _reveal(schedule),
                _state(schedule),
            )
            for number, schedule in enumerate(schedules, 1)
        ),
        title=f"Daily questions in {context.location.channel_name or context.location.channel}",
    )


def next_steps() -> Buttons:
    return Buttons((Button("Post a test now", "schedule test"), Button("Change it", "schedule change")))


def settings_card(study: Study, context: RequestContext, schedule: Schedule) -> tuple[Block, ...]:
    """Return one schedule with a menu or a button for each setting."""
    key = schedule_key(schedule)
    line = f"schedule change {key}"
    outbox = study.outboxes.get(context.location.platform)
    return (
        _settings_table(schedule, context),
        Menu("Weekdays", line, "days", _weekday_options(schedule), multiple=True),
        Menu("Topics", line, "topics", _topic_options(study, schedule), multiple=True),
        Menu("Difficulty", line, "difficulty", menu_options(_DIFFICULTIES, (schedule.difficulty or "any",))),
        *_extras_menus(line, schedule, outbox.capabilities if outbox else frozenset()),
        Buttons(
            (
                Button("Change the time", f"schedule move {key}"),
                Button("Post a test now", f"schedule test {key}"),
                Button("All schedules here", "schedule list"),
                Button("Remove", f"schedule remove {key}", "danger"),
            )
        ),
    )


def _settings_table(schedule: Schedule, context: RequestContext) -> Table:
    return Table(
        ("Setting", "Value"),
        (
            ("When", _when(schedule)),
            ("Questions", _selection(schedule)),
            ("Answer", _reveal(schedule)),
            ("Next", _state(schedule)),
        ),
        title=f"Daily question in {context.location.channel_name or context.location.channel}",
    )


def _when(schedule: Schedule) -> str:
    return f"{weekdays_in_words(schedule.weekdays)} at {schedule.at:%H:%M}, {schedule.zone}"


def _selection(schedule: Schedule) -> str:
    return f"{', '.join(schedule.topics) or 'all topics'}{f', {schedule.difficulty}' if schedule.difficulty else ''}"


def _reveal(schedule: Schedule) -> str:
    return f"{schedule.reveal:%H:%M}{'' if schedule.reveal > schedule.at else ' the next day'}"


def _state(schedule: Schedule) -> str | datetime:
    match schedule.state:
        case ScheduleState.PAUSED:
            return f"paused until {schedule.paused_until}" if schedule.paused_until else "paused"
        case ScheduleState.FAILED:
            return f"stopped: {schedule.problem}"
        case _:
            return schedule.next_due or "none"


def _weekday_options(schedule: Schedule) -> tuple[MenuOption, ...]:
    return tuple(MenuOption(name, name.lower(), str(day) in schedule.weekdays) for day, name in enumerate(WEEKDAYS))


def _topic_options(study: Study, schedule: Schedule) -> tuple[MenuOption, ...]:
    topics = study.library.bank.topics[:MAX_TOPIC_OPTIONS]
    everything = MenuOption("all topics", "all", not schedule.topics)
    return (everything, *menu_options(((topic, topic) for topic in topics), schedule.topics))


def _extras_menus(line: str, schedule: Schedule, capabilities: frozenset[str]) -> Iterator[Menu]:
    """Yield a menu for each extra that the platform supports."""
    for name, prompt, is_on in (
        ("thread", "A thread under each question", schedule.thread),
        ("pin", "Pin each question until the next one", schedule.pin),
        ("silent", "Post the answer without a notification", schedule.silent),
    ):
        if name in capabilities:
            yield Menu(prompt, line, name, menu_options(_ON_OFF, ("on" if is_on else "off",)))
    if "role" in capabilities:
        chosen = (MenuOption(schedule.role, schedule.role, chosen=True),) if schedule.role else ()
        yield Menu("Mention a role (pick none to mention nobody)", line, "role", chosen, kind="roles")
