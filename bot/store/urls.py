"""Database URLs as people write them, and as the asynchronous drivers want them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import DatabaseError

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
OPTIONS = {"sslmode": "ssl", "ssl": "ssl", "host": "host", "port": "port"}
"""What may follow the `?` of a PostgreSQL URL, and asyncpg's own word for it."""

SHAPES = "sqlite:///path/to/file.db or postgresql://user:password@host/database"


def address(url: str) -> URL:
    """The URL for SQLAlchemy. Raises DatabaseError, which never repeats the URL: it may hold a password."""
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise DatabaseError(f"The database URL cannot be read. It should look like {SHAPES}.") from None
    driver = DRIVERS.get(parsed.drivername)
    if driver is None:
        raise DatabaseError(f"The database URL names an unknown kind of database. It should look like {SHAPES}.")
    if driver.startswith("sqlite"):
        if parsed.database in (None, "", ":memory:") or parsed.query:
            raise DatabaseError("A SQLite database lives in a file: its URL looks like sqlite:///path/to/file.db.")
        return parsed.set(drivername=driver)
    if not parsed.database:
        raise DatabaseError(f"The database URL names no database. It should look like {SHAPES}.")
    unknown = sorted(set(parsed.query) - set(OPTIONS))
    if unknown:
        raise DatabaseError(
            f"The database URL has an option that is not understood here: {unknown[0]}. Known ones are "
            f"{', '.join(sorted(OPTIONS))}."
        )
    return parsed.set(drivername=driver, query={OPTIONS[name]: value for name, value in parsed.query.items()})


def file_of(url: URL) -> Path | None:
    """The file of a SQLite database; None for a server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def place(url: URL) -> str:
    """Where the database is, for a message: a path, or host and database without user and password."""
    file = file_of(url)
    if file is not None:
        return str(file)
    host = url.host or url.query.get("host") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"{host if isinstance(host, str) else ', '.join(host)}{port}/{url.database}"
