"""Rows that are read and written without a session."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, TypeVar, cast

T = TypeVar("T")


def as_of(model: type[T], values: Mapping[Any, Any]) -> T:
    """Values under the model's names and types, but without its machinery, which takes longer than asking for the row.

    Nothing fills in what is missing or watches what is changed: it has to be written by a statement.
    """
    return cast("T", SimpleNamespace(**values))
