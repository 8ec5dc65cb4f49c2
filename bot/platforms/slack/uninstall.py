"""The end of an installation: told by Slack, or found out where a token does nothing any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.app import App, Installation
from bot.context.identity import Location
from bot.platforms.slack.clients import Clients

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Leaving:
    """The token goes and nothing is posted any more. What members did stays, for the day the app comes back."""

    app: App
    clients: Clients

    async def ended(self, install: Installation) -> bool:
        """The token is worth nothing any more; False where the workspace has another one by now."""
        return await self.over(install.team, token=install.token)

    async def over(self, team: str, *, token: str = "", before: datetime | None = None) -> bool:
        """The workspace has put the app out; False where the app is there by another token, or since a later moment."""
        over = await self.clients.end(team, token=token, before=before)
        if over:
            await self.app.workspace_left(Location("slack", team, ""))
        log.info("left" if over else "there again", team=team)
        return over
