"""A draft made a question: names given, texts made fit, and what cannot be kept left out with a word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from knowledge.format.markdown import Note
from knowledge.format.reader import NAME_LIMIT, SIZE_LIMIT, read
from knowledge.format.writer import markdown
from knowledge.importers import sanitize
from knowledge.importers.draft import Draft
from knowledge.questions import NAME, OWN, Choice, Difficulty, Misconception, Question, Reference

TOPIC = "imported"
PARTS = (
    ("its references are", "references"),
    ("its choices are", "choices"),
    ("its misconceptions are", "misconceptions"),
    ("its key points are", "key_points"),
    ("its follow-ups are", "follow_ups"),
    ("its aliases are", "aliases"),
    ("its tags are", "tags"),
)
"""What a question can do without, in the order in which it is tried."""
TOO_LARGE = f"larger than {SIZE_LIMIT // 1024} KiB, too large for one question"


def fitted(draft: Draft, note: Note, *, own: bool = False) -> Question | None:
    """The question that a draft makes, as its file will be read; None with a note where it makes none.

    `own`: its id may begin as those of workspaces' own questions do.
    """
    if len(draft.answer) + len(draft.in_depth) + len(draft.title) > SIZE_LIMIT:
        note(0, f"is left out: it is {TOO_LARGE}")
        return None
    try:
        question = _tamed(draft, note, own=own)
        if not question.title or not question.answer:
            note(0, "has no text that could be kept" if not question.title else "is left out: it has no answer")
            return None
        return _readable(question, note)
    except RecursionError:
        note(0, "is left out: something in it is nested too deeply")
        return None


def slug(text: str, least: str) -> str:
    """Words of a text as an id of at most 60 characters; `least` where none is left."""
    plain_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    found = "-".join(re.findall(r"[a-z0-9]+", plain_text))
    if len(found) > NAME_LIMIT:
        found = found[: NAME_LIMIT + 1].rpartition("-")[0] or found[:NAME_LIMIT]
    return found.strip("-") or least


def _readable(question: Question, note: Note) -> Question | None:
    """The question as it is read back from its file; a part that cannot be read is left out, with a word."""
    problems: set[tuple[int, str]] = set()
    if found := _again(question, problems):
        return found
    reason = min(problems)[1] if problems else "it cannot be read"
    there = [(words, part) for words, part in PARTS if getattr(question, part)]
    for words, part in there:
        if found := _again(_without(question, [part]), set()):
            note(0, f"{words} left out: {reason}")
            return found
    if found := _again(_without(question, [part for _, part in there]), set()):
        note(0, f"all but its answer and what is in depth is left out: {reason}")
        return found
    note(0, f"cannot be kept: {reason}")
    return None


def _without(question: Question, parts: Iterable[str]) -> Question:
    nothing: Any = dict.fromkeys(parts, ())
    return replace(question, **nothing)


def _again(question: Question, problems: set[tuple[int, str]]) -> Question | None:
    source = markdown(question)
    if len(source.encode()) > SIZE_LIMIT:
        problems.add((0, f"it is {TOO_LARGE}"))
        return None
    return read(question.topic, question.id, source, problems)


def _tamed(draft: Draft, note: Note, *, own: bool) -> Question:
    """`own`: ids may begin as those of workspaces' own questions do."""
    title = sanitize.title(draft.title, note)
    name = _other_than_own(draft.id, own)
    return Question(
        id=name if _is_name(name) else _other_than_own(slug(name or title, "question"), own),
        topic=draft.topic if _is_name(draft.topic) else slug(draft.topic, TOPIC),
        title=title,
        difficulty=draft.difficulty or Difficulty.MEDIUM,
        answer=sanitize.text(draft.answer, note),
        in_depth=sanitize.text(draft.in_depth, note),
        key_points=tuple(_lines(draft.key_points, note)),
        misconceptions=tuple(
            Misconception(sanitize.line(m.claim, note), sanitize.line(m.reason, note)) for m in draft.misconceptions
        ),
        choices=tuple(
            Choice(sanitize.line(c.text, note), c.right, sanitize.line(c.reason, note)) for c in draft.choices
        ),
        follow_ups=tuple(_lines(draft.follow_ups, note)),
        aliases=tuple(_words(draft.aliases)),
        related=tuple(name for name in draft.related if NAME.fullmatch(name)),
        references=tuple(
            Reference(_word(r.title), _word(r.by), r.year, _word(r.at), r.checked) for r in draft.references
        ),
        tags=tuple(_words(draft.tags)),
        as_of=draft.as_of,
    )


def _other_than_own(name: str, own: bool) -> str:
    return name if own else name.removeprefix(OWN)


def _is_name(text: str) -> bool:
    return bool(NAME.fullmatch(text)) and len(text) <= NAME_LIMIT


def _lines(texts: Iterable[str], note: Note) -> Iterator[str]:
    yield from filter(None, (sanitize.line(text, note) for text in texts))


def _words(texts: Collection[str]) -> Iterator[str]:
    yield from dict.fromkeys(filter(None, map(_word, texts)))


def _word(text: str) -> str:
    return " ".join(sanitize.visible(text).split())
