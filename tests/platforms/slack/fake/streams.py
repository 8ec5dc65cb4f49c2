"""chat.startStream, appendStream and stopStream: streamed messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.platforms.slack.fake import blocks, chat
from tests.platforms.slack.fake.calls import Call, Handler
from tests.platforms.slack.fake.model import Channel, Message
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

LIVES = 300.0
"""Seconds after which a stream takes nothing more."""
TEXT = "t"
"""The id of the streamed block."""
TASKS = ("pending", "in_progress", "complete", "error")


def methods(slack: Slack) -> Iterator[tuple[str, Handler]]:
    streams = Streams(slack)
    yield "chat.startStream", streams.start
    yield "chat.appendStream", streams.append
    yield "chat.stopStream", streams.stop


class Streams:
    """The text first, then task cards in their latest state."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def start(self, call: Call) -> Payload:
        channel = chat.writable(call, call.text("channel"))
        if not channel.direct:
            for name in ("recipient_user_id", "recipient_team_id"):
                if not call.args.get(name):
                    raise RefusalError(f"missing_{name}")
        if (reader := call.text("recipient_user_id")) and reader not in call.team.users:
            raise RefusalError("user_not_found")
        ts, mine = self._slack.clock.ts(), call.team
        message = Message(
            mine.id, channel.id, "", [], ts, mine.me.id, mine.app, thread_ts=chat.thread(call, channel), streaming=True
        )
        message = self._grown(call, message)
        self._slack.show(channel, message)
        return {"channel": channel.id, "ts": ts}

    def append(self, call: Call) -> Payload:
        channel, message = self._running(call)
        if not call.args.get("markdown_text") and not call.args.get("chunks"):
            raise RefusalError("no_text")
        self._slack.change(channel, self._grown(call, message))
        return {"channel": channel.id, "ts": message.ts}

    def stop(self, call: Call) -> Payload:
        channel, message = self._running(call)
        message = self._grown(call, message)
        more: Any = call.loaded("blocks", "invalid_blocks_format")
        chat.hold(self._slack, call.team.id, call.method, more, message.text or "…")
        shown = [*message.blocks, *(chat.named(self._slack, more) or [])]
        message = replace(message, blocks=shown, metadata=chat.metadata(call), streaming=False)
        self._slack.change(channel, message)
        return {"channel": channel.id, "ts": message.ts, "message": message.payload(metadata=True)}

    def _running(self, call: Call) -> tuple[Channel, Message]:
        channel, message = chat.own(call, "message_not_owned_by_app")
        if not message.streaming or self._slack.clock.now() > float(message.ts) + LIVES:
            raise RefusalError("message_not_in_streaming_state")
        return channel, message

    def _grown(self, call: Call, message: Message) -> Message:
        said = call.text("markdown_text")
        if len(said) > blocks.MARKDOWN:
            raise RefusalError("msg_too_long")
        cards = {block["task_id"]: block for block in message.blocks if block["type"] == "task_card"}
        more: list[Payload] = []
        for chunk in call.loaded("chunks", "invalid_chunks") or ():
            match chunk:
                case {"type": "markdown_text", "text": str(text)}:
                    said += text
                case {"type": "task_update", "id": str(id), "title": str(title), "status": status} if status in TASKS:
                    card = {"type": "task_card", "task_id": id, "title": title, "status": status}
                    cards[id] = card | {name: chunk[name] for name in ("details", "output") if name in chunk}
                case {"type": "plan_update", "title": str()}:
                    pass  # a heading above the cards, which the fake ignores
                case {"type": "blocks", "blocks": list(given)}:
                    chat.hold(self._slack, call.team.id, call.method, given, "…")
                    more += chat.named(self._slack, given) or []
                case _:
                    self._slack.violate("arguments", call.method, f"there is no such chunk: {chunk}")
                    raise RefusalError("invalid_chunks")
        text = message.text + said
        kept = [block for block in message.blocks if block["type"] != "task_card" and block.get("block_id") != TEXT]
        shown = [{"type": "markdown", "block_id": TEXT, "text": text}] if text else []
        return replace(message, text=text, blocks=[*shown, *cards.values(), *kept, *more])
