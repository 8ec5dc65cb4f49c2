"""Database URLs as people write them, and as SQLAlchemy's drivers want them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import DatabaseError

DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
OPTIONS = {"sslmode": "ssl", "ssl": "ssl", "host": "host", "port": "port"}
"""What may follow the `?` of a PostgreSQL URL, and what asyncpg calls it."""

SHAPES = "sqlite:///path/to/file.db or postgresql://user:password@host/database"


def parse_url(url: str) -> URL:
    """Return the URL for SQLAlchemy. Raises DatabaseError, without repeating the URL: it may hold a password."""
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise DatabaseError(f"I can't read the database URL. It should look like {SHAPES}.") from None
    driver = DRIVERS.get(parsed.drivername)
    if driver is None:
        raise DatabaseError(f"The database URL names a kind of database I don't know. It should look like {SHAPES}.")
    if driver.startswith("sqlite"):
        if parsed.database in (None, "", ":memory:") or parsed.query:
            raise DatabaseError(
                "SQLite keeps its database in a file, so the URL should look like sqlite:///path/to/file.db."
            )
        return parsed.set(drivername=driver)
    if not parsed.database:
        raise DatabaseError(f"The database URL doesn't name a database. It should look like {SHAPES}.")
    unknown = sorted(set(parsed.query) - set(OPTIONS))
    if unknown:
        raise DatabaseError(
            f"The database URL has an option I don't know: {unknown[0]}. The options are {', '.join(sorted(OPTIONS))}."
        )
    return parsed.set(drivername=driver, query={OPTIONS[name]: value for name, value in parsed.query.items()})


def file_of(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for a server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def display_name(url: URL) -> str:
    """Return a path, or host, port and database, for messages: never the user or the password."""
    file = file_of(url)
    if file is not None:
        return str(file)
    host = url.host or url.query.get("host") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"{host if isinstance(host, str) else ', '.join(host)}{port}/{url.database}"
