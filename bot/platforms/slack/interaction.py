"""What a Slack payload says about something a member did, in our terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncBoltRequest

from bot.context.identity import Location
from bot.platforms.slack.forms import Invocation
from bot.platforms.slack.responder import AckSlot

Payload = Mapping[str, Any]
_LINK = re.compile(r"<(https?://[^<|>]+)(?:\|[^<>]*)?>")
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^<>]*)?>")


@dataclass(frozen=True, slots=True)
class Interaction:
    """One thing a member did: the command, who they are, and the ways to answer them.

    `request_id` is Slack's own; it's the same when Slack delivers the interaction again. `platform_values` are the
    contents of form fields that only Slack has. `replaces_message`: the message with the button was for them alone, so
    the answer may replace it. `channel_url` posts to a channel they picked. `in_order`: it runs after what they picked
    before, because a menu of several sends all its ticks with each one. `on_home`: they did it on their home, which
    shows the result. `is_kept`: the database has it until it's carried out. `opens_thread`: what they wrote isn't in a
    thread, so a public answer begins one.
    """

    invocation: Invocation
    user: str
    user_name: str
    request_id: str
    at: datetime | None
    trigger_id: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    platform_values: Mapping[str, str] = field(default_factory=dict)
    replaces_message: bool = False
    ack_slot: AckSlot | None = None
    channel_url: str = ""
    in_order: bool = False
    on_home: bool = False
    is_kept: bool = False
    opens_thread: bool = False

    def dump(self) -> dict[str, Any]:
        """Return what another process needs to carry it out: all but the ways to answer that end with this one."""
        return {
            "invocation": self.invocation.dump(),
            "user": self.user,
            "user_name": self.user_name,
            "request_id": self.request_id,
            "at": self.at.isoformat() if self.at else None,
            "values": dict(self.values),
            "form": self.form,
            "platform_values": dict(self.platform_values),
            "replaces_message": self.replaces_message,
            "channel_url": self.channel_url,
            "on_home": self.on_home,
            "opens_thread": self.opens_thread,
        }

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> Interaction:
        """Return what `dump` wrote; Slack no longer opens a form for it."""
        at = fields["at"]
        return cls(
            **{
                **fields,
                "invocation": Invocation.load(fields["invocation"]),
                "at": datetime.fromisoformat(at) if at else None,
                "is_kept": True,
            }
        )


def from_press(body: Payload, request: AsyncBoltRequest, line: str, values: Mapping[str, str]) -> Interaction:
    """Read what comes with a button, a menu or a shortcut."""
    (team, team_name), channel, user = installed_team(body), body.get("channel") or {}, body.get("user") or {}
    container = body.get("container") or {}
    direct = (channel.get("id") or "").startswith("D")
    thread = container.get("thread_ts") or ""
    if thread == container.get("message_ts"):  # the message that began the thread is shown in the channel
        thread = ""
    location = Location("slack", team, channel.get("id") or user.get("id") or "", team_name, channel.get("name", ""))
    return Interaction(
        Invocation(line, location, body.get("response_url", ""), thread),
        user.get("id") or "",
        user.get("name") or user.get("username") or "",
        body["trigger_id"],
        request_time(request),
        body["trigger_id"],
        values,
        replaces_message=bool(container.get("is_ephemeral")) or direct,
    )


def from_message(invocation: Invocation, event: Payload, values: Mapping[str, str]) -> Interaction:
    """Read what comes with a message; its time is Slack's own. An edited message is still the same interaction."""
    at = datetime.fromtimestamp(float(event["ts"]), UTC)
    return Interaction(invocation, event["user"], "", f"{event['channel']}-{event['ts']}", at, values=values)


def installed_team(body: Payload) -> tuple[str, str]:
    """Return the id and name of the workspace that the app is installed in.

    In a channel that companies share, `team` is the member's own; views say where they come from. An app installed for
    a whole organization only gets the member's.
    """
    team, view = body.get("team") or {}, body.get("view") or {}
    team_id = view.get("app_installed_team_id") or team.get("id") or (body.get("user") or {}).get("team_id") or ""
    return team_id, team.get("domain", "") if team.get("id") == team_id else ""


def event_team(body: Payload) -> str:
    """Return the workspace whose installation an event is for."""
    authorized = (authorization.get("team_id") for authorization in body.get("authorizations") or ())
    return str(next(filter(None, authorized), None) or body["team_id"])


def request_time(request: AsyncBoltRequest) -> datetime | None:
    """Return when Slack sent the request, to the second; None in Socket Mode, which doesn't say."""
    sent = request.headers.get("x-slack-request-timestamp")
    return datetime.fromtimestamp(int(sent[0]), UTC) if sent else None


def unescape(text: str) -> str:
    """Return a text as it was typed: Slack escapes three characters and puts links in brackets. Mentions stay."""
    text = _LINK.sub(r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def without_mentions(text: str) -> str:
    return _MENTION.sub(" ", text).strip()
