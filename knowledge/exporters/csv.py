"""A bank as CSV: a row a question, a list as the lines of a cell. `importers.tables` reads it back whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from knowledge.format import csv_format
from knowledge.questions import Question


def lines(questions: Iterable[Question]) -> Iterator[str]:
    """The row of names, then one row a question; a row may be several lines. Nothing in it is run by a spreadsheet."""
    page = io.StringIO()
    rows = csv.writer(page, lineterminator="\n")
    for row in (csv_format.COLUMNS, *map(_row, questions)):
        rows.writerow(map(csv_format.guarded, row))
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
        csv_format.lines(question.key_points),
        csv_format.lines(map(csv_format.misconception, question.misconceptions)),
        csv_format.lines(map(csv_format.choice, question.choices)),
        csv_format.lines(question.follow_ups),
        csv_format.lines(question.aliases),
        csv_format.lines(question.tags),
        csv_format.lines(question.related),
        csv_format.lines(map(csv_format.reference, question.references)),
        question.as_of.isoformat() if question.as_of else "",
    )
