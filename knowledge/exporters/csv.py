"""A bank as CSV: a row a question, a list as the lines of a cell. `importers.tables` reads it back whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from knowledge import cells
from knowledge.questions import Question


def lines(questions: Iterable[Question]) -> Iterator[str]:
    """The row of names, then one row a question; a row may be several lines. Nothing in it is run by a spreadsheet."""
    page = io.StringIO()
    rows = csv.writer(page, lineterminator="\n")
    for row in (cells.COLUMNS, *map(_row, questions)):
        rows.writerow(map(cells.guarded, row))
        yield page.getvalue()
        page.seek(0)
        page.truncate()


def _row(question: Question) -> tuple[str, ...]:
    return (
        question.id,
        question.topic,
        question.difficulty.value,
        question.title,
        question.answer,
        question.in_depth,
        cells.lines(question.key_points),
        cells.lines(map(cells.misconception, question.misconceptions)),
        cells.lines(map(cells.choice, question.choices)),
        cells.lines(question.follow_ups),
        cells.lines(question.aliases),
        cells.lines(question.tags),
        cells.lines(question.related),
        cells.lines(map(cells.reference, question.references)),
        question.as_of.isoformat() if question.as_of else "",
    )
