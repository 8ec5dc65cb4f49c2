"""The fake's world: workspaces, their people and channels, and the app's tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from tests.platforms.slack.fake.clock import Clock
from tests.platforms.slack.fake.model import Channel, Team, Token, User
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload

SCOPES = (
    "commands",
    "chat:write",
    "files:write",
    "app_mentions:read",
    "im:history",
    "im:write",
    "users:read",
    "channels:read",
    "channels:join",
    "groups:read",
    "channels:history",
    "groups:history",
)
EXPIRES = 43_200
"""Seconds for which a token is valid if tokens rotate."""


class World:
    """Everything that Slack stores, and its one app."""

    def __init__(self, scopes: Iterable[str] = SCOPES) -> None:
        self.clock = Clock()
        self.scopes = set(scopes)
        """What workspaces created with the app in them grant it."""
        self.app_id = self.clock.id("A")
        self.client_id, self.client_secret = "1111.2222", "client-secret"
        self.redirect_uri = "https://study.example/slack/oauth_redirect"
        """Where Slack returns to by default."""
        self.signing_secret = "signing-secret"
        self.app_token = "xapp-1-token"
        self.rotates = False
        """Whether tokens expire and are refreshed."""
        self.teams: dict[str, Team] = {}
        self.profiles: dict[str, Payload] = {}
        """What users.info says of users about whom it says little: apps, workflows, people who are hidden."""
        self.tokens: dict[str, Token] = {}

    def team(self, domain: str = "readers", *, installed: bool = True, enterprise: str = "") -> Team:
        """Create a workspace with one channel, #papers, and nobody in it but the app."""
        team_id = self.clock.id("T")
        me = User(self.clock.id("U"), "studyhall", team_id, "studyhall", "Studyhall", bot=True)
        within: Payload | None = {"id": enterprise, "name": enterprise.lower()} if enterprise else None
        made = Team(team_id, domain, domain.capitalize(), me, self.clock.id("B"), self.app_id, within)
        made.users[me.id] = me
        self.teams[team_id] = made
        self.channel(made, "papers", joined=installed)
        if installed:
            self.token(made)
        return made

    def user(
        self, team: Team, name: str, *, admin: bool = False, owner: bool = False, bot: bool = False, tz: str = ""
    ) -> User:
        """Create a user, in every public channel; with `bot`, another app's bot."""
        made = User(self.clock.id("U"), name, team.id, name, name.capitalize(), admin, owner, bot)
        made.tz = tz or made.tz
        if bot:
            made.app = {"bot_id": self.clock.id("B"), "app_id": self.clock.id("A")}
        team.users[made.id] = made
        for channel in team.channels.values():
            if not channel.private and not channel.direct:
                channel.members.add(made.id)
        return made

    def channel(
        self, team: Team, name: str, *, private: bool = False, archived: bool = False, joined: bool = True
    ) -> Channel:
        """Create a channel; everyone is in a public one. `joined`: the app is in it."""
        at_home = (user.id for user in team.users.values() if not user.bot and user.team == team.id)
        people = () if private else at_home
        made = Channel(self.clock.id("C"), name, team.id, private, archived, joined, members=set(people))
        team.channels[made.id] = made
        return made

    def assign(self, team: Team, user: User) -> None:
        """Add someone from another workspace of the same organization to a workspace and its public channels."""
        team.users[user.id] = user
        for channel in team.channels.values():
            if channel.kind == "channels":
                channel.members.add(user.id)

    def group(self, team: Team, *users: User) -> Channel:
        """Create a conversation of several members; an app can't be added to one afterwards."""
        name = f"mpdm-{'--'.join(user.name for user in users)}-1"
        people = {user.id for user in users}
        made = Channel(self.clock.id("G"), name, team.id, private=True, joined=False, group=True, members=people)
        team.channels[made.id] = made
        return made

    def share(self, channel: Channel, user: User) -> None:
        """Share a channel with someone from another workspace."""
        assert user.team != channel.team, f"{user.name} is at home there"
        self.teams[channel.team].users[user.id] = user
        channel.members.add(user.id)
        channel.shared.add(user.team)

    def conversation(self, team: Team, user: str) -> Channel:
        """Return the conversation between a user and the app. Raises RefusalError."""
        if user not in team.users or team.users[user].bot:
            raise RefusalError("user_not_found")
        if team.users[user].deleted:
            raise RefusalError("user_disabled")
        for channel in team.channels.values():
            if channel.direct == user:
                return channel
        made = Channel(self.clock.id("D"), "", team.id, True, direct=user, members={user})
        made.shared = {team.users[user].team} - {team.id}
        team.channels[made.id] = made
        return made

    def token(self, team: Team, scopes: Iterable[str] | None = None) -> Token:
        """Create a token for the app, with a refresh token if tokens rotate."""
        secret, granted = secrets.token_hex(8), set(self.scopes if scopes is None else scopes)
        made = Token(f"xoxb-{team.id}-{secret}", team.id, granted)
        if self.rotates:
            made.value = f"xoxe.{made.value}"
            made.expires, made.refresh = self.clock.now() + EXPIRES, f"xoxe-1-{secret}"
        self.tokens[made.value] = made
        team.tokens.append(made)
        return made

    def expel(self, team: Team, error: str = "account_inactive") -> None:
        """Invalidate the app's tokens, and remove it from all channels."""
        for token in team.tokens:
            token.gone = error
        for channel in team.channels.values():
            channel.joined = bool(channel.direct)

    def bearer(self, value: str) -> tuple[Token, Team]:
        """Return a token and its workspace. Raises RefusalError."""
        if not value:
            raise RefusalError("not_authed")
        token = self.tokens.get(value)
        if token is None:
            raise RefusalError("invalid_auth")
        if token.gone:
            raise RefusalError(token.gone)
        if token.expires is not None and self.clock.now() >= token.expires:
            raise RefusalError("token_expired")
        return token, self.teams[token.team]
