"""Run an interaction: open a form if something is missing, else reply, then update the member's home."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import replace
from typing import Any

import aiohttp
import structlog
from cachetools import LRUCache

from bot.app import App
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.context.identity import Actor, Location
from bot.dispatch.handler import typed_values
from bot.dispatch.request import Request
from bot.drawing.renderer import Renderer
from bot.errors import DatabaseError, SetupError, UserError
from bot.platforms.shared.background_tasks import BackgroundTasks
from bot.platforms.shared.kept_requests import KeptRequests, ResumedRequest
from bot.platforms.slack import limits
from bot.platforms.slack.clients import Client, Clients, TokenRejected
from bot.platforms.slack.errors import API_ERRORS, INVALID_TOKEN, REFUSED_CONTENT, error_code
from bot.platforms.slack.forms import CHANNEL_FIELD, Invocation, form_view, missing_fields, suggestions
from bot.platforms.slack.home import Homes
from bot.platforms.slack.identity import MemberLookup
from bot.platforms.slack.interaction import Interaction, Payload
from bot.platforms.slack.render import render_answer
from bot.platforms.slack.responder import Responder
from bot.platforms.slack.sending import post_to_response_url
from bot.platforms.slack.throttle import Throttle
from bot.replies import Button, Buttons, Notice, Reply, Tone

FORM_LOOKUP_TIMEOUT = 1.0
"""Seconds for what opening a form or checking it has to look up."""
FORM_OPEN_TIMEOUT = 3.0
"""Seconds for Slack to open a form: a trigger id isn't valid any longer than that."""
NOT_INSTALLED = Notice("Studyhall isn't installed in this workspace. An admin can add it.", Tone.WARNING)
BY_NOBODY = Notice("Slack didn't say who did that, so I couldn't do it.", Tone.WARNING)
MISCONFIGURED = Notice("Something isn't set up right on our side. The details are in the log.", Tone.PROBLEM)
FAILED = Notice("Something went wrong on our side. It's in the log. Please try again.", Tone.PROBLEM)
UNAVAILABLE = Notice("I can't answer right now. Please try again in a moment.", Tone.PROBLEM)
UNDELIVERED = Notice("Slack didn't accept all of my answer. Please try again.", Tone.PROBLEM)

MAX_TURNS = 5_000
"""Members whose picks in menus are kept in order; the ones who picked longest ago are forgotten."""

log = structlog.get_logger()


class Dispatcher:
    """Whatever happens, the member gets an answer, and what they typed into a form isn't lost."""

    def __init__(
        self,
        app: App,
        clients: Clients,
        session: aiohttp.ClientSession,
        renderer: Renderer,
        on_rejected: TokenRejected,
        *,
        background_tasks: BackgroundTasks,
        throttle: Throttle,
        secret: str,
    ) -> None:
        """`secret` encrypts kept requests: their response_urls let anybody answer the member."""
        self._app, self._clients, self._session, self._renderer = app, clients, session, renderer
        self._on_rejected, self._background_tasks = on_rejected, background_tasks
        self._throttle = throttle
        self._members = MemberLookup()
        self._homes = Homes(app, self._members)
        self._kept_requests = KeptRequests(app, "slack", secret)
        self._turns: LRUCache[tuple[str, str], asyncio.Lock] = LRUCache(MAX_TURNS)

    async def dispatch(self, interaction: Interaction) -> None:
        """Run an interaction, then update the member's home; do nothing if it was delivered before."""
        team = interaction.invocation.location.workspace
        turn = self._turns.setdefault((team, interaction.user), asyncio.Lock()) if interaction.in_order else None
        try:
            async with turn or nullcontext():  # nothing may wait before it: tasks start in the order of their arrival
                if not interaction.user:  # Slack leaves out who it was where a workflow or an app acts
                    log.warning("interaction by nobody", line=interaction.invocation.line.partition(" ")[0])
                    await self._report(interaction, BY_NOBODY)
                    return
                client = await self._client(team)
                if isinstance(client, Notice):
                    await self._report(interaction, client)
                    return
                if not interaction.is_kept and not await self._claim(interaction):
                    return
                await self._carry_out(client, interaction)
        except Exception:  # a bug, which the background task logs
            await self._report(interaction, FAILED)
            raise
        finally:
            if interaction.ack_slot:
                interaction.ack_slot.close()
            await self._kept_requests.finish(_key(interaction))
        if self._homes.recently_opened(team, interaction.user) and not interaction.on_home:
            await self.publish_home(team, interaction.user)

    async def keep(self, interaction: Interaction, running: asyncio.Task[None] | None = None) -> Interaction | None:
        """Return the interaction, kept until it's carried out if the database takes it in time; None if it was before.

        Call it before acknowledging. `running` carries it out already, and has claimed it.
        """
        key = _key(interaction)
        kept = await self._kept_requests.keep(
            key,
            interaction.dump(),
            workspace=interaction.invocation.location.workspace,
            actor=interaction.user,
            is_claimed=running is not None,
        )
        if kept is False:
            return None
        if running is not None and running.done():
            await self._kept_requests.finish(key)
        return replace(interaction, is_kept=True) if kept else interaction

    def resuming(self) -> AbstractAsyncContextManager[None]:
        """Carry out what dead processes have acknowledged, now and again while the block runs."""
        return self._kept_requests.resuming(self._start_resuming)

    async def _start_resuming(self, resumed: ResumedRequest) -> None:
        interaction = Interaction.load(resumed.payload)
        work = self._give_up(interaction) if resumed.is_hopeless else self.dispatch(interaction)
        self._background_tasks.start(work)

    async def _give_up(self, interaction: Interaction) -> None:
        await self._report(interaction, FAILED)
        await self._kept_requests.finish(_key(interaction))

    async def form_errors(self, invocation: Invocation, values: Mapping[str, str], fields: Payload) -> dict[str, str]:
        """Return problems by field, as far as they can be found in time; `handle` finds the rest.

        While the app can't answer anybody, there's an error too, so the form stays open with everything typed into it.
        """
        deadline = _lookup_deadline()
        looking_up = self._background_tasks.start(self._client(invocation.location.workspace))
        await asyncio.wait({looking_up}, timeout=FORM_LOOKUP_TIMEOUT)  # not canceled: a token can be renewed only once
        client = looking_up.result() if looking_up.done() else UNAVAILABLE
        if isinstance(client, Notice):
            return dict.fromkeys(list(fields)[:1], client.body)
        try:
            async with asyncio.timeout_at(deadline):
                app = await self._app.for_workspace(invocation.location)
        except TimeoutError:
            log.warning("form checked without custom questions")
            app = self._app
        except DatabaseError as problem:
            log.error("database", problem=str(problem))
            return dict.fromkeys(list(fields)[:1], f"{problem.public} Please send it again in a moment.")
        command, values = _parse(app, invocation.line, values)
        errors = app.check(command, values) if command else {}
        return {name: error for name, error in errors.items() if name in fields}

    async def parse(
        self, line: str, location: Location, values: Mapping[str, str] | None = None, *, deadline: float | None = None
    ) -> tuple[Command | None, dict[str, str]]:
        """Return the command and its values; None if there's no such command, and then `handle` says so.

        `values` fill in what the line leaves open. `deadline`: the loop's time until which custom questions may load.
        """
        command, merged = _parse(self._app, line, values or {})
        if command:
            return command, merged
        return _parse(await self._for_workspace(location, deadline or _lookup_deadline()), line, values or {})

    async def suggestions(self, invocation: Invocation, name: str, typed: str) -> list[dict[str, Any]]:
        """Return the options that a form's field offers for what was typed so far."""
        command, _ = await self.parse(invocation.line, invocation.location)
        return suggestions(self._app, command, name, typed) if command else []

    async def publish_home(self, team: str, user: str) -> None:
        """Publish the member's home; while that's impossible, Slack shows the previous one."""
        client = await self._client(team)
        if isinstance(client, Client):
            await self._homes.publish(client, user)

    async def _client(self, team: str) -> Client | Notice:
        """Return the workspace's client, or why the app can't answer anybody there."""
        try:
            client = await self._clients.for_team(team)
        except DatabaseError as problem:
            log.error("database", problem=str(problem))
            return Notice(f"{problem.public} Please try again.", Tone.PROBLEM)
        except SetupError as problem:
            log.error("no token", problem=str(problem))
            return MISCONFIGURED
        except API_ERRORS as problem:
            log.warning("token not renewed", reason=error_code(problem))
            return UNAVAILABLE
        if client is None:
            log.warning("not installed", team=team)
            return NOT_INSTALLED
        return client

    async def _for_workspace(self, location: Location, deadline: float) -> App:
        """Return the app with the workspace's custom questions, or without them if the deadline passes."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._app.for_workspace(location)
        except (TimeoutError, DatabaseError) as problem:
            log.warning("custom questions not loaded", problem=str(problem))
            return self._app

    async def _carry_out(self, client: Client, interaction: Interaction) -> None:
        """Open a form if the command needs one, else reply."""
        invocation, deadline = interaction.invocation, _lookup_deadline()
        command, values = await self.parse(invocation.line, invocation.location, interaction.values, deadline=deadline)
        fields = missing_fields(command, values) if command else ()
        can_open_form = bool(interaction.trigger_id) and not interaction.form
        try:
            if command and can_open_form and (fields or _needs_channel(command, interaction)):
                await self._open_form(client, command, fields, interaction, values, deadline=deadline)
            elif interaction.on_home:
                await self._reply_on_home(client, interaction)
            else:
                await self._reply(client, command, interaction)
        except API_ERRORS as problem:
            log.warning("reply not delivered", reason=error_code(problem))
            await self._report(interaction, UNDELIVERED)
            if error_code(problem) in INVALID_TOKEN:
                await self._on_rejected(client.install)

    async def _open_form(
        self,
        client: Client,
        command: Command,
        fields: tuple[Parameter, ...],
        interaction: Interaction,
        values: Mapping[str, str],
        *,
        deadline: float,
    ) -> None:
        """Open the command's form, with what was typed into it when it last failed if that's found by the deadline."""
        line, location = interaction.invocation.line, interaction.invocation.location
        actor, draft, allowed = Actor(interaction.user, interaction.user_name), dict[str, str](), True
        try:
            async with asyncio.timeout_at(deadline):
                actor = await self._members.actor(client, interaction.user, interaction.user_name)
                allowed = not command.managers_only or await self._app.is_manager(location, actor)
                draft = await self._app.form_draft(location, actor, line)
        except (TimeoutError, DatabaseError) as problem:
            log.warning("form opened without a draft", problem=str(problem))
        if interaction.ack_slot:
            draft.pop(CHANNEL_FIELD, None)  # a typed command is about the channel it's typed in
        app = await self._for_workspace(location, deadline)
        view = form_view(app, command, fields, interaction.invocation, {**values, **draft}, actor=actor)
        too_long = len(view["private_metadata"]) > limits.METADATA or len(line) > limits.BUTTON_VALUE
        if not allowed or too_long:
            await self._reply(client, command, interaction)  # which says why
            return
        try:
            async with asyncio.timeout(FORM_OPEN_TIMEOUT):
                await client.web.views_open(trigger_id=interaction.trigger_id, view=view)
        except API_ERRORS as problem:
            if error_code(problem) in INVALID_TOKEN:
                raise
            log.warning("form not opened", reason=error_code(problem))
            is_refused = error_code(problem) in REFUSED_CONTENT  # another press wouldn't open it either
            reply = _without_form(command) if is_refused else _retry_form(line)
            await self._responder(client, interaction).send(reply, private=True)

    async def _reply_on_home(self, client: Client, interaction: Interaction) -> None:
        """Run what was picked on a home, and republish it with the reply's notices."""
        request = await self._request(client, interaction)
        replies = [reply async for reply in self._app.handle(request)]
        await self._homes.publish(client, interaction.user, replies[-1])

    async def _request(self, client: Client, interaction: Interaction) -> Request:
        return Request(
            location=interaction.invocation.location,
            actor=await self._members.actor(client, interaction.user, interaction.user_name),
            id=interaction.request_id,
            at=interaction.at or self._app.now(),
            line=interaction.invocation.line,
            values=interaction.values,
            form=interaction.form,
            platform_values=interaction.platform_values,
        )

    async def _reply(self, client: Client, command: Command | None, interaction: Interaction) -> None:
        request = await self._request(client, interaction)
        private = command is None or command.private
        replaces_message = command is not None and command.replaces_message and interaction.replaces_message
        responder = self._responder(client, interaction, replaces_message=replaces_message)
        async with aclosing(self._app.handle(request)) as replies:
            if command is not None and command.streams:
                await responder.stream(replies, private=private)
            else:
                async for reply in replies:
                    await responder.send(reply, private=private)

    def _responder(self, client: Client, interaction: Interaction, *, replaces_message: bool = False) -> Responder:
        invocation = interaction.invocation
        return Responder(
            client.web,
            self._session,
            self._renderer,
            channel=invocation.location.channel.partition("/")[0],
            user=interaction.user,
            thread=invocation.thread,
            response_url=invocation.response_url,
            replaces_message=replaces_message,
            ack_slot=interaction.ack_slot,
            channel_url=interaction.channel_url,
            opens_thread=interaction.opens_thread,
            team=client.install.team,
            patient=client.patient,
            throttle=self._throttle,
        )

    async def _claim(self, interaction: Interaction) -> bool:
        """Return whether this is the first delivery of the request, as far as the database knows."""
        try:
            return await self._app.claim_request("slack", _key(interaction))
        except DatabaseError as problem:  # `handle` will report it, and give back what was typed
            log.error("database", problem=str(problem))
            return True

    async def _report(self, interaction: Interaction, problem: Notice) -> None:
        """Report a problem, and give back what was typed into a form; this works without the workspace's token."""
        invocation = interaction.invocation
        typed = typed_values(invocation.line, interaction.values) if interaction.form else ()
        message, *_ = render_answer(Reply((problem, *typed)))
        fields = {"response_type": "ephemeral"}
        if interaction.ack_slot and interaction.ack_slot.take(
            {"text": message.text, "blocks": message.blocks, **fields}
        ):
            return
        if invocation.response_url:
            await post_to_response_url(self._session, invocation.response_url, message, **fields)


def _key(interaction: Interaction) -> str:
    """Return the id under which the database knows the request."""
    return f"{interaction.invocation.location.workspace}-{interaction.request_id}"


def _lookup_deadline() -> float:
    """Return the loop's time when what a form needs must have been looked up."""
    return asyncio.get_running_loop().time() + FORM_LOOKUP_TIMEOUT


def _parse(app: App, line: str, values: Mapping[str, str]) -> tuple[Command | None, dict[str, str]]:
    try:
        return app.parse(line, values)
    except UserError:
        return None, {}


def _retry_form(line: str) -> Reply:
    """Offer a button that opens the form: pressing it creates a new trigger id."""
    return Reply.of(
        Notice("Slack didn't open the form in time.", Tone.WARNING),
        Buttons((Button("Open the form", line, "primary"),)),
    )


def _without_form(command: Command) -> Reply:
    return Reply.of(
        Notice(
            "Slack refused to show the form. You can type everything in one line instead: "
            f"`help {command.name}` shows how.",
            Tone.WARNING,
        )
    )


def _needs_channel(command: Command, interaction: Interaction) -> bool:
    return command.posts_publicly and not interaction.invocation.location.channel.startswith(("C", "G"))
