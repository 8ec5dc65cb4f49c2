"""From Slack's payloads to replies: acknowledged first, carried out after."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest

from bot.app import App, Install
from bot.commands import Actor, Command, Parameter, Place, Request, respond
from bot.drawing.easel import Easel
from bot.errors import DatabaseError, SetupError, UserError
from bot.platforms.errands import Errands
from bot.platforms.slack import limits
from bot.platforms.slack.clients import Client, Clients
from bot.platforms.slack.deed import (
    Deed,
    Payload,
    heard_by,
    pressed,
    said,
    sent_at,
    team_of,
    typed_text,
    without_mentions,
)
from bot.platforms.slack.forms import FORM, WHERE, Errand, form, typed
from bot.platforms.slack.home import Homes
from bot.platforms.slack.members import Members
from bot.platforms.slack.outbox import thread_place
from bot.platforms.slack.reach import Reach, Slot, taken
from bot.platforms.slack.refusals import ENDED, TROUBLE, why
from bot.platforms.slack.render import PICKED, PRESSED, draw
from bot.replies import Action, Choices, Notice, Reply, Tone

COMMAND = "/study"
PRACTICE = "practice"
"""The callback id of the global shortcut."""
QUICK = 0.8
"""Seconds that an acknowledgement waits for the answer, to take it along; Slack gives up after 3."""
OWN_WORDS = (None, "file_share", "thread_broadcast")
"""Kinds of messages that somebody has typed."""
A_MOMENT = 1.0
"""Seconds for what a form's opening or its check has to know of the database."""
OPENING = 3.0
"""Seconds for Slack to open a form: what lets it be opened lasts no longer."""
A_SECOND = timedelta(seconds=1)
STRANGER = Reply.of(Notice("Studyhall is not installed in this workspace. An admin can add it.", Tone.WARNING))
ASTRAY = Reply.of(Notice("Something is set up wrongly on our side, and it is in the log.", Tone.PROBLEM))
UNDELIVERED = Reply.of(Notice("Slack did not take all of my answer. Please try again.", Tone.PROBLEM))

log = structlog.get_logger()


class Dispatch:
    """The listeners of a Bolt app, which runs with `process_before_response`: an acknowledgement leaves at once."""

    def __init__(self, app: App, clients: Clients, session: aiohttp.ClientSession, easel: Easel) -> None:
        self._app, self._clients, self._session, self._easel = app, clients, session, easel
        self._members = Members()
        self._homes = Homes(app)
        self.errands = Errands()

    def listen(self, bolt: AsyncApp) -> None:
        bolt.command(COMMAND)(self._on_command)
        bolt.action(re.compile(rf"^{PRESSED}-\d+$"))(self._on_button)
        bolt.action(re.compile(rf"^{PICKED} "))(self._on_menu)
        bolt.view(FORM)(self._on_form)
        bolt.view_closed(FORM)(self._on_closed)
        for command in self._app.table:
            if command.shortcut and command.shortcut.on == "message":
                bolt.message_shortcut(command.name)(self._on_shortcut)
        bolt.global_shortcut(PRACTICE)(self._on_practice)
        bolt.event("app_home_opened")(self._on_home)
        bolt.event("app_mention")(self._on_mention)
        bolt.event("message")(self._on_message)
        bolt.event("app_uninstalled")(self._on_uninstalled)
        bolt.event("tokens_revoked")(self._on_revoked)

    # What members do

    async def _on_command(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        place = Place("slack", body["team_id"], body["channel_id"], body["team_domain"], body["channel_name"])
        errand = Errand(typed_text(body["text"]) or "help", place, body["response_url"])
        slot = Slot()
        deed = Deed(
            errand,
            body["user_id"],
            body["user_name"],
            body["trigger_id"],
            sent_at(request),
            body["trigger_id"],
            slot=slot,
        )
        self.errands.start(self._carried_out(deed))
        await ack(**await slot.message(QUICK))

    async def _on_button(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        self.errands.start(self._carried_out(pressed(body, request, body["actions"][0]["value"], {})))

    async def _on_menu(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        action = body["actions"][0]
        line, _, parameter = action["action_id"].removeprefix(f"{PICKED} ").removesuffix("=").rpartition(" ")
        chosen = action.get("selected_options") or [action.get("selected_option") or {}]
        picked = ",".join(option["value"] for option in chosen if option) or "none"
        self.errands.start(self._carried_out(pressed(body, request, line, {parameter: picked})))

    async def _on_form(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        errand, values = Errand.load(body["view"]["private_metadata"]), typed(body["view"])
        if errand.place.workspace != team_of(body)[0]:  # Slack keeps what a form carries, and nothing rests on that
            log.warning("form of another workspace", team=team_of(body)[0])
            await ack()
            return
        errand = errand.at(values.pop(WHERE, ""))
        if errors := await self._problems(errand, values, body["view"]["state"]["values"]):
            # Only within the acknowledgement does Slack show a problem at its field.
            await ack(response_action="errors", errors=errors)
            return
        await ack()
        user = body["user"]
        once = f"{body['view']['id']}-{body['trigger_id']}"
        deed = Deed(errand, user["id"], user["name"], once, sent_at(request), values=values, form=True)
        self.errands.start(self._carried_out(deed))

    async def _on_closed(self, ack: AsyncAck) -> None:
        await ack()

    async def _on_shortcut(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        text = typed_text((body.get("message") or {}).get("text", ""))
        deed = pressed(body, request, body["callback_id"], {"text": text} if text else {})
        self.errands.start(self._carried_out(deed))

    async def _on_practice(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        self.errands.start(self._carried_out(pressed(body, request, "question", {})))

    async def _on_mention(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        await ack()
        if event.get("bot_id") or "user" not in event:
            return  # two bots could go on for ever
        text = typed_text(without_mentions(event.get("text", "")))
        thread = event.get("thread_ts") or event["ts"]
        channel = thread_place(event["channel"], event["thread_ts"]) if "thread_ts" in event else event["channel"]
        errand = Errand("talk", Place("slack", heard_by(body), channel), thread=thread)
        self.errands.start(self._carried_out(said(errand, event, body, {"text": text} if text else {})))

    async def _on_message(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        """A direct message: a command where it begins like one, else something to look up or to go on about."""
        await ack()
        if event.get("channel_type") != "im" or "user" not in event or event.get("bot_id"):
            return
        if event.get("subtype") not in OWN_WORDS:
            return
        text, thread = typed_text(event.get("text", "")), event.get("thread_ts", "")
        place = Place("slack", heard_by(body), thread_place(event["channel"], thread) if thread else event["channel"])
        if not text:
            return
        command, _ = self._understood(self._app, text)
        if command is not None and not thread:
            deed = said(Errand(text, place), event, body, {})
        else:
            deed = said(Errand("talk" if thread else "ask", place, thread=thread), event, body, {"text": text})
        self.errands.start(self._carried_out(deed))

    async def _on_home(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        await ack()
        if event.get("tab") == "home":
            self.errands.start(self._home(heard_by(body), event["user"]))

    # What workspaces do

    async def _on_uninstalled(self, body: Payload, ack: AsyncAck) -> None:
        await ack()
        self.errands.start(self._told_of_the_end(body))

    async def _on_revoked(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        await ack()
        if (event.get("tokens") or {}).get("bot"):
            self.errands.start(self._told_of_the_end(body))

    async def _told_of_the_end(self, body: Payload) -> None:
        """Slack tells of it twice, and again for an hour if it was not heard: the app may have come back since."""
        at = datetime.fromtimestamp(body["event_time"], UTC)
        await self._over(body["team_id"], before=at + A_SECOND)

    async def ended(self, install: Install) -> bool:
        """The token is worth nothing any more; False where the workspace has another one by now."""
        return await self._over(install.team, token=install.token)

    async def _over(self, team: str, *, token: str = "", before: datetime | None = None) -> bool:
        """The workspace has put the app out. What members did stays, for the day it comes back."""
        over = await self._clients.end(team, token=token, before=before)
        if over:
            await self._app.left(Place("slack", team, ""))
        log.info("left" if over else "there again", team=team)
        return over

    # How it is carried out

    async def _carried_out(self, deed: Deed) -> None:
        """What was asked for, and then the member's home; nothing where it was delivered before."""
        team = deed.errand.place.workspace
        try:
            client = await self._client(deed)
            if client is None or not await self._first(team, deed.once):
                return
            await self._done(client, deed)
        finally:
            if deed.slot:
                deed.slot.close()
        await self._home(team, deed.user, after=True)

    async def _client(self, deed: Deed) -> Client | None:
        """The workspace's; where there is none, the member is told."""
        try:
            client = await self._clients.of(deed.errand.place.workspace)
        except DatabaseError as problem:
            log.error("database", problem=str(problem))
            await self._tell(deed, Reply.of(Notice(f"{problem.public} Please try again.", Tone.PROBLEM)))
        except SetupError as problem:
            log.error("no token", problem=str(problem))
            await self._tell(deed, ASTRAY)
        else:
            if client is None:
                log.warning("not installed", team=deed.errand.place.workspace)
                await self._tell(deed, STRANGER)
            return client
        return None

    async def _done(self, client: Client, deed: Deed) -> None:
        """A form where the command asks for one, else the reply."""
        command, given = self._understood(self._app, deed.errand.line)
        values = {**given, **deed.values}
        fields = _lacking(command, values) if command and deed.trigger and not deed.form else ()
        try:
            if command and fields:
                await self._ask(client, command, fields, deed, values)
            else:
                await self._answer(client, command, deed)
        except TROUBLE as problem:
            log.warning("not delivered", reason=why(problem))
            if why(problem) in ENDED:
                await self.ended(client.install)
            await self._tell(deed, UNDELIVERED)

    async def _ask(self, client: Client, command: Command, fields: Any, deed: Deed, values: Mapping[str, str]) -> None:
        """Open the form of a command, with what was typed into it when it could not be carried out."""
        line = deed.errand.line
        view = form(command, fields, deed.errand, {**values, **await self._draft(deed)})
        if len(view["private_metadata"]) > limits.METADATA or len(line) > limits.LINE:
            await self._answer(client, command, deed)
            return
        try:
            async with asyncio.timeout(OPENING):
                await client.web.views_open(trigger_id=deed.trigger, view=view)
        except TROUBLE as problem:
            if why(problem) in ENDED:
                raise
            log.warning("form not opened", reason=why(problem))
            await self._reach(client, deed, turns=False).say(_late(line), private=True)

    async def _draft(self, deed: Deed) -> dict[str, str]:
        actor = Actor(deed.user, deed.name)
        try:
            async with asyncio.timeout(A_MOMENT):
                return await self._app.draft(deed.errand.place, actor, deed.errand.line)
        except (TimeoutError, DatabaseError) as problem:
            log.warning("draft not read", problem=str(problem))
            return {}

    async def _answer(self, client: Client, command: Command | None, deed: Deed) -> None:
        errand = deed.errand
        request = Request(
            place=errand.place,
            actor=await self._members.actor(client, deed.user, deed.name),
            id=deed.once,
            at=deed.at or self._app.study.clock(),
            line=errand.line,
            values=deed.values,
            form=deed.form,
        )
        private = command is None or command.private
        reach = self._reach(client, deed, turns=command is not None and command.turns and deed.turns)
        async with aclosing(respond(self._app.table, self._app.study, request)) as replies:
            if command is not None and command.grows:
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
            channel=errand.place.channel.partition("/")[0],
            user=deed.user,
            thread=errand.thread,
            response_url=errand.response_url,
            turns=turns,
            slot=deed.slot,
        )

    async def _first(self, team: str, once: str) -> bool:
        try:
            return await self._app.first("slack", f"{team}-{once}")
        except DatabaseError as problem:  # `respond` has words for it, and what was typed
            log.error("database", problem=str(problem))
            return True

    async def _tell(self, deed: Deed, reply: Reply) -> None:
        """What can be said without the workspace's token."""
        [drawing] = draw(reply)
        message = {"text": drawing.text, "blocks": drawing.blocks, "response_type": "ephemeral"}
        if not (deed.slot and deed.slot.take(message)) and deed.errand.response_url:
            await taken(self._session, deed.errand.response_url, message)

    async def _problems(self, errand: Errand, values: Mapping[str, str], fields: Payload) -> dict[str, str]:
        """What is wrong at which field, as far as it can be known in time; `respond` tells the rest."""
        try:
            async with asyncio.timeout(A_MOMENT):
                here = await self._app.at(errand.place)
        except (TimeoutError, DatabaseError) as problem:
            log.warning("form checked by the bank alone", problem=str(problem))
            here = self._app
        command, given = self._understood(here, errand.line)
        found = command.check(here.study, {**values, **given}) if command else {}
        return {name: problem for name, problem in found.items() if name in fields}

    def _understood(self, app: App, line: str) -> tuple[Command | None, dict[str, str]]:
        """None where the line says nothing; `respond` tells the member so."""
        try:
            return app.table.parse(app.study, line)
        except UserError:
            return None, {}

    async def _home(self, team: str, user: str, *, after: bool = False) -> None:
        """Publish the member's home; `after` an action of theirs only if they have looked at it lately."""
        if after and not self._homes.looked_at(team, user):
            return
        if (client := await self._clients.of(team)) is not None:
            await self._homes.publish(client, await self._members.actor(client, user, user))


def _late(line: str) -> Reply:
    """In the place of a form: a button brings what lets it be opened anew."""
    return Reply.of(
        Notice("Slack did not open the form in time.", Tone.WARNING),
        Choices((Action("Open the form", line, "primary"),)),
    )


def _lacking(command: Command, values: Mapping[str, str]) -> tuple[Parameter, ...]:
    """What a form asks for: a command that lacks something opens one here, with all that is still open."""
    if not command.missing(values):
        return ()
    return tuple(p for p in command.parameters if p.of != "roles" and not values.get(p.name, "").strip())
