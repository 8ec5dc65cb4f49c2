"""Discord's command tree, built from the table of commands."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.commands.command import Command, Shortcut
from bot.commands.parameters import Parameter, Suggestion
from bot.platforms.discord import limits

if TYPE_CHECKING:
    Interaction = discord.Interaction[Any]

MANAGERS = discord.Permissions(manage_guild=True)

Carry = Callable[[Any, Command, Mapping[str, str]], Awaitable[None]]
"""What carries a command out: the interaction, the command, its values."""
Complete = Callable[[Any, Parameter, str], Awaitable[Sequence[Suggestion]]]
"""What completes a value: the interaction, the parameter, what has been typed of it."""


def plant(
    client: discord.Client, commands: Iterable[Command], carry: Carry, complete: Complete
) -> app_commands.CommandTree[Any]:
    """A tree with every command that is listed, and the entries of menus; two-word names make a group."""
    tree: app_commands.CommandTree[Any] = app_commands.CommandTree(
        client,
        allowed_contexts=app_commands.AppCommandContext(guild=True),
        allowed_installs=app_commands.AppInstallationType(guild=True),
    )
    listed = [command for command in commands if not command.hidden]
    groups: dict[str, app_commands.Group] = {}
    for command in commands:
        if command.shortcut:
            tree.add_command(_entry(command, command.shortcut, carry))
    for command in listed:
        first, _, second = command.name.partition(" ")
        if not second:
            tree.add_command(_slash(command, first, carry, complete))
            continue
        if first not in groups:
            members = [c.name.split()[1] for c in listed if c.name.startswith(f"{first} ")]
            groups[first] = app_commands.Group(
                name=first,
                description=", ".join(members)[: limits.ABOUT],
                # Discord takes permissions of whole groups only, which is why a group is for managers as a whole.
                default_permissions=MANAGERS if command.managers_only else None,
            )
            tree.add_command(groups[first])
        groups[first].add_command(_slash(command, second, carry, complete))
    return tree


def _entry(command: Command, shortcut: Shortcut, carry: Carry) -> app_commands.ContextMenu:
    """In the menu of a message or a member."""
    name = command.parameters[0].name

    async def of_message(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await carry(interaction, command, {name: said_in(message)[: command.parameters[0].max_length]})

    async def of_member(interaction: discord.Interaction[Any], member: discord.Member) -> None:
        await carry(interaction, command, {name: str(member.id)})

    callback: Any = of_message if shortcut.on == "message" else of_member
    return app_commands.ContextMenu(name=shortcut.label, callback=callback)


def said_in(message: discord.Message) -> str:
    """All the words of a message: its content, else those of its components and embeds."""
    embeds = (text for embed in message.embeds for text in (embed.title, embed.description) if text)
    return "\n".join([*filter(None, [message.content]), *_displayed(message.components), *embeds]).strip()


def _displayed(components: Iterable[Any]) -> Iterable[str]:
    for component in components:
        if isinstance(component, discord.components.TextDisplay):
            yield component.content
        yield from _displayed(getattr(component, "children", ()))


def _slash(command: Command, name: str, carry: Carry, complete: Complete) -> app_commands.Command[Any, ..., Any]:
    async def callback(interaction: discord.Interaction[discord.Client], **values: Any) -> None:
        given = {name: _text(value) for name, value in values.items() if value is not None}
        await carry(interaction, command, {name: text for name, text in given.items() if text})

    # discord.py reads the options off the function's signature; Discord wants those that are required first.
    own = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction)
    ordered = sorted(command.parameters, key=lambda parameter: not parameter.required)
    callback.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [own, *(_option(command, parameter) for parameter in ordered)]
    )
    decorated: Callable[..., Coroutine[Any, Any, None]] = callback
    if command.parameters:
        decorated = app_commands.describe(**{p.name: p.full_description[: limits.ABOUT] for p in command.parameters})(
            decorated
        )
    if fixed := {
        p.name: [app_commands.Choice(name=c, value=c) for c in p.choices] for p in command.parameters if p.choices
    }:
        decorated = app_commands.choices(**fixed)(decorated)
    if free := {p.name: _completer(p, complete) for p in command.parameters if p.autocomplete and not p.choices}:
        decorated = app_commands.autocomplete(**free)(decorated)
    return app_commands.Command(name=name, description=command.description[: limits.ABOUT], callback=decorated)


PICKED: dict[str, Any] = {"members": discord.Member, "roles": discord.Role}
"""What Discord lets one pick from lists of its own."""


def _text(value: Any) -> str:
    """An option as the text that a parameter reads; a member or a role is its id."""
    return str(value.id) if isinstance(value, discord.abc.Snowflake) else str(value)


def _option(command: Command, parameter: Parameter) -> inspect.Parameter:
    """Where a form asks for what is missing, none is required."""
    required = parameter.required and not command.opens_form
    annotation: Any = app_commands.Range[str, 1, parameter.max_length]
    picked = PICKED.get(parameter.kind)
    if parameter.range:
        annotation = app_commands.Range[int, parameter.range[0], parameter.range[1]]
    elif picked is not None:
        annotation = picked
    elif parameter.choices:
        annotation = str
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=annotation if required else annotation | None if picked else annotation,
        default=inspect.Parameter.empty if required else None,
    )


def _completer(parameter: Parameter, complete: Complete) -> Any:
    async def completed(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        # A value that is too long cannot be shortened: it would stand for something else.
        found = [s for s in await complete(interaction, parameter, typed) if 0 < len(s.value) <= limits.SUGGESTION]
        shown = found[: limits.SUGGESTIONS]
        return [app_commands.Choice(name=s.label[: limits.SUGGESTION] or "…", value=s.value) for s in shown]

    return completed
