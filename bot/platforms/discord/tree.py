"""Build Discord's command tree from the registry of commands."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

import discord
from discord import app_commands

from bot.commands.command import Command, Shortcut
from bot.commands.parameters import Parameter, Suggestion
from bot.platforms.discord import limits

MANAGERS = discord.Permissions(manage_guild=True)

EXPIRED_CODES = {
    10062: "acknowledged too late, or not our interaction",
    40060: "another process acknowledged it",
    50027: "it took longer than the 15 minutes that Discord allows",
    10015: "it was never acknowledged, or took longer than the 15 minutes that Discord allows",
    10008: "the message is gone",
}
"""Discord's codes for an interaction that can't be answered anymore."""


def _is_problem(record: logging.LogRecord) -> bool:
    """Return whether what discord.py logs about suggestions matters.

    It doesn't if they came too late or from another process, because the member has typed on.
    """
    problem = record.exc_info[1] if record.exc_info else None
    return not (isinstance(problem, discord.HTTPException) and problem.code in EXPIRED_CODES)


logging.getLogger(app_commands.tree.__name__).addFilter(_is_problem)

CommandHandler = Callable[[Any, Command, Mapping[str, str]], Awaitable[None]]
"""Runs a command; called with the interaction, the command and its values."""
Completer = Callable[[Any, Parameter, str], Awaitable[Sequence[Suggestion]]]
"""Suggests values; called with the interaction, the parameter and what was typed so far."""


def build_tree(
    client: discord.Client, commands: Iterable[Command], handle: CommandHandler, complete: Completer
) -> app_commands.CommandTree[Any]:
    """Build a tree of every listed command and of the entries in menus; two-word names form a group."""
    tree: app_commands.CommandTree[Any] = app_commands.CommandTree(
        client,
        allowed_contexts=app_commands.AppCommandContext(guild=True),
        allowed_installs=app_commands.AppInstallationType(guild=True),
    )
    listed = [command for command in commands if not command.hidden]
    groups: dict[str, app_commands.Group] = {}
    for command in commands:
        if command.shortcut:
            tree.add_command(_menu_entry(command, command.shortcut, handle))
    for command in listed:
        first, _, second = command.name.partition(" ")
        if not second:
            tree.add_command(_slash(command, first, handle, complete))
            continue
        if first not in groups:
            subcommands = [c.name.split()[1] for c in listed if c.name.startswith(f"{first} ")]
            groups[first] = app_commands.Group(
                name=first,
                description=", ".join(subcommands)[: limits.DESCRIPTION],
                # Discord takes permissions for whole groups only, so a group is either for managers or for everybody.
                default_permissions=MANAGERS if command.managers_only else None,
            )
            tree.add_command(groups[first])
        groups[first].add_command(_slash(command, second, handle, complete))
    return tree


def _menu_entry(command: Command, shortcut: Shortcut, handle: CommandHandler) -> app_commands.ContextMenu:
    """Build an entry in the menu of a message or a member."""
    name = command.parameters[0].name

    async def of_message(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await handle(interaction, command, {name: text_of(message)[: command.parameters[0].max_length]})

    async def of_member(interaction: discord.Interaction[Any], member: discord.Member) -> None:
        await handle(interaction, command, {name: str(member.id)})

    callback: Any = of_message if shortcut.on == "message" else of_member
    return app_commands.ContextMenu(name=shortcut.label, callback=callback)


def text_of(message: discord.Message) -> str:
    """Return all the text of a message: its content, and that of its components and embeds."""
    embeds = (text for embed in message.embeds for text in (embed.title, embed.description) if text)
    return "\n".join([*filter(None, [message.content]), *_displayed(message.components), *embeds]).strip()


def _displayed(components: Iterable[Any]) -> Iterable[str]:
    for component in components:
        if isinstance(component, discord.components.TextDisplay):
            yield component.content
        yield from _displayed(getattr(component, "children", ()))


def _slash(
    command: Command, name: str, handle: CommandHandler, complete: Completer
) -> app_commands.Command[Any, ..., Any]:
    async def callback(interaction: discord.Interaction[discord.Client], **values: Any) -> None:
        texts = {name: _text(value) for name, value in values.items() if value is not None}
        await handle(interaction, command, {name: text for name, text in texts.items() if text})

    # discord.py reads the options from the function's signature; Discord wants the required ones first.
    first = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction)
    ordered = sorted(command.parameters, key=lambda parameter: not parameter.required)
    callback.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [first, *(_option(command, parameter) for parameter in ordered)]
    )
    decorated: Callable[..., Coroutine[Any, Any, None]] = callback
    if command.parameters:
        decorated = app_commands.describe(
            **{p.name: p.full_description[: limits.DESCRIPTION] for p in command.parameters}
        )(decorated)
    if fixed := {
        p.name: [app_commands.Choice(name=c, value=c) for c in p.choices] for p in command.parameters if p.choices
    }:
        decorated = app_commands.choices(**fixed)(decorated)
    if free := {p.name: _completer(p, complete) for p in command.parameters if p.autocomplete and not p.choices}:
        decorated = app_commands.autocomplete(**free)(decorated)
    return app_commands.Command(name=name, description=command.description[: limits.DESCRIPTION], callback=decorated)


PICKER_TYPES: dict[str, Any] = {"members": discord.User, "roles": discord.Role}
"""Kinds of values that Discord offers in its own lists."""


def _text(value: Any) -> str:
    """Turn an option into text for its parameter; a member or a role becomes its id."""
    return str(value.id) if isinstance(value, discord.abc.Snowflake) else str(value)


def _option(command: Command, parameter: Parameter) -> inspect.Parameter:
    """Build an option; none is required if the command has a form that asks for what's missing."""
    required = parameter.required and not command.opens_form
    annotation: Any = app_commands.Range[str, 1, parameter.max_length]
    picker = PICKER_TYPES.get(parameter.kind)
    if parameter.range:
        annotation = app_commands.Range[int, parameter.range[0], parameter.range[1]]
    elif picker is not None:
        annotation = picker
    elif parameter.choices:
        annotation = str
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=annotation if required else annotation | None if picker else annotation,
        default=inspect.Parameter.empty if required else None,
    )


def _completer(parameter: Parameter, complete: Completer) -> Any:
    async def autocomplete(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        # A value that's too long can't be shortened: it would mean something else.
        fitting = [s for s in await complete(interaction, parameter, typed) if 0 < len(s.value) <= limits.SUGGESTION]
        return [
            app_commands.Choice(name=s.label[: limits.SUGGESTION] or "…", value=s.value)
            for s in fitting[: limits.SUGGESTIONS]
        ]

    return autocomplete
