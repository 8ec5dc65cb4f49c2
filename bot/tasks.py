"""What the command line does besides running the bot: one function a command, printing to standard output."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from bot import config as settings
from bot import log
from bot.config import Config
from bot.errors import SetupError

out = Console()
err = Console(stderr=True)


def _print(data: Any) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


class Preparing:
    """A progress bar on standard error that appears only when vectors have to be made."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("Preparing the bank (once)"), BarColumn(), MofNCompleteColumn(), console=err, transient=True
        )
        self._task: Any = None

    def __call__(self, done: int, total: int) -> None:
        if not err.is_terminal:
            if done == 0 or done == total:
                err.print(f"Preparing the bank, once: {done} of {total} passages")
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("", total=total)
        self._bar.update(self._task, completed=done)
        if done == total:
            self._bar.stop()


def _config() -> Config:
    """The configuration, with warnings on standard error: standard output is the answer's alone."""
    config = settings.load()
    log.set_up("warning", config.log.format, secrets=config.secrets())
    return config


def _library(config: Config) -> Any:
    from bot.app import open_library

    library, left_out = open_library(config, Preparing())
    for line in left_out:
        err.print(f"left out: {line}", style="yellow", markup=False)
    return library


def ask(text: str, as_json: bool) -> None:
    """Search without a database: the bank and its index are enough."""
    library = _library(_config())
    found = asyncio.run(library.search(text))
    if as_json:
        _print(
            {
                "answered": found.answered,
                "results": [
                    {
                        "id": hit.question.id,
                        "question": hit.question.title,
                        "topic": hit.question.topic,
                        "difficulty": hit.question.difficulty.value,
                        "score": round(hit.score, 4),
                    }
                    for hit in found.hits
                ],
            }
        )
        return
    from bot.platforms.terminal.render import draw
    from bot.study.lookup import found_reply

    out.print(draw(found_reply(found)))


def explain(text: str, as_json: bool) -> None:
    """The last word of an explanation."""
    from bot.app import open_inference
    from bot.platforms.terminal.render import draw
    from bot.replies import Explanation, Reply
    from bot.study.explain import explanation_of

    config = _config()

    async def work() -> Explanation:
        drafts = [told async for told in explanation_of(_library(config), open_inference(config), text)]
        return drafts[-1]

    told = asyncio.run(work())
    if as_json:
        cited = [citation.id for citation in told.citations]
        _print({"source": told.source, "text": told.text, "citations": cited, "why": told.why})
    else:
        out.print(draw(Reply.of(told)))


def bank_check(folder: Path | None) -> None:
    """Mistakes by file and line, then what holds for the bank as a whole."""
    from knowledge.check import check, longest_share, unchecked
    from knowledge.load import BUILT_IN, load

    config = _config()
    folder = folder or (Path(config.bank.folder) if config.bank.folder else BUILT_IN)
    if not folder.is_dir():
        raise SetupError(f"There is no folder {folder}; name one that holds a folder of questions for each topic.")
    loaded = load(folder)
    problems = [*loaded.problems, *check(loaded.bank, folder)]
    for problem in problems:
        out.print(str(problem), markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"{len(loaded.bank)} questions on {len(loaded.bank.topics)} topics; {len(problems)} problems; "
        f"{unchecked(loaded.bank)} references unchecked; the right choice is the longest in "
        f"{longest_share(loaded.bank):.0%}",
        highlight=False,
        soft_wrap=True,
    )
    if problems or not len(loaded.bank):
        raise SystemExit(1)


def bank_stats(as_json: bool) -> None:
    """Totals by topic and difficulty."""
    from knowledge.check import stats
    from knowledge.load import BUILT_IN, load

    config = _config()
    found: Any = stats(load(Path(config.bank.folder) if config.bank.folder else BUILT_IN).bank)
    if as_json:
        _print(found)
        return
    grid = Table("", "Questions", title=f"{found['total']} questions", title_justify="left")
    for part in ("topics", "difficulties"):
        for name, count in found[part].items():
            grid.add_row(name, str(count))
        grid.add_section()
    out.print(grid)


def eval_retrieval(file: Path, as_json: bool) -> None:
    """Recall, ranks, refusals and times on a file of queries."""
    from knowledge.evaluate import evaluate

    library = _library(_config())
    try:
        with file.open(encoding="utf-8") as lines:
            found = evaluate(library.opened(), lines)
    except (OSError, UnicodeDecodeError) as problem:
        raise SetupError(f"{file} cannot be read: {problem}") from problem
    except ValueError as problem:
        raise SetupError(f"{file}: {problem}") from problem
    if as_json:
        _print(found)
        return
    grid = Table("Measure", "Value")
    for name, value in found.items():
        grid.add_row(name, "no such queries" if value is None else f"{value:.3f}")
    out.print(grid)


def db_upgrade() -> None:
    """Migrate, saying each step."""
    from bot.store.upgrade import upgrade

    logging.getLogger("alembic").setLevel(logging.WARNING)
    upgrade(_config().database_url, lambda line: out.print(line, highlight=False, markup=False))
    out.print("The database is up to date.")


def db_check() -> None:
    """Revision and tables against the program's."""
    from bot.store.upgrade import check

    found = check(_config().database_url)
    for difference in found.differences:
        out.print(difference, markup=False, highlight=False)
    if not found.clean:
        err.print(f"The database is at {found.revision or 'no revision'}, this program at {found.newest}.")
        raise SystemExit(1)
    out.print(f"The database fits this program (revision {found.revision}).", highlight=False)


def config_check() -> None:
    """Reading it is the check: mistakes are raised as one ConfigError."""
    config = _config()
    out.print(f"The configuration is fine ({config.origin}).", highlight=False)


def doctor(as_json: bool) -> None:
    """Findings, worst signs first to see; exit with 1 where there is a problem."""
    from dataclasses import asdict

    from bot.doctor import examine

    found = asyncio.run(examine(_config()))
    if as_json:
        _print([asdict(finding) for finding in found])
    else:
        signs = {"ok": ("✓", "green"), "missing": ("○", "yellow"), "problem": ("✗", "red"), "off": ("–", "dim")}
        for finding in found:
            sign, colour = signs[finding.state]
            out.print(f"[{colour}]{sign}[/] [bold]{finding.name}[/]: ", end="", highlight=False)
            out.print(finding.words, markup=False, highlight=False, soft_wrap=True)
    if any(finding.state == "problem" for finding in found):
        raise SystemExit(1)
