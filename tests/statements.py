"""Compile each SQL statement once for all tests, not once for each database: that took a sixth of their CPU time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

MAX_STATEMENTS = 2_000


class CompiledStatements(dict[tuple[Any, ...], Any]):
    """A cache for `compiled_cache` in which all dialects of one class are the same.

    SQLAlchemy's own is of one engine, whose dialect is the first part of its keys. All databases of a kind are of the
    same version here, and all programs make their engines alike.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        dialect, *rest = key
        return super().get((type(dialect), *rest), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        if len(self) >= MAX_STATEMENTS:
            self.clear()
        dialect, *rest = key
        super().__setitem__((type(dialect), *rest), compiled)


def share_compiled_statements() -> None:
    """Let all engines of this process use one cache."""
    shared = CompiledStatements()

    @event.listens_for(Engine, "engine_connect")
    def connected(connection: Connection) -> None:
        connection.execution_options(compiled_cache=shared)
