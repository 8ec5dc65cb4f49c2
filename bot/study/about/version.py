"""Show what's running here, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Reply, Table

STARTED_AT = datetime.now(UTC)
"""When this process imported the commands, which is the first thing it does."""
_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Version:
    """`release` is the package's version; `started_at` is in UTC."""

    release: str
    started_at: datetime
    database: str
    platform: str


async def show(study: Study, context: RequestContext) -> Reply:
    """Show the version, when this process started, and its database and platform."""
    return _reply(
        Version(
            release=metadata.version("studyhall"),
            started_at=STARTED_AT,
            database=_DATABASES[study.store.dialect],
            platform=context.location.platform.capitalize(),
        )
    )


def _reply(version: Version) -> Reply:
    rows = (
        ("Running since", version.started_at),
        ("Database", version.database),
        ("Platform", version.platform),
    )
    return Reply.of(Table(("What", "Here"), rows, title=f"Studyhall {version.release}"))
