"""What all commands print with: answers go to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from bot import logs
from bot.config import loader
from bot.config.loader import Config

if TYPE_CHECKING:
    from bot.context.library import Library

KEYWORD_SEARCH_AFTER = 1.0
"""Seconds to wait for search by meaning before showing what keywords find."""

out = Console()
err = Console(stderr=True)


def print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def warn_skipped(problems: Iterable[object]) -> None:
    """Name the question files that couldn't be read."""
    for problem in problems:
        err.print(f"skipped: {problem}", style="yellow", markup=False, highlight=False, soft_wrap=True)


class ProgressBar:
    """Show progress on standard error: a bar on a terminal, elsewhere a line at the start and another at the end."""

    def __init__(self, title: str, units: str) -> None:
        self._title, self._units = title, units
        # A title can have a file's name in it, which isn't markup, and isn't a format string either.
        text = TextColumn("{task.description}", markup=False)
        self._bar = Progress(text, BarColumn(), MofNCompleteColumn(), console=err, transient=True)
        self._task: TaskID | None = None

    def __call__(self, done: int, total: int) -> None:
        if not err.is_terminal:
            if done in (0, total):
                err.print(f"{self._title}: {done} of {total} {self._units}", markup=False)
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(self._title, total=total)
        self._bar.update(self._task, completed=done)
        if done == total:
            self._bar.stop()


def indexing_progress() -> ProgressBar:
    """Return the bar for embedding a bank, which stays hidden if all embeddings are there."""
    return ProgressBar("Indexing the bank (only once)", "passages")


def load_config() -> Config:
    """Load the settings, and log warnings to standard error. Raises ConfigError."""
    config = loader.load()
    logs.set_up("warning", config.log.format, secrets=config.secrets())
    return config


def open_library(config: Config) -> Library:
    """Open the configured bank. Raises ConfigError if it has no question."""
    from bot.app import open_library as open_configured

    library, skipped = open_configured(config, indexing_progress(), KEYWORD_SEARCH_AFTER)
    warn_skipped(skipped)
    return library
