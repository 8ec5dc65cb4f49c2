"""Installing the app: the consent page, codes, tokens, and renewals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from tests.platforms.slack.fake.calls import Call, Handler
from tests.platforms.slack.fake.model import Team, Token, User
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload
from tests.platforms.slack.fake.world import EXPIRES

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

LIVES = 600.0
"""Seconds for which a code is valid."""


def methods(slack: Slack) -> Iterator[tuple[str, Handler]]:
    yield "oauth.v2.access", slack.oauth.access


@dataclass(slots=True)
class Consent:
    team: Team
    user: User
    scopes: set[str]
    redirect_uri: str
    at: float
    org_wide: bool = False
    used: bool = False


class OAuth:
    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._codes: dict[str, Consent] = {}

    def authorize(
        self,
        team: Team,
        user: User,
        scopes: Iterable[str] | None = None,
        redirect_uri: str = "",
        *,
        org_wide: bool = False,
    ) -> str:
        """Return the code for an installation that someone agreed to, in their workspace or organization."""
        granted = set(self._slack.scopes if scopes is None else scopes)
        code = f"{self._slack.clock.id('')}.code"
        self._codes[code] = Consent(team, user, granted, redirect_uri, self._slack.clock.now(), org_wide)
        return code

    async def page(self, request: web.Request) -> web.Response:
        """Agree at once for the user `as`; `agrees=no` refuses, `org_wide=yes` is for the organization."""
        asked = request.query
        if asked.get("client_id") != self._slack.client_id:
            return web.Response(status=400, text="invalid_client_id")
        if not asked.get("scope"):
            return web.Response(status=400, text="no_scopes")
        back = URL(asked.get("redirect_uri") or self._slack.redirect_uri)
        if not back.absolute:
            return web.Response(status=400, text="bad_redirect_uri")
        everybody = [(team, user) for team in self._slack.teams.values() for user in team.users.values()]
        who = [(team, user) for team, user in everybody if user.id == asked.get("as") and user.team == team.id]
        if not who:
            return web.Response(status=400, text="nobody is signed in")
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("agrees") == "no":
            raise web.HTTPFound(back.update_query(state | {"error": "access_denied"}))
        scopes, org_wide = asked["scope"].split(","), asked.get("org_wide") == "yes"
        code = self.authorize(*who[0], scopes, asked.get("redirect_uri", ""), org_wide=org_wide)
        raise web.HTTPFound(back.update_query(state | {"code": code}))

    def access(self, call: Call) -> Payload:
        if call.text("client_id") != self._slack.client_id:
            raise RefusalError("invalid_client_id")
        if call.text("client_secret") != self._slack.client_secret:
            raise RefusalError("bad_client_secret")
        match call.text("grant_type") or "authorization_code":
            case "authorization_code":
                return self._exchanged(call)
            case "refresh_token":
                return self._refreshed(call)
            case _:
                raise RefusalError("invalid_grant_type")

    def _exchanged(self, call: Call) -> Payload:
        consent = self._codes.get(call.text("code"))
        if consent is None or consent.used or self._slack.clock.now() > consent.at + LIVES:
            raise RefusalError("invalid_code" if consent is None or not consent.used else "code_already_used")
        if consent.redirect_uri and call.text("redirect_uri") != consent.redirect_uri:
            raise RefusalError("bad_redirect_uri")
        consent.used = True
        team = consent.team
        live = [token for token in team.tokens if not token.gone and token.expires is None]
        if live and not self._slack.rotates:  # an app that is installed again keeps its token
            token = live[-1]
            token.scopes |= consent.scopes
        else:
            token = self._slack.token(team, consent.scopes)
        token.org_wide = consent.org_wide
        return self._told(team, token) | {"authed_user": {"id": consent.user.id}}

    def _refreshed(self, call: Call) -> Payload:
        value = call.text("refresh_token")
        for token in self._slack.tokens.values():
            if value and token.refresh == value and not token.gone:
                token.refresh = ""
                team = self._slack.teams[token.team]
                fresh = self._slack.token(team, token.scopes)
                fresh.org_wide = token.org_wide
                return self._told(team, fresh)
        raise RefusalError("invalid_refresh_token")

    def _told(self, team: Team, token: Token) -> Payload:
        rotating = {"refresh_token": token.refresh, "expires_in": EXPIRES} if token.refresh else {}
        return {
            "app_id": self._slack.app_id,
            "token_type": "bot",
            "access_token": token.value,
            "scope": ",".join(sorted(token.scopes)),
            "bot_user_id": team.me.id,
            "team": None if token.org_wide else {"id": team.id, "name": team.name},
            "enterprise": team.enterprise,
            "is_enterprise_install": token.org_wide,
            **rotating,
        }
