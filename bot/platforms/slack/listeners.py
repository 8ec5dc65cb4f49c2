"""The listeners: each acknowledges at once what Slack sends, and hands it to the dispatcher."""

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
from bot.platforms.slack.dispatch import Dispatcher
from bot.platforms.slack.forms import CHANNEL_FIELD, FORM, Invocation, submitted_values
from bot.platforms.slack.interaction import (
    Interaction,
    Payload,
    event_team,
    from_message,
    from_press,
    installed_team,
    request_time,
    unescape,
    without_mentions,
)
from bot.platforms.slack.manifest import SLASH_COMMAND
from bot.platforms.slack.onboarding import FirstGreeting
from bot.platforms.slack.outbox import thread_location
from bot.platforms.slack.render import BUTTON_PREFIX, MENU_PREFIX
from bot.platforms.slack.responder import AckSlot
from bot.platforms.slack.uninstall import Uninstall

PRACTICE = "practice"
"""The callback id of the global shortcut."""
ACK_TIMEOUT = 0.8
"""Seconds that an acknowledgement waits for the answer, to include it; Slack gives up after 3."""
TYPED_SUBTYPES = (None, "file_share", "thread_broadcast")
"""Subtypes of messages that somebody typed."""
UNINSTALL_TIMEOUT = 2.0
"""Seconds for recording an uninstall, within the 3 that Slack waits: otherwise it reports it again."""
EVENT_PRECISION = timedelta(seconds=1)

log = structlog.get_logger()


class Listeners:
    """The listeners of a Bolt app, which runs with `process_before_response`: an acknowledgement is sent at once."""

    def __init__(
        self,
        app: App,
        dispatcher: Dispatcher,
        uninstall: Uninstall,
        background_tasks: BackgroundTasks,
        *,
        first_greeting: FirstGreeting | None = None,
    ) -> None:
        """`first_greeting` is for a single workspace, where nobody installs the app by OAuth."""
        self._app, self._dispatcher, self._uninstall = app, dispatcher, uninstall
        self._background_tasks, self._first_greeting = background_tasks, first_greeting

    def listen(self, bolt: AsyncApp) -> None:
        bolt.command(SLASH_COMMAND)(self._on_command)
        bolt.action(re.compile(rf"^{BUTTON_PREFIX}-\d+$"))(self._on_button)
        bolt.action(re.compile(rf"^{MENU_PREFIX} "))(self._on_menu)
        bolt.view(FORM)(self._on_form)
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

    def _start(self, interaction: Interaction) -> asyncio.Task[None]:
        return self._background_tasks.start(self._dispatcher.dispatch(interaction))

    async def _accept(self, ack: AsyncAck, interaction: Interaction) -> None:
        """Keep the interaction, acknowledge it, and start it unless it was delivered before."""
        kept = await self._dispatcher.keep(interaction)
        await ack()
        if kept is not None:
            self._start(kept)

    # What members do

    async def _on_command(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        location = Location("slack", body["team_id"], body["channel_id"], body["team_domain"], body["channel_name"])
        ack_slot = AckSlot()
        interaction = Interaction(
            Invocation(unescape(body["text"]) or "help", location, body["response_url"]),
            body.get("user_id") or "",
            body.get("user_name") or "",
            body["trigger_id"],
            request_time(request),
            body["trigger_id"],
            ack_slot=ack_slot,
        )
        if request.mode == "socket_mode":  # an answer in the acknowledgment would be lost if the connection ends first
            ack_slot.close()
            await self._accept(ack, interaction)
            return
        running = self._start(interaction)
        message = await ack_slot.message(ACK_TIMEOUT)
        if not message and not running.done():  # what isn't acknowledged needn't be kept: Slack tells the member
            await self._dispatcher.keep(interaction, running)
        await ack(**message)

    async def _on_button(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await self._accept(ack, from_press(body, request, body["actions"][0]["value"], {}))

    async def _on_menu(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        action = body["actions"][0]
        line, _, parameter = action["action_id"].removeprefix(f"{MENU_PREFIX} ").removesuffix("=").rpartition(" ")
        chosen = action.get("selected_options") or [action.get("selected_option") or {}]
        picked = ",".join(option["value"] for option in chosen if option) or "none"
        interaction = from_press(body, request, line, {parameter: picked})
        on_home = (body.get("view") or {}).get("type") == "home"
        self._start(replace(interaction, in_order=True, on_home=on_home))

    async def _on_form(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        view, user, (team, _) = body["view"], body.get("user") or {}, installed_team(body)
        invocation, values = Invocation.load(view["private_metadata"]), submitted_values(view)
        if invocation.location.workspace != team:  # Slack protects a form's metadata; we don't rely on it
            log.warning("form from another workspace", team=team)
            await ack()
            return
        channel = values.pop(CHANNEL_FIELD, "")
        invocation = invocation.in_channel(channel)
        if errors := await self._dispatcher.form_errors(invocation, values, view["state"]["values"]):
            # Slack shows a problem at its field only if it comes with the acknowledgement.
            await ack(response_action="errors", errors=errors)
            return
        response_urls = body.get("response_urls") or [{"response_url": ""}]
        await self._accept(
            ack,
            Interaction(
                invocation,
                user.get("id") or "",
                user.get("name") or "",
                f"{view['id']}-{body['trigger_id']}",
                request_time(request),
                values=values,
                form=True,
                platform_values={CHANNEL_FIELD: channel} if channel else {},
                channel_url=response_urls[0]["response_url"],
            ),
        )

    async def _on_options(self, ack: AsyncAck, body: Payload) -> None:
        invocation = Invocation.load(body["view"]["private_metadata"])
        await ack(options=await self._dispatcher.suggestions(invocation, body["action_id"], body["value"]))

    async def _on_shortcut(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        parameter = self._app.registry.find(body["callback_id"]).parameters[0]
        text = unescape((body.get("message") or {}).get("text", ""))[: parameter.max_length]
        values = {parameter.name: text} if text else {}
        await self._accept(ack, from_press(body, request, body["callback_id"], values))

    async def _on_practice(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await self._accept(ack, from_press(body, request, "question", {}))

    async def _on_mention(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        if event.get("bot_id") or not event.get("user"):
            await ack()
            return  # two bots could keep answering each other forever
        text = unescape(without_mentions(event.get("text", "")))
        channel, thread = event["channel"], event.get("thread_ts") or event["ts"]
        location = Location("slack", event_team(body), thread_location(channel, thread), parent_channel=channel)
        invocation = Invocation("talk", location, thread=thread)
        interaction = from_message(invocation, event, {"text": text} if text else {})
        await self._accept(ack, replace(interaction, opens_thread=not event.get("thread_ts")))

    async def _on_message(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        """Handle a direct message: a command if it starts like one, else a lookup or a follow-up in a thread."""
        is_for_us = event.get("channel_type") == "im" and event.get("user") and not event.get("bot_id")
        text = unescape(event.get("text", ""))
        if not is_for_us or not text or event.get("subtype") not in TYPED_SUBTYPES:
            await ack()
            return
        thread, channel = event.get("thread_ts", ""), event["channel"]
        location = Location(
            "slack",
            event_team(body),
            thread_location(channel, thread) if thread else channel,
            parent_channel=channel if thread else "",
            direct=True,
        )
        command, _ = await self._dispatcher.parse(text, location)
        if command is not None and not thread:
            interaction = from_message(Invocation(text, location), event, {})
        else:
            invocation = Invocation("talk" if thread else "ask", location, thread=thread)
            interaction = from_message(invocation, event, {"text": text})
        await self._accept(ack, interaction)

    async def _on_home(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        await ack()
        if not (user := event.get("user")):
            return
        if self._first_greeting is not None:
            self._background_tasks.start(self._first_greeting.greet(user))
        if event.get("tab") == "home":
            self._background_tasks.start(self._dispatcher.publish_home(event_team(body), user))

    # What workspaces do

    async def _on_uninstalled(self, body: Payload, ack: AsyncAck) -> None:
        await self._remove(body)
        await ack()

    async def _on_revoked(self, body: Payload, event: Payload, ack: AsyncAck) -> None:
        if (event.get("tokens") or {}).get("bot"):
            await self._remove(body)
        await ack()

    async def _remove(self, body: Payload) -> None:
        """Record an uninstall.

        Slack reports it twice, and keeps doing so for an hour if it isn't acknowledged: the app may be installed again
        by then.
        """
        at = datetime.fromtimestamp(body["event_time"], UTC)
        async with asyncio.timeout(UNINSTALL_TIMEOUT):
            await self._uninstall.remove(body["team_id"], before=at + EVENT_PRECISION)
