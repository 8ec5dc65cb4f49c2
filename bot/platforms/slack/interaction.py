"""What Slack tells of something that a member did, in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncBoltRequest

from bot.context.identity import Location
from bot.platforms.slack.forms import Errand
from bot.platforms.slack.responder import Slot

Payload = Mapping[str, Any]
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|[^>]*)?>")
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing a member did: what they want, who and where they are, and the ways to answer them.

    `once` is Slack's own id of it. `beside` is what a form's fields of Slack's own hold. `turns`: the message whose
    button was pressed is theirs, and may be taken over. `channel_url` is a way to speak in a channel they have picked.
    `page`: it was done on their home, which shows what came of it.
    """

    errand: Errand
    user: str
    name: str
    once: str
    at: datetime | None
    trigger: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    beside: Mapping[str, str] = field(default_factory=dict)
    turns: bool = False
    slot: Slot | None = None
    channel_url: str = ""
    page: bool = False


def pressed(body: Payload, request: AsyncBoltRequest, line: str, values: Mapping[str, str]) -> Deed:
    """What a button, a menu or a shortcut brings along."""
    team, channel, user = team_of(body), body.get("channel") or {}, body["user"]
    container = body.get("container") or {}
    direct = channel.get("id", "").startswith("D")
    thread = container.get("thread_ts", "")
    place = Location("slack", team[0], channel.get("id", user["id"]), team[1], channel.get("name", ""))
    return Deed(
        Errand(line, place, body.get("response_url", ""), thread),
        user["id"],
        user.get("name") or user.get("username") or "",
        body["trigger_id"],
        sent_at(request),
        body["trigger_id"],
        values,
        turns=bool(container.get("is_ephemeral")) or direct,
    )


def said(errand: Errand, event: Payload, values: Mapping[str, str]) -> Deed:
    """What a message brings along; its time is Slack's own. A message that is edited later stays the same deed."""
    at = datetime.fromtimestamp(float(event["ts"]), UTC)
    return Deed(errand, event["user"], "", f"{event['channel']}-{event['ts']}", at, values=values)


def team_of(body: Payload) -> tuple[str, str]:
    """The id and name of the workspace that the app is installed in.

    In a channel that companies share, `team` is the member's own; views say where they come from. An app installed for
    a whole organisation is told no more than the member's.
    """
    team, view = body.get("team") or {}, body.get("view") or {}
    at_home = view.get("app_installed_team_id") or team.get("id") or body["user"]["team_id"]
    return at_home, team.get("domain", "") if team.get("id") == at_home else ""


def heard_by(body: Payload) -> str:
    """The workspace whose installation an event is meant for."""
    authorized = (one.get("team_id") for one in body.get("authorizations") or ())
    return str(next(filter(None, authorized), None) or body["team_id"])


def sent_at(request: AsyncBoltRequest) -> datetime | None:
    """When Slack sent the request, to the second; in Socket Mode it does not say."""
    sent = request.headers.get("x-slack-request-timestamp")
    return datetime.fromtimestamp(int(sent[0]), UTC) if sent else None


def typed_text(text: str) -> str:
    """A text as it was typed: Slack escapes three signs in it and puts addresses into brackets. Mentions stay."""
    text = _LINK.sub(r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def without_mentions(text: str) -> str:
    return _MENTION.sub(" ", text).strip()
