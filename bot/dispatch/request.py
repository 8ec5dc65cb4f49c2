"""A request: what a typed line, a button, a form and a slash command all become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.context.identity import Actor, Location


@dataclass(frozen=True, slots=True)
class Request:
    """One thing somebody wants: a typed `line`, or a `command` with its values bound by name.

    `id` is the platform's own unique id of the event and `at` its own time, aware and in UTC. `form`: the values were
    typed into the form that `line` opened, and must not be lost whatever comes; `beside` is what fields of the
    platform's own held in it.
    """

    location: Location
    actor: Actor
    id: str
    at: datetime
    line: str = ""
    command: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    platform_values: Mapping[str, str] = field(default_factory=dict)
