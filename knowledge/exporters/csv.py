"""A bank as CSV: a row a question, lists as lines of a cell. For spreadsheets: what is a list of pairs is left out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from knowledge.questions import Question

COLUMNS = ("id", "topic", "difficulty", "question", "answer", "in_depth", "key_points", "aliases", "tags")
RUN = re.compile(r"^[=+\-@\t\r]")
"""What a spreadsheet takes for a formula. Such a cell gets an apostrophe in front, which our import takes away."""


def lines(questions: Iterable[Question]) -> Iterator[str]:
    """The row of names, then one row a question; a row may be several lines."""
    page = io.StringIO()
    rows = csv.writer(page, lineterminator="\n")
    for row in (COLUMNS, *map(_row, questions)):
        rows.writerow([f"'{cell}" if RUN.match(cell) else cell for cell in row])
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
        "\n".join(question.key_points),
        "\n".join(question.aliases),
        ", ".join(question.tags),
    )
