"""A bank as JSON lines: an object a question with all its fields, which `importers.records` reads back whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from knowledge.questions import Question


def lines(questions: Iterable[Question]) -> Iterator[str]:
    """One line a question, each with its newline."""
    for question in questions:
        row = asdict(question)
        row["as_of"] = question.as_of.isoformat() if question.as_of else None
        yield json.dumps(row, ensure_ascii=False) + "\n"
