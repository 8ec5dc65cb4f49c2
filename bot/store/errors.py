"""What a database says when it cannot be used, in words for the operator.

Only trouble that the operator can end becomes a DatabaseError; a broken constraint or a mistake in a statement stays
what it is. The driver's own text is left out: it may repeat values of the statement, or the password.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.errors import DatabaseError
from bot.store.urls import file_of, place

SQLITE = {
    "SQLITE_BUSY": "{place} is locked: another program has been writing to it for too long. Close it and try again.",
    "SQLITE_FULL": "The disk that holds {place} is full. Free some space and try again.",
    "SQLITE_CANTOPEN": "{place} cannot be opened. Is its folder there, and may this user write to it?",
    "SQLITE_READONLY": "{place} is open for reading only, or may not be written to by this user.",
    "SQLITE_IOERR": "The disk that holds {place} reports an error. Is it full or failing?",
    "SQLITE_NOTADB": "{place} is not a SQLite database. Name another file, or move this one out of the way.",
    "SQLITE_CORRUPT": "{place} is damaged. Restore it from a backup.",
    "SQLITE_PERM": "{place} may not be read by this user.",
}
"""By the beginning of SQLite's own name for an error: the extended names carry a suffix."""

POSTGRESQL = {
    "08": "The database server at {place} has closed the connection. It is tried again with the next command.",
    "28": "The database server at {place} does not accept this user or password.",
    "3D": "There is no such database at {place}. Create it (createdb), then run `studyhall db upgrade`.",
    "40": "The database at {place} had to undo this, because others changed the same. Try again in a moment.",
    "42501": "This user has too few rights in the database at {place}.",
    "53100": "The disk of the database server at {place} is full.",
    "53": "The database server at {place} is out of resources or connections.",
    "55000": "The database at {place} lets nobody in just now. Try again in a moment.",
    "55P03": "The database at {place} is locked by another program. Try again in a moment.",
    "57": "The database server at {place} is stopping or starting. Try again in a moment.",
}
"""By the beginning of the SQLSTATE; the longest beginning wins."""


@contextmanager
def connecting(url: URL) -> Iterator[None]:
    """Also takes failures of the network and of signing in, which only happen while a connection is made."""
    with using(url):
        try:
            yield
        except (TimeoutError, OSError):
            raise DatabaseError(
                f"The database at {place(url)} does not answer. Is the server running, and is DATABASE_URL right?"
            ) from None
        except Exception as error:
            problem = _problem(error, url)
            if problem is None:
                raise
            raise problem from None


@contextmanager
def using(url: URL) -> Iterator[None]:
    """Takes what a statement or a commit can run into."""
    try:
        yield
    except PoolTimeout:
        raise DatabaseError(f"The database at {place(url)} is too busy. Try again in a moment.") from None
    except (DBAPIError, sqlite3.Error) as error:
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        problem = _problem(error.orig if isinstance(error, DBAPIError) else error, url)
        if problem is None and lost:  # noticed by the driver, which has no number for it
            problem = _said(POSTGRESQL["08"], url)
        if problem is None:
            raise
        raise problem from error


def _problem(error: BaseException | None, url: URL) -> DatabaseError | None:
    file = file_of(url)
    state = getattr(error, "sqlstate" if file is None else "sqlite_errorname", None)
    if error is None or not isinstance(state, str):
        return None
    known = POSTGRESQL if file is None else SQLITE
    beginnings = [start for start in known if state.startswith(start)]
    if not beginnings:
        return None
    return _said(known[max(beginnings, key=len)], url)


def _said(words: str, url: URL) -> DatabaseError:
    public = words.replace("at {place}", "").replace("{place}", "the database")
    public = " ".join(public.split()).replace(" .", ".")
    return DatabaseError(words.format(place=place(url)), public[0].upper() + public[1:])
