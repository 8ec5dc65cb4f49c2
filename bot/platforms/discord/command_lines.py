"""Write a command line as it's typed on Discord, where every option is named: `/question difficulty:hard`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.commands.parameters import Parameter, by_any_name
from bot.dispatch.catalog import registry


def discord_line(name: str, text: str) -> str:
    """Return a command or a group, and what follows its name in a terminal, with the options named."""
    command = registry().commands.get(name)
    options = _named(command.parameters, text.strip()) if command else (text.strip(),)
    return " ".join(filter(None, (f"/{name}", *options)))


def _named(parameters: Sequence[Parameter], text: str) -> Iterator[str]:
    """Yield each value with its option; a placeholder in capitals becomes an ellipsis, one in brackets stays there."""
    left = list(parameters)
    greedy = bool(parameters and parameters[-1].greedy)
    words = text.split(maxsplit=len(parameters) - 1) if greedy else text.split()
    while words:
        word = words.pop(0)
        optional = word.startswith("[") and word.endswith("]")
        name, equals, value = word.strip("[]").partition("=")
        known = None if greedy and not optional else by_any_name(left).get(name.lower())
        if known is None or greedy:
            parameter, value = known or _fitting(left, word.strip("[]")), word
        else:
            parameter = known
            if not equals and not optional and word != name.upper():
                value = words.pop(0) if words else ""
        if parameter is None:
            yield word
            continue
        left.remove(parameter)
        placeholder = not value or value == parameter.name.upper()
        yield f"[{parameter.name}]" if optional else f"{parameter.name}:{'…' if placeholder else value}"


def _fitting(left: Sequence[Parameter], word: str) -> Parameter | None:
    """Return the first option that may have the word as its value, judging by its choices or its range."""
    for parameter in left:
        if parameter.choices and set(word.split("|")) <= set(parameter.choices):
            return parameter
        if parameter.range and word.isdecimal():
            return parameter
    return next((parameter for parameter in left if not (parameter.choices or parameter.range)), None)
