"""The commands of the daily question."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

from bot.commands import autocomplete, converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import DIFFICULTY, LEVELS, ZONE
from bot.study.daily import questions, schedules

WHICH = Parameter("which", "the schedule's number in `schedule list`", converters.schedule)
TIME = Parameter(
    "time",
    "the time of the post",
    converters.time_of_day,
    autocomplete=autocomplete.times,
    kind="times",
    format_hint="like 09:00",
)
TOPICS = Parameter(
    "topics",
    "topics",
    converters.topics,
    autocomplete=autocomplete.topic_lists,
    options=autocomplete.all_topics,
    max_length=500,
    format_hint="commas between; or all",
    placeholder="all of them",
)
REVEAL = Parameter(
    "reveal",
    "the time of the answer",
    converters.time_of_day,
    autocomplete=autocomplete.times,
    kind="times",
    format_hint="like 17:00",
    placeholder="some hours later",
)
DAYS = Parameter(
    "days",
    "weekdays",
    converters.some_weekdays,
    autocomplete=autocomplete.weeks,
    options=autocomplete.weekdays,
    format_hint="like mon-fri",
    placeholder="Monday to Friday",
)
THREAD = Parameter(
    "thread",
    "a thread under each question",
    converters.on_or_off,
    choices=("on", "off"),
    placeholder="off",
    needs_capability=True,
)
PIN = Parameter(
    "pin",
    "the question pinned until the next one",
    converters.on_or_off,
    choices=("on", "off"),
    placeholder="off",
    needs_capability=True,
)
ROLE = Parameter(
    "role", "a role to call, or none", converters.role, kind="roles", placeholder="none", needs_capability=True
)

COMMANDS = (
    Command("daily", "This channel's question of today", questions.daily),
    Command(
        "schedule setup",
        "A question in this channel at a set time",
        schedules.setup,
        (
            replace(TIME, required=True, initial=lambda _: "09:00"),
            replace(ZONE, initial=attrgetter("zone")),
            DIFFICULTY,
            DAYS,
            TOPICS,
            REVEAL,
            THREAD,
            PIN,
            ROLE,
        ),
        managers_only=True,
        needs_channel=True,
        example="schedule setup 09:00 Europe/Paris mon-fri reveal=17:00",
    ),
    Command(
        "schedule change",
        "Change a schedule; with nothing else, see what it is set to",
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
            ROLE,
        ),
        managers_only=True,
        replaces_message=True,
        example="schedule change 1 days=mon,wed,fri",
    ),
    Command(
        "schedule move",
        "Another time for a schedule",
        schedules.move,
        (
            WHICH,
            replace(TIME, required=True),
            replace(ZONE, format_hint="like Europe/Paris; leave it open to keep it", placeholder="as it is"),
            replace(REVEAL, format_hint="like 17:00; leave it open to keep it", placeholder="as it is"),
        ),
        managers_only=True,
        opens_form=True,
        hidden=True,
        replaces_message=True,
    ),
    Command("schedule list", "The schedules of this channel", schedules.show, managers_only=True),
    Command(
        "schedule pause",
        "Stop a schedule for a while",
        schedules.pause,
        (WHICH, Parameter("until", "the day it goes on, like 2027-01-31", converters.day)),
        managers_only=True,
        example="schedule pause until 2027-01-31",
    ),
    Command("schedule resume", "Go on with a paused schedule", schedules.resume, (WHICH,), managers_only=True),
    Command("schedule remove", "Take a schedule away", schedules.remove, (WHICH,), managers_only=True),
    Command("schedule test", "Post a question now that earns nothing", schedules.try_out, (WHICH,), managers_only=True),
)
