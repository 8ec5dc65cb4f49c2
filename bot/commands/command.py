"""What a command is: its name, its parameters, who may run it and how a platform shows it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.commands.parameters import Parameter, bind
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Reply


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A command's entry in the menu of a message or a member, which becomes the command's first parameter."""

    label: str
    on: Literal["message", "member"]


Run = Callable[..., Awaitable[Reply] | AsyncIterator[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One command. A two-word name is a group and its member, and a group is for managers as a whole or not at all.

    `run` takes (study, asker, **values) and gives a Reply, or an async iterator of replies each of which takes the
    place of the one before. `form`: asks for its parameters together when a required one is missing. `slow`: may
    take longer than a platform waits, so it is acknowledged first. `button`: reached by buttons, not listed. `turns`:
    its reply takes the place of the message whose button or menu asked for it, where that is the asker's own. `shows`:
    its reply is meant for a channel, so a platform asks for one where the asker is alone with the bot. `where`: it is
    about a channel, which a form lets one pick.
    """

    name: str
    description: str
    run: Run
    parameters: tuple[Parameter, ...] = ()
    managers_only: bool = False
    private: bool = True
    opens_form: bool = False
    slow: bool = False
    hidden: bool = False
    replaces_message: bool = False
    posts_publicly: bool = False
    needs_channel: bool = False
    shortcut: Shortcut | None = None
    example: str = ""

    @property
    def usage(self) -> str:
        """The command with its parameters, optional ones in brackets."""
        words = [p.name.upper() if p.required else f"[{'|'.join(p.choices) or p.name}]" for p in self.parameters]
        return " ".join([self.name, *words])

    def missing(self, values: Mapping[str, str]) -> tuple[Parameter, ...]:
        """The required parameters that have no value yet."""
        return tuple(p for p in self.parameters if p.required and not values.get(p.name, "").strip())

    def form_fields(self, given: Mapping[str, str]) -> tuple[Parameter, ...]:
        """What a form has to ask for: everything still open where a required value is; nothing to be opened else."""
        if not (self.opens_form and self.missing(given)):
            return ()
        return tuple(p for p in self.parameters if not given.get(p.name, "").strip())

    def for_capabilities(self, offers: Container[str]) -> Command:
        """As it is on a platform with these offers: without what has no meaning there."""
        return replace(self, parameters=tuple(p for p in self.parameters if not p.needs_capability or p.name in offers))

    @property
    def streams(self) -> bool:
        """Whether drafts come before the reply, so that it needs a message that can be edited."""
        return inspect.isasyncgenfunction(self.run)

    def bind(self, study: Study, text: str) -> dict[str, str]:
        """What follows the name in a typed line, by parameter and still text. Raises UserError."""
        return bind(study, self.parameters, self.usage, text)

    def check(self, study: Study, values: Mapping[str, str]) -> dict[str, str]:
        """The problem with each value that has one, by parameter; empty when all is well. Does no I/O."""
        problems = {p.name: f"{p.name} is missing: {p.full_description}" for p in self.missing(values)}
        for parameter in self.parameters:
            if text := values.get(parameter.name, "").strip():
                try:
                    parameter.value(study, text)
                except UserError as problem:
                    problems[parameter.name] = str(problem)
        return problems
