"""Export a bank as JSON lines, one object with all fields per question. `importers.records` reads all of it back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from knowledge.questions import Question


def lines(questions: Iterable[Question]) -> Iterator[str]:
    """Yield one line per question, with its newline."""
    for question in questions:
        row = asdict(question)
        row["as_of"] = question.as_of.isoformat() if question.as_of else None
        yield json.dumps(row, ensure_ascii=False) + "\n"
