"""What the command line does besides running the bot: one function a command, printing to standard output."""

from __future__ import annotations

import asyncio
import csv
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.spinner import Spinner
from rich.table import Table

from bot import logs
from bot.config import loader as settings
from bot.config.loader import Config
from bot.errors import SetupError
from bot.replies import Reply
from bot.text.cleaning import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from bot.context.library import Library
    from knowledge.questions import Bank
    from knowledge.retrieval.evaluation import Case
    from knowledge.retrieval.search import SearchResult

A_MOMENT = 1.0
"""Seconds until an answer by words is shown, while the whole one is on its way."""

out = Console()
err = Console(stderr=True)


def _print(data: Any) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


class Working:
    """A progress bar on standard error for work that takes a while; where that is no terminal, its start and end."""

    def __init__(self, what: str, units: str) -> None:
        self._what, self._units = what, units
        self._bar = Progress(TextColumn(what), BarColumn(), MofNCompleteColumn(), console=err, transient=True)
        self._task: Any = None

    def __call__(self, done: int, total: int) -> None:
        if not err.is_terminal:
            if done == 0 or done == total:
                err.print(f"{self._what}: {done} of {total} {self._units}")
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("", total=total)
        self._bar.update(self._task, completed=done)
        if done == total:
            self._bar.stop()


def preparing() -> Working:
    """Shown only when vectors have to be made."""
    return Working("Reading the bank, once", "passages")


def _config() -> Config:
    """The configuration, with warnings on standard error: standard output is the answer's alone."""
    config = settings.load()
    logs.set_up("warning", config.log.format, secrets=config.secrets())
    return config


def _library(config: Config) -> Library:
    from bot.app import open_library

    library, left_out = open_library(config, preparing(), A_MOMENT)
    for line in left_out:
        err.print(f"left out: {line}", style="yellow", markup=False)
    return library


def ask(text: str, as_json: bool) -> None:
    """Search without a database: the bank and its vectors are enough. The answer by words comes first where the rest
    takes long, on standard error: standard output is the full answer's alone.
    """
    text = _asked(text)
    library = _library(_config())

    async def work() -> SearchResult:
        found = await library.search(text)
        if found.keywords_only:
            if not as_json:
                err.print("By keywords, until search by meaning is ready:", style="dim")
                err.print(_found(found))
            await library.wait_ready()
            found = await library.search(text)
        return found

    try:
        found = asyncio.run(work())
    finally:
        library.close()
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
                        "score": round(hit.score, 6),
                    }
                    for hit in found.hits
                ],
            }
        )
        return
    out.print(_found(found))
    for hit in found.hits[1:3] if found.answered and not found.clear else ():
        out.print(f"See also: {hit.question.title}", style="dim", markup=False, highlight=False)


def _found(found: SearchResult) -> RenderableType:
    """Without buttons, which nobody is here to press (other candidates are named instead), and without asking for
    patience.
    """
    from bot.platforms.terminal.render import draw
    from bot.replies import Buttons
    from bot.study.lookup.ask import BY_WORDS, found_reply

    blocks = found_reply(found).blocks
    return draw(Reply.of(*(block for block in blocks if not isinstance(block, Buttons) and block != BY_WORDS)))


def _asked(text: str) -> str:
    """The text as the room would take it. Raises SetupError with the room's own limit."""
    from bot.dispatch.catalog import registry

    limit = registry().find("ask").parameters[0].max_length
    text = clean(text)
    if not text or len(text) > limit:
        raise SetupError(f"A question has 1 to {limit} characters that can be seen; this one has {len(text):,}.")
    return text


def explain(text: str, as_json: bool) -> None:
    """An explanation, growing on a terminal; the whole of it elsewhere."""
    from bot.app import open_inference
    from bot.platforms.terminal.render import draw
    from bot.replies import Explanation
    from bot.study.lookup.explain import explanation_of

    text, config = _asked(text), _config()
    library, inference = _library(config), open_inference(config)

    async def work() -> Explanation:
        await library.wait_ready()
        drafts = explanation_of(library, inference, text)
        if as_json or not out.is_terminal:
            return [told async for told in drafts][-1]
        with Live(Spinner("dots", "one moment…"), console=out, transient=True) as live:
            async for told in drafts:
                live.update(draw(Reply.of(told)))
        return told

    try:
        told = asyncio.run(work())
    finally:
        library.close()
    if as_json:
        cited = [citation.id for citation in told.citations]
        _print({"source": told.source, "text": told.text, "citations": cited, "why": told.reason})
        return
    out.print(draw(Reply.of(told)))
    for citation in told.citations:
        out.print(f"[{citation.number}] {citation.title}", markup=False, highlight=False)


def bank_check(folder: Path | None, coverage: Path | None) -> None:
    """Mistakes by file and line, then what holds for the bank as a whole, its formulas and its wordings."""
    from knowledge.format.reader import load
    from knowledge.lint import check, check_coverage, check_formulas, check_similarity, longest_share, unchecked
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.index import build
    from knowledge.retrieval.passages import Passages

    config = _config()
    index_folder = config.index_folder / "checked" if folder else config.index_folder
    folder = folder or config.bank_folder
    if not folder.is_dir():
        raise SetupError(f"There is no folder {folder}; name one that holds a folder of questions for each topic.")
    loaded = load(folder, known={})
    rows = _coverage(coverage) if coverage else []
    problems = [*loaded.problems, *check(loaded.bank, folder), *check_coverage(loaded.bank, rows, folder)]
    problems += check_formulas(loaded.bank, folder, Working("Drawing the formulas", "questions"))
    if len(loaded.bank):
        embedder = Embedder(config.search.model, threads=config.search.threads)
        problems += check_similarity(build(Passages.of(loaded.bank), embedder, index_folder, preparing()), folder)
    for problem in problems:
        out.print(str(problem), markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"{len(loaded.bank)} questions on {len(loaded.bank.topics)} topics; {len(problems)} problems; "
        f"{unchecked(loaded.bank)} references unchecked; the right choice is the longest in "
        f"{longest_share(loaded.bank):.0%}",
        highlight=False,
        soft_wrap=True,
    )
    if rows:
        there = sum(row["id"] in loaded.bank for row in rows)
        out.print(f"{there} of the {len(rows)} questions in {coverage} are there.", highlight=False, soft_wrap=True)
    if problems or not len(loaded.bank):
        raise SystemExit(1)


def bank_vectors(*, write: bool) -> None:
    """What comes prepared with the built-in bank made that of its texts: only new ones are embedded."""
    from knowledge.format.reader import load, outdated
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.index import ship

    loaded = load()
    if loaded.problems:
        raise SetupError(f"The bank has {len(loaded.problems)} problems: `studyhall bank check` lists them.")
    files = outdated(write=write)
    done = ship(loaded.bank, Embedder(), Working("Embedding what is new", "passages"), write=write)
    if not (files or done.new or done.gone):
        out.print("What comes prepared fits the bank.")
    elif write:
        out.print(
            f"{files} changes of what was read; {done.new:,} passages embedded, {done.gone:,} let go.", highlight=False
        )
    else:
        out.print(
            f"{files} changes since the bank was prepared, {done.new:,} passages have no vector, and {done.gone:,} are "
            "gone: `make vectors`.",
            highlight=False,
        )
        raise SystemExit(1)


def _coverage(file: Path) -> list[dict[str, str]]:
    """The rows of a list of questions that a bank has to hold."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise SetupError(f"{file} cannot be read: {problem}") from problem
    if not rows or "id" not in rows[0]:
        raise SetupError(f"{file} is a CSV file with a column `id`, and perhaps `topic` and `question`.")
    return rows


def bank_stats(as_json: bool) -> None:
    """Totals by topic and difficulty."""
    from knowledge.format.reader import load
    from knowledge.lint import stats

    config = _config()
    found: Any = stats(load(config.bank_folder).bank)
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
    from knowledge.retrieval.evaluation import evaluate, read_cases

    library = _library(_config())
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        _warn_of_unknown(read_cases(lines), library.bank)
        found = evaluate(library.load_search(), lines)
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


def _warn_of_unknown(cases: Sequence[Case], bank: Bank) -> None:
    """A file may be written for a larger bank, so an unknown id is no mistake; but it counts as never found."""
    if not cases:
        raise ValueError("there is no query in it")
    unknown = sorted({id for case in cases for id in case.gold if id not in bank})
    if unknown:
        err.print(
            f"{len(unknown)} ids are not in the bank and count as never found: {', '.join(unknown[:5])}",
            style="yellow", markup=False, highlight=False,
        )  # fmt: skip


def db_upgrade() -> None:
    """Migrate, saying each step."""
    from bot.store.upgrade import upgrade

    logging.getLogger("alembic").setLevel(logging.WARNING)
    upgrade(_config().database_url, lambda line: out.print(line, highlight=False, markup=False))
    out.print("The database is up to date.")


def db_check() -> None:
    """Revision and tables against the program's."""
    from bot.store.revision import refuse_unless_current
    from bot.store.upgrade import check
    from bot.store.urls import address, place

    url = _config().database_url
    found = check(url)
    refuse_unless_current(found.revision, place(address(url)))
    for difference in found.differences:
        out.print(difference, markup=False, highlight=False)
    if not found.clean:
        raise SystemExit(1)
    out.print(f"The database fits this program (revision {found.revision}).", highlight=False)


def config_check() -> None:
    """Reading it is the check: mistakes are raised as one ConfigError."""
    config = _config()
    out.print(f"The configuration is fine ({config.origin}).", highlight=False)


def doctor(as_json: bool) -> None:
    """Findings, worst signs first to see; exit with 1 where there is a problem."""
    from dataclasses import asdict

    from bot.cli.doctor import examine

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
