"""The parameters of commands, and how the words of a typed line are matched to them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.context.identity import Actor
from bot.context.study import Study
from bot.errors import UserError
from bot.text.cleaning import clean, short


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An entry of an autocomplete list: what is shown, and its value."""

    label: str
    value: str


Converter = Callable[[Study, str], Any]
Autocomplete = Callable[[Study, str], Sequence[Suggestion]]
Options = Callable[[Study], Sequence[Suggestion]]
Initial = Callable[[Actor], str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a command takes."""

    name: str
    description: str
    convert: Converter
    """Turns the text into the value. Raises UserError that says what would be valid; does no I/O."""
    required: bool = False
    greedy: bool = False
    """Takes the rest of a typed line unchanged."""
    multiline: bool = False
    """Forms show a multi-line field."""
    choices: tuple[str, ...] = ()
    """The only valid texts, few enough to show them all."""
    autocomplete: Autocomplete | None = None
    options: Options | None = None
    """The items of a comma-separated list, which a form lets the member pick."""
    strict: bool = False
    """Only what `autocomplete` suggests is valid."""
    max_length: int = 100
    """Characters."""
    range: tuple[int, int] | None = None
    """The minimum and maximum of a whole number."""
    kind: Literal["", "members", "roles", "times"] = ""
    """What the member picks, if the platform has its own picker; the value of a member or role is its id."""
    format_hint: str = ""
    """How to write it, if it isn't picked."""
    placeholder: str = ""
    """What applies if it's left empty."""
    initial: Initial | None = None
    """What a form starts with, for the member who opens it."""
    aliases: tuple[str, ...] = ()
    """Earlier names, which buttons and menus in old messages still use."""
    needs_capability: bool = False
    """Hidden unless the platform has the capability of the same name."""
    can_wait: bool = False
    """It can be set later, so a form that would be too long leaves it out."""

    @property
    def full_description(self) -> str:
        """Return what it is and how to write it."""
        return ", ".join(filter(None, (self.description, self.format_hint)))

    @property
    def label(self) -> str:
        """Return the label of a form's field, below which a field that's typed has the `format_hint`."""
        return self.description[:1].upper() + self.description[1:]

    def value(self, study: Study, text: str) -> Any:
        """Clean the text, check its length and convert it. Raises UserError."""
        text = clean(text)
        if not text:
            raise UserError(f"There's nothing readable in `{self.name}`.")
        if len(text) > self.max_length:
            raise UserError(f"`{self.name}` has {len(text):,} characters, and the limit is {self.max_length:,}.")
        return self.convert(study, text)

    def accepts(self, study: Study, text: str) -> bool:
        """Return whether the text is a valid value."""
        try:
            self.value(study, text)
        except UserError:
            return False
        return True


def by_any_name(parameters: Iterable[Parameter]) -> dict[str, Parameter]:
    """Return the parameters by their names and by the earlier ones."""
    return {name: parameter for parameter in parameters for name in (parameter.name, *parameter.aliases)}


_QUOTING = frozenset("'\"\\")
"""A line without any of these can be split at spaces, which is far quicker than shlex."""


def bind(study: Study, parameters: Sequence[Parameter], usage: str, text: str) -> dict[str, str]:
    """Match the words of a typed line to parameters: by `name=value`, by `name value`, or else to the first that fits.

    Values are still text. Raises UserError for a word that fits nowhere.
    """
    if parameters and parameters[-1].greedy:
        return _bind_in_order(parameters, text)
    values: dict[str, str] = {}
    left = list(parameters)
    try:
        words = shlex.split(text) if _QUOTING & set(text) else text.split()
    except ValueError:  # a lone apostrophe
        words = text.split()
    while words:
        word = words.pop(0)
        by_name = by_any_name(left)
        name, equals, value = word.partition("=")
        named = by_name.get((name if equals else word).lower())
        if named and not equals and named.accepts(study, word):
            named = None  # a value that happens to be the name of a parameter
        if named and not equals:
            if not words:
                raise UserError(f"`{named.name}` needs a value after it: {named.full_description}.")
            value = words.pop(0)
        chosen = named or _first_that_accepts(study, left, usage, word)
        values[chosen.name] = value if named else word
        left.remove(chosen)
    return values


def _bind_in_order(parameters: Sequence[Parameter], text: str) -> dict[str, str]:
    """Give one word to each parameter, and the rest of the text to the last."""
    words = text.split(maxsplit=len(parameters) - 1)
    return dict(zip([p.name for p in parameters], map(str.strip, words), strict=False))


def _first_that_accepts(study: Study, left: Sequence[Parameter], usage: str, word: str) -> Parameter:
    for parameter in left:
        if parameter.accepts(study, word):
            return parameter
    try:
        if left:
            left[0].value(study, word)  # raises the error that says what would be right
    except UserError as problem:
        more = f" Usage: `{usage}`." if len(left) > 1 else ""
        raise UserError(f"{problem}{more}") from None
    raise UserError(f"I don't know what to do with “{short(word)}”. Usage: `{usage}`.")
