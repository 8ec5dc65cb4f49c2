"""Where a reply goes on Slack: back to whoever asked, in the channel, or into the direct message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.platforms.pacing import paced
from bot.platforms.slack.refusals import why
from bot.platforms.slack.render import Drawing, draw
from bot.replies import File, Notice, Picture, Reply

log = structlog.get_logger()

RHYTHM = 1.2
"""Seconds between two edits of a message that grows: Slack allows 50 a minute."""
PLAIN: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
WAIT = Reply.of(Notice("One moment…"))
POINTER = Reply.of(Notice("I am answering in our direct messages."))


@dataclass(frozen=True, slots=True)
class Reach:
    """The ways to whoever asked. A `response_url` takes 5 messages in 30 minutes, also where the app is no member."""

    client: AsyncWebClient
    channel: str
    user: str
    response_url: str = ""

    async def say(self, reply: Reply, *, private: bool) -> None:
        """One message, seen by the member alone where it is private."""
        drawing = draw(reply)
        if not (self.response_url and await self._answered(drawing, private)):
            await self.client.chat_postMessage(
                channel=self.user if private else self.channel, text=drawing.text, blocks=drawing.blocks, **PLAIN
            )
        if drawing.files:
            await self._hand_over(drawing.files)

    async def grow(self, replies: AsyncIterator[Reply], *, private: bool) -> None:
        """A message that grows. Slack edits nothing that only one member sees, so private ones grow in their own DM."""
        try:
            wait = draw(WAIT)
            sent = await self.client.chat_postMessage(
                channel=self.user if private else self.channel, text=wait.text, blocks=wait.blocks, **PLAIN
            )
        except SlackApiError as refusal:
            log.warning("no growing message", reason=why(refusal))
            await self._last(replies, private=private)
            return
        if private and self.channel != sent["channel"]:
            await self.say(POINTER, private=True)
        await self._edit(paced(replies, RHYTHM), sent["channel"], sent["ts"])

    async def _edit(self, replies: AsyncIterator[Reply], channel: str, ts: str) -> None:
        refused = False
        drawing = draw(WAIT)
        async for reply in replies:
            drawing = draw(reply)
            try:
                await self.client.chat_update(channel=channel, ts=ts, text=drawing.text, blocks=drawing.blocks)
                refused = False
            except SlackApiError as refusal:
                log.warning("message not edited", reason=why(refusal))
                refused = True
        if refused:  # a draft may be missed, the reply may not
            await self.client.chat_postMessage(channel=channel, text=drawing.text, blocks=drawing.blocks, **PLAIN)

    async def _last(self, replies: AsyncIterator[Reply], *, private: bool) -> None:
        last: Reply | None = None
        async for reply in replies:
            last = reply
        if last is not None:
            await self.say(last, private=private)

    async def _answered(self, drawing: Drawing, private: bool) -> bool:
        """Whether the response_url took it: after 5 messages or 30 minutes it takes no more."""
        answer = await AsyncWebhookClient(self.response_url).send(
            text=drawing.text,
            blocks=drawing.blocks,
            response_type="ephemeral" if private else "in_channel",
            replace_original=False,
            **PLAIN,
        )
        return answer.status_code == 200

    async def _hand_over(self, files: list[File | Picture]) -> None:
        """Files go to the direct message: they may hold what is the member's own."""
        opened = await self.client.conversations_open(users=self.user)
        for file in files:
            match file:
                case File(name, content):
                    what: dict[str, Any] = {"filename": name, "content": content}
                case Picture(png, alt):
                    what = {"filename": "picture.png", "content": png, "alt_txt": alt}
            await self.client.files_upload_v2(channel=opened["channel"]["id"], **what)
