"""Slack workspaces that installed the app: their tokens, encrypted and renewed before they expire."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, delete, or_, select, update

from bot.encryption import Vault
from bot.errors import DatabaseError
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import SlackInstallation
from bot.store.upsert import insert

log = structlog.get_logger()
T = TypeVar("T")

RENEW_BEFORE = timedelta(hours=2)
"""How long before its expiry a token is renewed. The old one stays valid until then."""
RENEWAL_LEASE = timedelta(minutes=5)
"""How long a process may take to renew a token; then another one may try."""
STATE_LIFETIME = timedelta(minutes=10)
"""How long an administrator has from the install page to Slack's answer."""
POLL_INTERVAL = 0.2
"""Seconds between checks whether another process has renewed the token."""
SAVE_TIMEOUT = 240.0
"""Seconds for saving a renewed token, less than the lease."""
SAVE_DELAYS = (0.5, 2.0, 8.0, 20.0, 30.0, 60.0)
"""Seconds before each new attempt to save one: the refresh token that it came from works only once."""

_installations, _states = tables.slack_installations.c, tables.oauth_states.c


@dataclass(frozen=True, slots=True)
class Installation:
    """One workspace's installation. Its tokens never appear in a repr."""

    team: str
    name: str
    bot_user: str
    bot_id: str
    scopes: str
    installer: str
    token: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


Renew = Callable[[Installation], Awaitable[Installation | None]]
"""Asks Slack for a new token; returns None if the token can never be renewed, and raises if it can't be renewed now."""


@dataclass(frozen=True, slots=True)
class Installations:
    """Every workspace's installation. All that workspaces share is the key that encrypts their tokens."""

    store: Store
    vault: Vault
    clock: Callable[[], datetime]

    async def save(self, installation: Installation) -> None:
        """Store an installation, replacing the workspace's earlier one."""
        row = SlackInstallation(
            team=installation.team,
            name=installation.name,
            bot_user=installation.bot_user,
            bot_id=installation.bot_id,
            scopes=installation.scopes,
            installer=installation.installer,
            installed_at=self.clock(),
            **self._encrypted(installation),
        )
        await self.store.transaction(_save, row)

    async def find(self, team: str) -> Installation | None:
        """Find a workspace's installation. Raises SetupError if another key encrypted its tokens."""
        row = await self.store.query(_find, team)
        if row is None:
            return None
        return Installation(
            row.team,
            row.name,
            row.bot_user,
            row.bot_id,
            row.scopes,
            row.installer,
            self.vault.decrypt(row.token),
            self.vault.decrypt(row.refresh) if row.refresh else None,
            row.expires_at,
        )

    async def remove(self, team: str, *, token: str = "", before: datetime | None = None) -> bool:
        """Delete the installation of a workspace that removed the app; its tokens no longer work.

        Slack's notice may come late: returns False and deletes nothing if the app has been installed again since,
        with another token than `token` or later than `before`.
        """
        return await self.store.transaction(self._remove, team, token, before)

    def _remove(self, connection: Connection, team: str, token: str, before: datetime | None) -> bool:
        row = _find(connection, team, lock=True)
        if row is None:
            return True
        if (token and self.vault.decrypt(row.token) != token) or (before and row.installed_at > before):
            return False
        connection.execute(delete(tables.slack_installations).where(_installations.team == team))
        return True

    async def with_valid_token(self, team: str, renew: Renew) -> Installation | None:
        """Return the installation with a valid token; a token that is about to expire is renewed, by one process.

        None if the app isn't installed, or its token has expired and can never be renewed. If the token has expired,
        raises what `renew` raises.
        """
        while True:
            installation, now = await self.find(team), self.clock()
            if installation is None or installation.refresh is None or installation.expires_at is None:
                return installation
            if installation.expires_at > now + RENEW_BEFORE:
                return installation
            if await self.store.transaction(_lease_renewal, team, now):
                return await _finish(self._renew(installation, renew))
            if installation.expires_at > now:
                return installation  # another process is renewing it, and this token is still valid
            await asyncio.sleep(POLL_INTERVAL)

    async def _renew(self, old: Installation, renew: Renew) -> Installation | None:
        expired = old.expires_at is not None and old.expires_at <= self.clock()
        try:
            new = await renew(old)
        except Exception as problem:
            log.warning("token not renewed", team=old.team, problem=type(problem).__name__, expired=expired)
            await self._end_lease(old.team)
            if expired:
                raise
            return old
        if new is None:
            log.error("token can never be renewed", team=old.team)
            await self._end_lease(old.team)
            return None if expired else old
        await self._save_renewed(old.team, new)
        return replace(old, token=new.token, refresh=new.refresh, expires_at=new.expires_at)

    async def _save_renewed(self, team: str, new: Installation) -> None:
        # Only the tokens: an administrator may have installed the app again meanwhile, which ended the lease.
        tokens = self._encrypted(new)
        async with asyncio.timeout(SAVE_TIMEOUT):
            for delay in SAVE_DELAYS:
                try:
                    await self.store.transaction(_end_lease, team, tokens)
                    return
                except DatabaseError as problem:
                    log.error("renewed token not saved yet", team=team, problem=str(problem))
                    await asyncio.sleep(delay)
            await self.store.transaction(_end_lease, team, tokens)

    async def _end_lease(self, team: str) -> None:
        """Let other processes renew the token right away. If the database fails, they can once the lease expires."""
        try:
            await self.store.transaction(_end_lease, team, {})
        except DatabaseError as problem:
            log.error("renewal lease not ended", team=team, problem=str(problem))

    def _encrypted(self, installation: Installation) -> dict[str, Any]:
        return {
            "token": self.vault.encrypt(installation.token),
            "refresh": self.vault.encrypt(installation.refresh) if installation.refresh else None,
            "expires_at": installation.expires_at,
        }

    async def new_state(self) -> str:
        """Return the state for a new installation; Slack has to send it back."""
        state = secrets.token_urlsafe(32)
        await self.store.transaction(_add_state, _digest(state), self.clock())
        return state

    async def use_state(self, state: str) -> bool:
        """Use up a state; False if it's unknown, expired or already used."""
        return await self.store.transaction(_use_state, _digest(state), self.clock())


def _find(connection: Connection, team: str, *, lock: bool = False) -> SlackInstallation | None:
    statement = select(tables.slack_installations).where(_installations.team == team)
    row = connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    return SlackInstallation.of(row) if row else None


def _save(connection: Connection, row: SlackInstallation) -> None:
    values = row.columns()
    added = insert(connection, tables.slack_installations).values(values)
    del values["team"]
    connection.execute(added.on_conflict_do_update(index_elements=["team"], set_=values))


def _lease_renewal(connection: Connection, team: str, now: datetime) -> bool:
    """Claim the right to renew a token; False if another process has it, or has already renewed the token."""
    unleased = or_(_installations.renewing_until.is_(None), _installations.renewing_until <= now)
    expiring = _installations.expires_at <= now + RENEW_BEFORE
    statement = update(tables.slack_installations).where(_installations.team == team, unleased, expiring)
    leased = statement.values(renewing_until=now + RENEWAL_LEASE).returning(_installations.team)
    return connection.execute(leased).first() is not None


def _end_lease(connection: Connection, team: str, tokens: Mapping[str, Any]) -> None:
    """Store the new tokens, if any, unless a new installation has ended the lease."""
    where = (_installations.team == team, _installations.renewing_until.is_not(None))
    connection.execute(update(tables.slack_installations).where(*where).values(**tokens, renewing_until=None))


def _add_state(connection: Connection, digest: str, now: datetime) -> None:
    connection.execute(delete(tables.oauth_states).where(_states.expires_at <= now))
    connection.execute(insert(connection, tables.oauth_states).values(digest=digest, expires_at=now + STATE_LIFETIME))


def _use_state(connection: Connection, digest: str, now: datetime) -> bool:
    where = (_states.digest == digest, _states.expires_at > now)
    used = connection.execute(delete(tables.oauth_states).where(*where).returning(_states.digest))
    return used.first() is not None


async def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`, which runs to its end even if the caller is canceled."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
