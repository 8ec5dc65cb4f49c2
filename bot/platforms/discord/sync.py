"""Register the commands with Discord, but only if they changed.

Discord limits new commands to 200 a day, so they aren't written at every start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.platforms.discord.login import REQUEST_ERRORS

log = structlog.get_logger()

Payload = dict[str, Any]

SYNC_TIMEOUT = 30.0
"""Seconds: once the day's new commands are used up, Discord makes clients wait for hours."""
DEFAULTS: Mapping[str, Any] = {
    "type": 1,
    "description": "",
    "required": False,
    "autocomplete": False,
    "nsfw": False,
    "options": [],
    "choices": [],
    "channel_types": [],
    "min_value": None,
    "max_value": None,
    "min_length": None,
    "max_length": None,
    "default_member_permissions": None,
    "contexts": None,
    "integration_types": None,
    "dm_permission": True,
}
"""The keys that are compared besides names, with their defaults. Discord adds any other keys itself."""
SCOPE_KEYS = ("contexts", "integration_types", "dm_permission")
"""Where a command is offered."""


def payload(tree: app_commands.CommandTree[Any]) -> list[Payload]:
    """Return the tree's commands in the form in which they are registered."""
    return [command.to_dict(tree) for command in tree.get_commands()]


def difference(ours: Sequence[Payload], theirs: Sequence[Payload]) -> list[str]:
    """Describe what changes when ours replace theirs, one line per command; empty if nothing does."""
    new, old = ({_identity(command): command for command in commands} for commands in (ours, theirs))
    lines = [f"+ {_display_name(key)}" for key in new if key not in old]
    lines += [f"- {_display_name(key)}" for key in old if key not in new]
    for key in new.keys() & old.keys():
        if changed := "; ".join(_command_changes(new[key], old[key])):
            lines.append(f"~ {_display_name(key)}: {changed}")
    return sorted(lines, key=lambda line: ("+-~".index(line[0]), line))


async def pending_changes(client: discord.Client, ours: Sequence[Payload], guild: int | None) -> list[str]:
    """Compare ours with those registered in the guild, or globally. Raises one of REQUEST_ERRORS."""
    application_id, http = _application_id(client), client.http
    registered: Any = await (
        http.get_guild_commands(application_id, guild) if guild else http.get_global_commands(application_id)
    )
    return difference(ours, registered)


async def register(client: discord.Client, ours: Sequence[Payload], guild: int | None) -> None:
    """Replace the commands registered in the guild, or globally, with ours. Raises one of REQUEST_ERRORS."""
    application_id, http = _application_id(client), client.http
    if guild:
        await http.bulk_upsert_guild_commands(application_id, guild, list(ours))
    else:
        await http.bulk_upsert_global_commands(application_id, list(ours))


async def sync(client: discord.Client, tree: app_commands.CommandTree[Any], guild: int | None) -> list[str]:
    """Register the tree's commands if they changed, in one guild or globally, and return the changes.

    Errors are logged, not raised: Discord still has the commands that were registered last time.
    """
    ours = payload(tree)
    try:
        async with asyncio.timeout(SYNC_TIMEOUT):
            changes = await pending_changes(client, ours, guild)
            if changes:
                await register(client, ours, guild)
    except REQUEST_ERRORS as problem:
        log.error("commands not registered", reason=reason(problem), guild=guild)
        return []
    if changes:
        log.info("commands registered", changes=changes, guild=guild)
    return changes


def reason(problem: Exception) -> str:
    """Describe one of REQUEST_ERRORS on one line. Errors that aren't Discord's may hold secrets: name only the type."""
    if isinstance(problem, discord.HTTPException) and problem.text:
        return f"{' '.join(problem.text.split())} (error {problem.code or problem.status})"
    if isinstance(problem, TimeoutError):
        return "Discord took too long"
    return type(problem).__name__


def _application_id(client: discord.Client) -> int:
    if client.application_id is None:
        raise app_commands.MissingApplicationID  # not logged in yet
    return client.application_id


def _identity(command: Payload) -> tuple[int, str]:
    """Return the kind and the name, by which Discord tells commands apart."""
    return command.get("type") or 1, command["name"]


def _display_name(identity: tuple[int, str]) -> str:
    kind, name = identity
    menus = {2: f"“{name}” in a member's menu", 3: f"“{name}” in a message's menu"}
    return menus.get(kind, f"/{name}")


def _command_changes(ours: Payload, theirs: Payload) -> Iterator[str]:
    if theirs.get("guild_id"):  # Discord doesn't store where the commands of one guild are offered
        ours, theirs = (
            {key: value for key, value in command.items() if key not in SCOPE_KEYS} for command in (ours, theirs)
        )
    yield from _changes(ours, theirs)


def _changes(ours: Payload, theirs: Payload, at: str = "") -> Iterator[str]:
    our_values, their_values = _normalized(ours), _normalized(theirs)
    for key in DEFAULTS:
        if key != "options" and our_values[key] != their_values[key]:
            yield f"{at}{key.replace('_', ' ')} changed"
    new, old = (
        {option["name"]: option for option in options} for options in (our_values["options"], their_values["options"])
    )
    yield from (f"{at}{_kind(new[name])} {name} added" for name in new if name not in old)
    yield from (f"{at}{_kind(old[name])} {name} removed" for name in old if name not in new)
    if [name for name in new if name in old] != [name for name in old if name in new]:
        yield f"{at}order changed"
    for name in new:
        if name in old:
            yield from _changes(new[name], old[name], f"{at}{_kind(new[name])} {name}: ")


def _kind(option: Payload) -> str:
    return {1: "subcommand", 2: "group"}.get(option["type"], "option")


def _normalized(payload: Payload) -> Payload:
    """Return a command or option with all defaults filled in, each value in one form."""
    values = {key: default if payload.get(key) is None else payload[key] for key, default in DEFAULTS.items()}
    values["choices"] = [(choice["name"], choice["value"]) for choice in values["choices"]]
    if values["default_member_permissions"] is not None:
        values["default_member_permissions"] = int(values["default_member_permissions"])  # Discord sends text
    if values["contexts"] is not None:
        values |= {"contexts": sorted(values["contexts"]), "dm_permission": True}  # contexts override dm_permission
    if values["integration_types"] is None:
        values["integration_types"] = [0]
    values["integration_types"] = sorted(values["integration_types"])
    return values
