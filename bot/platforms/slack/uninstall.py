"""The end of an installation: Slack reports it, or a call finds that the token no longer works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.app import App, Installation
from bot.context.identity import Location
from bot.platforms.slack.clients import Clients

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Uninstall:
    """Deletes the token and stops all posts. Members' data stays, in case the app comes back."""

    app: App
    clients: Clients

    async def token_rejected(self, install: Installation) -> bool:
        """Remove an installation whose token no longer works; False if the workspace has a newer token."""
        return await self.remove(install.team, token=install.token)

    async def remove(self, team: str, *, token: str = "", before: datetime | None = None) -> bool:
        """Record that the workspace removed the app.

        Returns False, and does nothing, if the app has another token, or was installed again after `before`.
        """
        removed = await self.clients.remove(team, token=token, before=before)
        if removed:
            await self.app.workspace_left(Location("slack", team, ""))
        log.info("uninstalled" if removed else "still installed", team=team)
        return removed
