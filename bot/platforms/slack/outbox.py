"""What Slack is told unasked: posts in channels, edits of them, and words to one member."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands import CannotPost, Outbox, Place
from bot.platforms.slack.reach import PLAIN
from bot.platforms.slack.refusals import why
from bot.platforms.slack.render import draw
from bot.replies import Reply

EVENT = "studyhall_post"
"""The type of the metadata by which a post is found again."""
REASONS = {
    "not_in_channel": "I am not in that channel. `/invite` me there.",
    "channel_not_found": "I am not in that channel, or it is gone. `/invite` me there.",
    "is_archived": "The channel is archived.",
    "restricted_action": "The workspace lets only some people post there.",
    "message_not_found": "The message is gone.",
    "edit_window_closed": "The workspace does not let messages be edited any more after a while.",
}
PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}


class SlackOutbox(Outbox):
    """Posts carry their key as metadata. A reference is the message's time stamp, which with the channel is unique."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def post(self, place: Place, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        return await self._send(place.channel, reply, key)

    async def edit(self, place: Place, ref: str, reply: Reply) -> None:
        drawing = draw(reply)
        async with _in_words():
            await self._client.chat_update(channel=place.channel, ts=ref, text=drawing.text, blocks=drawing.blocks)

    async def tell(self, place: Place, member: str, reply: Reply, key: str) -> None:
        await self._send(member, reply, key)

    async def _send(self, channel: str, reply: Reply, key: str) -> str:
        drawing = draw(reply)
        async with _in_words():
            sent = await self._client.chat_postMessage(
                channel=channel,
                text=drawing.text,
                blocks=drawing.blocks,
                metadata={"event_type": EVENT, "event_payload": {"key": key}},
                **PLAIN,
            )
        return str(sent["ts"])


@asynccontextmanager
async def _in_words() -> AsyncIterator[None]:
    """Slack's refusals as CannotPost."""
    try:
        yield
    except SlackApiError as refusal:
        error = why(refusal)
        retry = error in PASSING or refusal.response.status_code >= 500
        raise CannotPost(REASONS.get(error, f"Slack refused the message ({error})."), retry=retry) from refusal
