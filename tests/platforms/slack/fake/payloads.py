"""The payloads in which Slack reports what members do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.platforms.slack.fake.elements import state
from tests.platforms.slack.fake.model import Channel, Message, Team, User, View
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

VERIFICATION = "verification-token"


class Payloads:
    """For a member of the workspace, or of another one that shares a channel with it (`Person.visits`).

    `claimed_team` replaces the ids of both workspaces, as in a forgery.
    """

    def __init__(self, slack: Slack, team: Team, user: User, claimed_team: str = "") -> None:
        self._slack, self._team, self._user = slack, team, user
        self._home = slack.teams[user.team]
        self._team_id, self._user_team = claimed_team or team.id, claimed_team or user.team

    def command(self, command: str, text: str, channel: Channel) -> Payload:
        within = self._team.enterprise
        return {
            "token": VERIFICATION,
            "team_id": self._team_id,
            "team_domain": self._team.domain,
            **({"enterprise_id": within["id"], "enterprise_name": within["name"]} if within else {}),
            "channel_id": channel.id,
            "channel_name": channel.called,
            "user_id": self._user.id,
            "user_name": self._user.name,
            "command": command,
            "text": text,
            "api_app_id": self._slack.app_id,
            "is_enterprise_install": "false",
            "response_url": self._slack.hooks.new(self._team.id, channel.id, self._user.id),
            "trigger_id": self._trigger(),
        }

    def pressed(self, source: Message | View, block: Payload, action: Payload) -> Payload:
        """Return block_actions. For a message that only one member sees, Slack leaves out what it says."""
        action = {name: value for name, value in action.items() if name not in ("options", "option_groups")}
        action |= {"block_id": block["block_id"], "action_ts": self._slack.clock.ts()}
        more = {"trigger_id": self._trigger(), "actions": [action]}
        if isinstance(source, View):
            return self._within("block_actions", source) | more | {"container": _container(source)}
        common = self._common("block_actions") | more
        channel = self._team.channels[source.channel]
        where: Payload = {"type": "message", "message_ts": source.ts, "channel_id": channel.id}
        where |= {"is_ephemeral": bool(source.reader)}
        return common | {
            "container": where | ({"thread_ts": source.thread_ts} if source.thread_ts else {}),
            "channel": {"id": channel.id, "name": channel.called},
            **({} if source.reader else {"message": source.payload()}),
            "state": {"values": state(source.blocks, self._slack.states.get(source.key, {}))},
            "response_url": self._slack.hooks.new(self._team.id, channel.id, self._user.id, source),
        }

    def submitted(self, view: View, urls: Sequence[Payload]) -> Payload:
        more = {"trigger_id": self._trigger(), "response_urls": list(urls)}
        return self._within("view_submission", view) | more

    def closed(self, view: View, cleared: bool) -> Payload:
        return self._within("view_closed", view) | {"is_cleared": cleared}

    def suggestion(self, view: View, block: Payload, element: Payload, query: str) -> Payload:
        ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
        return self._within("block_suggestion", view) | ids | {"container": _container(view), "value": query}

    def shortcut(self, callback: str, message: Message | None) -> Payload:
        common = self._common("message_action" if message else "shortcut")
        common |= {"callback_id": callback, "trigger_id": self._trigger(), "action_ts": self._slack.clock.ts()}
        if message is None:
            return common
        channel = self._team.channels[message.channel]
        return common | {
            "channel": {"id": channel.id, "name": channel.called},
            "message_ts": message.ts,
            "message": message.payload(),
            "response_url": self._slack.hooks.new(self._team.id, channel.id, self._user.id, message),
        }

    def event(self, kind: str, **more: Any) -> Payload:
        """Return an event with who may see it and when. A mention names the app's workspace, not the member's."""
        at, team, within = self._slack.clock.now(), self._team, self._team.enterprise
        channel = team.channels.get(str(more.get("channel", "")))
        home = self._user_team
        if kind == "app_mention" and self._home is not team:
            more |= {"team": team.id, "user_team": home, "source_team": home, "user_profile": {"team": home}}
            home = self._team_id
        context = {"enterprise_id": within["id"] if within else None, "team_id": self._team_id}
        allowed = context | {"user_id": team.me.id, "is_bot": True, "is_enterprise_install": False}
        return {
            "token": VERIFICATION,
            "team_id": home,
            "context_team_id": self._team_id,
            "context_enterprise_id": context["enterprise_id"],
            "api_app_id": self._slack.app_id,
            "event": {"type": kind, **more},
            "type": "event_callback",
            "event_id": self._slack.clock.id("Ev"),
            "event_time": int(at),
            "authorizations": [allowed],
            "is_ext_shared_channel": channel is not None and bool(channel.shared),
            "event_context": f"4-{self._slack.clock.id('')}",
        }

    def view(self, view: View) -> Payload:
        return view.payload | {"state": {"values": state(view.blocks, view.state)}}

    def _within(self, kind: str, view: View) -> Payload:
        """In a view, the workspace is the member's own."""
        return self._common(kind) | {"team": {**self._home.short, "id": self._user_team}, "view": self.view(view)}

    def _common(self, kind: str) -> Payload:
        user = {"id": self._user.id, "username": self._user.name, "name": self._user.name, "team_id": self._user_team}
        return {
            "type": kind,
            "team": {**self._team.short, "id": self._team_id},
            "user": user,
            "api_app_id": self._slack.app_id,
            "token": VERIFICATION,
            "enterprise": self._team.enterprise,
            "is_enterprise_install": False,
        }

    def _trigger(self) -> str:
        return self._slack.triggers.new(self._team.id, self._user.id)


def _container(view: View) -> Payload:
    return {"type": "view", "view_id": view.id}
