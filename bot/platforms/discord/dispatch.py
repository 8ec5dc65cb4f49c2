"""Turn Discord's interactions and mentions into requests, and show the replies."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
import structlog

from bot import metrics
from bot.app import App
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.context.identity import Location
from bot.context.outbox import Outbox, PostError
from bot.dispatch.request import Request
from bot.drawing.renderer import Renderer
from bot.errors import DatabaseError, UserError
from bot.platforms.discord import limits
from bot.platforms.discord.addressing import is_hidden_reply, without_name
from bot.platforms.discord.forms import CHANNEL_FIELD, build_form, fitting, form_values
from bot.platforms.discord.identity import (
    UnknownMemberError,
    actor_of,
    location_of,
    location_of_message,
    looked_up,
    picked_members,
    split_workspace,
)
from bot.platforms.discord.invocation import Invocation
from bot.platforms.discord.outbox import NO_MENTIONS
from bot.platforms.discord.render_images import render_images
from bot.platforms.discord.responder import REFUSED, Responder, is_refusal
from bot.platforms.discord.servers import CHANGE, NONE_SHARED, Servers, choice
from bot.platforms.discord.tree import EXPIRED_CODES
from bot.platforms.shared.background_tasks import BackgroundTasks
from bot.platforms.shared.kept_requests import KeptRequests, ResumedRequest
from bot.platforms.shared.throttle import throttle
from bot.replies import Notice, Reply, Tone

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

log = structlog.get_logger()

EDIT_INTERVAL = 1.2
"""Seconds between two edits of a streaming message."""
DRAFT_TIMEOUT = 1.0
"""Seconds that opening a form waits for its draft; Discord wants the form within 3."""
NO_FORM = "Discord wouldn't open the form. The problem is in the log. Please use the command with all its options."
SHARED = Notice("Shared.", Tone.GOOD)
HOW_TO_ASK = Notice("Discord doesn't show me replies to this message. Mention me in yours, or press a button above.")
FAILED = Notice("Something went wrong on our side. It's in the log. Please try again.", Tone.PROBLEM)


class RequestClaimedError(Exception):
    """Another process carries the request out."""


class Dispatch:
    """Run commands, buttons, menus, forms and mentions.

    Two processes with the same shards get everything twice, for example while a new version replaces an old one. Only
    the one that claims it first goes on.
    """

    def __init__(self, client: discord.Client, app: App, renderer: Renderer, token: str, outbox: Outbox) -> None:
        self.app = app
        self._outbox = outbox
        self._client, self._renderer = client, renderer
        self._servers = Servers(client, app)
        self._kept_requests = KeptRequests(app, "discord", token)
        self.background_tasks = BackgroundTasks()

    async def on_command(self, interaction: Interaction, command: Command, values: Mapping[str, str]) -> None:
        """Run a slash command with its options, or an entry in the menu of a message or a member."""
        with self._tracked("command"):
            if command.opens_form and command.missing(values):
                fields = fitting(command, command.parameters, values)
                shown = {parameter.name for parameter in fields}
                line = _line(command, {name: value for name, value in values.items() if name not in shown})
                if len(line) <= limits.CUSTOM_ID:  # else the reply says which value is missing
                    await self._open_form(interaction, command, line, fields, values)
                    return
            request = Request(
                location=location_of(interaction),
                actor=actor_of(interaction.user, interaction.permissions),
                id=str(interaction.id),
                at=interaction.created_at,
                command=command.name,
                values=values,
                picked=picked_members(interaction.data or {}),
            )
            await self._carry_out(interaction, command, request)

    async def on_component(self, interaction: Interaction, data: Mapping[str, Any]) -> None:
        """Run the command line of a pressed button, or of a menu, whose line lacks its last value."""
        with self._tracked("component"):
            workspace, line = split_workspace(data["custom_id"])
            line, selected = _selected(line, data)
            command, values = self._parse(line)
            if command is not None and not selected and (fields := command.form_fields(values)):
                await self._open_form(interaction, command, line, fields, values, workspace=workspace)
                return
            await self._carry_out(interaction, command, _request(interaction, line, selected, workspace), workspace)
            if workspace and command is not None and command.name == CHANGE:
                await self._continue_chosen(interaction)

    async def on_form(self, interaction: Interaction, data: Mapping[str, Any]) -> None:
        """Run the command line that opened a form, with what was typed into it."""
        with self._tracked("form"):
            workspace, line = split_workspace(data["custom_id"])
            command, _ = self._parse(line)
            values = form_values(data)
            channel = values.pop(CHANNEL_FIELD, "")
            request = replace(_request(interaction, line, values, workspace), form=True, picked=picked_members(data))
            if channel:
                name = data["resolved"]["channels"][channel]["name"]
                location = replace(request.location, channel=channel, channel_name=name, parent_channel="")
                request = replace(request, location=location, platform_values={CHANNEL_FIELD: channel})
            await self._carry_out(interaction, command, request, workspace)

    async def on_mention(self, message: discord.Message, text: str) -> None:
        """Answer a mention in a channel or thread, where everybody can read along."""
        with self._tracked("mention"):
            if not text and is_hidden_reply(message):
                await self._say_how_to_ask(message)
                return
            rights = getattr(message.author, "guild_permissions", discord.Permissions.none())
            request = Request(
                location=location_of_message(message),
                actor=actor_of(message.author, rights),
                id=str(message.id),
                at=message.created_at,
                command="talk",
                values={"text": text} if text else {},
            )
            await self._claim(request.id)
            await self._reply_to(message, request)

    async def _say_how_to_ask(self, message: discord.Message) -> None:
        """Answer a reply that Discord hides from us, once for the message that's replied to."""
        answered = message.reference.message_id if message.reference else None
        if await self.app.claim_request("discord", f"how-to-ask-{answered}"):
            await self._show_below(message, None, Reply.of(HOW_TO_ASK))

    async def on_direct_message(self, message: discord.Message) -> None:
        """Answer a direct message: a command if it starts like one, else with an explanation."""
        with self._tracked("direct message"):
            if not message.content.strip():
                return
            await self._reply_directly(message, str(message.id))

    async def _reply_directly(self, message: discord.Message, request_id: str) -> None:
        """Answer a direct message for the member's server, or ask which one that is. Raises RequestClaimedError."""
        await self._claim(request_id)
        try:
            server = await self._server_of(message)
            if isinstance(server, Reply):
                await self._show_below(message, None, server)
                return
            request = _direct_request(message, server, request_id, self._direct_text(message))
            request = await looked_up(self._client, request, server)
        except UnknownMemberError as problem:
            await self._show_below(message, None, Reply.of(Notice(str(problem), Tone.WARNING)))
            return
        except DatabaseError as problem:
            log.error("database", problem=str(problem))
            await self._show_below(message, None, Reply.of(Notice(f"{problem.public} Please try again.", Tone.PROBLEM)))
            return
        line = request.values.get("text", "")
        command = self._parse(line)[0] if line else None
        if command is None:
            await self._reply_to(message, request, server)
        elif command.managers_only or command.needs_channel or command.posts_publicly:
            await self._show_below(message, None, Reply.of(_only_in_channel(command)))
        else:
            await self._reply_to(message, replace(request, line=line, command="", values={}), server)

    def _direct_text(self, message: discord.Message) -> str:
        """Return what a direct message says, without a mention of the bot, who is meant anyway."""
        return without_name(message.content, self._client.user.id if self._client.user else 0)

    async def _server_of(self, message: discord.Message) -> str | Reply:
        """Return the server that a direct message is about, or what to ask the member; the only one is taken silently.

        Raises UnknownMemberError and DatabaseError.
        """
        user = message.author
        wants_change = self._direct_text(message).casefold() == CHANGE
        if not wants_change and (chosen := await self._servers.chosen(user.id)):
            return chosen
        shared = await self._servers.shared(user.id)
        if wants_change or len(shared) != 1:
            return choice(shared) if shared else Reply.of(NONE_SHARED)
        [server] = shared
        location, actor = _direct_location(message, server), actor_of(user, discord.Permissions.none())
        await self.app.choose_workspace(replace(location, workspace_name=shared[server]), actor, message.created_at)
        return server

    async def _continue_chosen(self, interaction: Interaction) -> None:
        """Answer the direct message that had to wait until its member had chosen a server."""
        asked = interaction.message.reference if interaction.message else None
        if asked is None or asked.message_id is None or interaction.message is None:
            return
        waiting = await interaction.message.channel.fetch_message(asked.message_id)
        if self._direct_text(waiting).casefold() != CHANGE:
            await self._reply_directly(waiting, f"{waiting.id}-chosen")

    def resuming(self) -> AbstractAsyncContextManager[None]:
        """Carry out what dead processes have acknowledged, now and again while the block runs."""
        return self._kept_requests.resuming(self._start_resuming)

    async def _start_resuming(self, resumed: ResumedRequest) -> None:
        self.background_tasks.start(self._resume(resumed))

    async def _resume(self, resumed: ResumedRequest) -> None:
        """Carry out what a dead process left, or report it if that died of it; nothing if it can't be answered."""
        with self._tracked("resumed"):
            invocation = Invocation.load(resumed.payload)
            webhook = discord.Webhook.partial(self._client.application_id or 0, invocation.token, client=self._client)
            responder = Responder(invocation, self._renderer, webhook)
            if not await responder.can_answer():
                log.warning("not answered", kind="resumed", reason="it was never acknowledged, or is too old")
            elif resumed.is_hopeless:
                await responder.show(Reply.of(FAILED))
            else:
                await self._reply(responder, invocation)
            await self._kept_requests.finish(resumed.id)

    async def _carry_out(
        self, interaction: Interaction, command: Command | None, request: Request, workspace: str = ""
    ) -> None:
        """Acknowledge the interaction in time, however long the reply takes.

        If that fails, or the program ends meanwhile, what was acknowledged stays kept, and is tried once more. Raises
        RequestClaimedError.
        """
        invocation = Invocation(
            request,
            interaction.token,
            workspace,
            private=command is None
            or command.private
            or command.posts_publicly
            or _replaces_for_another(interaction, command),
            replaces_message=command is not None and command.replaces_message and _own_message(interaction),
        )
        is_claimed = False

        async def keep() -> None:
            workspace, actor = request.location.workspace, request.actor.id
            await self._kept_requests.keep(
                request.id, invocation.dump(), workspace=workspace, actor=actor, is_claimed=is_claimed
            )

        responder = Responder(invocation, self._renderer, interaction, keep)
        timer = responder.defer_if_slow(self.background_tasks)
        try:
            try:
                is_claimed = await self._claim(request.id)
            except RequestClaimedError:
                if not responder.is_acknowledged:  # else Discord takes the answer from nobody but us
                    raise
            if command is not None and command.slow:
                await responder.defer()
            await self._reply(responder, invocation)
        finally:
            timer.cancel()
        await responder.settled()
        await self._kept_requests.finish(request.id)

    async def _reply(self, responder: Responder, invocation: Invocation) -> None:
        """Carry out the request, and show the replies."""
        request = invocation.request
        if invocation.workspace:
            try:
                request = await looked_up(self._client, request, invocation.workspace)
            except UnknownMemberError as problem:
                await responder.show(Reply.of(Notice(str(problem), Tone.WARNING)))
                return
        command, _ = self._parse(request.line or request.command)
        if command is not None and command.posts_publicly:
            await self._share(responder, request, command, invocation.workspace)
            return
        async with aclosing(self._replies(request)) as replies:
            async for reply in replies:
                await responder.show(reply)  # drawing its pictures may take a while: the timer keeps running

    async def _share(self, responder: Responder, request: Request, command: Command, workspace: str) -> None:
        """Post the reply in the channel as a message of its own, because members can only reply to those.

        Where the bot may not post, it's a response of the interaction, which needs no permission.
        """
        if workspace:
            await responder.show(Reply.of(_only_in_channel(command)))
            return
        *_, reply = [reply async for reply in self._replies(request)]
        if reply.refused:
            await responder.show(reply)
            return
        try:
            await self._outbox.post(request.location, reply, f"share-{request.id}")
        except PostError as problem:
            log.info("shared as a response", reason=str(problem))
            await responder.show(Reply.of(SHARED))
            await responder.show_to_everyone(reply)
        else:
            await responder.show(Reply.of(SHARED))

    async def _open_form(
        self,
        interaction: Interaction,
        command: Command,
        line: str,
        fields: Sequence[Parameter],
        values: Mapping[str, str],
        *,
        workspace: str = "",
    ) -> None:
        """Open a command's form, filled with the draft of an earlier try that failed."""
        location = location_of(interaction, workspace)
        actor = actor_of(interaction.user, interaction.permissions)
        initial = {parameter.name: parameter.initial(actor) for parameter in fields if parameter.initial}
        draft: dict[str, str] = {}
        began = time.perf_counter()
        try:
            async with asyncio.timeout(DRAFT_TIMEOUT):
                await self._claim(str(interaction.id))
                draft = await self.app.form_draft(location, actor, line)
        except (TimeoutError, DatabaseError) as problem:
            log.warning("draft not read", problem=str(problem))
        if interaction.type is discord.InteractionType.application_command:
            draft.pop(CHANNEL_FIELD, None)  # a command is about the channel it's used in
        form_id = f"@{workspace} {line}" if workspace else line
        form = build_form(
            command, form_id, fields, {**initial, **values, **draft}, location.parent_channel or location.channel
        )
        try:
            await interaction.response.send_modal(form)
        except discord.HTTPException as problem:
            if not is_refusal(problem):
                raise
            log.exception("form refused", code=problem.code)
            await interaction.response.send_message(NO_FORM, ephemeral=True, allowed_mentions=NO_MENTIONS)
        metrics.ACKNOWLEDGMENT_TIME.labels("discord").observe(time.perf_counter() - began)

    async def _claim(self, request_id: str) -> bool:
        """Claim a request; False if the database is away. Raises RequestClaimedError if another process has it."""
        try:
            is_first = await self.app.claim_request("discord", request_id)
        except DatabaseError as problem:  # `handle` will report it, and what's written is unique by request
            log.error("database", problem=str(problem))
            return False
        if not is_first:
            raise RequestClaimedError
        return True

    def _parse(self, line: str) -> tuple[Command | None, dict[str, str]]:
        """Return the command and its values; None for a line that isn't a command, which `handle` explains."""
        try:
            return self.app.parse(line)
        except UserError:
            return None, {}

    def _replies(self, request: Request) -> AsyncGenerator[Reply, None]:
        command, _ = self._parse(request.line or request.command)
        replies = self.app.handle(request)
        return throttle(replies, EDIT_INTERVAL) if command is not None and command.streams else replies

    async def _reply_to(self, message: discord.Message, request: Request, workspace: str = "") -> None:
        """Reply to a message, and edit the reply while it streams; `workspace` is a direct message's server."""
        sent: discord.Message | None = None
        async with aclosing(self._replies(request)) as replies:
            async for reply in replies:
                try:
                    sent = await self._show_below(message, sent, reply, workspace)
                except discord.HTTPException as problem:
                    if not is_refusal(problem):
                        raise
                    log.exception("reply refused", code=problem.code)
                    if not reply.streaming:
                        sent = await self._show_below(message, sent, REFUSED)

    async def _show_below(
        self, message: discord.Message, sent: discord.Message | None, reply: Reply, workspace: str = ""
    ) -> discord.Message:
        """Show a reply below a message, in place of what was `sent` there, and return its first message."""
        first, *rest = await render_images(self._renderer, reply, workspace=workspace)
        if sent is None:
            sent = await message.reply(
                view=first.view,
                files=first.files,
                nonce=f"talk-{message.id}",  # where two processes get the same message, one reply remains
                allowed_mentions=NO_MENTIONS,
                mention_author=False,
            )
        else:
            await sent.edit(view=first.view, attachments=first.files, allowed_mentions=NO_MENTIONS)
        for page in () if reply.streaming else rest:
            await message.channel.send(view=page.view, files=page.files, allowed_mentions=NO_MENTIONS)
        return sent

    @contextmanager
    def _tracked(self, kind: str) -> Iterator[None]:
        """Let this work finish before the program ends, and log its errors."""
        with self.background_tasks.track():
            try:
                yield
            except RequestClaimedError:
                log.info("left to another process", kind=kind)
            except discord.HTTPException as problem:
                if reason := EXPIRED_CODES.get(problem.code):
                    log.warning("not answered", kind=kind, reason=reason)
                else:
                    log.exception("not answered", kind=kind, code=problem.code)
            except Exception:
                log.exception("not answered", kind=kind)


def _line(command: Command, values: Mapping[str, str]) -> str:
    """Return the command line with these values."""
    return " ".join([command.name, *(f"{name}={shlex.quote(value)}" for name, value in values.items())])


def _direct_location(message: discord.Message, server: str) -> Location:
    return Location("discord", server, str(message.channel.id), "", "direct message", direct=True)


def _direct_request(message: discord.Message, server: str, request_id: str, text: str) -> Request:
    return Request(
        location=_direct_location(message, server),
        actor=actor_of(message.author, discord.Permissions.none()),
        id=request_id,
        at=message.created_at,
        command="talk",
        values={"text": text} if text else {},
    )


def _only_in_channel(command: Command) -> Notice:
    if command.posts_publicly:
        return Notice("Only what you look up in a channel of your server can be shared in a channel.", Tone.WARNING)
    how = "That's done" if command.hidden else f"Please use `/{command.name}`"
    return Notice(f"{how} in a channel of your server.", Tone.WARNING)


def _request(interaction: Interaction, line: str, values: Mapping[str, str], workspace: str) -> Request:
    """Return the request of a button, menu or form."""
    return Request(
        location=location_of(interaction, workspace),
        actor=actor_of(interaction.user, interaction.permissions),
        id=str(interaction.id),
        at=interaction.created_at,
        line=line,
        values=values,
    )


def _selected(line: str, data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Split a menu's line into its command line and the value selected for its last parameter; keep a button's."""
    if not line.endswith("=") or "values" not in data:
        return line, {}
    command_line, _, parameter = line[:-1].rpartition(" ")
    return command_line, {parameter: ",".join(data["values"]) or "none"}


def _own_message(interaction: Interaction) -> bool:
    """Return whether only the member who pressed the button sees its message, or the message answers their command."""
    message = interaction.message
    if message is None:
        return False
    if message.flags.ephemeral or interaction.guild_id is None:
        return True
    metadata = message.interaction_metadata
    return metadata is not None and metadata.user.id == interaction.user.id


def _replaces_for_another(interaction: Interaction, command: Command) -> bool:
    """Return whether the reply would replace somebody else's public message: this member gets a private copy then."""
    return command.replaces_message and interaction.message is not None and not _own_message(interaction)
