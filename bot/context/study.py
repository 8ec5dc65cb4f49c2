"""What every use case has at hand."""

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
    """What an operator may set about studying."""

    zone: str = "UTC"
    reveal: time = time(17, 0)
    late_hours: int = 12


OWN_KEPT = 200
"""Workspaces whose own questions are kept in memory, the latest used."""


@dataclass(frozen=True, slots=True)
class Study:
    """Everything a use case needs. `clock` gives the present, aware and in UTC."""

    store: Store
    library: Library
    clock: Callable[[], datetime]
    inference: Inference | None = None
    rules: StudyRules = field(default_factory=StudyRules)
    outboxes: dict[str, Outbox] = field(default_factory=dict)
    custom_libraries: LRUCache[int, tuple[int, Library]] = field(default_factory=lambda: LRUCache(OWN_KEPT))
    """By workspace, the version and the library of those with questions of their own; `study.own` fills it."""
