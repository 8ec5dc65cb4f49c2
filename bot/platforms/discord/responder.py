"""Answer one interaction: acknowledge it in time, show the reply, and edit it while it streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import discord
import structlog

from bot import metrics
from bot.drawing.renderer import Renderer
from bot.platforms.discord.invocation import Invocation
from bot.platforms.discord.outbox import NO_MENTIONS
from bot.platforms.discord.render_images import render_images
from bot.platforms.discord.tree import EXPIRED_CODES
from bot.platforms.shared.background_tasks import BackgroundTasks
from bot.replies import Notice, Reply

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

log = structlog.get_logger()

DEFER_AFTER = 2.0
"""Seconds until unfinished work is acknowledged; Discord gives up after 3."""
ORIGINAL: Any = "@original"
"""Discord's name for the message that an interaction was acknowledged with; discord.py's types only know ids."""


REFUSED = Reply.of(
    Notice("Discord wouldn't show my reply. What you asked for is done, though, and the problem is in the log.")
)


def is_refusal(problem: discord.HTTPException) -> bool:
    """Return whether Discord refuses what a message looks like, such as for a limit that we don't know."""
    return problem.status in {400, 413} and problem.code not in EXPIRED_CODES


class Responder:
    """Answers an interaction that just arrived, or with the `webhook` one that an earlier process acknowledged.

    `keep` is called right before an interaction is acknowledged without its answer.
    """

    def __init__(
        self,
        invocation: Invocation,
        renderer: Renderer,
        source: Interaction | discord.Webhook,
        keep: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._renderer = renderer
        self._private, self._replaces_message = invocation.private, invocation.replaces_message
        self._workspace = invocation.workspace
        if isinstance(source, discord.Webhook):
            self._webhook, self._response = source, None
            self._edit_original: Callable[..., Awaitable[Any]] = partial(source.edit_message, ORIGINAL)
        else:
            self._webhook, self._response = source.followup, source.response
            self._edit_original = source.edit_original_response
        self._keep = keep
        self._lock = asyncio.Lock()
        self._deferring: asyncio.Task[None] | None = None
        self._began = time.perf_counter()
        self._begun = False
        """Whether the first message of the reply is there."""

    def defer_if_slow(self, background_tasks: BackgroundTasks) -> asyncio.TimerHandle:
        """Schedule `defer` for shortly before Discord gives up; the caller cancels the timer, then calls `settled`."""

        def begin() -> None:
            self._deferring = background_tasks.start(self.defer())

        return asyncio.get_running_loop().call_later(DEFER_AFTER, begin)

    async def settled(self) -> None:
        """Wait for a `defer` that has begun."""
        if self._deferring is not None:
            await asyncio.wait({self._deferring})

    async def defer(self) -> None:
        """Acknowledge the interaction, unless it's answered already."""
        if self.is_acknowledged:
            return
        if self._keep is not None:
            await self._keep()
        async with self._lock:
            if self._response is not None and not self._response.is_done():
                await self._response.defer(ephemeral=self._private, thinking=not self._replaces_message)
                self._acknowledged()

    async def can_answer(self) -> bool:
        """Return whether an interaction that an earlier process had can be answered: it's acknowledged, and not old."""
        try:
            await self._webhook.fetch_message(ORIGINAL)
        except discord.HTTPException as problem:
            if problem.code not in EXPIRED_CODES:
                raise
            return False
        return True

    async def show(self, reply: Reply) -> None:
        """Show the reply in place of the last one; a long one continues in further messages.

        If Discord refuses what it looks like, it says so: what was asked for is done all the same.
        """
        self._begun = False
        try:
            await self._show(reply)
        except discord.HTTPException as problem:
            if not is_refusal(problem):
                raise
            log.exception("reply refused", code=problem.code)
            if self._begun:
                await self._webhook.send(view=await self._refused(), ephemeral=True, allowed_mentions=NO_MENTIONS)
            elif not reply.streaming:  # of a draft, the next one may be fine
                await self._show(REFUSED)

    async def show_to_everyone(self, reply: Reply) -> None:
        """Show everyone in the channel another reply below the one that only the member sees."""
        for page in await render_images(self._renderer, reply, workspace=self._workspace):
            await self._webhook.send(view=page.view, files=page.files, allowed_mentions=NO_MENTIONS)

    async def _refused(self) -> discord.ui.LayoutView:
        [page] = await render_images(self._renderer, REFUSED, workspace=self._workspace)
        return page.view

    async def _show(self, reply: Reply) -> None:
        first, *rest = await render_images(self._renderer, reply, workspace=self._workspace)
        if reply.streaming:
            rest = []  # they can't be edited, so each draft would add more
        separate = self._replaces_message and reply.refused  # an error must not cost members the page they're on
        private = self._private or reply.refused
        async with self._lock:
            if separate and self.is_acknowledged:
                rest = [first, *rest]
            elif self._response is None or self._response.is_done():
                await self._edit_original(view=first.view, attachments=first.files, allowed_mentions=NO_MENTIONS)
            elif self._replaces_message and not separate:
                await self._response.edit_message(
                    view=first.view, attachments=first.files, allowed_mentions=NO_MENTIONS
                )
                self._acknowledged()
            else:
                await self._response.send_message(
                    view=first.view, files=first.files, ephemeral=private, allowed_mentions=NO_MENTIONS
                )
                self._acknowledged()
            self._begun = True
            for page in rest:
                await self._webhook.send(
                    view=page.view, files=page.files, ephemeral=private, allowed_mentions=NO_MENTIONS
                )

    @property
    def is_acknowledged(self) -> bool:
        """Whether Discord has accepted an acknowledgment from this process, or from the one that had it before."""
        return self._response is None or self._response.is_done()

    def _acknowledged(self) -> None:
        metrics.ACKNOWLEDGMENT_TIME.labels("discord").observe(time.perf_counter() - self._began)
