"""A question -> the text of its file, which `load.read` reads back as the same question."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from knowledge.format.front_matter import FENCE
from knowledge.format.sections import DASH
from knowledge.questions import Choice, Question, Reference

WIDE = 100
"""Characters of a list on one line; a longer one gets a line for each entry."""


def markdown(question: Question) -> str:
    """The file of a question whose texts are sound: as they were read from a file, or mended for it."""
    parts = [FENCE, *_front(question), FENCE, f"# {question.title}", "", question.answer]
    if question.in_depth:
        parts += ["", "## In depth", "", question.in_depth]
    lists = (
        ("Key points", question.key_points),
        ("Misconceptions", tuple(f"{m.claim}{DASH}{m.reason}" for m in question.misconceptions)),
        ("Choices", tuple(map(_choice, question.choices))),
        ("Follow-ups", question.follow_ups),
    )
    for heading, bullets in lists:
        if bullets:
            parts += ["", f"## {heading}", *(f"- {bullet}" for bullet in bullets)]
    return "\n".join(parts) + "\n"


def _front(question: Question) -> Iterator[str]:
    yield f"difficulty = {_text(question.difficulty.value)}"
    if question.as_of:
        yield f"as_of = {question.as_of.isoformat()}"
    for key, values in (("tags", question.tags), ("aliases", question.aliases), ("related", question.related)):
        if values:
            yield _list(key, map(_text, values))
    if question.references:
        yield "\n".join(["references = [", *(f"  {_reference(reference)}," for reference in question.references), "]"])


def _list(key: str, values: Iterable[str]) -> str:
    written = list(values)
    line = f"{key} = [{', '.join(written)}]"
    return line if len(line) <= WIDE else "\n".join([f"{key} = [", *(f"  {value}," for value in written), "]"])


def _reference(reference: Reference) -> str:
    pairs = [f"title = {_text(reference.title)}", f"by = {_text(reference.by)}", f"year = {reference.year}"]
    if reference.checked:
        pairs += [f"at = {_text(reference.at)}", "checked = true"]
    return f"{{ {', '.join(pairs)} }}"


def _choice(choice: Choice) -> str:
    return f"[{'x' if choice.right else ' '}] {choice.text}" + (f"{DASH}{choice.reason}" if choice.reason else "")


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False)
