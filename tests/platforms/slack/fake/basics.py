"""Methods of auth, users, pins, reactions and apps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.platforms.slack.fake.calls import Call, Handler
from tests.platforms.slack.fake.chat import inside
from tests.platforms.slack.fake.model import Channel, Message
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

PINS = 100


def methods(slack: Slack) -> Iterator[tuple[str, Handler]]:
    basics = Basics(slack)
    yield "api.test", lambda call: {"args": call.args}
    yield "auth.test", basics.who
    yield "auth.revoke", basics.revoke
    yield "users.info", basics.user
    yield "pins.add", basics.pin
    yield "pins.remove", basics.unpin
    yield "pins.list", basics.pins
    yield "reactions.add", basics.react
    yield "apps.uninstall", basics.uninstall
    yield "apps.connections.open", lambda call: {"url": slack.sockets.address()}


class Basics:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def who(self, call: Call) -> Payload:
        team = call.team
        return {
            "url": f"https://{team.domain}.slack.com/",
            "team": team.name,
            "team_id": team.id,
            "user": team.me.name,
            "user_id": team.me.id,
            "bot_id": team.bot_id,
            "is_enterprise_install": call.token is not None and call.token.org_wide,
            **({"enterprise_id": team.enterprise["id"]} if team.enterprise else {}),
        }

    def revoke(self, call: Call) -> Payload:
        assert call.token is not None
        if not call.flag("test"):
            call.token.gone = "token_revoked"
        return {"revoked": not call.flag("test")}

    def user(self, call: Call) -> Payload:
        """Return a user. One from another workspace is a stranger unless they share a channel that the app can see."""
        found = call.team.users.get(call.text("user"))
        if found is None:
            raise RefusalError("user_not_found")
        told = found.payload | ({"locale": found.locale} if call.flag("include_locale") else {})
        if found.team != call.team.id:
            seen = [c for c in call.team.channels.values() if not c.direct and (c.joined or not c.private)]
            told["is_stranger"] = not any(found.id in channel.members for channel in seen)
        return {"user": told}

    def pin(self, call: Call) -> Payload:
        channel, message = self._message(call)
        if message.pinned:
            raise RefusalError("already_pinned")
        if sum(m.pinned for m in channel.messages.values()) >= PINS:
            raise RefusalError("too_many_pins")
        channel.messages[message.ts] = replace(message, pinned=True)
        return {}

    def unpin(self, call: Call) -> Payload:
        channel, message = self._message(call)
        if not message.pinned:
            raise RefusalError("no_pin")
        channel.messages[message.ts] = replace(message, pinned=False)
        return {}

    def pins(self, call: Call) -> Payload:
        channel = inside(call, call.text("channel"))
        pinned = [m for m in channel.messages.values() if m.pinned]
        items = [{"type": "message", "channel": channel.id, "message": m.payload()} for m in pinned]
        return {"items": [item | {"created": 1_750_000_000, "created_by": call.team.me.id} for item in items]}

    def react(self, call: Call) -> Payload:
        channel, message = self._message(call)
        name = call.text("name")
        if name.startswith(":") or not name:
            raise RefusalError("invalid_name")
        if name in message.reactions:
            raise RefusalError("already_reacted")
        channel.messages[message.ts] = replace(message, reactions=(*message.reactions, name))
        return {}

    def uninstall(self, call: Call) -> Payload:
        if call.text("client_id") != self._slack.client_id:
            raise RefusalError("invalid_client_id")
        if call.text("client_secret") != self._slack.client_secret:
            raise RefusalError("bad_client_secret")
        self._slack.expel(call.team)
        return {}

    def _message(self, call: Call) -> tuple[Channel, Message]:
        channel = inside(call, call.text("channel"))
        if not call.text("timestamp"):
            raise RefusalError("no_item_specified")
        message = channel.messages.get(call.text("timestamp"))
        if message is None:
            raise RefusalError("message_not_found")
        return channel, message
