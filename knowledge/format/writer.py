"""Write a question as the text of its file, which `reader.read` reads back as the same question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from knowledge.format.front_matter import FENCE
from knowledge.format.sections import DASH
from knowledge.questions import Choice, Misconception, Question, Reference

MAX_LIST_LINE = 100
"""Maximum characters of a list on one line; a longer list gets one line per entry."""


def markdown(question: Question) -> str:
    """Return the file's text. The question's texts must come from a file or from `importers.normalize`."""
    parts = [FENCE, *_front_matter(question), FENCE, f"# {question.title}", "", question.answer]
    if question.in_depth:
        parts += ["", "## In depth", "", question.in_depth]
    lists = (
        ("Key points", question.key_points),
        ("Misconceptions", tuple(map(misconception_line, question.misconceptions))),
        ("Choices", tuple(map(choice_line, question.choices))),
        ("Follow-ups", question.follow_ups),
    )
    for heading, bullets in lists:
        if bullets:
            parts += ["", f"## {heading}", *(f"- {bullet}" for bullet in bullets)]
    return "\n".join(parts) + "\n"


def choice_line(choice: Choice) -> str:
    return f"[{'x' if choice.right else ' '}] {choice.text}" + (f"{DASH}{choice.reason}" if choice.reason else "")


def misconception_line(misconception: Misconception) -> str:
    return f"{misconception.claim}{DASH}{misconception.reason}"


def _front_matter(question: Question) -> Iterator[str]:
    yield f"difficulty = {_text(question.difficulty.value)}"
    if question.as_of:
        yield f"as_of = {question.as_of.isoformat()}"
    for key, values in (("tags", question.tags), ("aliases", question.aliases), ("related", question.related)):
        if values:
            yield _list(key, map(_text, values))
    if question.references:
        yield "\n".join(["references = [", *(f"  {_reference(reference)}," for reference in question.references), "]"])


def _list(key: str, values: Iterable[str]) -> str:
    entries = list(values)
    line = f"{key} = [{', '.join(entries)}]"
    return line if len(line) <= MAX_LIST_LINE else "\n".join([f"{key} = [", *(f"  {value}," for value in entries), "]"])


def _reference(reference: Reference) -> str:
    pairs = [f"title = {_text(reference.title)}", f"by = {_text(reference.by)}", f"year = {reference.year}"]
    if reference.checked:
        pairs += [f"at = {_text(reference.at)}", "checked = true"]
    return f"{{ {', '.join(pairs)} }}"


def _text(value: str) -> str:
    """Return a TOML string. JSON's escapes are valid in TOML."""
    return json.dumps(value, ensure_ascii=False)
