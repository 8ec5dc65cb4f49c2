"""From Slack's payloads to replies: acknowledged first, carried out after."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import App
from bot.commands import Command, Place, Request, respond
from bot.errors import UserError
from bot.platforms.errands import Errands
from bot.platforms.slack import limits
from bot.platforms.slack.forms import FORM, Errand, form, typed
from bot.platforms.slack.members import Members
from bot.platforms.slack.reach import Reach
from bot.platforms.slack.render import PRESSED

COMMAND = "/study"
Payload = Mapping[str, Any]


class Dispatch:
    """The listeners of a Bolt app, which runs with `process_before_response`: an acknowledgement leaves at once."""

    def __init__(self, app: App, client: AsyncWebClient) -> None:
        self._app, self._client = app, client
        self._members = Members(client)
        self.errands = Errands()

    def listen(self, bolt: AsyncApp) -> None:
        bolt.command(COMMAND)(self._on_command)
        bolt.action(re.compile(rf"^{PRESSED}-\d+$"))(self._on_button)
        bolt.view(FORM)(self._on_form)

    async def _on_command(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        place = Place("slack", body["team_id"], body["channel_id"], body["team_domain"], body["channel_name"])
        errand = Errand(body["text"].strip() or "help", place, body["response_url"])
        self.errands.start(self._begin(errand, body["user_id"], body["user_name"], body, _at(request)))

    async def _on_button(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        await ack()
        team, channel, user = _team(body), body.get("channel") or {}, body["user"]
        place = Place("slack", team[0], channel.get("id", user["id"]), team[1], channel.get("name", ""))
        errand = Errand(body["actions"][0]["value"], place, body.get("response_url", ""))
        self.errands.start(self._begin(errand, user["id"], user["name"], body, _at(request)))

    async def _on_form(self, ack: AsyncAck, body: Payload, request: AsyncBoltRequest) -> None:
        errand = Errand.load(body["view"]["private_metadata"])
        here, values = await self._app.at(errand.place), typed(body["view"])
        command, given = _understood(here, errand.line)
        found = command.check(here.study, {**values, **given}) if command else {}
        fields = body["view"]["state"]["values"]
        if errors := {name: problem for name, problem in found.items() if name in fields}:
            # Only within the acknowledgement does Slack show a problem at its field.
            await ack(response_action="errors", errors=errors)
            return
        await ack()
        user = body["user"]
        self.errands.start(self._answer(errand, command, user["id"], user["name"], body, _at(request), values))

    async def _begin(self, errand: Errand, user: str, name: str, body: Payload, at: datetime | None) -> None:
        """A form where the command asks for one, else the reply."""
        command, given = _understood(self._app, errand.line)
        if command and (fields := command.asks(given)) and len(errand.dump()) <= limits.METADATA:
            await self._client.views_open(trigger_id=body["trigger_id"], view=form(command, fields, errand))
            return
        await self._answer(errand, command, user, name, body, at, {})

    async def _answer(
        self,
        errand: Errand,
        command: Command | None,
        user: str,
        name: str,
        body: Payload,
        at: datetime | None,
        values: Mapping[str, str],
    ) -> None:
        request = Request(
            place=errand.place,
            actor=await self._members.actor(user, name),
            id=body["trigger_id"],
            at=at or self._app.study.clock(),
            line=errand.line,
            values=values,
        )
        reach = Reach(self._client, errand.place.channel, user, errand.response_url)
        private = command is None or command.private
        async with aclosing(respond(self._app.table, self._app.study, request)) as replies:
            if command is not None and command.grows:
                await reach.grow(replies, private=private)
            else:
                async for reply in replies:
                    await reach.say(reply, private=private)


def _team(body: Payload) -> tuple[str, str]:
    """The workspace's id and name; an app installed for a whole organisation is told the member's only."""
    team = body.get("team") or {}
    return team.get("id") or body["user"]["team_id"], team.get("domain", "")


def _at(request: AsyncBoltRequest) -> datetime | None:
    """When Slack sent the request, to the second; in Socket Mode it does not say."""
    sent = request.headers.get("x-slack-request-timestamp")
    return datetime.fromtimestamp(int(sent[0]), UTC) if sent else None


def _understood(app: App, line: str) -> tuple[Command | None, dict[str, str]]:
    """None where the line says nothing; `respond` tells the member so."""
    try:
        return app.table.parse(app.study, line)
    except UserError:
        return None, {}
