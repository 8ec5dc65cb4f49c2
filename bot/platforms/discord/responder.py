"""One interaction's reply: acknowledged in time, shown, and edited while it grows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord

from bot.drawing.renderer import Easel
from bot.platforms.discord.render_images import paint
from bot.platforms.shared.background_tasks import Errands
from bot.replies import Reply

if TYPE_CHECKING:
    Interaction = discord.Interaction[discord.Client]

PATIENCE = 2.0
"""Seconds until work that goes on is acknowledged; Discord gives up after 3."""
NOBODY = discord.AllowedMentions.none()


class Answer:
    """`private` is who sees it. `turns`: it takes the place of the message whose button was pressed.

    `home` is the workspace that buttons of a direct message belong to.
    """

    def __init__(self, interaction: Interaction, easel: Easel, *, private: bool, turns: bool, home: str) -> None:
        self._interaction = interaction
        self._easel = easel
        self._private = private
        self._turns = turns
        self._home = home
        self._one_by_one = asyncio.Lock()

    def hurry(self, errands: Errands) -> asyncio.TimerHandle:
        """Acknowledge by itself what has not been answered when patience ends; cancelled by whoever answers first."""
        return asyncio.get_running_loop().call_later(PATIENCE, lambda: errands.start(self.defer()))

    async def defer(self) -> None:
        """Say that the answer is on its way."""
        async with self._one_by_one:
            if not self._interaction.response.is_done():
                await self._interaction.response.defer(ephemeral=self._private, thinking=not self._turns)

    async def show(self, reply: Reply) -> None:
        """In the place of what was shown before; a long one goes on in further messages."""
        first, *others = await paint(self._easel, reply, home=self._home)
        if reply.streaming:
            others = []  # they would stand there for ever, and each draft would bring them anew
        response = self._interaction.response
        aside = self._turns and reply.refused  # a refusal must not cost the member the page they are on
        private = self._private or reply.refused
        async with self._one_by_one:
            if aside and response.is_done():
                others = [first, *others]
            elif response.is_done():
                await self._interaction.edit_original_response(
                    view=first.view, attachments=first.files, allowed_mentions=NOBODY
                )
            elif self._turns and not aside:
                await response.edit_message(view=first.view, attachments=first.files, allowed_mentions=NOBODY)
            else:
                await response.send_message(
                    view=first.view, files=first.files, ephemeral=private, allowed_mentions=NOBODY
                )
            for page in others:
                await self._interaction.followup.send(
                    view=page.view, files=page.files, ephemeral=private, allowed_mentions=NOBODY
                )
