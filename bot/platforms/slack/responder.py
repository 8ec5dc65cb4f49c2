"""Where a reply goes: into the acknowledgement, through a response_url, to the channel or to a direct message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing.renderer import Renderer
from bot.platforms.shared.throttle import throttle
from bot.platforms.slack.errors import API_ERRORS, INVALID_TOKEN, error_code, retry_after
from bot.platforms.slack.render import RenderedMessage, render, render_answer
from bot.platforms.slack.render_images import render_with_images
from bot.platforms.slack.sending import post_to_response_url, send
from bot.platforms.slack.throttle import EDIT_INTERVAL, Throttle
from bot.replies import File, Notice, Picture, Reply, Tone

log = structlog.get_logger()

NO_UNFURL: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
PLACEHOLDER = Reply.of(Notice("One moment…"))
CUT_SHORT = Reply.of(Notice("I'm being restarted and couldn't finish. Please ask again.", Tone.WARNING))
POINTER = Reply.of(Notice("I'm answering in our direct messages."))


class AckSlot:
    """A slash command's acknowledgement, which can carry one message if that's ready in time."""

    def __init__(self) -> None:
        self._message: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def take(self, message: dict[str, Any]) -> bool:
        """Send this message with the acknowledgement; False if it's too late."""
        if self._message.done():
            return False
        self._message.set_result(message)
        return True

    def close(self) -> None:
        """Acknowledge without a message."""
        self.take({})

    async def message(self, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 (what comes too late is no error)
        """Wait for the message, for at most `timeout` seconds. Returns {} if there was none by then."""
        await asyncio.wait({self._message}, timeout=timeout)
        self.close()
        return self._message.result()


@dataclass(frozen=True, slots=True)
class Responder:
    """Answers a member. A `response_url` takes 5 messages in 30 minutes, even if the app isn't in the channel.

    After that, the answer is a message that only they see if the app is in the channel, and otherwise a direct message.

    `replaces_message`: the first message replaces the one whose button was pressed, unless it's a refusal.
    `channel_url` is the response_url of a channel they picked, for public messages. `opens_thread`: nobody has written
    in `thread` yet. Edits in the workspace `team` share the pace of its `throttle`; drafts are edited by the `patient`
    client, which doesn't wait for rate limits.
    """

    web: AsyncWebClient
    session: aiohttp.ClientSession
    renderer: Renderer
    channel: str
    user: str
    thread: str = ""
    response_url: str = ""
    replaces_message: bool = False
    ack_slot: AckSlot | None = None
    channel_url: str = ""
    opens_thread: bool = False
    team: str = ""
    patient: AsyncWebClient | None = None
    throttle: Throttle = field(default_factory=Throttle)

    async def send(self, reply: Reply, *, private: bool) -> None:
        """Send all messages of a reply; refusals are always private. Files go to the direct message."""
        messages = await render_with_images(self.renderer, reply, answer=self._is_answer)
        private = private or reply.refused
        replaces = self.replaces_message and not reply.refused
        for number, message in enumerate(messages):
            if not await self._answer(message, private=private, replaces=replaces and not number):
                await self._post_elsewhere(message, private=private)
        await self._send_files(messages)

    async def stream(self, replies: AsyncIterator[Reply], *, private: bool) -> None:
        """Send a message and edit it as it grows.

        Slack can't edit what only one member sees, so private ones grow in the direct messages.
        """
        try:
            [placeholder] = render(PLACEHOLDER)
            sent = await self._post(self._direct_channel if private else self.channel, placeholder)
        except API_ERRORS as problem:
            log.warning("streamed message not started", reason=error_code(problem))
            await self._send_last(replies, private=private)
            return
        if private and self.channel != sent["channel"]:
            [pointer] = render_answer(POINTER)
            await self._answer(pointer, private=True, replaces=False)
        elif self.ack_slot:
            self.ack_slot.close()
        # Or, when canceled, its reader would still be using `replies` while the caller closes them.
        async with aclosing(throttle(replies, turn=self._turn)) as drafts:
            await self._edit_with_each(drafts, sent["channel"], sent["ts"])

    async def _turn(self, *, draft: bool) -> None:
        await self.throttle.turn(EDIT_INTERVAL, self.team, "edit", draft=draft)

    async def _edit_with_each(self, replies: AsyncIterator[Reply], channel: str, ts: str) -> None:
        edited, last = True, PLACEHOLDER
        try:
            async for reply in replies:
                last = reply
                edited = await self._edit(self.patient or self.web, channel, ts, reply)
            if not edited:  # a draft may go missing, but the final text waits for as long as Slack says
                await self._turn(draft=False)
                edited = await self._edit(self.web, channel, ts, last)
        except asyncio.CancelledError:
            await self._edit(self.web, channel, ts, CUT_SHORT)
            raise
        messages = await render_with_images(self.renderer, last)
        for number, message in enumerate(messages):
            if number or not edited:
                await self._post(channel, message)
        await self._send_files(messages)

    async def _edit(self, client: AsyncWebClient, channel: str, ts: str, reply: Reply) -> bool:
        """Show the reply's first message; False if Slack refuses. If that came too soon, nobody edits for a while."""
        first = render(reply)[0]
        try:
            await send(first, lambda **form: client.chat_update(channel=channel, ts=ts, **form))
        except API_ERRORS as problem:
            if isinstance(problem, SlackApiError):
                self.throttle.pause(retry_after(problem) or 0, self.team, "edit")
            log.warning("message not edited", reason=error_code(problem))
            return False
        return True

    async def _send_last(self, replies: AsyncIterator[Reply], *, private: bool) -> None:
        last: Reply | None = None
        async for reply in replies:
            last = reply
        if last is not None:
            await self.send(last, private=private)

    @property
    def _is_answer(self) -> bool:
        """Whether messages go into the acknowledgment or to a response_url, if that takes them."""
        return bool(self.ack_slot or self.channel_url or self.response_url)

    @property
    def _direct_channel(self) -> str:
        """Return where to send a direct message: to the direct thread they wrote in, if any, else to the member."""
        return self.channel if self.thread and self.channel.startswith("D") else self.user

    async def _post_elsewhere(self, message: RenderedMessage, *, private: bool) -> None:
        """Post where the member asked if the app may post there; else in their direct messages."""
        try:
            if not private:
                await self._post(self.channel, message)
            elif self.channel.startswith(("C", "G")):
                await self._post_ephemeral(message)
            else:
                await self._post(self._direct_channel, message)
        except API_ERRORS as problem:
            if error_code(problem) in INVALID_TOKEN:
                raise
            log.info("answered by direct message instead", reason=error_code(problem))
            await self._post(self.user, message)

    async def _post_ephemeral(self, message: RenderedMessage) -> None:
        # What only one member sees is never shown in a thread in which nobody has written.
        thread: dict[str, Any] = {"thread_ts": self.thread} if self.thread and not self.opens_thread else {}
        await send(
            message,
            lambda **form: self.web.chat_postEphemeral(channel=self.channel, user=self.user, **thread, **form),
        )

    async def _post(self, channel: str, message: RenderedMessage) -> Any:
        thread: dict[str, Any] = {"thread_ts": self.thread} if self.thread and channel == self.channel else {}
        return await send(
            message, lambda **form: self.web.chat_postMessage(channel=channel, **thread, **NO_UNFURL, **form)
        )

    async def _answer(self, message: RenderedMessage, *, private: bool, replaces: bool) -> bool:
        """Answer where the member asked; False if there's no way to.

        A private message in a thread must be posted: a response_url would show it outside.
        """
        if private and self.thread and not self.opens_thread and not replaces:
            try:
                if self.channel.startswith("D"):
                    await self._post(self.channel, message)
                else:
                    await self._post_ephemeral(message)
            except API_ERRORS as problem:
                if error_code(problem) in INVALID_TOKEN:
                    raise
                log.info("not answered in the thread", reason=error_code(problem))
            else:
                return True
        return await self._respond(message, private=private, replaces=replaces)

    async def _respond(self, message: RenderedMessage, *, private: bool, replaces: bool) -> bool:
        """Answer in the acknowledgement or through a response_url; False if neither is available."""
        fields: dict[str, Any] = {"response_type": "ephemeral" if private else "in_channel", **NO_UNFURL}
        if self.ack_slot is not None and self.ack_slot.take({"text": message.text, "blocks": message.blocks, **fields}):
            return True
        if self.channel_url and not private:
            return await post_to_response_url(self.session, self.channel_url, message, **fields)
        if not self.response_url:
            return False
        if self.thread and not private and not replaces:
            fields["thread_ts"] = self.thread
        return await post_to_response_url(self.session, self.response_url, message, **fields, replace_original=replaces)

    async def _send_files(self, messages: Sequence[RenderedMessage]) -> None:
        """Send files to the direct message: they may be personal.

        Losing a picture is fine, since the text says what it shows. Losing a file raises.
        """
        files = [file for message in messages for file in message.files]
        try:
            await self._upload(files)
        except API_ERRORS as problem:
            if error_code(problem) in INVALID_TOKEN or any(isinstance(file, File) for file in files):
                raise
            log.warning("picture not sent", reason=error_code(problem))

    async def _upload(self, files: Sequence[File | Picture]) -> None:
        """Send the files in one message."""
        if not files:
            return
        opened = await self.web.conversations_open(users=self.user)
        await self.web.files_upload_v2(
            channel=opened["channel"]["id"], file_uploads=[_upload_of(file) for file in files]
        )


def _upload_of(file: File | Picture) -> dict[str, Any]:
    match file:
        case File(name, content):
            return {"filename": name, "content": content}
        case Picture(png, alt):
            return {"filename": "picture.png", "content": png, "alt_txt": alt}
