"""What Slack is told unasked: posts in channels, edits of them, threads, and words to one member."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.context.identity import Location
from bot.context.outbox import Outbox, PostError, PostExtras
from bot.platforms.slack.clients import Client, Clients, Ended
from bot.platforms.slack.errors import ENDED, PASSING, REASONS, SILENT, status, why
from bot.platforms.slack.render import draw
from bot.platforms.slack.responder import PLAIN
from bot.platforms.slack.throttle import Pace
from bot.replies import Notice, Reply

EVENT = "studyhall_post"
"""The type of the metadata by which a post is found again."""
LOOK_BACK = 50
"""The newest messages of a channel among which an earlier try is looked for."""
POSTS, EDITS = 1.0, 1.2
"""Seconds between two posts in one channel, and between two edits in one workspace: Slack allows 50 a minute."""
NOT_THERE = "Studyhall is not installed in that workspace any more."
THREAD = Reply.of(Notice("Talk about it here. Mention me to ask; I keep the answer to myself until the reveal."))


class SlackOutbox(Outbox):
    """Posts carry their key as metadata, by which any try but the first looks for its own message.

    A reference is the message's time stamp, which is unique in its channel; a thread's is the place where people write
    in it, as `thread_place` names it.
    """

    capabilities = frozenset({"thread"})

    def __init__(self, clients: Clients, pace: Pace, ended: Ended) -> None:
        self._clients = clients
        self._pace = pace
        self._ended = ended

    async def missing_permissions(self, location: Location, wants: PostExtras) -> str:
        """Public channels are joined; into private ones somebody has to invite the app."""
        async with self._asking(location) as client:
            try:
                channel = (await client.web.conversations_info(channel=location.channel))["channel"]
            except SlackApiError as refusal:
                if why(refusal) == "channel_not_found":
                    return REASONS["channel_not_found"]
                raise
            if channel.get("is_archived"):
                return REASONS["is_archived"]
            if channel.get("is_im") or channel.get("is_member"):
                return ""
            if channel.get("is_private"):
                return REASONS["not_in_channel"]
            await client.web.conversations_join(channel=location.channel)
        return ""

    async def post(self, location: Location, reply: Reply, key: str, *, role: str = "", again: bool = False) -> str:
        async with self._asking(location) as client:
            there = await self._posted(client, location.channel) if again else {}
            return await self._send(client, location.channel, reply, key, there)

    async def edit(self, location: Location, ref: str, reply: Reply) -> None:
        first, *_ = draw(reply)
        async with self._asking(location) as client, self._pace.turn(EDITS, location.workspace, "edit"):
            await client.web.chat_update(channel=location.channel, ts=ref, text=first.text, blocks=first.blocks)

    async def send_direct(self, location: Location, member: str, reply: Reply, key: str) -> None:
        async with self._asking(location) as client:
            await self._send(client, member, reply, key, {})

    async def open_thread(self, location: Location, ref: str, name: str, *, again: bool = False) -> str:
        """Threads are there as soon as somebody writes in one: the app begins it."""
        async with self._asking(location) as client:
            there = await self._posted(client, location.channel, ref) if again else {}
            await self._send(client, location.channel, THREAD, f"thread-{ref}", there, thread_ts=ref)
        return thread_place(location.channel, ref)

    async def owners(self, location: Location) -> Sequence[str]:
        async with self._asking(location) as client:
            return [client.install.installer] if client.install.installer else []

    async def _posted(self, client: Client, channel: str, thread: str = "") -> dict[str, str]:
        """The references of the posts that earlier tries left there, by their keys."""
        asked: dict[str, Any] = {"channel": channel, "limit": LOOK_BACK, "include_all_metadata": True}
        if thread:
            there = await client.web.conversations_replies(ts=thread, **asked)
        else:
            there = await client.web.conversations_history(**asked)
        return {key: str(message["ts"]) for message in there["messages"] if (key := _key_of(message))}

    async def _send(
        self, client: Client, channel: str, reply: Reply, key: str, there: Mapping[str, str], **more: Any
    ) -> str:
        """All messages of it that are not `there` by an earlier try; the reference is the first one's."""
        refs = []
        for number, drawing in enumerate(draw(reply)):
            numbered = f"{key}/{number}" if number else key
            if numbered in there:
                refs.append(there[numbered])
                continue
            async with self._pace.turn(POSTS, client.install.team, channel):
                sent = await client.web.chat_postMessage(
                    channel=channel,
                    text=drawing.text,
                    blocks=drawing.blocks,
                    metadata={"event_type": EVENT, "event_payload": {"key": numbered}},
                    **more,
                    **PLAIN,
                )
            refs.append(str(sent["ts"]))
        return refs[0]

    @asynccontextmanager
    async def _asking(self, location: Location) -> AsyncIterator[Client]:
        """The workspace's client; Slack's refusals as CannotPost."""
        client: Client | None = None
        try:
            client = await self._clients.of(location.workspace)
            if client is None:
                raise PostError(NOT_THERE)
            yield client
        except SlackApiError as refusal:
            error = why(refusal)
            if client is None:
                raise PostError(f"Slack renews no token just now ({error}).", retry=True) from refusal
            if error in ENDED:
                over = await self._ended(client.install)
                raise PostError(NOT_THERE, retry=not over) from refusal
            retry = error in PASSING or status(refusal) >= 500
            raise PostError(REASONS.get(error, f"Slack refused it ({error})."), retry=retry) from refusal
        except SILENT as problem:
            raise PostError(f"Slack did not answer ({type(problem).__name__}).", retry=True) from problem


def thread_place(channel: str, ts: str) -> str:
    """A thread as a place of its own, which it is on other platforms."""
    return f"{channel}/{ts}"


def _key_of(message: Mapping[str, Any]) -> str:
    """Of a post of ours; "" for any other message."""
    metadata = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("key", "")) if metadata.get("event_type") == EVENT else ""
