"""`studyhall eval`: measure how well things work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from bot.cli.console import err, load_config, open_library, out, print_json
from bot.errors import SetupError
from bot.text.plural import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.questions import Bank
    from knowledge.retrieval.evaluation import Case


def retrieval(file: Path, *, as_json: bool) -> None:
    """Print recall, ranks, refusals and times for a file of queries. Raises SetupError if it can't be read."""
    from knowledge.retrieval.evaluation import evaluate, read_cases

    library = open_library(load_config())
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        cases = read_cases(lines)
        if not cases:
            raise SetupError(f"{file} has no queries.")
        _warn_about_unknown_ids(cases, library.bank)
        measures = evaluate(library.load_search(), lines)
    except (OSError, UnicodeDecodeError) as problem:
        raise SetupError(f"Can't read {file}: {problem}") from problem
    except ValueError as problem:
        raise SetupError(f"{file}: {problem}") from problem
    finally:
        library.close()
    if as_json:
        print_json(measures)
        return
    grid = Table("Measure", "Value")
    for name, value in measures.items():
        grid.add_row(name, "no such queries" if value is None else f"{value:.3f}")
    out.print(grid)


def _warn_about_unknown_ids(cases: Sequence[Case], bank: Bank) -> None:
    """Only warn: the file may have been written for a larger bank."""
    unknown = sorted({question_id for case in cases for question_id in case.gold if question_id not in bank})
    if unknown:
        err.print(
            f"The bank doesn't have {plural(len(unknown), 'id')} from the file, which will count as not found: "
            f"{', '.join(unknown[:5])}{', …' * (len(unknown) > 5)}",
            style="yellow", markup=False, highlight=False,
        )  # fmt: skip
