"""Where a reply goes on Slack: into the acknowledgement, back to whoever asked, to the channel or a direct message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.drawing.renderer import Renderer
from bot.platforms.shared.throttle import throttle
from bot.platforms.slack.errors import ENDED, SILENT, TROUBLE, why
from bot.platforms.slack.render import Drawing, draw
from bot.platforms.slack.render_images import paint
from bot.replies import File, Notice, Picture, Reply, Tone

log = structlog.get_logger()

RHYTHM = 1.2
"""Seconds between two edits of a message that grows: Slack allows 50 a minute."""
BACK = aiohttp.ClientTimeout(total=5)
"""For one message to a `response_url`: there are other ways."""
PLAIN: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
WAIT = Reply.of(Notice("One moment…"))
CUT_SHORT = Reply.of(Notice("I am being restarted and could not finish. Please ask again.", Tone.WARNING))
POINTER = Reply.of(Notice("I am answering in our direct messages."))


class Slot:
    """The acknowledgement of a slash command, which takes one message with it if that is there in time."""

    def __init__(self) -> None:
        self._message: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    def take(self, message: dict[str, Any]) -> bool:
        """Whether there was still time."""
        if self._message.done():
            return False
        self._message.set_result(message)
        return True

    def close(self) -> None:
        """Nothing comes that could go along."""
        self.take({})

    async def message(self, seconds: float) -> dict[str, Any]:
        """The message, or nothing when it did not come in time; from then on none is taken."""
        await asyncio.wait({self._message}, timeout=seconds)
        self.close()
        return self._message.result()


async def taken(session: aiohttp.ClientSession, url: str, message: dict[str, Any]) -> bool:
    """Whether a `response_url` took the message: after 5 messages or 30 minutes it takes no more."""
    try:
        async with session.post(url, json=message, timeout=BACK) as answer:
            if answer.status != 200:
                log.info("response_url takes no more", status=answer.status)
            return answer.status == 200
    except SILENT as problem:
        log.warning("response_url does not answer", reason=why(problem))
        return False


@dataclass(frozen=True, slots=True)
class Reach:
    """The ways to whoever asked. A `response_url` takes 5 messages in 30 minutes, also where the app is no member.

    After that there is a message that they alone see, where the app is a member; and always the direct message.

    `turns`: the first message takes the place of the one whose button was pressed, unless it is a refusal.
    `channel_url` is the `response_url` of a channel that was picked, for what all may see there.
    """

    web: AsyncWebClient
    session: aiohttp.ClientSession
    easel: Renderer
    channel: str
    user: str
    thread: str = ""
    response_url: str = ""
    turns: bool = False
    slot: Slot | None = None
    channel_url: str = ""

    async def say(self, reply: Reply, *, private: bool) -> None:
        """All its messages, seen by the member alone where it is private or a refusal; files go to them directly."""
        drawings = await paint(self.easel, reply)
        private = private or reply.refused
        turns = self.turns and not reply.refused
        for number, drawing in enumerate(drawings):
            if not await self._back(drawing, private=private, turns=turns and not number):
                await self._beside(drawing, private=private)
        await self._hand_over(drawings)

    async def grow(self, replies: AsyncIterator[Reply], *, private: bool) -> None:
        """A message that grows. Slack edits nothing that only one member sees, so private ones grow in their own DM."""
        try:
            [wait] = draw(WAIT)
            sent = await self._post(self._direct if private else self.channel, wait)
        except TROUBLE as problem:
            log.warning("no growing message", reason=why(problem))
            await self._last(replies, private=private)
            return
        if private and self.channel != sent["channel"]:
            [pointer] = draw(POINTER)
            await self._back(pointer, private=True, turns=False)
        elif self.slot:
            self.slot.close()
        await self._edited(throttle(replies, RHYTHM), sent["channel"], sent["ts"])

    async def _edited(self, replies: AsyncIterator[Reply], channel: str, ts: str) -> None:
        refused, last = False, WAIT
        try:
            async for reply in replies:
                last = reply
                refused = not await self._edit(channel, ts, reply)
        except asyncio.CancelledError:
            await self._edit(channel, ts, CUT_SHORT)
            raise
        drawings = await paint(self.easel, last)
        for number, drawing in enumerate(drawings):
            if number or refused:  # a draft may be missed, the reply may not
                await self._post(channel, drawing)
        await self._hand_over(drawings)

    async def _edit(self, channel: str, ts: str, reply: Reply) -> bool:
        """Whether the message says the reply's beginning now."""
        first = draw(reply)[0]
        try:
            await self.web.chat_update(channel=channel, ts=ts, text=first.text, blocks=first.blocks)
        except TROUBLE as problem:
            log.warning("message not edited", reason=why(problem))
            return False
        return True

    async def _last(self, replies: AsyncIterator[Reply], *, private: bool) -> None:
        last: Reply | None = None
        async for reply in replies:
            last = reply
        if last is not None:
            await self.say(last, private=private)

    @property
    def _direct(self) -> str:
        """Where the member is alone with the app; threads are kept to there too."""
        return self.channel if self.thread and self.channel.startswith("D") else self.user

    async def _beside(self, drawing: Drawing, *, private: bool) -> None:
        """Where it was asked for, if the app may speak there; else in the direct message."""
        try:
            if not private:
                await self._post(self.channel, drawing)
            elif self.channel.startswith(("C", "G")):
                await self._whisper(drawing)
            else:
                await self._post(self._direct, drawing)
        except TROUBLE as problem:
            if why(problem) in ENDED:
                raise
            log.info("not said where it was asked for", reason=why(problem))
            await self._post(self.user, drawing)

    async def _whisper(self, drawing: Drawing) -> None:
        thread: dict[str, Any] = {"thread_ts": self.thread} if self.thread else {}
        await self.web.chat_postEphemeral(
            channel=self.channel, user=self.user, text=drawing.text, blocks=drawing.blocks, **thread
        )

    async def _post(self, channel: str, drawing: Drawing) -> Any:
        thread: dict[str, Any] = {"thread_ts": self.thread} if self.thread and channel == self.channel else {}
        return await self.web.chat_postMessage(
            channel=channel, text=drawing.text, blocks=drawing.blocks, **thread, **PLAIN
        )

    async def _back(self, drawing: Drawing, *, private: bool, turns: bool) -> bool:
        """Whether it went the way that every request has for its answer."""
        message: dict[str, Any] = {
            "text": drawing.text,
            "blocks": drawing.blocks,
            "response_type": "ephemeral" if private else "in_channel",
            **PLAIN,
        }
        if self.slot is not None and self.slot.take(message):
            return True
        if self.channel_url and not private:
            return await taken(self.session, self.channel_url, message)
        if not self.response_url:
            return False
        thread = {"thread_ts": self.thread} if self.thread and not turns else {}
        return await taken(self.session, self.response_url, {**message, **thread, "replace_original": turns})

    async def _hand_over(self, drawings: Sequence[Drawing]) -> None:
        """Files go to the direct message: they may hold what is the member's own.

        A picture that Slack does not take is no loss, since the text says what it shows.
        """
        files = [file for drawing in drawings for file in drawing.files]
        try:
            await self._uploaded(files)
        except TROUBLE as problem:
            if why(problem) in ENDED or any(isinstance(file, File) for file in files):
                raise
            log.warning("no picture", reason=why(problem))

    async def _uploaded(self, files: Sequence[File | Picture]) -> None:
        if not files:
            return
        opened = await self.web.conversations_open(users=self.user)
        for file in files:
            match file:
                case File(name, content):
                    what: dict[str, Any] = {"filename": name, "content": content}
                case Picture(png, alt):
                    what = {"filename": "picture.png", "content": png, "alt_txt": alt}
            await self.web.files_upload_v2(channel=opened["channel"]["id"], **what)
