"""The commands for one's own settings and data."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import autocomplete, converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import ZONE
from bot.study.account import home, privacy, settings

REMIND = Parameter(
    "remind", "when to remind me, like 20:00, or off", converters.time_or_off, autocomplete=autocomplete.times
)
MY_ZONE = replace(ZONE, description="my time zone", placeholder="")

COMMANDS = (
    Command(
        "me",
        "My settings",
        settings.me,
        (
            MY_ZONE,
            Parameter(
                "rollover", "the hour at which my day begins, 0 to 4", converters.whole_number(0, 4), range=(0, 4)
            ),
            Parameter(
                "standings",
                "shown or hidden to others",
                converters.one_of(*settings.LISTED),
                choices=settings.LISTED,
            ),
            Parameter("rest", "weekdays I rest on, like sat,sun, or none", converters.weekdays),
            REMIND,
        ),
        replaces_message=True,
        example="me zone=Europe/Paris rest=sat,sun",
    ),
    Command("privacy export", "Everything kept about me", privacy.export),
    Command(
        "privacy delete",
        "Delete everything about me",
        privacy.erase,
        (Parameter("sure", "the word everything", converters.one_of("everything"), choices=("everything",)),),
    ),
    Command("home", "My page", home.home, hidden=True),
    Command(
        "remind",
        "When to remind me",
        settings.me,
        (replace(REMIND, required=True),),
        hidden=True,
        example="remind off",
    ),
    Command(
        "zone",
        "My time zone",
        settings.me,
        (replace(MY_ZONE, required=True),),
        opens_form=True,
        hidden=True,
        example="zone Europe/Paris",
    ),
)
