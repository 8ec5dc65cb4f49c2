"""From what happens on Discord to a request, and from its replies to messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import discord
import structlog

from bot.app import App
from bot.commands.command import Command
from bot.context.identity import Location
from bot.dispatch.request import Request
from bot.drawing.renderer import Easel
from bot.errors import DatabaseError, UserError
from bot.platforms.discord.forms import form, typed
from bot.platforms.discord.identity import Stranger, actor_of, at_home, place_of, split_home
from bot.platforms.discord.render_images import paint
from bot.platforms.discord.responder import NOBODY, Answer
from bot.platforms.shared.background_tasks import Errands
from bot.platforms.shared.throttle import paced
from bot.replies import Notice, Reply, Tone

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

log = structlog.get_logger()

RHYTHM = 1.2
"""Seconds between two edits of a message that grows."""
A_MOMENT = 1.0
"""Seconds that a form waits for what was typed into it before; it has to be there within 3."""
OVER = {
    10062: "acknowledged too late, or the interaction is not ours",
    40060: "another process has acknowledged it",
    50027: "it took longer than the 15 minutes that Discord waits",
    10015: "it took longer than the 15 minutes that Discord waits",
    10008: "the message is gone",
}
"""Discord's codes for an interaction that nobody waits for any more."""


class Dispatch:
    """Carries out commands, buttons, menus, forms and mentions."""

    def __init__(self, app: App, easel: Easel) -> None:
        self.app = app
        self._easel = easel
        self.errands = Errands()

    async def on_command(self, interaction: Interaction, command: Command, values: Mapping[str, str]) -> None:
        """A slash command with its options, or an entry in the menu of a message or a member."""
        with self._in_hand("command"):
            if command.opens_form and command.missing(values):
                await self._ask(interaction, command, command.name, values, home="")
                return
            request = Request(
                location=place_of(interaction),
                actor=actor_of(interaction.user, interaction.permissions),
                id=str(interaction.id),
                at=interaction.created_at,
                command=command.name,
                values=values,
            )
            async with self._answering(interaction, command) as answer:
                await self._show(answer, command, request)

    async def on_component(self, interaction: Interaction, data: Mapping[str, Any]) -> None:
        """A pressed button, which says no more than its command line does; or a menu, whose line lacks its end."""
        with self._in_hand("component"):
            home, line = split_home(data["custom_id"])
            line, picked = _picked(line, data)
            command, given = self._understood(line)
            if command is not None and not picked and command.form_fields(given):
                await self._ask(interaction, command, line, given, home=home)
                return
            await self._carry_out(interaction, command, line, picked, home=home)

    async def on_form(self, interaction: Interaction, data: Mapping[str, Any]) -> None:
        """A form that was sent: the command line that opened it, and what was typed."""
        with self._in_hand("form"):
            home, line = split_home(data["custom_id"])
            command, _ = self._understood(line)
            await self._carry_out(interaction, command, line, typed(data), home=home, form=True)

    async def on_mention(self, message: discord.Message, text: str) -> None:
        """Somebody has called the bot in a channel: answered there, where everybody reads along."""
        with self._in_hand("mention"):
            guild = message.guild
            rights = getattr(message.author, "guild_permissions", discord.Permissions.none())
            request = Request(
                location=Location(
                    "discord",
                    str(guild.id if guild else ""),
                    str(message.channel.id),
                    guild.name if guild else "",
                    str(getattr(message.channel, "name", "")),
                ),
                actor=actor_of(message.author, rights),
                id=str(message.id),
                at=message.created_at,
                command="talk",
                values={"text": text} if text else {},
            )
            await self._reply(message, request)

    async def _carry_out(
        self,
        interaction: Interaction,
        command: Command | None,
        line: str,
        values: Mapping[str, str],
        *,
        home: str,
        form: bool = False,
    ) -> None:
        async with self._answering(interaction, command, home=home) as answer:
            try:
                place, actor = await at_home(interaction, home)
            except Stranger as problem:
                await answer.show(Reply.of(Notice(str(problem), Tone.WARNING)))
                return
            request = Request(
                location=place,
                actor=actor,
                id=str(interaction.id),
                at=interaction.created_at,
                line=line,
                values=values,
                form=form,
            )
            await self._show(answer, command, request)

    async def _ask(
        self, interaction: Interaction, command: Command, line: str, given: Mapping[str, str], *, home: str
    ) -> None:
        """Open the form of a command, with what was typed into it when it could not be carried out."""
        kept: dict[str, str] = {}
        try:
            async with asyncio.timeout(A_MOMENT):
                place = place_of(interaction, home)
                kept = await self.app.form_draft(place, actor_of(interaction.user, interaction.permissions), line)
        except (TimeoutError, DatabaseError) as problem:
            log.warning("draft not read", problem=str(problem))
        # A line that holds values is for the rest of them; a slash command's options can be changed in the form.
        fields = command.form_fields(given) if line != command.name else command.parameters
        await interaction.response.send_modal(
            form(command, f"@{home} {line}" if home else line, fields, {**given, **kept})
        )

    def _understood(self, line: str) -> tuple[Command | None, dict[str, str]]:
        """None where the line says nothing any more; `respond` tells the member so."""
        try:
            return self.app.parse(line)
        except UserError:
            return None, {}

    @asynccontextmanager
    async def _answering(
        self, interaction: Interaction, command: Command | None, *, home: str = ""
    ) -> AsyncIterator[Answer]:
        """An answer that is acknowledged in time, whatever is waited for before it is shown."""
        answer = Answer(
            interaction,
            self._easel,
            private=command is None or command.private or _turns_for_another(interaction, command),
            turns=command is not None and command.replaces_message and _own_message(interaction),
            home=home,
        )
        timer = answer.hurry(self.errands)
        try:
            if command is not None and command.slow:
                await answer.defer()
            yield answer
        finally:
            timer.cancel()

    async def _show(self, answer: Answer, command: Command | None, request: Request) -> None:
        async with aclosing(self._replies(command, request)) as replies:
            async for reply in replies:
                await answer.show(reply)  # its pictures may take long: the timer goes on until it is shown

    def _replies(self, command: Command | None, request: Request) -> AsyncGenerator[Reply, None]:
        replies = self.app.handle(request)
        return paced(replies, RHYTHM) if command is not None and command.streams else replies

    async def _reply(self, message: discord.Message, request: Request) -> None:
        """Answer a message under it, edited while the answer grows."""
        command = self.app.registry.find(request.command)
        shown: discord.Message | None = None
        async with aclosing(self._replies(command, request)) as replies:
            async for reply in replies:
                first, *others = await paint(self._easel, reply)
                if shown is None:
                    shown = await message.reply(
                        view=first.view,
                        files=first.files,
                        nonce=f"talk-{message.id}",  # where two processes hear the same, one answer remains
                        allowed_mentions=NOBODY,
                        mention_author=False,
                    )
                else:
                    await shown.edit(view=first.view, attachments=first.files, allowed_mentions=NOBODY)
                for page in () if reply.streaming else others:
                    await message.channel.send(view=page.view, files=page.files, allowed_mentions=NOBODY)

    @contextmanager
    def _in_hand(self, kind: str) -> Iterator[None]:
        """Work to be finished before the program ends; what goes wrong with it goes into the log and hurts nobody."""
        with self.errands.in_hand():
            try:
                yield
            except discord.HTTPException as problem:
                if why := OVER.get(problem.code):
                    log.warning("not answered", kind=kind, reason=why)
                else:
                    log.exception("not answered", kind=kind, code=problem.code)
            except Exception:
                log.exception("not answered", kind=kind)


def _picked(line: str, data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """A menu's line and what was picked in it, under the parameter whose name it ends with; a button's as it is."""
    if not line.endswith("=") or "values" not in data:
        return line, {}
    begun, _, parameter = line[:-1].rpartition(" ")
    return begun, {parameter: ",".join(data["values"]) or "none"}


def _own_message(interaction: Interaction) -> bool:
    """Whether the pressed message is one that only the presser sees, or that answers a command of theirs."""
    message = interaction.message
    if message is None:
        return False
    if message.flags.ephemeral or interaction.guild_id is None:
        return True
    asked = message.interaction_metadata
    return asked is not None and asked.user.id == interaction.user.id


def _turns_for_another(interaction: Interaction, command: Command) -> bool:
    """A public message of somebody else's stays as it is: whoever turns it gets a page of their own."""
    return command.replaces_message and interaction.message is not None and not _own_message(interaction)
