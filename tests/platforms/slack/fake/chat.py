"""chat.*: post and edit messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.platforms.slack.fake import blocks
from tests.platforms.slack.fake.calls import Call, Handler
from tests.platforms.slack.fake.model import Channel, Message
from tests.platforms.slack.fake.refusals import RefusalError, wrong
from tests.platforms.slack.fake.shown import Payload, elements

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

METADATA = 16_000


def methods(slack: Slack) -> Iterator[tuple[str, Handler]]:
    chat = Chat(slack)
    yield "chat.postMessage", chat.post
    yield "chat.postEphemeral", chat.whisper
    yield "chat.update", chat.update


class Chat:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def post(self, call: Call) -> Payload:
        channel = self._where(call)
        said, shown = content(self._slack, call)
        message = Message(
            call.team.id,
            channel.id,
            said,
            shown or [],
            self._slack.clock.ts(),
            call.team.me.id,
            call.team.app,
            metadata=metadata(call),
            thread_ts=thread(call, channel),
            broadcast=call.flag("reply_broadcast"),
        )
        self._slack.show(channel, message)
        return {"channel": channel.id, "ts": message.ts, "message": message.payload(metadata=True)}

    def whisper(self, call: Call) -> Payload:
        channel, reader = self._where(call), call.text("user")
        if reader not in channel.members:
            raise RefusalError("user_not_in_channel")
        said, shown = content(self._slack, call)
        after = thread(call, channel)
        if after and not channel.thread(after):
            # "Ephemeral messages in threads are only shown if there is already an active thread."
            self._slack.violate("thread", call.method, "nobody sees it: nobody has written in that thread")
        message = Message(
            call.team.id,
            channel.id,
            said,
            shown or [],
            self._slack.clock.ts(),
            call.team.me.id,
            call.team.app,
            reader=reader,
            thread_ts=after,
        )
        self._slack.messages.put_nowait(message)
        return {"message_ts": message.ts}

    def update(self, call: Call) -> Payload:
        channel, message = own(call, "cant_update_message")
        window = call.team.edit_window
        if window is not None and self._slack.clock.now() > float(message.ts) + window:
            raise RefusalError("edit_window_closed")
        said, shown = content(self._slack, call)
        told = metadata(call)
        edited = replace(
            message,
            text=said,
            # "If you don't include this field, the message's previous blocks will be retained."
            blocks=message.blocks if shown is None else shown,
            edited=self._slack.clock.ts(),
            # Metadata stays if the call doesn't mention it; empty metadata removes it.
            metadata=message.metadata if told is None else told,
        )
        self._slack.change(channel, edited)
        return {"channel": channel.id, "ts": message.ts, "text": said, "message": edited.payload()}

    def _where(self, call: Call) -> Channel:
        """Return the channel to post in; for a user's id, the conversation with them."""
        channel_id = call.text("channel")
        if channel_id in call.team.users and call.method == "chat.postMessage":
            try:
                return self._slack.conversation(call.team, channel_id)
            except RefusalError:
                raise RefusalError("channel_not_found") from None
        return writable(call, channel_id)


def seen(call: Call, channel_id: str) -> Channel:
    """Return a channel that the token may see. Raises RefusalError."""
    found = call.team.channels.get(channel_id)
    if found is None or (found.private and not found.joined):
        raise RefusalError("channel_not_found")
    return found


def inside(call: Call, channel_id: str) -> Channel:
    """Return a channel that the app is in. Raises RefusalError."""
    found = seen(call, channel_id)
    if not found.joined:
        raise RefusalError("not_in_channel")
    return found


def writable(call: Call, channel_id: str) -> Channel:
    found = seen(call, channel_id)
    if found.archived:
        raise RefusalError("is_archived")
    return inside(call, channel_id)


def own(call: Call, error: str) -> tuple[Channel, Message]:
    """Return one of the app's messages, for editing. Raises RefusalError."""
    channel = seen(call, call.text("channel"))
    message = channel.messages.get(call.text("ts"))
    if message is None:
        raise RefusalError("message_not_found")
    if message.user != call.team.me.id:
        raise RefusalError(error)
    return channel, message


def thread(call: Call, channel: Channel) -> str:
    ts = call.text("thread_ts")
    if ts and ts not in channel.messages:
        raise RefusalError("cannot_reply_to_message")
    return ts


def metadata(call: Call) -> Payload | None:
    """None where the call doesn't mention it."""
    given: Any = call.loaded("metadata", "invalid_metadata_format")
    if given is None or given == {}:
        return None if given is None else {}
    if not isinstance(given, dict) or not given.get("event_type") or not isinstance(given.get("event_payload"), dict):
        raise RefusalError("invalid_metadata_format")
    if len(str(given)) > METADATA:
        raise RefusalError("metadata_too_large")
    return given


def content(slack: Slack, call: Call) -> tuple[str, list[Payload] | None]:
    """Return a message's text and blocks once they're checked. Raises RefusalError."""
    said, markdown = call.text("text"), call.text("markdown_text")
    given: Any = call.loaded("blocks", "invalid_blocks_format")
    if markdown:
        if said or given:
            raise RefusalError("markdown_text_conflict")
        said, given = markdown, [{"type": "markdown", "text": markdown}]
    if not said and not given and not call.args.get("attachments"):
        raise RefusalError("no_text")
    hold(slack, call.team.id, call.method, given, said)
    return said, named(slack, given)


def hold(slack: Slack, team: str, method: str, given: Any, said: str, *, posted: bool = True) -> None:
    """Check a message; not `posted`: it's an answer through a hook. Raises RefusalError."""
    found = list(blocks.message(given, said, posted=posted))
    for picture in (block for block in given or () if isinstance(block, dict) and block.get("type") == "image"):
        file = slack.teams[team].files.get((picture.get("slack_file") or {}).get("id", ""))
        if "slack_file" in picture and (file is None or file.content is None):
            found.append(blocks.Problem("a picture is of no file that is there"))
    refuse(slack, method, found)


def refuse(slack: Slack, method: str, found: list[blocks.Problem]) -> None:
    """Record violations. Raises RefusalError for those that Slack refuses."""
    for problem in found:
        slack.violate("blocks", method, problem.text)
    if refused := [problem for problem in found if problem.error]:
        raise wrong(refused[0].error, *(problem.text for problem in refused))


def named(slack: Slack, given: list[Payload] | None) -> list[Payload] | None:
    """Return blocks as Slack shows them: every block and element has an id."""
    if given is None:
        return None
    made = [{"block_id": slack.clock.id("b"), **block} for block in given]
    for _, element in elements(made):
        element.setdefault("action_id", slack.clock.id("a"))
    return made
