"""A member's deed carried out: a form where something is lacking, else the reply, and then their home."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import aiohttp
import structlog

from bot.app import App
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.context.identity import Actor, Location
from bot.dispatch.handler import given_back, handle
from bot.dispatch.request import Request
from bot.drawing.renderer import Renderer
from bot.errors import DatabaseError, SetupError, UserError
from bot.platforms.slack import limits
from bot.platforms.slack.clients import Client, Clients, Ended
from bot.platforms.slack.errors import ENDED, TROUBLE, why
from bot.platforms.slack.forms import WHERE, Errand, form, lacking, suggested
from bot.platforms.slack.home import Homes
from bot.platforms.slack.identity import Members
from bot.platforms.slack.interaction import Deed, Payload
from bot.platforms.slack.render import draw
from bot.platforms.slack.responder import Reach, taken
from bot.replies import Button, Buttons, Notice, Reply, Tone

A_MOMENT = 1.0
"""Seconds for what a form's opening or its check has to know."""
OPENING = 3.0
"""Seconds for Slack to open a form: what lets it be opened lasts no longer."""
STRANGER = Notice("Studyhall is not installed in this workspace. An admin can add it.", Tone.WARNING)
ASTRAY = Notice("Something is set up wrongly on our side, and it is in the log.", Tone.PROBLEM)
BROKEN = Notice("Something went wrong on our side, and it is in the log. Please try again.", Tone.PROBLEM)
UNANSWERED = Notice("I cannot answer just now. Please try again in a moment.", Tone.PROBLEM)
UNDELIVERED = Notice("Slack did not take all of my answer. Please try again.", Tone.PROBLEM)

log = structlog.get_logger()


class Answering:
    """Whatever comes, the member hears of it, and what they typed into a form is not lost."""

    def __init__(
        self, app: App, clients: Clients, session: aiohttp.ClientSession, easel: Renderer, ended: Ended
    ) -> None:
        self._app, self._clients, self._session, self._easel, self._ended = app, clients, session, easel, ended
        self._members = Members()
        self._homes = Homes(app, self._members)

    async def carry_out(self, deed: Deed) -> None:
        """What was asked for, and then the member's home; nothing where it was delivered before."""
        team = deed.errand.location.workspace
        try:
            client = await self._sought(team)
            if isinstance(client, Notice):
                await self._tell(deed, client)
                return
            if not await self._first(team, deed.once):
                return
            await self._done(client, deed)
        except Exception:  # a mistake of ours, which `errands` has the log tell
            await self._tell(deed, BROKEN)
            raise
        finally:
            if deed.slot:
                deed.slot.close()
        if self._homes.looked_at(team, deed.user) and not deed.page:
            await self.home(team, deed.user)

    async def problems(self, errand: Errand, values: Mapping[str, str], fields: Payload) -> dict[str, str]:
        """What is wrong at which field, as far as it can be known in time; `respond` tells the rest.

        While nobody could be answered the form stays open, with all that was typed into it.
        """
        asking = asyncio.create_task(self._sought(errand.location.workspace))
        await asyncio.wait({asking}, timeout=A_MOMENT)  # what is under way goes on: a token may be renewed only once
        client = asking.result() if asking.done() else UNANSWERED
        if isinstance(client, Notice):
            return dict.fromkeys(list(fields)[:1], client.body)
        try:
            async with asyncio.timeout(A_MOMENT):
                here = await self._app.for_workspace(errand.location)
        except TimeoutError:
            log.warning("form checked by the bank alone")
            here = self._app
        except DatabaseError as problem:
            log.error("database", problem=str(problem))
            return dict.fromkeys(list(fields)[:1], f"{problem.public} Please send it again in a moment.")
        command, given = _understood(here, errand.line)
        found = command.check(here.study, {**values, **given}) if command else {}
        return {name: problem for name, problem in found.items() if name in fields}

    async def understood(self, line: str, location: Location) -> tuple[Command | None, dict[str, str]]:
        """None where the line says nothing; `respond` tells the member so."""
        command, given = _understood(self._app, line)
        return (command, given) if command else _understood(await self._here(location), line)

    async def suggested(self, errand: Errand, name: str, begun: str) -> list[dict[str, Any]]:
        """What a field of a form offers while it is typed in."""
        command, _ = await self.understood(errand.line, errand.location)
        return suggested(self._app, command, name, begun) if command else []

    async def home(self, team: str, user: str) -> None:
        """Publish the member's home; while it cannot be, Slack shows the one before."""
        client = await self._sought(team)
        if isinstance(client, Client):
            await self._homes.publish(client, user)

    async def _sought(self, team: str) -> Client | Notice:
        """The workspace's, or why nobody can be answered there."""
        try:
            client = await self._clients.of(team)
        except DatabaseError as problem:
            log.error("database", problem=str(problem))
            return Notice(f"{problem.public} Please try again.", Tone.PROBLEM)
        except SetupError as problem:
            log.error("no token", problem=str(problem))
            return ASTRAY
        except TROUBLE as problem:
            log.warning("no token just now", reason=why(problem))
            return UNANSWERED
        if client is None:
            log.warning("not installed", team=team)
            return STRANGER
        return client

    async def _here(self, location: Location) -> App:
        """The app as the workspace has it, with questions of its own, if that is known in time."""
        try:
            async with asyncio.timeout(A_MOMENT):
                return await self._app.for_workspace(location)
        except (TimeoutError, DatabaseError) as problem:
            log.warning("taken by the bank alone", problem=str(problem))
            return self._app

    async def _done(self, client: Client, deed: Deed) -> None:
        """A form where the command asks for one, else the reply."""
        command, given = await self.understood(deed.errand.line, deed.errand.location)
        values = {**given, **deed.values}
        fields = lacking(command, values) if command else ()
        try:
            if command and deed.trigger and not deed.form and (fields or _wants_a_channel(command, deed)):
                await self._ask(client, command, fields, deed, values)
            elif deed.page:
                await self._kept(client, deed)
            else:
                await self._answer(client, command, deed)
        except TROUBLE as problem:
            log.warning("not delivered", reason=why(problem))
            await self._tell(deed, UNDELIVERED)
            if why(problem) in ENDED:
                await self._ended(client.install)

    async def _ask(
        self,
        client: Client,
        command: Command,
        fields: tuple[Parameter, ...],
        deed: Deed,
        values: Mapping[str, str],
    ) -> None:
        """Open the form of a command, with what was typed into it when it could not be carried out."""
        line, place = deed.errand.line, deed.errand.location
        actor, kept, may = Actor(deed.user, deed.name), dict[str, str](), True
        try:
            async with asyncio.timeout(A_MOMENT):
                actor = await self._members.actor(client, deed.user, deed.name)
                may = not command.managers_only or await self._app.is_manager(place, actor)
                kept = await self._app.form_draft(place, actor, line)
        except (TimeoutError, DatabaseError) as problem:
            log.warning("form opened without a draft", problem=str(problem))
        if deed.slot:
            kept.pop(WHERE, None)  # a command that is typed is about the channel it is typed in
        view = form(await self._here(place), command, fields, deed.errand, {**values, **kept}, actor)
        if not may or len(view["private_metadata"]) > limits.METADATA or len(line) > limits.LINE:
            await self._answer(client, command, deed)  # which says why
            return
        try:
            async with asyncio.timeout(OPENING):
                await client.web.views_open(trigger_id=deed.trigger, view=view)
        except TROUBLE as problem:
            if why(problem) in ENDED:
                raise
            log.warning("form not opened", reason=why(problem))
            await self._reach(client, deed, turns=False).say(_late(line), private=True)

    async def _kept(self, client: Client, deed: Deed) -> None:
        """What was picked on their home, which is then as it has become, with what there is to say of it."""
        request = await self._request(client, deed)
        said = [reply async for reply in handle(self._app.registry, self._app.study, request)][-1]
        await self._homes.publish(client, deed.user, said)

    async def _request(self, client: Client, deed: Deed) -> Request:
        errand = deed.errand
        return Request(
            location=errand.location,
            actor=await self._members.actor(client, deed.user, deed.name),
            id=deed.once,
            at=deed.at or self._app.study.clock(),
            line=errand.line,
            values=deed.values,
            form=deed.form,
            platform_values=deed.beside,
        )

    async def _answer(self, client: Client, command: Command | None, deed: Deed) -> None:
        request = await self._request(client, deed)
        private = command is None or command.private
        reach = self._reach(client, deed, turns=command is not None and command.replaces_message and deed.turns)
        async with aclosing(handle(self._app.registry, self._app.study, request)) as replies:
            if command is not None and command.streams:
                await reach.grow(replies, private=private)
            else:
                async for reply in replies:
                    await reach.say(reply, private=private)

    def _reach(self, client: Client, deed: Deed, *, turns: bool) -> Reach:
        errand = deed.errand
        return Reach(
            client.web,
            self._session,
            self._easel,
            channel=errand.location.channel.partition("/")[0],
            user=deed.user,
            thread=errand.thread,
            response_url=errand.response_url,
            turns=turns,
            slot=deed.slot,
            channel_url=deed.channel_url,
        )

    async def _first(self, team: str, once: str) -> bool:
        try:
            return await self._app.claim_request("slack", f"{team}-{once}")
        except DatabaseError as problem:  # `respond` has words for it, and what was typed
            log.error("database", problem=str(problem))
            return True

    async def _tell(self, deed: Deed, problem: Notice) -> None:
        """What can be said without the workspace's token, and what was typed into a form."""
        typed = given_back(deed.errand.line, deed.values) if deed.form else ()
        drawing, *_ = draw(Reply((problem, *typed)))
        message = {"text": drawing.text, "blocks": drawing.blocks, "response_type": "ephemeral"}
        if not (deed.slot and deed.slot.take(message)) and deed.errand.response_url:
            await taken(self._session, deed.errand.response_url, message)


def _understood(app: App, line: str) -> tuple[Command | None, dict[str, str]]:
    try:
        return app.registry.parse(app.study, line)
    except UserError:
        return None, {}


def _late(line: str) -> Reply:
    """In the place of a form: a button brings what lets it be opened anew."""
    return Reply.of(
        Notice("Slack did not open the form in time.", Tone.WARNING),
        Buttons((Button("Open the form", line, "primary"),)),
    )


def _wants_a_channel(command: Command, deed: Deed) -> bool:
    return command.posts_publicly and not deed.errand.location.channel.startswith(("C", "G"))
