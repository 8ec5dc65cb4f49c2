"""Export a bank as CSV: one row per question, lists as lines of a cell. `importers.tables` reads all of it back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from knowledge.format import csv_format
from knowledge.format.writer import choice_line, misconception_line
from knowledge.questions import Question


def lines(questions: Iterable[Question]) -> Iterator[str]:
    """Yield the header and one row per question; a row can take several lines. A spreadsheet runs none of the cells."""
    buffer = io.StringIO()
    rows = csv.writer(buffer, lineterminator="\n")
    for row in (csv_format.COLUMNS, *map(_row, questions)):
        rows.writerow(map(csv_format.escaped, row))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _row(question: Question) -> tuple[str, ...]:
    return (
        question.id,
        question.topic,
        question.difficulty.value,
        question.title,
        question.answer,
        question.in_depth,
        csv_format.join(question.key_points),
        csv_format.join(map(misconception_line, question.misconceptions)),
        csv_format.join(map(choice_line, question.choices)),
        csv_format.join(question.follow_ups),
        csv_format.join(question.aliases),
        csv_format.join(question.tags),
        csv_format.join(question.related),
        csv_format.join(map(csv_format.write_reference, question.references)),
        question.as_of.isoformat() if question.as_of else "",
    )
