"""Discord's command tree, built from the table of commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import discord
from discord import app_commands

from bot.app import App
from bot.commands import Command, Parameter, Suggest
from bot.platforms.discord import limits
from bot.platforms.discord.dispatch import on_command, place_of

MANAGERS = discord.Permissions(manage_guild=True)


def plant(tree: app_commands.CommandTree[Any], app: App) -> None:
    """Put every command that is listed on the tree; two-word names make a group."""
    groups: dict[str, app_commands.Group] = {}
    for command in app.table:
        if command.button:
            continue
        first, _, second = command.name.partition(" ")
        if not second:
            tree.add_command(_slash(app, command, first))
            continue
        if first not in groups:
            members = [c.name.split()[1] for c in app.table if c.name.startswith(f"{first} ")]
            groups[first] = app_commands.Group(
                name=first,
                description=", ".join(members)[: limits.ABOUT],
                # Discord takes permissions of whole groups only, which is why a group is for managers as a whole.
                default_permissions=MANAGERS if command.managers else None,
            )
            tree.add_command(groups[first])
        groups[first].add_command(_slash(app, command, second))


def _slash(app: App, command: Command, name: str) -> app_commands.Command[Any, ..., Any]:
    async def callback(interaction: discord.Interaction[discord.Client], **values: str | None) -> None:
        await on_command(app, interaction, command, {name: value for name, value in values.items() if value})

    # discord.py reads the options off the function's signature.
    own = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction)
    callback.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [own, *(_option(command, parameter) for parameter in command.parameters)]
    )
    decorated: Callable[..., Coroutine[Any, Any, None]] = callback
    if command.parameters:
        decorated = app_commands.describe(**{p.name: p.about[: limits.ABOUT] for p in command.parameters})(decorated)
    if fixed := {
        p.name: [app_commands.Choice(name=c, value=c) for c in p.choices] for p in command.parameters if p.choices
    }:
        decorated = app_commands.choices(**fixed)(decorated)
    if free := {p.name: _suggester(app, p.suggest) for p in command.parameters if p.suggest and not p.choices}:
        decorated = app_commands.autocomplete(**free)(decorated)
    return app_commands.Command(name=name, description=command.about[: limits.ABOUT], callback=decorated)


def _option(command: Command, parameter: Parameter) -> inspect.Parameter:
    """A string option. Where a form asks for what is missing, none is required."""
    required = parameter.required and not command.form
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=str if parameter.choices else app_commands.Range[str, 1, parameter.limit],
        default=inspect.Parameter.empty if required else None,
    )


def _suggester(app: App, suggest: Suggest) -> Any:
    async def complete(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        # A value that is too long cannot be shortened: it would stand for something else.
        here = await app.at(place_of(interaction))
        found = [s for s in suggest(here.study, typed) if 0 < len(s.value) <= limits.SUGGESTION]
        shown = found[: limits.SUGGESTIONS]
        return [app_commands.Choice(name=s.label[: limits.SUGGESTION], value=s.value) for s in shown]

    return complete
