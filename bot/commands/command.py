"""What a command is: its name, its parameters, who can run it and how a platform shows it."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.commands.parameters import Parameter, bind, by_any_name
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Reply


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An entry in the menu of a message or a member, whose text or id becomes the command's first value."""

    label: str
    on: Literal["message", "member"]


Run = Callable[..., Awaitable[Reply] | AsyncIterator[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One command and how platforms show it. In a two-word name, the first word is the group."""

    name: str
    description: str
    run: Run
    """Called with (study, context, **values). If it returns an iterator, each reply replaces the previous one."""
    parameters: tuple[Parameter, ...] = ()
    managers_only: bool = False
    """The same for a whole group, because Discord can't hide part of one."""
    private: bool = True
    """Only the member sees the reply."""
    opens_form: bool = False
    """If a required value is missing, a form asks for everything that's missing."""
    submit: str = "Save"
    """What the button says that sends the form, if the platform lets us choose."""
    slow: bool = False
    """It may take longer than a platform waits, so it's acknowledged first."""
    hidden: bool = False
    """It's run by buttons and menus, and not listed."""
    replaces_message: bool = False
    """The reply replaces the message whose button or menu was used, if only the member sees that message."""
    posts_publicly: bool = False
    """The reply is meant for a channel: in a direct message, the platform asks which one."""
    needs_channel: bool = False
    """It's about a channel, and its form lets the member pick one."""
    in_thread: bool = False
    """In a thread, it's about the thread; other commands are about its channel, which is what has a daily question."""
    shortcut: Shortcut | None = None
    example: str = ""

    @property
    def usage(self) -> str:
        """Return the command with its parameters, optional ones in brackets; choices that several have, with names."""
        counted = Counter(p.choices for p in self.parameters)
        words = [p.name.upper() if p.required else f"[{_optional(p, counted[p.choices])}]" for p in self.parameters]
        return " ".join([self.name, *words])

    def missing(self, values: Mapping[str, str]) -> tuple[Parameter, ...]:
        """Return the required parameters without a value."""
        return tuple(p for p in self.parameters if p.required and not values.get(p.name, "").strip())

    def form_fields(self, values: Mapping[str, str]) -> tuple[Parameter, ...]:
        """Return what a form has to ask for; nothing if no form is needed."""
        if not (self.opens_form and self.missing(values)):
            return ()
        return tuple(p for p in self.parameters if not values.get(p.name, "").strip())

    def for_capabilities(self, capabilities: Container[str]) -> Command:
        """Return the command without the parameters that need a capability the platform lacks."""
        kept = tuple(p for p in self.parameters if not p.needs_capability or p.name in capabilities)
        return replace(self, parameters=kept)

    @property
    def streams(self) -> bool:
        """Whether it yields drafts before the reply, so the message must be editable."""
        return inspect.isasyncgenfunction(self.run)

    def bind(self, study: Study, text: str) -> dict[str, str]:
        """Match what follows the name in a typed line to parameters; values are still text. Raises UserError."""
        return bind(study, self.parameters, self.usage, text)

    def with_current_names(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the values by the parameters' names of today; a menu in an old message sends an earlier one."""
        by_name = by_any_name(self.parameters)
        return {by_name[name].name if name in by_name else name: text for name, text in values.items()}

    def check(self, study: Study, values: Mapping[str, str]) -> dict[str, str]:
        """Return what's wrong with the values, by parameter; empty if they're all valid. Does no I/O."""
        problems = {p.name: f"{p.name} is missing: {p.full_description}" for p in self.missing(values)}
        for parameter in self.parameters:
            if text := values.get(parameter.name, "").strip():
                try:
                    parameter.value(study, text)
                except UserError as problem:
                    problems[parameter.name] = str(problem)
        return problems


def _optional(parameter: Parameter, same_choices: int) -> str:
    if not parameter.choices:
        return parameter.name
    choices = "|".join(parameter.choices)
    return f"{parameter.name}={choices}" if same_choices > 1 else choices
