"""Installing the app in a workspace: Slack's OAuth, with states and tokens in our own tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

import structlog
from slack_bolt import BoltResponse
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Installation, Installations
from bot.errors import SetupError
from bot.platforms.slack.errors import SILENT

log = structlog.get_logger()

INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Studyhall</title><style>body{{font:18px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem;
color:#1d1c1d;background:#fff}}a{{display:inline-block;padding:.6rem 1.1rem;border-radius:.4rem;background:#4a154b;
color:#fff;text-decoration:none}}@media(prefers-color-scheme:dark){{body{{background:#1a1d21;color:#d1d2d3}}}}</style>
<h1>{title}</h1><p>{words}</p>{more}</html>"""
ORGANISATION = "org_install"
RETRY = f'<a href="{INSTALL}">Try again</a>'
REASONS = {
    "access_denied": "Slack says that you have not allowed it. You can try again at any time.",
    "invalid_browser": "This page was opened in another browser than the one that began, or waited too long.",
    "invalid_state": "This link was used before, or waited for more than ten minutes.",
    ORGANISATION: "Studyhall is installed in one workspace at a time, and not for a whole organisation.",
}
AGAIN = "Slack did not hand over what is needed."
BUSY = "Something on our side does not answer just now. Nothing was changed. Please try again in a minute."

Installed = Callable[[Installation], Awaitable[None]]
"""What is done when a workspace has installed the app."""


class Flow(AsyncOAuthFlow):
    """Bolt's own, with our pages, of which one is for what Bolt does not expect."""

    async def handle_installation(self, request: AsyncBoltRequest) -> BoltResponse:
        try:
            return await super().handle_installation(request)
        except (SetupError, *SILENT) as problem:
            return _trouble(problem)

    async def handle_callback(self, request: AsyncBoltRequest) -> BoltResponse:
        try:
            return await super().handle_callback(request)
        except (SetupError, *SILENT) as problem:
            return _trouble(problem)

    async def build_install_page_html(self, url: str, request: Any) -> str:
        words = "A question a day on generative AI, graded in private, with streaks and a leaderboard for your team."
        more = f'<a href="{escape(url)}">Add to Slack</a>'
        return PAGE.format(title="Study together", words=words, more=more)


class States(AsyncOAuthStateStore):
    def __init__(self, installs: Installations) -> None:
        self._installs = installs

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        return await self._installs.new_state()

    async def async_consume(self, state: str) -> bool:
        return await self._installs.use_state(state)


class Store(AsyncInstallationStore):
    """Only keeps: whoever speaks for a workspace asks `Clients`."""

    def __init__(self, installs: Installations, installed: Installed) -> None:
        self._installs = installs
        self._installed = installed

    async def async_save(self, installation: SlackInstallation) -> None:
        if installation.is_enterprise_install or not installation.team_id:
            raise BoltError(ORGANISATION)
        ends = installation.bot_token_expires_at
        install = Installation(
            team=installation.team_id,
            name=installation.team_name or "",
            bot_user=installation.bot_user_id or "",
            bot_id=installation.bot_id or "",
            scopes=",".join(installation.bot_scopes or ()),
            installer=installation.user_id,
            token=str(installation.bot_token),
            refresh=installation.bot_refresh_token,
            expires_at=datetime.fromtimestamp(ends, UTC) if ends else None,
        )
        await self._installs.save(install)
        await self._installed(install)


def flow(
    web: AsyncWebClient,
    api: str,
    installs: Installations,
    installed: Installed,
    *,
    client_id: str,
    client_secret: str,
    scopes: Sequence[str],
) -> AsyncOAuthFlow:
    """The pages of one Slack app. Slack's own page of consent stands beside its Web API."""
    settings = AsyncOAuthSettings(
        client_id=client_id,
        client_secret=client_secret,
        scopes=scopes,
        install_path=INSTALL,
        redirect_uri_path=REDIRECT,
        authorization_url=f"{api.removesuffix('/').removesuffix('/api')}/oauth/v2/authorize",
        installation_store=Store(installs, installed),
        state_store=States(installs),
        callback_options=AsyncCallbackOptions(success=_succeeded, failure=_failed),
    )
    return Flow(client=web, settings=settings)


async def _succeeded(args: AsyncSuccessArgs) -> BoltResponse:
    team = args.installation.team_name or "your workspace"
    words = f"Studyhall is in {escape(team)}. I have written to you there; it takes one click from here."
    link = f"https://slack.com/app_redirect?app={args.installation.app_id or ''}&team={args.installation.team_id or ''}"
    return _page(200, "Welcome!", words, f'<a href="{escape(link)}">Open Slack</a>')


async def _failed(args: AsyncFailureArgs) -> BoltResponse:
    if str(args.error) == ORGANISATION:
        return _page(400, "That did not work", REASONS[ORGANISATION], RETRY)
    return _page(args.suggested_status_code, "That did not work", REASONS.get(args.reason, AGAIN), RETRY)


def _trouble(problem: Exception) -> BoltResponse:
    log.error("not installed", problem=str(problem) or type(problem).__name__)
    return _page(503, "That did not work", BUSY, RETRY)


def _page(status: int, title: str, words: str, more: str) -> BoltResponse:
    html = PAGE.format(title=title, words=words, more=more)
    return BoltResponse(status=status, body=html, headers={"Content-Type": ["text/html; charset=utf-8"]})
