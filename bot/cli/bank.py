"""`studyhall bank check`, `bank stats` and `bank vectors`: what's in a bank, and what's wrong with it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from bot.cli.console import ProgressBar, indexing_progress, load_config, out, print_json, warn_skipped
from bot.errors import SetupError
from bot.text.plural import plural

if TYPE_CHECKING:
    from knowledge.questions import Bank

MAX_LISTED = 20
"""Problems or duplicates listed per file."""


def load_bank(folder: Path) -> Bank:
    """Load a bank, and name the files that can't be read on standard error."""
    from knowledge.format.reader import load

    loaded = load(folder)
    if folder.exists():
        warn_skipped(loaded.problems[:MAX_LISTED])
    return loaded.bank


def check(folder: Path | None, coverage: Path | None) -> None:
    """Print each problem with its file and line, then the totals; exit with 1 if there are problems or no questions."""
    from knowledge.format.reader import load
    from knowledge.lint import check as lint
    from knowledge.lint import check_coverage, check_formulas, check_similarity, longest_share, unchecked
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.index import build
    from knowledge.retrieval.passages import Passages

    config = load_config()
    index_folder = config.index_folder / "checked" if folder else config.index_folder
    folder = folder or config.bank_folder
    if not folder.is_dir():
        raise SetupError(f"There's no folder {folder}. Name one that has a folder of questions for each topic.")
    loaded = load(folder, known={})
    bank = loaded.bank
    required = _required_questions(coverage) if coverage else []
    problems = [*loaded.problems, *lint(bank, folder), *check_coverage(bank, required, folder)]
    problems += check_formulas(bank, folder, ProgressBar("Checking formulas", "questions"))
    if len(bank):
        embedder = Embedder(config.search.model, threads=config.search.threads)
        problems += check_similarity(build(Passages.of(bank), embedder, index_folder, indexing_progress()), folder)
    for problem in problems:
        out.print(str(problem), markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"{plural(len(bank), 'question')} on {plural(len(bank.topics), 'topic')}; {plural(len(problems), 'problem')}; "
        f"{plural(unchecked(bank), 'unchecked reference')}; the right choice is the longest in "
        f"{longest_share(bank):.0%} of the questions",
        highlight=False,
        soft_wrap=True,
    )
    if required:
        covered = sum(row["id"] in bank for row in required)
        out.print(
            f"The bank has {covered} of the {len(required)} questions in {coverage}.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if problems or not len(bank):
        raise SystemExit(1)


def _required_questions(file: Path) -> list[dict[str, str]]:
    """Read the CSV rows of the questions that a bank must have. Raises SetupError."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise SetupError(f"Can't read {file}: {problem}") from problem
    if not rows or "id" not in rows[0]:
        raise SetupError(f"{file} must be a CSV file with a column `id`, and optionally `topic` and `question`.")
    return rows


def vectors(*, write: bool) -> None:
    """Embed new texts of the built-in bank and drop old vectors, or exit with 1 if that's needed and `write` is off."""
    from knowledge.format.reader import load, outdated
    from knowledge.retrieval.embedding import Embedder
    from knowledge.retrieval.index import ship

    loaded = load()
    if loaded.problems:
        raise SetupError(f"The bank has {plural(len(loaded.problems), 'problem')}; `studyhall bank check` lists them.")
    changes = outdated(write=write)
    shipped = ship(loaded.bank, Embedder(), ProgressBar("Embedding new texts", "passages"), write=write)
    if not (changes or shipped.new or shipped.gone):
        out.print("The parsed questions and vectors are up to date.")
    elif write:
        out.print(
            f"{plural(changes, 'question')} parsed again, {shipped.new:,} passages embedded, {shipped.gone:,} removed.",
            highlight=False,
        )
    else:
        out.print(
            f"Out of date: {plural(changes, 'question')} changed, {shipped.new:,} passages have no vector, "
            f"{shipped.gone:,} vectors have no passage. Run `make vectors`.",
            highlight=False,
        )
        raise SystemExit(1)


def stats(*, as_json: bool) -> None:
    """Print how many questions there are, by topic and difficulty."""
    from knowledge.format.reader import load
    from knowledge.lint import stats as count

    totals: Any = count(load(load_config().bank_folder).bank)
    if as_json:
        print_json(totals)
        return
    grid = Table("", "Questions", title=f"{totals['total']} questions", title_justify="left")
    for group in ("topics", "difficulties"):
        for name, number in totals[group].items():
            grid.add_row(escape(name), str(number))
        grid.add_section()
    out.print(grid)
