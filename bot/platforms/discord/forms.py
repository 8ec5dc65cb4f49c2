"""Forms: a command's own parameters asked for together, and what was typed into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import discord
from discord import ui

from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.platforms.discord import limits
from bot.text.cleaning import short


def form(command: Command, line: str, fields: tuple[Parameter, ...], given: Mapping[str, str]) -> ui.Modal:
    """The form of a command; its id is the command line, so that it may be sent after a restart.

    It is stopped, so that discord.py does not keep it: most forms that are opened are never sent.
    """
    modal = ui.Modal(title=short(command.description, limits.TITLE), custom_id=line)
    for parameter in fields:
        more = short(parameter.hint(picked=bool(parameter.choices)), limits.ABOUT) or None
        label = short(parameter.label, limits.TITLE)
        modal.add_item(ui.Label(text=label, description=more, component=_field(parameter, given)))
    modal.stop()
    return modal


def _field(parameter: Parameter, given: Mapping[str, str]) -> ui.Item[Any]:
    value = given.get(parameter.name, "")
    if parameter.choices:
        options = [discord.SelectOption(label=choice, default=choice == value) for choice in parameter.choices]
        return ui.Select(custom_id=parameter.name, options=options, required=parameter.required)
    most = min(parameter.max_length, limits.FIELD)
    return ui.TextInput(
        custom_id=parameter.name,
        style=discord.TextStyle.paragraph if parameter.multiline else discord.TextStyle.short,
        required=parameter.required,
        max_length=most,
        default=value[:most] or None,
    )


def typed(data: Mapping[str, Any]) -> dict[str, str]:
    """What a sent form holds, by parameter."""
    return {name: value for name, value in _values(data.get("components", ())) if value}


def _values(components: Any) -> Iterator[tuple[str, str]]:
    for component in components:
        if "component" in component:
            yield from _values((component["component"],))
        elif "components" in component:
            yield from _values(component["components"])
        elif "custom_id" in component:
            chosen = component.get("values") or [""]
            yield component["custom_id"], str(component.get("value") or chosen[0])
