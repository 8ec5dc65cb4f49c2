"""Parameters that several features use."""

from __future__ import annotations

from bot.commands import autocomplete, converters
from bot.commands.parameters import Parameter
from knowledge.questions import Difficulty

LEVELS = tuple(difficulty.value for difficulty in Difficulty)


def free_text(description: str) -> Parameter:
    """Return a parameter for what somebody wants to know, in their own words."""
    return Parameter(
        "text", description, converters.text, True, greedy=True, autocomplete=autocomplete.titles, max_length=500
    )


DIFFICULTY = Parameter("difficulty", "how hard", converters.difficulty, choices=LEVELS, placeholder="any")
QUESTION = Parameter("question", "a question's id", converters.question, required=True, autocomplete=autocomplete.ids)
ZONE = Parameter(
    "zone",
    "in which time zone",
    converters.zone,
    autocomplete=autocomplete.zones,
    strict=True,
    format_hint="like Europe/Paris",
    placeholder="yours",
)
MEMBER_NAME = Parameter("member", "a member's name", converters.text, required=True, greedy=True, kind="members")
