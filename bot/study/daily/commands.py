"""Commands for the daily question and its schedules."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

from bot.commands import autocomplete, converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import DIFFICULTY, LEVELS, ZONE
from bot.study.daily import schedules, today

WHICH = Parameter("which", "the schedule's number in `schedule list`", converters.schedule)
TIME = Parameter(
    "time",
    "when to post",
    converters.time_of_day,
    autocomplete=autocomplete.times,
    kind="times",
    format_hint="like 09:00",
)
TOPICS = Parameter(
    "topics",
    "on which topics",
    converters.topics,
    autocomplete=autocomplete.topic_lists,
    options=autocomplete.all_topics,
    max_length=500,
    format_hint="separated by commas, or all",
    placeholder="all topics",
)
REVEAL = Parameter(
    "reveal",
    "when to post the answer",
    converters.time_of_day,
    autocomplete=autocomplete.times,
    kind="times",
    format_hint="like 17:00",
    placeholder="a few hours later",
)
DAYS = Parameter(
    "days",
    "on which days",
    converters.some_weekdays,
    autocomplete=autocomplete.weeks,
    options=autocomplete.weekdays,
    format_hint="like mon-fri",
    placeholder="Monday to Friday",
)
THREAD = Parameter(
    "thread",
    "open a thread under each question",
    converters.on_or_off,
    choices=("on", "off"),
    placeholder="off",
    needs_capability=True,
)
PIN = Parameter(
    "pin",
    "pin each question until the next one",
    converters.on_or_off,
    choices=("on", "off"),
    placeholder="off",
    needs_capability=True,
)
SILENT = Parameter(
    "silent",
    "post the answer without a notification",
    converters.on_or_off,
    choices=("on", "off"),
    placeholder="off",
    needs_capability=True,
)
ROLE = Parameter(
    "role", "a role to mention, or none", converters.role, kind="roles", placeholder="none", needs_capability=True
)

COMMANDS = (
    Command("daily", "Show this channel's question of the day", today.show),
    Command(
        "schedule setup",
        "Post a question in this channel at a set time",
        schedules.setup,
        (
            replace(TIME, required=True, initial=lambda _: "09:00"),
            replace(ZONE, initial=attrgetter("zone")),
            replace(DIFFICULTY, can_wait=True),
            replace(DAYS, can_wait=True),
            replace(TOPICS, can_wait=True),
            replace(REVEAL, can_wait=True),
            THREAD,
            PIN,
            SILENT,
            ROLE,
        ),
        managers_only=True,
        opens_form=True,
        needs_channel=True,
        example="schedule setup 09:00 Europe/Paris mon-fri reveal=17:00",
    ),
    Command(
        "schedule change",
        "Change a schedule, or just see its settings",
        schedules.change,
        (
            WHICH,
            TIME,
            ZONE,
            Parameter(
                "difficulty", "easy, medium, hard or any", converters.difficulty_or_any, choices=(*LEVELS, "any")
            ),
            DAYS,
            TOPICS,
            REVEAL,
            THREAD,
            PIN,
            SILENT,
            ROLE,
        ),
        managers_only=True,
        replaces_message=True,
        example="schedule change 1 days=mon,wed,fri",
    ),
    Command(
        "schedule move",
        "Move a schedule to another time",
        schedules.move,
        (
            WHICH,
            replace(TIME, required=True),
            replace(ZONE, format_hint="like Europe/Paris; leave blank to keep it", placeholder="unchanged"),
            replace(REVEAL, format_hint="like 17:00; leave blank to keep it", placeholder="unchanged"),
        ),
        managers_only=True,
        opens_form=True,
        hidden=True,
        replaces_message=True,
    ),
    Command("schedule list", "List this channel's schedules", schedules.show, managers_only=True),
    Command(
        "schedule pause",
        "Pause a schedule",
        schedules.pause,
        (WHICH, Parameter("until", "the day it resumes, like 2027-01-31", converters.day)),
        managers_only=True,
        example="schedule pause until 2027-01-31",
    ),
    Command("schedule resume", "Resume a paused schedule", schedules.resume, (WHICH,), managers_only=True),
    Command("schedule remove", "Remove a schedule", schedules.remove, (WHICH,), managers_only=True),
    Command("schedule test", "Post a test question now (no points)", schedules.post_test, (WHICH,), managers_only=True),
)
