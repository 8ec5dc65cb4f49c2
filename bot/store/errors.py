"""Turn what a database reports into words for the operator.

Only problems that the operator can fix become a DatabaseError; a violated constraint or a mistake in a statement is
raised unchanged. The driver's own text is left out, because it may repeat values of the statement, or the password.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.errors import DatabaseError
from bot.store.urls import display_name, file_of

SQLITE = {
    "SQLITE_BUSY": "{name} is locked: another program has been writing to it for too long. Close that program and try "
    "again.",
    "SQLITE_FULL": "The disk that holds {name} is full. Free up some space and try again.",
    "SQLITE_CANTOPEN": "{name} can't be opened. Does its folder exist, and is this user allowed to write to it?",
    "SQLITE_READONLY": "{name} is read-only, or this user isn't allowed to write to it.",
    "SQLITE_IOERR": "The disk that holds {name} reports an error. Is it full or failing?",
    "SQLITE_NOTADB": "{name} isn't a SQLite database. Choose another file, or move this one out of the way.",
    "SQLITE_CORRUPT": "{name} is damaged. Restore it from a backup.",
    "SQLITE_PERM": "This user isn't allowed to read {name}.",
}
"""By the start of SQLite's name for an error; its extended names add a suffix."""

POSTGRESQL = {
    "08": "The database server at {name} closed the connection. The next command will try again.",
    "28": "The database server at {name} doesn't accept this user or password.",
    "3D": "There's no such database at {name}. Create it (createdb), then run `studyhall db upgrade`.",
    "40": "The database at {name} rolled this back because something else changed the same data. Try again soon.",
    "42501": "This user doesn't have enough rights in the database at {name}.",
    "53100": "The disk of the database server at {name} is full.",
    "53": "The database server at {name} is out of resources or connections.",
    "55000": "The database at {name} isn't accepting connections right now. Try again in a moment.",
    "55P03": "The database at {name} is locked by another program. Try again in a moment.",
    "57": "The database server at {name} is stopping or starting. Try again in a moment.",
}
"""By the start of the SQLSTATE; the longest match wins."""


@contextmanager
def connection_errors(url: URL) -> Iterator[None]:
    """Raise DatabaseError for what can go wrong while connecting: network, login, and everything in a statement."""
    with statement_errors(url):
        try:
            yield
        except (TimeoutError, OSError):
            raise DatabaseError(
                f"The database at {display_name(url)} doesn't answer. Is the server running, and is DATABASE_URL right?"
            ) from None
        except Exception as error:
            problem = _problem(error, url)
            if problem is None:
                raise
            raise problem from None


@contextmanager
def statement_errors(url: URL) -> Iterator[None]:
    """Raise DatabaseError for what can go wrong in a statement or a commit."""
    try:
        yield
    except PoolTimeout:
        raise DatabaseError(f"The database at {display_name(url)} is too busy. Try again in a moment.") from None
    except TimeoutError:  # the driver's limit for a statement, which SQLAlchemy doesn't wrap
        raise DatabaseError(f"The database at {display_name(url)} doesn't answer. Try again in a moment.") from None
    except (DBAPIError, sqlite3.Error) as error:
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        problem = _problem(error.orig if isinstance(error, DBAPIError) else error, url)
        if problem is None and lost:  # the driver noticed, and has no code for it
            problem = _database_error(POSTGRESQL["08"], url)
        if problem is None:
            raise
        raise problem from error


def _problem(error: BaseException | None, url: URL) -> DatabaseError | None:
    file = file_of(url)
    code = getattr(error, "sqlstate" if file is None else "sqlite_errorname", None)
    if not isinstance(code, str):
        return None
    sentences = POSTGRESQL if file is None else SQLITE
    matches = [start for start in sentences if code.startswith(start)]
    return _database_error(sentences[max(matches, key=len)], url) if matches else None


def _database_error(sentence: str, url: URL) -> DatabaseError:
    """Return the error with the sentence for the operator, and the one for members, which doesn't name the database."""
    public = sentence.replace(" at {name}", "").replace("{name}", "the database")
    return DatabaseError(sentence.format(name=display_name(url)), public[0].upper() + public[1:])
