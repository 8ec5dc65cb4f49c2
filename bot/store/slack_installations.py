"""Workspaces that installed the app: their tokens, encrypted, and how these stay valid."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from sqlmodel import col, delete, or_, select, update

from bot.encryption import Vault
from bot.errors import DatabaseError
from bot.store.engine import Store
from bot.store.orm import OauthState, SlackInstallation
from bot.store.upsert import insert

log = structlog.get_logger()
T = TypeVar("T")

EARLY = timedelta(hours=2)
"""How long before its end a token is renewed: until then the old one still does."""
RENEWING = timedelta(minutes=5)
"""What whoever renews a token has for it, alone."""
STATE = timedelta(minutes=10)
"""What an administrator has between the page that installs the app and the word of Slack."""
A_MOMENT = 0.2
WRITING = 240.0
"""Seconds for what came of it to be written, within what nobody else has for it."""
PAUSES = (0.5, 2.0, 8.0, 20.0, 30.0, 60.0)
"""Seconds before what was renewed is written once more: the token that was given for it is good only once."""


@dataclass(frozen=True, slots=True)
class Install:
    """One workspace's installation; its tokens are in no representation."""

    team: str
    name: str
    bot_user: str
    bot_id: str
    scopes: str
    installer: str
    token: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


Renew = Callable[[Install], Awaitable[Install | None]]
"""Asks the platform for a new token in the place of one that ends; None where there will never be one.

Raises what keeps it from getting one just now.
"""


@dataclass(frozen=True, slots=True)
class Installs:
    """What is kept of them in SQL. Workspaces share nothing here but the key that encrypts their tokens."""

    store: Store
    vault: Vault
    clock: Callable[[], datetime]

    async def keep(self, install: Install) -> None:
        """In the place of what the workspace had before."""
        values = {
            "name": install.name,
            "bot_user": install.bot_user,
            "bot_id": install.bot_id,
            "scopes": install.scopes,
            "installer": install.installer,
            "token": self.vault.encrypt(install.token),
            "refresh": self.vault.encrypt(install.refresh) if install.refresh else None,
            "expires_at": install.expires_at,
            "renewing_until": None,
            "installed_at": self.clock(),
        }
        async with self.store.write() as session:
            await session.exec(
                insert(session, SlackInstallation)
                .values(team=install.team, **values)
                .on_conflict_do_update(index_elements=["team"], set_=values)
            )

    async def find(self, team: str) -> Install | None:
        async with self.store.read() as session:
            row = await session.get(SlackInstallation, team)
        if row is None:
            return None
        return Install(
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
        """The workspace has put the app out: its tokens are worth nothing any more.

        Word of it may come late. False, and nothing done, where the app is there by another token than that one, or
        since a later moment.
        """
        async with self.store.write() as session:
            row = await session.get(SlackInstallation, team, with_for_update=True)
            if row is None:
                return True
            if (token and self.vault.decrypt(row.token) != token) or (before and row.installed_at > before):
                return False
            await session.delete(row)
        return True

    async def fresh(self, team: str, renew: Renew) -> Install | None:
        """The installation with a token that still holds, renewed well before its end, by one process.

        None where the app is not installed, or has no token any more and can get none. Raises what `renew` does where
        the token has ended: that may pass.
        """
        while True:
            found, now = await self.find(team), self.clock()
            if found is None or found.refresh is None or found.expires_at is None or found.expires_at > now + EARLY:
                return found
            if await self._mine_to_renew(team, now):
                return await to_its_end(self._renewed(found, renew))
            if found.expires_at > now:
                return found  # somebody else is at it, and the old one does until then
            await asyncio.sleep(A_MOMENT)

    async def _mine_to_renew(self, team: str, now: datetime) -> bool:
        free = or_(col(SlackInstallation.renewing_until).is_(None), col(SlackInstallation.renewing_until) <= now)
        ending = col(SlackInstallation.expires_at) <= now + EARLY  # nobody has renewed it since it was read
        async with self.store.write() as session:
            taken = await session.exec(
                update(SlackInstallation)
                .where(col(SlackInstallation.team) == team, free, ending)
                .values(renewing_until=now + RENEWING)
                .returning(col(SlackInstallation.team))
            )
            return taken.first() is not None

    async def _renewed(self, found: Install, renew: Renew) -> Install | None:
        ended = found.expires_at is not None and found.expires_at <= self.clock()
        try:
            new = await renew(found)
        except Exception as problem:
            log.warning("token not renewed", team=found.team, problem=type(problem).__name__, ended=ended)
            await self._give_up(found.team)
            if ended:
                raise
            return found
        if new is None:
            log.error("token cannot be renewed any more", team=found.team)
            await self._give_up(found.team)
            return None if ended else found
        # What else is kept stays; an administrator may have installed the app anew meanwhile, with tokens of its own.
        values = {
            "token": self.vault.encrypt(new.token),
            "refresh": self.vault.encrypt(new.refresh) if new.refresh else None,
            "expires_at": new.expires_at,
        }
        async with asyncio.timeout(WRITING):
            for pause in PAUSES:
                try:
                    await self._write(found.team, values)
                    break
                except DatabaseError as problem:
                    log.error("renewed token not written yet", team=found.team, problem=str(problem))
                    await asyncio.sleep(pause)
            else:
                await self._write(found.team, values)
        return replace(found, token=new.token, refresh=new.refresh, expires_at=new.expires_at)

    async def _give_up(self, team: str) -> None:
        """Nothing came of a renewal; the mark of whoever renews runs out by itself if it cannot be taken away."""
        try:
            await self._write(team, {})
        except DatabaseError as problem:
            log.error("renewal not given up", team=team, problem=str(problem))

    async def _write(self, team: str, values: Mapping[str, Any]) -> None:
        """What came of a renewal, for whoever is still the one to renew."""
        written = (
            update(SlackInstallation)
            .where(col(SlackInstallation.team) == team, col(SlackInstallation.renewing_until).is_not(None))
            .values(**values, renewing_until=None)
        )
        async with self.store.write() as session:
            await session.exec(written)

    async def new_state(self) -> str:
        """For an installation that begins: what Slack has to bring back with its word."""
        state, now = secrets.token_urlsafe(32), self.clock()
        async with self.store.write() as session:
            await session.exec(delete(OauthState).where(col(OauthState.expires_at) <= now))
            session.add(OauthState(digest=_digest(state), expires_at=now + STATE))
        return state

    async def use_state(self, state: str) -> bool:
        """Whether it was given out, lately, and not used before."""
        async with self.store.write() as session:
            used = await session.exec(
                delete(OauthState)
                .where(col(OauthState.digest) == _digest(state), col(OauthState.expires_at) > self.clock())
                .returning(col(OauthState.digest))
            )
            return used.first() is not None

    async def teams(self) -> list[str]:
        async with self.store.read() as session:
            return list((await session.exec(select(SlackInstallation.team))).all())


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it. Whoever waits may be cancelled; the work is finished first all the same."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
