"""The commands for a member's own settings and data."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import autocomplete, converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import ZONE
from bot.study.account import home, privacy, settings

REMIND = Parameter(
    "remind", "when to remind you, like 20:00, or off", converters.time_or_off, autocomplete=autocomplete.times
)
MY_ZONE = replace(ZONE, description="your time zone", placeholder="")

COMMANDS = (
    Command(
        "me",
        "Your settings",
        settings.me,
        (
            MY_ZONE,
            Parameter(
                "day_starts_at",
                "the hour your day starts, 0 to 4",
                converters.whole_number(0, 4),
                range=(0, 4),
                aliases=("rollover",),
            ),
            Parameter(
                "standings",
                "whether others see you: shown or hidden",
                converters.one_of(*settings.STANDINGS),
                choices=settings.STANDINGS,
            ),
            Parameter("rest_days", "weekdays you rest, like sat,sun, or none", converters.weekdays, aliases=("rest",)),
            REMIND,
        ),
        replaces_message=True,
        example="me zone=Europe/Paris rest_days=sat,sun",
    ),
    Command("privacy export", "Get everything stored about you", privacy.export),
    Command(
        "privacy delete",
        "Delete everything about you",
        privacy.erase,
        (
            Parameter(
                "sure",
                "type everything to confirm",
                converters.exactly("everything", "To delete your data, type `privacy delete everything`."),
                choices=("everything",),
            ),
        ),
    ),
    Command("home", "Your home page", home.home, hidden=True),
    Command(
        "remind",
        "When to remind you",
        settings.me,
        (replace(REMIND, required=True),),
        hidden=True,
        example="remind off",
    ),
    Command(
        "zone",
        "Your time zone",
        settings.me,
        (replace(MY_ZONE, required=True),),
        opens_form=True,
        hidden=True,
        example="zone Europe/Paris",
    ),
)
