"""A request: what every typed line, button, form and slash command becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.context.identity import Actor, Location


@dataclass(frozen=True, slots=True)
class Request:
    """What a member asks for: a typed `line`, or the name of a `command` with `values` by parameter.

    `id` is the platform's unique id of the event, and `at` the platform's time of it, timezone-aware and in UTC.
    """

    location: Location
    actor: Actor
    id: str
    at: datetime
    line: str = ""
    command: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    """The values were typed into the form that `line` opened, so they are saved until the command has succeeded."""
    platform_values: Mapping[str, str] = field(default_factory=dict)
    """What that form's platform-specific fields contained."""
    picked: Mapping[str, str] = field(default_factory=dict)
    """The names, by id, of members picked from the platform's own list; a bot has an empty one."""
