"""The terminal's outbox in SQL: posts that wait until somebody sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from bot.store import tables
from bot.store.engine import Store
from bot.store.upsert import insert

_posts = tables.terminal_posts.c


def _now() -> datetime:
    return datetime.now(UTC)


class UnseenPost(NamedTuple):
    post_id: int
    channel: str
    body: str


@dataclass(frozen=True, slots=True)
class TerminalPosts:
    store: Store
    clock: Callable[[], datetime] = _now

    async def add(self, key: str, channel: str, body: str) -> str:
        """Store a post, once per key, and return its ref for `replace`."""
        return str(await self.store.transaction(_add, key, channel, body, self.clock()))

    async def replace(self, ref: str, body: str) -> None:
        """Change the body of a post that nobody has seen yet."""
        await self.store.transaction(_replace, int(ref), body)

    async def unseen(self) -> list[UnseenPost]:
        """Return the posts that nobody has seen, oldest first."""
        return await self.store.query(_unseen)

    async def mark_seen(self, post_id: int) -> None:
        """Keep the post's key, so that it is never posted again, but not its body, which may contain names."""
        await self.store.transaction(_mark_seen, post_id, self.clock())


def _add(connection: Connection, key: str, channel: str, body: str, now: datetime) -> int:
    added = insert(connection, tables.terminal_posts).values(post_key=key, channel=channel, body=body, posted_at=now)
    connection.execute(added.on_conflict_do_nothing())
    return int(connection.execute(select(_posts.id).where(_posts.post_key == key)).scalar_one())


def _replace(connection: Connection, post_id: int, body: str) -> None:
    unseen = update(tables.terminal_posts).where(_posts.id == post_id, _posts.seen_at.is_(None))
    connection.execute(unseen.values(body=body))


def _unseen(connection: Connection) -> list[UnseenPost]:
    statement = select(_posts.id, _posts.channel, _posts.body).where(_posts.seen_at.is_(None)).order_by(_posts.id)
    return [UnseenPost(*row) for row in connection.execute(statement)]


def _mark_seen(connection: Connection, post_id: int, now: datetime) -> None:
    seen = update(tables.terminal_posts).where(_posts.id == post_id)
    connection.execute(seen.values(seen_at=now, body=""))
