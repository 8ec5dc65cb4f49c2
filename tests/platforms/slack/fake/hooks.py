"""response_urls, with which an app answers up to five times within half an hour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aiohttp import web

from tests.platforms.slack.fake import chat
from tests.platforms.slack.fake.model import Message
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

USES, LIVES = 5, 1800.0
KNOWN = {
    "text",
    "blocks",
    "attachments",
    "response_type",
    "replace_original",
    "delete_original",
    "thread_ts",
    "unfurl_links",
    "unfurl_media",
    "metadata",
}


@dataclass(slots=True)
class Hook:
    """`source` is the message it came with, as it is now."""

    team: str
    channel: str
    user: str
    at: float
    source: Message | None = None
    left: int = USES


class Hooks:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._hooks: dict[str, Hook] = {}
        self.status_of_refusals = 400
        """The status that comes with an error about a message's content. Which one it is isn't documented."""

    def new(self, team: str, channel: str, user: str, source: Message | None = None) -> str:
        hook_id = self._slack.clock.id("")
        self._hooks[hook_id] = Hook(team, channel, user, self._slack.clock.now(), source)
        return f"{self._slack.address}/respond/{hook_id}"

    async def receive(self, request: web.Request) -> web.Response:
        try:
            async with self._slack.faulty("response_url", request):
                hook = self._hooks.get(request.match_info["id"])
                if hook is None or self._slack.clock.now() > hook.at + LIVES:
                    raise RefusalError("expired_url", status=404)
                if not hook.left:
                    raise RefusalError("used_url", status=404)
                hook.left -= 1
                self.answer(hook, await request.json(), "response_url")
        except RefusalError as refusal:
            status = self.status_of_refusals if refusal.status == 200 else refusal.status
            return web.json_response(refusal.json, status=status, headers=refusal.headers)
        return web.Response(text="ok")

    def answer(self, hook: Hook, body: Payload, method: str) -> None:
        """Post or edit a message where someone acted. Raises RefusalError."""
        for name in sorted(body.keys() - KNOWN):
            self._slack.violate("arguments", method, f"{name} is not known there")
        team, source = self._slack.teams[hook.team], hook.source
        channel = team.channels.get(hook.channel)
        if body.get("delete_original"):
            if source is None:
                raise RefusalError("message_not_found", status=404)
            if channel is not None and source.ts in channel.messages:
                self._slack.remove(channel, source)
            else:
                self._slack.deleted.put_nowait(source)
            return
        text, given_blocks = str(body.get("text") or ""), body.get("blocks")
        if not text and not given_blocks:
            raise RefusalError("no_text", status=400)
        chat.hold(self._slack, team.id, method, given_blocks, text, posted=False)
        shown = chat.named(self._slack, given_blocks) or []
        if body.get("replace_original") and source is not None:
            hook.source = edited = replace(source, text=text, blocks=shown, edited=self._slack.clock.ts())
            if channel is not None and source.ts in channel.messages:
                self._slack.change(channel, edited)
            else:
                self._slack.edits.put_nowait(edited)
            return
        reader = "" if body.get("response_type") == "in_channel" else hook.user
        thread = str(body.get("thread_ts") or "")
        if thread and reader:
            # A `thread_ts` is documented with `in_channel` only; a private answer appears outside of the thread.
            self._slack.violate("arguments", method, "thread_ts goes with in_channel only")
            thread = ""
        ts = self._slack.clock.ts()
        message = Message(team.id, hook.channel, text, shown, ts, team.me.id, team.app, reader=reader, thread_ts=thread)
        if reader or channel is None:
            self._slack.messages.put_nowait(message)
        else:
            self._slack.show(channel, message)
