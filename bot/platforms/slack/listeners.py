"""What Slack tells: acknowledged at once, and handed to what carries it out."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest

from bot.app import App
from bot.context.identity import Location
from bot.platforms.shared.background_tasks import BackgroundTasks
from bot.platforms.slack.dispatch import Answering
from bot.platforms.slack.forms import FORM, WHERE, Errand, typed
from bot.platforms.slack.interaction import (
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
from bot.platforms.slack.outbox import thread_place
from bot.platforms.slack.render import PICKED, PRESSED
from bot.platforms.slack.responder import Slot
from bot.platforms.slack.uninstall import Leaving

COMMAND = "/study"
PRACTICE = "practice"
"""The callback id of the global shortcut."""
QUICK = 0.8
"""Seconds that an acknowledgement waits for the answer, to take it along; Slack gives up after 3."""
OWN_WORDS = (None, "file_share", "thread_broadcast")
"""Kinds of messages that somebody has typed."""
LEAVING = 2.0
"""Seconds for the end of an installation to be kept, within the 3 that Slack waits: else it tells of it again."""
A_SECOND = timedelta(seconds=1)

log = structlog.get_logger()


class Dispatch:
    """The listeners of a Bolt app, which runs with `process_before_response`: an acknowledgement leaves at once."""

    def __init__(self, app: App, answering: Answering, leaving: Leaving) -> None:
        self._app, self._answering, self._leaving = app, answering, leaving
        self.errands = BackgroundTasks()

    def listen(self, bolt: AsyncApp) -> None:
        bolt.command(COMMAND)(self._on_command)
        bolt.action(re.compile(rf"^{PRESSED}-\d+$"))(self._on_button)
        bolt.action(re.compile(rf"^{PICKED} "))(self._on_menu)
        bolt.view(FORM)(self._on_form)
        bolt.view_closed(FORM)(self._on_closed)
        for command in self._app.registry:
            if command.shortcut and command.shortcut.on == "message":
                bolt.message_shortcut(command.name)(self._on_shortcut)
        bolt.global_shortcut(PRACTICE)(self._on_practice)
        bolt.options(re.compile("."))(self._on_options)
        bolt.event("app_home_opened")(self._on_home)
        bolt.event("app_mention")(self._on_mention)
        bolt.event("message")(self._on_message)
        bolt.event("app_uninstalled")(self._on_uninstalled)
        bolt.event("tokens_revoked")(self._on_revoked)

    # What members do

    async def _on_command(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        place = Location("slack", body["team_id"], body["channel_id"], body["team_domain"], body["channel_name"])
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
        self.errands.start(self._answering.carry_out(deed))
        await ack(**await slot.message(QUICK))

    async def _on_button(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        self.errands.start(self._answering.carry_out(pressed(body, request, body["actions"][0]["value"], {})))

    async def _on_menu(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        action = body["actions"][0]
        line, _, parameter = action["action_id"].removeprefix(f"{PICKED} ").removesuffix("=").rpartition(" ")
        chosen = action.get("selected_options") or [action.get("selected_option") or {}]
        picked = ",".join(option["value"] for option in chosen if option) or "none"
        deed = pressed(body, request, line, {parameter: picked})
        page = (body.get("view") or {}).get("type") == "home"
        self.errands.start(self._answering.carry_out(replace(deed, page=page)))

    async def _on_form(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        errand, values = Errand.load(body["view"]["private_metadata"]), typed(body["view"])
        if errand.location.workspace != team_of(body)[0]:  # Slack keeps what a form carries, and nothing rests on that
            log.warning("form of another workspace", team=team_of(body)[0])
            await ack()
            return
        where = values.pop(WHERE, "")
        errand = errand.at(where)
        if errors := await self._answering.problems(errand, values, body["view"]["state"]["values"]):
            # Only within the acknowledgement does Slack show a problem at its field.
            await ack(response_action="errors", errors=errors)
            return
        await ack()
        user = body["user"]
        ways = body.get("response_urls") or [{"response_url": ""}]
        deed = Deed(
            errand,
            user["id"],
            user["name"],
            f"{body['view']['id']}-{body['trigger_id']}",
            sent_at(request),
            values=values,
            form=True,
            beside={WHERE: where} if where else {},
            channel_url=ways[0]["response_url"],
        )
        self.errands.start(self._answering.carry_out(deed))

    async def _on_options(self, ack: AsyncAck, body: Payload) -> None:
        """What a field of a form offers while it is typed in."""
        errand = Errand.load(body["view"]["private_metadata"])
        await ack(options=await self._answering.suggested(errand, body["action_id"], body["value"]))

    async def _on_closed(self, ack: AsyncAck) -> None:
        await ack()

    async def _on_shortcut(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        text = typed_text((body.get("message") or {}).get("text", ""))
        deed = pressed(body, request, body["callback_id"], {"text": text} if text else {})
        self.errands.start(self._answering.carry_out(deed))

    async def _on_practice(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        self.errands.start(self._answering.carry_out(pressed(body, request, "question", {})))

    async def _on_mention(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        await ack()
        if event.get("bot_id") or "user" not in event:
            return  # two bots could go on for ever
        text = typed_text(without_mentions(event.get("text", "")))
        thread = event.get("thread_ts") or event["ts"]
        place = Location(
            "slack", heard_by(body), thread_place(event["channel"], thread), parent_channel=event["channel"]
        )
        errand = Errand("talk", place, thread=thread)
        self.errands.start(self._answering.carry_out(said(errand, event, {"text": text} if text else {})))

    async def _on_message(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        """A direct message: a command where it begins like one, else something to look up or to go on about."""
        await ack()
        if event.get("channel_type") != "im" or "user" not in event or event.get("bot_id"):
            return
        if event.get("subtype") not in OWN_WORDS:
            return
        text, thread = typed_text(event.get("text", "")), event.get("thread_ts", "")
        channel = thread_place(event["channel"], thread) if thread else event["channel"]
        place = Location(
            "slack", heard_by(body), channel, parent_channel=event["channel"] if thread else "", direct=True
        )
        if not text:
            return
        self.errands.start(self._heard(text, place, thread, event))

    async def _heard(self, text: str, location: Location, thread: str, event: Payload) -> None:
        command, _ = await self._answering.understood(text, location)
        if command is not None and not thread:
            deed = said(Errand(text, location), event, {})
        else:
            deed = said(Errand("talk" if thread else "ask", location, thread=thread), event, {"text": text})
        await self._answering.carry_out(deed)

    async def _on_home(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        await ack()
        if event.get("tab") == "home":
            self.errands.start(self._answering.home(heard_by(body), event["user"]))

    # What workspaces do

    async def _on_uninstalled(self, body: Payload, ack: AsyncAck) -> None:
        await self._put_out(body)
        await ack()

    async def _on_revoked(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        if (event.get("tokens") or {}).get("bot"):
            await self._put_out(body)
        await ack()

    async def _put_out(self, body: Payload) -> None:
        """Slack tells of it twice, and again for an hour if it was not acknowledged: the app may be back by then."""
        at = datetime.fromtimestamp(body["event_time"], UTC)
        async with asyncio.timeout(LEAVING):
            await self._leaving.over(body["team_id"], before=at + A_SECOND)
