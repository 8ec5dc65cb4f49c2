"""Parameters that several features use."""

from __future__ import annotations

from bot.commands import autocomplete, converters
from bot.commands.parameters import Parameter
from knowledge.questions import Difficulty

LEVELS = tuple(d.value for d in Difficulty)


def asked(about: str) -> Parameter:
    """What one wants to know, in one's own words."""
    return Parameter(
        "text", about, converters.text, True, greedy=True, autocomplete=autocomplete.titles, max_length=500
    )


DIFFICULTY = Parameter("difficulty", "easy, medium or hard", converters.difficulty, choices=LEVELS, placeholder="any")
QUESTION = Parameter("question", "a question's id", converters.question, required=True, autocomplete=autocomplete.ids)
ZONE = Parameter(
    "zone",
    "its time zone",
    converters.zone,
    autocomplete=autocomplete.zones,
    strict=True,
    format_hint="like Europe/Paris",
    placeholder="yours",
)
WHOM = Parameter("member", "a member's name", converters.text, required=True, greedy=True, kind="members")
