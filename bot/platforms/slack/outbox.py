"""What the bot posts on its own: posts in channels, edits of them, threads, and direct messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from slack_sdk.errors import SlackApiError
from typing_extensions import override

from bot.context.identity import Location
from bot.context.outbox import (
    FIRST_ATTEMPT,
    PLAIN,
    Attempt,
    Outbox,
    PostError,
    PostExtras,
    PostOptions,
    UnavailableError,
)
from bot.platforms.slack.clients import Client, Clients, TokenRejected
from bot.platforms.slack.errors import (
    INVALID_TOKEN,
    REASONS,
    TRANSIENT,
    UNREACHABLE,
    error_code,
    http_status,
    needs_group_scope,
    retry_after,
)
from bot.platforms.slack.identity import is_member, shown_name
from bot.platforms.slack.own_posts import OwnPosts, metadata
from bot.platforms.slack.render import RenderedMessage, render
from bot.platforms.slack.responder import NO_UNFURL
from bot.platforms.slack.sending import send
from bot.platforms.slack.throttle import EDIT_INTERVAL, POST_INTERVAL, Throttle
from bot.replies import Notice, Reply

GROUP_PREFIX = "mpdm-"
"""What the name of a conversation of several members without a channel begins with."""
NO_CHANNEL = "I can't post in a conversation between members. Pick a channel, or write to me directly."
NOT_INSTALLED = "Studyhall isn't installed in that workspace anymore."
THREAD_INTRO = Reply.of(
    Notice("Talk about it here. Mention me to ask; I'll keep the answer to myself until the reveal.")
)


class SlackOutbox(Outbox):
    """Posts carry their key as metadata, so that a retry can find the message of an earlier try.

    A reference is the message's time stamp, which is unique in its channel; a thread's is `thread_location`.
    """

    capabilities = frozenset({"thread"})

    def __init__(self, clients: Clients, throttle: Throttle, on_rejected: TokenRejected) -> None:
        self._clients = clients
        self._throttle = throttle
        self._on_rejected = on_rejected
        self._own_posts = OwnPosts()

    @override
    async def missing_permissions(self, location: Location, wants: PostExtras) -> str:
        """Join the channel if it's public. Slack doesn't let the app see a private one until it's invited.

        The app's scopes are for channels and for its own direct messages, not for those between members.
        """
        if location.channel_name.startswith(GROUP_PREFIX):
            return NO_CHANNEL
        async with self._client(location) as client:
            look = _direct_problem if location.channel.startswith("D") else _channel_problem
            return await look(client, location.channel)

    @override
    async def post(
        self,
        location: Location,
        reply: Reply,
        key: str,
        *,
        options: PostOptions = PLAIN,
        attempt: Attempt = FIRST_ATTEMPT,
    ) -> str:
        """Join the channel if it's public and that turns out to be needed."""
        async with self._client(location) as client:
            try:
                return await self._send(client, location.channel, reply, key, attempt)
            except SlackApiError as problem:
                if error_code(problem) != "not_in_channel":
                    raise
            await client.patient.conversations_join(channel=location.channel)
            return await self._send(client, location.channel, reply, key, attempt)

    @override
    async def edit(self, location: Location, ref: str, reply: Reply, *, attempt: Attempt = FIRST_ATTEMPT) -> None:
        first, *_ = render(reply)
        async with self._client(location) as client:
            await self._throttle.turn(EDIT_INTERVAL, location.workspace, "edit")
            attempt.check()
            try:
                await send(first, lambda **form: client.patient.chat_update(channel=location.channel, ts=ref, **form))
            except SlackApiError as problem:
                self._throttle.pause(retry_after(problem) or 0, location.workspace, "edit")
                raise

    @override
    async def send_direct(
        self, location: Location, member: str, reply: Reply, key: str, *, attempt: Attempt = FIRST_ATTEMPT
    ) -> None:
        async with self._client(location) as client:
            channel = member
            if attempt.since is not None:  # only the conversation's own id has a history
                channel = (await client.patient.conversations_open(users=member))["channel"]["id"]
            await self._send(client, channel, reply, key, attempt)

    @override
    async def open_thread(self, location: Location, ref: str, name: str, *, attempt: Attempt = FIRST_ATTEMPT) -> str:
        """Start a thread with a message of our own: on Slack a thread exists once somebody writes in it."""
        async with self._client(location) as client:
            await self._send(client, location.channel, THREAD_INTRO, f"thread-{ref}", attempt, thread_ts=ref)
        return thread_location(location.channel, ref)

    @override
    async def member_name(self, location: Location, member: str) -> str:
        async with self._client(location) as client:
            try:
                info = (await client.web.users_info(user=member)).get("user") or {}
            except SlackApiError as problem:
                if error_code(problem) in {"user_not_found", "user_not_visible"}:
                    return ""
                raise
            return shown_name(info) if is_member(info, location.workspace) else ""

    @override
    async def owners(self, location: Location) -> Sequence[str]:
        async with self._client(location) as client:
            return [client.install.installer] if client.install.installer else []

    async def _send(
        self, client: Client, channel: str, reply: Reply, key: str, attempt: Attempt, *, thread_ts: str = ""
    ) -> str:
        """Post all messages of a reply that no earlier attempt posted, and return the reference of the first."""
        posted: Mapping[str, str] = {}
        if attempt.since is not None:
            posted = await self._own_posts.since(client.patient, channel, attempt.since, thread=thread_ts, search=key)

        async def post(message_key: str, message: RenderedMessage) -> str:
            sent = await send(
                message,
                lambda **form: client.patient.chat_postMessage(
                    channel=channel,
                    metadata=metadata(message_key),
                    thread_ts=thread_ts or None,
                    **NO_UNFURL,
                    **form,
                ),
            )
            return str(sent["ts"])

        refs = []
        for number, message in enumerate(render(reply)):
            message_key = f"{key}/{number}" if number else key
            if message_key in posted:
                refs.append(posted[message_key])
                continue
            async with self._throttle.whole_turn(POST_INTERVAL, client.install.team, channel):
                attempt.check()
                refs.append(await post(message_key, message))
        return refs[0]

    @asynccontextmanager
    async def _client(self, location: Location) -> AsyncIterator[Client]:
        """Open the workspace's client. Raises PostError for what Slack refuses within the block."""
        client: Client | None = None
        try:
            client = await self._clients.for_team(location.workspace)
            if client is None:
                raise PostError(NOT_INSTALLED)
            yield client
        except SlackApiError as problem:
            code = error_code(problem)
            if client is None:
                raise UnavailableError(f"Slack didn't renew my token ({code}).") from problem
            if code in INVALID_TOKEN:
                if await self._on_rejected(client.install):
                    raise PostError(NOT_INSTALLED) from problem
                raise UnavailableError(NOT_INSTALLED) from problem  # the app has a newer token
            if code in TRANSIENT or http_status(problem) >= 500:
                raise UnavailableError(f"Slack can't do it now ({code}).", retry_after(problem)) from problem
            known = REASONS.get(code)
            raise PostError(known or f"Slack refused it ({code}).", retry=known is None) from problem
        except UNREACHABLE as problem:
            raise UnavailableError(f"Slack didn't answer ({type(problem).__name__}).") from problem


async def _direct_problem(client: Client, channel: str) -> str:
    """Return why the app can't post in a direct message; empty if it's its own.

    It may open that again, but not look it up.
    """
    try:
        await client.web.conversations_open(channel=channel)
    except SlackApiError as problem:
        if error_code(problem) == "channel_not_found":
            return NO_CHANNEL
        raise
    return ""


async def _channel_problem(client: Client, channel: str) -> str:
    """Return why the app can't post in a channel, after joining it if it's public; empty if it can."""
    try:
        info = (await client.web.conversations_info(channel=channel)).get("channel") or {}
    except SlackApiError as problem:
        if error_code(problem) == "channel_not_found":
            return REASONS["channel_not_found"]
        if error_code(problem) == "missing_scope" and needs_group_scope(problem):
            return NO_CHANNEL
        raise
    if info.get("is_archived"):
        return REASONS["is_archived"]
    if not info.get("is_member"):
        await client.web.conversations_join(channel=channel)
    return ""


def thread_location(channel: str, ts: str) -> str:
    """Name a thread as if it were a separate channel, which it is on other platforms."""
    return f"{channel}/{ts}"
