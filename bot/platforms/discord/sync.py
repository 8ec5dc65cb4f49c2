"""Registering the commands with Discord, and only when those that it has are others.

Every start would write them all otherwise, and Discord counts new commands: 200 a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.platforms.discord.login import UNREACHED

log = structlog.get_logger()

Payload = dict[str, Any]

PATIENCE = 30.0
"""Seconds that a start waits for it: where the day's new commands are used up, Discord asks for hours."""
LEFT_OUT: Mapping[str, Any] = {
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
"""What is compared besides names, with what it is where nothing is said. Whatever else Discord tells is its own."""
WHERE = ("contexts", "integration_types", "dm_permission")
"""Those that say where a command is offered."""


def payload(tree: app_commands.CommandTree[Any]) -> list[Payload]:
    """The tree's commands as they are registered for all servers."""
    return [command.to_dict(tree) for command in tree.get_commands()]


def difference(ours: Sequence[Payload], theirs: Sequence[Payload]) -> list[str]:
    """What would change if ours took the place of theirs, a line for each command; empty where they are the same."""
    mine, known = ({_who(command): command for command in commands} for commands in (ours, theirs))
    lines = [f"+ {_shown(who)}" for who in mine if who not in known]
    lines += [f"- {_shown(who)}" for who in known if who not in mine]
    for who in mine.keys() & known.keys():
        if changed := "; ".join(_command_changes(mine[who], known[who])):
            lines.append(f"~ {_shown(who)}: {changed}")
    return sorted(lines, key=lambda line: ("+-~".index(line[0]), line))


async def pending(client: discord.Client, ours: Sequence[Payload], guild: int | None) -> list[str]:
    """How ours differ from those that are registered in the guild, or for all. Raises one of UNREACHED."""
    id, http = _application(client), client.http
    there: Any = await (http.get_guild_commands(id, guild) if guild else http.get_global_commands(id))
    return difference(ours, there)


async def write(client: discord.Client, ours: Sequence[Payload], guild: int | None) -> None:
    """Put ours in the place of those that are registered in the guild, or for all. Raises one of UNREACHED."""
    id, http, all_of_them = _application(client), client.http, list(ours)
    if guild:
        await http.bulk_upsert_guild_commands(id, guild, all_of_them)
    else:
        await http.bulk_upsert_global_commands(id, all_of_them)


async def sync(client: discord.Client, tree: app_commands.CommandTree[Any], guild: int | None) -> list[str]:
    """Register the tree's commands where they differ, and say how; in one guild alone where one is named.

    Raises nothing of Discord's: without it, the commands of the last time are still there.
    """
    ours = payload(tree)
    try:
        async with asyncio.timeout(PATIENCE):
            changes = await pending(client, ours, guild)
            if changes:
                await write(client, ours, guild)
    except UNREACHED as problem:
        log.error("commands not registered", reason=reason(problem), guild=guild)
        return []
    if changes:
        log.info("commands registered", changes=changes, guild=guild)
    return changes


def reason(problem: Exception) -> str:
    """One of UNREACHED in Discord's own words, on one line; what a connection says may name more, so its kind alone."""
    if isinstance(problem, discord.HTTPException) and problem.text:
        return f"{' '.join(problem.text.split())} (error {problem.code or problem.status})"
    if isinstance(problem, TimeoutError):
        return "Discord takes too long"
    return type(problem).__name__


def _application(client: discord.Client) -> int:
    if client.application_id is None:
        raise app_commands.MissingApplicationID  # it has not logged in
    return client.application_id


def _who(command: Payload) -> tuple[int, str]:
    """What Discord tells commands apart by."""
    return command.get("type") or 1, command["name"]


def _shown(who: tuple[int, str]) -> str:
    kind, name = who
    menus = {2: f"“{name}” in a member's menu", 3: f"“{name}” in a message's menu"}
    return menus.get(kind, f"/{name}")


def _command_changes(ours: Payload, theirs: Payload) -> Iterator[str]:
    if theirs.get("guild_id"):  # where those of one guild are offered is no question, and Discord keeps no answer
        ours, theirs = ({k: v for k, v in one.items() if k not in WHERE} for one in (ours, theirs))
    yield from _changes(ours, theirs)


def _changes(ours: Payload, theirs: Payload, at: str = "") -> Iterator[str]:
    mine, known = _normal(ours), _normal(theirs)
    for key in LEFT_OUT:
        if key != "options" and mine[key] != known[key]:
            yield f"{at}{key.replace('_', ' ')} changed"
    new, old = ({option["name"]: option for option in options} for options in (mine["options"], known["options"]))
    yield from (f"{at}{_kind(new[name])} {name} added" for name in new if name not in old)
    yield from (f"{at}{_kind(old[name])} {name} removed" for name in old if name not in new)
    if [name for name in new if name in old] != [name for name in old if name in new]:
        yield f"{at}order changed"
    for name in new:
        if name in old:
            yield from _changes(new[name], old[name], f"{at}{_kind(new[name])} {name}: ")


def _kind(option: Payload) -> str:
    return {1: "subcommand", 2: "group"}.get(option["type"], "option")


def _normal(it: Payload) -> Payload:
    """A command or option with everything said that may be left out, and said in one way."""
    said = {key: default if it.get(key) is None else it[key] for key, default in LEFT_OUT.items()}
    said["choices"] = [(choice["name"], choice["value"]) for choice in said["choices"]]
    if said["default_member_permissions"] is not None:
        said["default_member_permissions"] = int(said["default_member_permissions"])  # Discord says it as text
    if said["contexts"] is not None:
        said |= {"contexts": sorted(said["contexts"]), "dm_permission": True}  # of the two, contexts are in force
    if said["integration_types"] is None:
        said["integration_types"] = [0]
    said["integration_types"] = sorted(said["integration_types"])
    return said
