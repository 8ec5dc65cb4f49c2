"""The pages that install the app in a workspace: Slack's OAuth, with states and tokens in our own tables."""

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
from typing_extensions import override

from bot.app import Installation, Installations
from bot.errors import SetupError
from bot.platforms.slack.errors import UNREACHABLE
from bot.platforms.slack.manifest import REDIRECT_PATH

log = structlog.get_logger()

INSTALL_PATH = "/slack/install"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Studyhall</title><style>body{{font:18px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem;
color:#1d1c1d;background:#fff}}a{{display:inline-block;padding:.6rem 1.1rem;border-radius:.4rem;background:#4a154b;
color:#fff;text-decoration:none}}@media(prefers-color-scheme:dark){{body{{background:#1a1d21;color:#d1d2d3}}}}</style>
<h1>{title}</h1><p>{words}</p>{more}</html>"""
ORG_INSTALL = "org_install"
RETRY_LINK = f'<a href="{INSTALL_PATH}">Try again</a>'
REASONS = {
    "access_denied": "Slack says you didn't allow it. You can try again anytime.",
    "invalid_browser": "You started in a different browser, or this page was open for too long.",
    "invalid_state": "This link was already used, or it's more than ten minutes old.",
    ORG_INSTALL: "Studyhall is installed in one workspace at a time, not for a whole organization.",
}
FAILED = "That didn't work"
INCOMPLETE = "Slack didn't send everything that's needed."
UNAVAILABLE = "Something on our side isn't responding right now. Nothing was changed. Please try again in a minute."

OnInstalled = Callable[[Installation], Awaitable[None]]
"""Called when a workspace has installed the app."""


class InstallFlow(AsyncOAuthFlow):
    """Bolt's own flow with our pages, including one for errors that Bolt doesn't expect."""

    @override
    async def handle_installation(self, request: AsyncBoltRequest) -> BoltResponse:
        try:
            return await super().handle_installation(request)
        except (SetupError, *UNREACHABLE) as problem:
            return _unavailable(problem)

    @override
    async def handle_callback(self, request: AsyncBoltRequest) -> BoltResponse:
        try:
            return await super().handle_callback(request)
        except (SetupError, *UNREACHABLE) as problem:
            return _unavailable(problem)

    @override
    async def build_install_page_html(self, url: str, request: Any) -> str:
        words = "A question a day on generative AI, graded in private, with streaks and a leaderboard for your team."
        more = f'<a href="{escape(url)}">Add to Slack</a>'
        return PAGE.format(title="Study together", words=words, more=more)


class StateStore(AsyncOAuthStateStore):
    """OAuth states in our own tables."""

    def __init__(self, installs: Installations) -> None:
        self._installs = installs

    @override
    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        return await self._installs.new_state()

    @override
    async def async_consume(self, state: str) -> bool:
        return await self._installs.use_state(state)


class InstallationStore(AsyncInstallationStore):
    """Only stores installations; `Clients` reads their tokens."""

    def __init__(self, installs: Installations, on_installed: OnInstalled) -> None:
        self._installs = installs
        self._on_installed = on_installed

    @override
    async def async_save(self, installation: SlackInstallation) -> None:
        if installation.is_enterprise_install or not installation.team_id:
            raise BoltError(ORG_INSTALL)
        expires = installation.bot_token_expires_at
        install = Installation(
            team=installation.team_id,
            name=installation.team_name or "",
            bot_user=installation.bot_user_id or "",
            bot_id=installation.bot_id or "",
            scopes=",".join(installation.bot_scopes or ()),
            installer=installation.user_id,
            token=str(installation.bot_token),
            refresh=installation.bot_refresh_token,
            expires_at=datetime.fromtimestamp(expires, UTC) if expires else None,
        )
        await self._installs.save(install)
        await self._on_installed(install)


def install_flow(
    web: AsyncWebClient,
    api: str,
    installs: Installations,
    on_installed: OnInstalled,
    *,
    client_id: str,
    client_secret: str,
    scopes: Sequence[str],
) -> AsyncOAuthFlow:
    """Return the install pages of one Slack app. Slack's own consent page is on the Web API's host."""
    settings = AsyncOAuthSettings(
        client_id=client_id,
        client_secret=client_secret,
        scopes=scopes,
        install_path=INSTALL_PATH,
        redirect_uri_path=REDIRECT_PATH,
        authorization_url=f"{api.removesuffix('/').removesuffix('/api')}/oauth/v2/authorize",
        installation_store=InstallationStore(installs, on_installed),
        state_store=StateStore(installs),
        callback_options=AsyncCallbackOptions(success=_succeeded, failure=_failed),
    )
    return InstallFlow(client=web, settings=settings)


async def _succeeded(args: AsyncSuccessArgs) -> BoltResponse:
    team = args.installation.team_name or "your workspace"
    words = f"Studyhall is in {escape(team)}. I've sent you a message there; you're one click away from setting it up."
    link = f"https://slack.com/app_redirect?app={args.installation.app_id or ''}&team={args.installation.team_id or ''}"
    return _page(200, "Welcome!", words, f'<a href="{escape(link)}">Open Slack</a>')


async def _failed(args: AsyncFailureArgs) -> BoltResponse:
    if str(args.error) == ORG_INSTALL:
        return _page(400, FAILED, REASONS[ORG_INSTALL], RETRY_LINK)
    return _page(args.suggested_status_code, FAILED, REASONS.get(args.reason, INCOMPLETE), RETRY_LINK)


def _unavailable(problem: Exception) -> BoltResponse:
    log.error("not installed", problem=str(problem) or type(problem).__name__)
    return _page(503, FAILED, UNAVAILABLE, RETRY_LINK)


def _page(status: int, title: str, words: str, more: str) -> BoltResponse:
    html = PAGE.format(title=title, words=words, more=more)
    return BoltResponse(status=status, body=html, headers={"Content-Type": ["text/html; charset=utf-8"]})
