"""conversations.*: channels and their messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from tests.platforms.slack.fake.calls import Call, Handler
from tests.platforms.slack.fake.chat import inside, seen
from tests.platforms.slack.fake.model import Channel, Message
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

T = TypeVar("T")

KINDS = {"channels": "public_channel", "groups": "private_channel", "im": "im", "mpim": "mpim"}


def methods(slack: Slack) -> Iterator[tuple[str, Handler]]:
    conversations = Conversations(slack)
    yield "conversations.info", conversations.info
    yield "conversations.open", conversations.open
    yield "conversations.join", conversations.join
    yield "users.conversations", conversations.of_user
    yield "conversations.history", conversations.history
    yield "conversations.replies", conversations.replies


class Conversations:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def info(self, call: Call) -> Payload:
        return {"channel": seen(call, call.text("channel")).payload}

    def open(self, call: Call) -> Payload:
        """Open the conversation with one user; the fake has none with several."""
        if channel := call.text("channel"):
            return {"channel": {"id": seen(call, channel).id}, "no_op": True, "already_open": True}
        users = [user for user in call.text("users").split(",") if user]
        if not users:
            raise RefusalError("users_list_not_supplied")
        if len(users) > 1:
            raise RefusalError("too_many_users")
        there = any(channel.direct == users[0] for channel in call.team.channels.values())
        found = self._slack.conversation(call.team, users[0])
        shown = found.payload if call.flag("return_im") else {"id": found.id}
        return {"channel": shown, **({"no_op": True, "already_open": True} if there else {})}

    def join(self, call: Call) -> Payload:
        found = seen(call, call.text("channel"))
        if found.private:
            raise RefusalError("method_not_supported_for_channel_type")
        if found.archived:
            raise RefusalError("is_archived")
        already = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
        warned = already if found.joined else {}
        found.joined = True
        return {"channel": found.payload, **warned}

    def of_user(self, call: Call) -> Payload:
        """List a user's channels, the private ones only if the app is in them too; without a user, the app's."""
        user = call.text("user") or call.team.me.id
        if user not in call.team.users:
            raise RefusalError("user_not_found")
        mine = user == call.team.me.id
        found = [
            channel
            for channel in _asked(call)
            if (channel.joined if mine else user in channel.members) and (channel.joined or not channel.private)
        ]
        part, more = self._page(call, found, 100, 999)
        untold = ("is_member", "num_members")
        told = [{name: value for name, value in channel.payload.items() if name not in untold} for channel in part]
        return {"channels": told, **more}

    def history(self, call: Call) -> Payload:
        """List messages, newest first, without replies in threads."""
        channel = inside(call, call.text("channel"))
        said = [m for m in channel.messages.values() if not m.thread_ts or m.thread_ts == m.ts or m.broadcast]
        return self._told(call, channel, _within(call, said)[::-1])

    def replies(self, call: Call) -> Payload:
        """List a thread: its first message, then the replies, oldest first."""
        channel = inside(call, call.text("channel"))
        first = channel.messages.get(call.text("ts"))
        if first is None:
            raise RefusalError("thread_not_found")
        return self._told(call, channel, [first, *_within(call, channel.thread(first.ts))])

    def _told(self, call: Call, channel: Channel, said: Sequence[Message]) -> Payload:
        metadata = call.flag("include_all_metadata")
        part, more = self._page(call, said, 100, 15 if self._slack.rates.distributed else 999)
        told = []
        for message in part:
            shown = message.payload(metadata=metadata)
            if thread := channel.thread(message.ts):
                shown |= {"thread_ts": message.ts, "reply_count": len(thread), "latest_reply": thread[-1].ts}
            told.append(shown)
        return {"messages": told, "has_more": bool(more["response_metadata"]["next_cursor"]), **more}

    def _page(self, call: Call, found: Sequence[T], default: int, most: int) -> tuple[Sequence[T], Payload]:
        limit = min(call.number("limit", default), most)
        cursor = call.text("cursor")
        if cursor and not cursor.isdecimal():
            raise RefusalError("invalid_cursor")
        start = int(cursor or 0)
        after = str(start + limit) if start + limit < len(found) else ""
        return found[start : start + limit], {"response_metadata": {"next_cursor": after}}


def _asked(call: Call) -> Sequence[Channel]:
    """Return the channels of the kinds that the call asks for. Raises RefusalError."""
    kinds = [kind.strip() for kind in (call.text("types") or "public_channel").split(",")]
    if not set(kinds) <= set(KINDS.values()):
        raise RefusalError("invalid_types")
    there = [channel for channel in call.team.channels.values() if KINDS[channel.kind] in kinds]
    return [channel for channel in there if not (channel.archived and call.flag("exclude_archived"))]


def _within(call: Call, said: Sequence[Message]) -> Sequence[Message]:
    oldest, latest = call.text("oldest"), call.text("latest")
    for name, ts in (("oldest", oldest), ("latest", latest)):
        if ts and not ts.replace(".", "", 1).isdecimal():
            raise RefusalError(f"invalid_ts_{name}")
    ends = call.flag("inclusive")

    def fits(message: Message) -> bool:
        at = _exactly(message.ts)
        after = not oldest or at > _exactly(oldest) or (ends and at == _exactly(oldest))
        return after and (not latest or at < _exactly(latest) or (ends and at == _exactly(latest)))

    return [message for message in said if fits(message)]


def _exactly(ts: str) -> tuple[int, str]:
    """Split a time stamp into seconds and fraction: together they're too precise for a float."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds), fraction.ljust(6, "0")
