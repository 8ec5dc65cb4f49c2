"""Forms: ask for a command's parameters together, and read what was typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import discord
from discord import ui

from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.platforms.discord import limits
from bot.text.cleaning import short


def build_form(command: Command, line: str, fields: tuple[Parameter, ...], values: Mapping[str, str]) -> ui.Modal:
    """Build a command's form; its id is the command line, so it can be sent even after a restart.

    The form is stopped so that discord.py doesn't keep it in memory: most opened forms are never submitted.
    """
    modal = ui.Modal(title=short(command.description, limits.TITLE), custom_id=line)
    for parameter in fields:
        hint = short(parameter.hint(picked=bool(parameter.choices)), limits.DESCRIPTION) or None
        label = short(parameter.label, limits.TITLE)
        modal.add_item(ui.Label(text=label, description=hint, component=_field(parameter, values)))
    modal.stop()
    return modal


def _field(parameter: Parameter, values: Mapping[str, str]) -> ui.Item[Any]:
    value = values.get(parameter.name, "")
    if parameter.choices:
        options = [discord.SelectOption(label=choice, default=choice == value) for choice in parameter.choices]
        return ui.Select(custom_id=parameter.name, options=options, required=parameter.required)
    max_length = min(parameter.max_length, limits.FIELD)
    return ui.TextInput(
        custom_id=parameter.name,
        style=discord.TextStyle.paragraph if parameter.multiline else discord.TextStyle.short,
        required=parameter.required,
        max_length=max_length,
        default=value[:max_length] or None,
    )


def form_values(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what a sent form holds, by parameter; empty fields are left out."""
    return {name: value for name, value in _values(data.get("components", ())) if value}


def _values(components: Any) -> Iterator[tuple[str, str]]:
    for component in components:
        if "component" in component:
            yield from _values((component["component"],))
        elif "custom_id" in component:
            chosen = component.get("values") or [""]
            yield component["custom_id"], str(component.get("value") or chosen[0])
