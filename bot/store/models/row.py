"""The base of all rows, and the metadata of all tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Self, cast

from sqlalchemy import Enum, Index, MetaData, text
from sqlmodel import SQLModel

# Before any table: constraints need names, or a batch migration on SQLite cannot find them again.
SQLModel.metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Row(SQLModel):
    """A row as immutable plain values. The class with `Table` appended to its name defines the table."""

    model_config = {"frozen": True}

    @classmethod
    def of(cls, columns: Mapping[Any, Any]) -> Self:
        """Make a row from all its columns, as `result.mappings()` gives them; nothing is validated.

        It's `model_construct` without what handles aliases and defaults, which took longer than the query.
        """
        row = cls.__new__(cls)
        object.__setattr__(row, "__dict__", dict(columns))
        return cast("Self", row)

    @classmethod
    def all(cls, result: Iterable[Mapping[Any, Any]]) -> list[Self]:
        """Make a row from each mapping."""
        return [cls.of(columns) for columns in result]

    def columns(self) -> dict[str, Any]:
        """Return the columns for an INSERT, without an `id` that the database hasn't assigned yet."""
        values = dict(vars(self))
        if values.get("id", 0) is None:
            del values["id"]
        return values


def enum_column(kind: type[StrEnum]) -> Any:
    """Return a column type that holds the values of an enum as text: a new one needs no migration."""
    return Enum(kind, native_enum=False, length=16, values_callable=lambda k: [m.value for m in k])


def partial_index(name: str, column: str, condition: str) -> Index:
    """Return an index of the rows for which an SQL condition holds."""
    return Index(name, column, **where(condition))


def where(condition: str) -> dict[str, Any]:
    """Return the arguments that limit an index to the rows for which an SQL condition holds."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
