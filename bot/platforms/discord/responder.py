"""Answer one interaction: acknowledge it in time, show the reply, and edit it while it streams."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import discord

from bot import metrics
from bot.drawing.renderer import Renderer
from bot.platforms.discord.outbox import NO_MENTIONS
from bot.platforms.discord.render_images import render_images
from bot.platforms.shared.background_tasks import BackgroundTasks
from bot.replies import Reply

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

DEFER_AFTER = 2.0
"""Seconds until unfinished work is acknowledged; Discord gives up after 3."""


class Responder:
    """`private`: only the member sees the reply. `replaces_message`: it replaces the message whose button was pressed.

    `workspace` is the server that the buttons of a direct message belong to.
    """

    def __init__(
        self, interaction: Interaction, renderer: Renderer, *, private: bool, replaces_message: bool, workspace: str
    ) -> None:
        self._interaction = interaction
        self._renderer = renderer
        self._private = private
        self._replaces_message = replaces_message
        self._workspace = workspace
        self._lock = asyncio.Lock()
        self._began = time.perf_counter()

    @property
    def acknowledged(self) -> bool:
        """Whether Discord has accepted an acknowledgment from this process."""
        return self._interaction.response.is_done()

    def defer_if_slow(self, background_tasks: BackgroundTasks) -> asyncio.TimerHandle:
        """Schedule `defer` for shortly before Discord gives up; the caller cancels the timer."""
        return asyncio.get_running_loop().call_later(DEFER_AFTER, lambda: background_tasks.start(self.defer()))

    async def defer(self) -> None:
        """Acknowledge the interaction, unless it's answered already."""
        async with self._lock:
            if not self._interaction.response.is_done():
                await self._interaction.response.defer(ephemeral=self._private, thinking=not self._replaces_message)
                self._acknowledged()

    async def show(self, reply: Reply) -> None:
        """Show the reply in place of the last one; a long one continues in further messages."""
        first, *rest = await render_images(self._renderer, reply, workspace=self._workspace)
        if reply.streaming:
            rest = []  # they can't be edited, so each draft would add more
        response = self._interaction.response
        separate = self._replaces_message and reply.refused  # an error must not cost members the page they're on
        private = self._private or reply.refused
        async with self._lock:
            if separate and response.is_done():
                rest = [first, *rest]
            elif response.is_done():
                await self._interaction.edit_original_response(
                    view=first.view, attachments=first.files, allowed_mentions=NO_MENTIONS
                )
            elif self._replaces_message and not separate:
                await response.edit_message(view=first.view, attachments=first.files, allowed_mentions=NO_MENTIONS)
                self._acknowledged()
            else:
                await response.send_message(
                    view=first.view, files=first.files, ephemeral=private, allowed_mentions=NO_MENTIONS
                )
                self._acknowledged()
            for page in rest:
                await self._interaction.followup.send(
                    view=page.view, files=page.files, ephemeral=private, allowed_mentions=NO_MENTIONS
                )

    def _acknowledged(self) -> None:
        metrics.ACKNOWLEDGMENT_TIME.labels("discord").observe(time.perf_counter() - self._began)
