"""Export a bank in its own format: a folder for each topic, a file for each question."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from knowledge.format.writer import markdown
from knowledge.questions import Question


def write(folder: Path, questions: Iterable[Question]) -> None:
    """Write `folder/<topic>/<id>.md` for each question. The folder must be new or empty."""
    for question in questions:
        path = folder / question.topic / f"{question.id}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(markdown(question), encoding="utf-8", newline="\n")
