"""Forms: ask for a command's parameters together, and read what was typed or picked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.platforms.discord import limits
from bot.text.cleaning import short

CHANNEL_FIELD, SWITCHES_FIELD = "where", "switches"
"""The field for the channel that a command is about, and the one with everything that's on or off."""
CHANNEL_TYPES = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
]
ON_OFF = ("on", "off")


def fitting(command: Command, fields: Sequence[Parameter], values: Mapping[str, str]) -> tuple[Parameter, ...]:
    """Return the fields that a form has room for: all, or those that can't wait, and of the others some with a value.

    Everything that's on or off takes the room of one field.
    """
    room = limits.FORM_FIELDS - command.needs_channel - any(map(_is_switch, fields))
    first = [p for p in fields if not (_is_switch(p) or p.can_wait)]
    later = [p for p in fields if p.can_wait and not _is_switch(p)]
    if len(first) + len(later) > room:
        later = [p for p in later if values.get(p.name)][: max(0, room - len(first))]
    return tuple(p for p in fields if _is_switch(p) or p in first or p in later)


def build_form(
    command: Command, line: str, fields: Sequence[Parameter], values: Mapping[str, str], channel: str = ""
) -> ui.Modal:
    """Build a command's form; its id is the command line, so it can be sent even after a restart.

    A command that's about a channel asks which, and starts with `channel`. The form is stopped so that discord.py
    doesn't keep it in memory: most opened forms are never submitted.
    """
    modal = ui.Modal(title=short(command.description, limits.TITLE), custom_id=line)
    if command.needs_channel:
        modal.add_item(_channel_label(values.get(CHANNEL_FIELD) or channel))
    for parameter in fields:
        if not _is_switch(parameter):
            modal.add_item(_label(parameter, values.get(parameter.name, "")))
    if switches := list(filter(_is_switch, fields)):
        modal.add_item(_switches_label(switches, values))
    modal.stop()
    return modal


def _is_switch(parameter: Parameter) -> bool:
    return parameter.choices == ON_OFF


def _channel_label(channel: str) -> ui.Label[Any]:
    chosen = _chosen(channel, discord.SelectDefaultValueType.channel)
    picker = ui.ChannelSelect[Any](custom_id=CHANNEL_FIELD, channel_types=CHANNEL_TYPES, default_values=chosen)
    return ui.Label(text="Channel", component=picker)


def _switches_label(parameters: Sequence[Parameter], values: Mapping[str, str]) -> ui.Label[Any]:
    options = [
        discord.CheckboxGroupOption(label=p.label, value=p.name, default=values.get(p.name) == "on") for p in parameters
    ]
    group = ui.CheckboxGroup[Any](
        custom_id=SWITCHES_FIELD, options=options, required=False, min_values=0, max_values=len(options)
    )
    return ui.Label(text="Also", component=group)


def _label(parameter: Parameter, value: str) -> ui.Label[Any]:
    field = _field(parameter, value)
    hint = parameter.format_hint if isinstance(field, ui.TextInput) else ""
    return ui.Label(text=short(parameter.label, limits.TITLE), description=_sentence(hint) or None, component=field)


def _field(parameter: Parameter, value: str) -> ui.Item[Any]:
    if parameter.kind == "roles":
        chosen = _chosen(value, discord.SelectDefaultValueType.role)
        return ui.RoleSelect[Any](custom_id=parameter.name, required=parameter.required, default_values=chosen)
    if parameter.kind == "members":
        chosen = _chosen(value, discord.SelectDefaultValueType.user)
        return ui.UserSelect[Any](custom_id=parameter.name, required=parameter.required, default_values=chosen)
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
        placeholder=short(_sentence(parameter.placeholder), limits.DESCRIPTION) or None,
    )


def _chosen(value: str, kind: discord.SelectDefaultValueType) -> list[discord.SelectDefaultValue]:
    """Return what a picker starts with: the value if it's an id."""
    return [discord.SelectDefaultValue(id=int(value), type=kind)] if value.isdecimal() else []


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def form_values(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what a sent form holds, by parameter; empty fields are left out."""
    values: dict[str, str] = {}
    for field in _filled(data.get("components", ())):
        picked = field.get("values") or []
        if field["custom_id"] == SWITCHES_FIELD:
            values |= dict.fromkeys(picked, "on")
        elif value := str(field.get("value") or next(iter(picked), "")):
            values[field["custom_id"]] = value
    return values


def _filled(components: Any) -> Iterator[Mapping[str, Any]]:
    for component in components:
        if "component" in component:
            yield from _filled((component["component"],))
        elif "custom_id" in component:
            yield component
