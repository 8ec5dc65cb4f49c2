"""A bank as files: a folder a topic, a file a question, just as a bank is kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from knowledge.format.writer import markdown
from knowledge.questions import Question


def write(folder: Path, questions: Iterable[Question]) -> None:
    """Write `folder/<topic>/<id>.md` for each question into a folder that is empty or new."""
    for question in questions:
        path = folder / question.topic / f"{question.id}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(markdown(question), encoding="utf-8", newline="\n")
