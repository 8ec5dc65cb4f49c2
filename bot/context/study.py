"""What every use case works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time

from cachetools import LRUCache

from bot.context.library import Library
from bot.context.outbox import Outbox
from bot.inference.client import Inference
from bot.store.engine import Store


@dataclass(frozen=True, slots=True)
class StudyRules:
    """The operator's settings that affect studying."""

    zone: str = "UTC"
    reveal: time = time(17, 0)
    late_hours: int = 12


MAX_CACHED_LIBRARIES = 200
"""How many workspaces' custom questions stay in memory; the least recently used are dropped first."""


@dataclass(frozen=True, slots=True)
class Study:
    """Everything a use case needs. `clock` returns the current time, timezone-aware and in UTC."""

    store: Store
    library: Library
    clock: Callable[[], datetime]
    inference: Inference | None = None
    rules: StudyRules = field(default_factory=StudyRules)
    outboxes: dict[str, Outbox] = field(default_factory=dict)
    custom_libraries: LRUCache[int, tuple[int, Library]] = field(default_factory=lambda: LRUCache(MAX_CACHED_LIBRARIES))
    """The libraries of workspaces with custom questions, by workspace id, each with the version it was made from."""
