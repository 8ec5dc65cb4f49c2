"""What a command takes: parameters, and how the words of a typed line find theirs."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.context.identity import Actor
from bot.context.study import Study
from bot.errors import UserError
from bot.text.cleaning import clean, short


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One entry of an autocomplete list: what is shown, and the value it stands for."""

    label: str
    value: str


Read = Callable[[Study, str], Any]
Suggest = Callable[[Study, str], Sequence[Suggestion]]
Parts = Callable[[Study], Sequence[Suggestion]]
Begins = Callable[[Actor], str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value a command takes.

    `read` turns the text into the value or raises a UserError that says what would be right; it does no I/O.
    `rest` takes the remainder of a typed line as it is. `long` asks for several lines where a form has the room.
    `within` are the least and the most of a whole number. `of` members or roles: a platform that knows them lets one
    be picked, and the value is its id. `parts` are what values are made of, with commas between: a form lets them be
    picked. `listed`: nothing is right but what `suggest` knows. `typed` is how it is written where it is not picked,
    and `unset` what holds where it is left open. `begins` is what a form begins with for somebody. `offer`: of use only
    on platforms that offer what it is called after.
    """

    name: str
    description: str
    convert: Read
    required: bool = False
    greedy: bool = False
    multiline: bool = False
    choices: tuple[str, ...] = ()
    autocomplete: Suggest | None = None
    options: Parts | None = None
    strict: bool = False
    max_length: int = 100
    range: tuple[int, int] | None = None
    kind: Literal["", "members", "roles", "times"] = ""
    format_hint: str = ""
    placeholder: str = ""
    initial: Begins | None = None
    needs_capability: bool = False

    @property
    def full_description(self) -> str:
        """What it is and how it is written."""
        return ", ".join(filter(None, (self.description, self.format_hint)))

    def hint(self, *, picked: bool) -> str:
        """What a form says beneath the field, where it is picked or else typed; nothing that its label says already."""
        told = self.description if picked else self.full_description
        return "" if told.lower() == self.label.lower() else told

    @property
    def label(self) -> str:
        """What a form calls it: what it is, where its name says no more than that it is text."""
        return (self.description if self.name == "text" else self.name).capitalize()

    def value(self, study: Study, text: str) -> Any:
        """The text, cleaned and measured, as a value. Raises UserError."""
        text = clean(text)
        if not text:
            raise UserError(f"`{self.name}` has nothing readable in it.")
        if len(text) > self.max_length:
            raise UserError(f"`{self.name}` has {len(text):,} characters; at most {self.max_length:,} fit.")
        return self.convert(study, text)

    def accepts(self, study: Study, text: str) -> bool:
        """Whether the text would do as a value."""
        try:
            self.value(study, text)
        except UserError:
            return False
        return True


_QUOTING = frozenset("'\"\\")
"""Signs without which a line is words and spaces, as buttons' lines mostly are."""


def bind(study: Study, parameters: Sequence[Parameter], usage: str, text: str) -> dict[str, str]:
    """Match the words of a typed line to parameters: by `name=value`, by `name value`, else by kind in order.

    The values stay text. Raises UserError for a word that fits nowhere.
    """
    if parameters and parameters[-1].greedy:
        return _in_order(parameters, text)
    values: dict[str, str] = {}
    left = list(parameters)
    try:
        words = shlex.split(text) if _QUOTING & set(text) else text.split()
    except ValueError:  # a lone apostrophe
        words = text.split()
    while words:
        word = words.pop(0)
        by_name = {p.name: p for p in left}
        name, equals, value = word.partition("=")
        named = by_name.get((name if equals else word).lower())
        if named and not equals and named.accepts(study, word):
            named = None  # the word is a value that happens to be called like a parameter
        if named and not equals:
            if not words:
                raise UserError(f"`{named.name}` needs a value after it: {named.full_description}.")
            value = words.pop(0)
        chosen = named or _fitting(study, left, usage, word)
        values[chosen.name] = value if named else word
        left.remove(chosen)
    return values


def _in_order(parameters: Sequence[Parameter], text: str) -> dict[str, str]:
    """One word for each parameter before the last, which takes the rest as it stands."""
    *heads, tail = parameters
    words = text.split(maxsplit=len(heads))
    return dict(zip([p.name for p in (*heads, tail)], map(str.strip, words), strict=False))


def _fitting(study: Study, left: Sequence[Parameter], usage: str, word: str) -> Parameter:
    for parameter in left:
        if parameter.accepts(study, word):
            return parameter
    try:
        if left:
            left[0].value(study, word)  # raises the sentence that says what would be right
    except UserError as problem:
        more = f" It goes: `{usage}`." if len(left) > 1 else ""
        raise UserError(f"{problem}{more}") from None
    raise UserError(f"I don't know what to do with “{short(word)}”. It goes: `{usage}`.")
