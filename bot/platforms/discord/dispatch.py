"""From an interaction to its reply: acknowledged in time, shown, and edited while it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

import discord

from bot.app import App
from bot.commands import Actor, Command, Place, Request, respond
from bot.errors import UserError
from bot.platforms.discord.forms import form, problems, typed
from bot.platforms.discord.render import draw
from bot.platforms.pacing import paced
from bot.replies import Reply

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

PATIENCE = 2.0
"""Seconds until work that goes on is acknowledged; Discord gives up after 3."""
RHYTHM = 1.2
"""Seconds between two edits of a message that grows."""
NOBODY = discord.AllowedMentions.none()


async def on_command(app: App, interaction: Interaction, command: Command, values: Mapping[str, str]) -> None:
    """A slash command with its options."""
    if command.form and command.missing(values):
        await interaction.response.send_modal(form(command, command.name, command.parameters, values))
        return
    await _answer(app, interaction, command, _request(interaction, command=command.name, values=values))


async def on_button(app: App, interaction: Interaction, line: str) -> None:
    """A pressed button, which says no more than its command line does."""
    command, given = _understood(app, line)
    if command is not None and (fields := command.asks(given)):
        await interaction.response.send_modal(form(command, line, fields, {}))
        return
    await _answer(app, interaction, command, _request(interaction, line=line))


async def on_form(app: App, interaction: Interaction, line: str, data: Mapping[str, object]) -> None:
    """A form that was sent: the command line that opened it, and what was typed."""
    here, values = await app.at(place_of(interaction)), typed(data)
    command, given = _understood(here, line)
    if command is not None and (found := command.check(here.study, {**values, **given})):
        await _show(interaction, problems(line, found, values), private=True)
        return
    await _answer(app, interaction, command, _request(interaction, line=line, values=values))


def _understood(app: App, line: str) -> tuple[Command | None, dict[str, str]]:
    """None where the line says nothing any more; `respond` tells the member so."""
    try:
        return app.table.parse(app.study, line)
    except UserError:
        return None, {}


async def _answer(app: App, interaction: Interaction, command: Command | None, request: Request) -> None:
    private = command is None or command.private
    async with aclosing(paced(respond(app.table, app.study, request), RHYTHM)) as replies:
        first = asyncio.ensure_future(anext(replies))
        try:
            slow = command is not None and command.slow
            if slow or not (await asyncio.wait({first}, timeout=PATIENCE))[0]:
                await interaction.response.defer(ephemeral=private, thinking=True)
            await _show(interaction, await first, private)
        finally:
            first.cancel()
        async for reply in replies:
            await _show(interaction, reply, private)


async def _show(interaction: Interaction, reply: Reply, private: bool) -> None:
    drawing = draw(reply)
    if interaction.response.is_done():
        await interaction.edit_original_response(view=drawing.view, attachments=drawing.files, allowed_mentions=NOBODY)
    else:
        await interaction.response.send_message(
            view=drawing.view, files=drawing.files, ephemeral=private, allowed_mentions=NOBODY
        )


def place_of(interaction: Interaction) -> Place:
    """Where an interaction comes from."""
    return Place(
        "discord",
        str(interaction.guild_id or ""),
        str(interaction.channel_id or ""),
        interaction.guild.name if interaction.guild else "",
        str(getattr(interaction.channel, "name", None) or ""),
    )


def _request(
    interaction: Interaction, *, line: str = "", command: str = "", values: Mapping[str, str] | None = None
) -> Request:
    user, rights = interaction.user, interaction.permissions
    return Request(
        place=place_of(interaction),
        actor=Actor(str(user.id), user.display_name, manager=rights.administrator or rights.manage_guild),
        id=str(interaction.id),
        at=interaction.created_at,
        line=line,
        command=command,
        values=values or {},
    )
