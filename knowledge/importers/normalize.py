"""Turn a draft into a valid question: make an id and topic, sanitize texts, and drop and note what can't be kept."""

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
from knowledge.importers.draft import QuestionDraft
from knowledge.questions import NAME, OWN, Choice, Difficulty, Misconception, Question, Reference

DEFAULT_TOPIC = "imported"
OPTIONAL_PARTS = {
    "references": "references",
    "choices": "choices",
    "misconceptions": "misconceptions",
    "key_points": "key points",
    "follow_ups": "follow-ups",
    "aliases": "aliases",
    "tags": "tags",
}
"""Fields that can be dropped, in the order in which that's tried, and their names in problems."""
TOO_LARGE = f"larger than {SIZE_LIMIT // 1024} KiB, too large for one question"


def normalized(draft: QuestionDraft, note: Note, *, allow_own_prefix: bool = False) -> Question | None:
    """Return the question exactly as it'll be read back from its file, or None and a note if that's impossible.

    With `allow_own_prefix`, its id may start with `OWN`, like those of custom questions.
    """
    if len(draft.answer) + len(draft.in_depth) + len(draft.title) > SIZE_LIMIT:
        note(0, f"was left out: it's {TOO_LARGE}")
        return None
    question = _sanitized(draft, note, allow_own_prefix=allow_own_prefix)
    if not question.title or not question.answer:
        note(0, "has no usable text" if not question.title else "was left out: it has no answer")
        return None
    return _readable(question, note)


def slug(text: str, default: str) -> str:
    """Make an id of at most 60 characters from the words of a text; `default` if it has none."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    joined = "-".join(re.findall(r"[a-z0-9]+", ascii_text))
    if len(joined) > NAME_LIMIT:
        joined = joined[: NAME_LIMIT + 1].rpartition("-")[0] or joined[:NAME_LIMIT]
    return joined.strip("-") or default


def _readable(question: Question, note: Note) -> Question | None:
    """Return the question as it's read back from its file, dropping and noting a part that can't be."""
    problems: set[tuple[int, str]] = set()
    if result := _written_and_read(question, problems):
        return result
    reason = min(problems)[1]
    parts = [part for part in OPTIONAL_PARTS if getattr(question, part)]
    for part in parts:
        if result := _written_and_read(_without(question, [part]), set()):
            note(0, f"its {OPTIONAL_PARTS[part]} were left out: {reason}")
            return result
    if result := _written_and_read(_without(question, parts), set()):
        note(0, f"everything but its answer and in-depth text was left out: {reason}")
        return result
    note(0, f"can't be kept: {reason}")
    return None


def _without(question: Question, parts: Iterable[str]) -> Question:
    empty: Any = dict.fromkeys(parts, ())
    return replace(question, **empty)


def _written_and_read(question: Question, problems: set[tuple[int, str]]) -> Question | None:
    source = markdown(question)
    if len(source.encode()) > SIZE_LIMIT:
        problems.add((0, f"it's {TOO_LARGE}"))
        return None
    return read(question.topic, question.id, source, problems)


def _sanitized(draft: QuestionDraft, note: Note, *, allow_own_prefix: bool) -> Question:
    title = sanitize.title(draft.title, note)
    question_id = _without_own_prefix(draft.id, allow_own_prefix)
    if not _is_name(question_id):
        question_id = _without_own_prefix(slug(question_id or title, "question"), allow_own_prefix)
    return Question(
        id=question_id,
        topic=draft.topic if _is_name(draft.topic) else slug(draft.topic, DEFAULT_TOPIC),
        title=title,
        difficulty=draft.difficulty or Difficulty.MEDIUM,
        answer=sanitize.text(draft.answer, note),
        in_depth=sanitize.text(draft.in_depth, note),
        key_points=tuple(_lines(draft.key_points, note)),
        misconceptions=tuple(
            Misconception(sanitize.line(wrong.claim, note), sanitize.line(wrong.reason, note))
            for wrong in draft.misconceptions
        ),
        choices=tuple(
            Choice(sanitize.line(choice.text, note), choice.right, sanitize.line(choice.reason, note))
            for choice in draft.choices
        ),
        follow_ups=tuple(_lines(draft.follow_ups, note)),
        aliases=tuple(_plain_lines(draft.aliases)),
        related=tuple(related_id for related_id in draft.related if NAME.fullmatch(related_id)),
        references=tuple(
            Reference(
                _plain_line(source.title), _plain_line(source.by), source.year, _plain_line(source.at), source.checked
            )
            for source in draft.references
        ),
        tags=tuple(_plain_lines(draft.tags)),
        as_of=draft.as_of,
    )


def _without_own_prefix(name: str, allow_own_prefix: bool) -> str:
    return name if allow_own_prefix else name.removeprefix(OWN)


def _is_name(text: str) -> bool:
    return bool(NAME.fullmatch(text)) and len(text) <= NAME_LIMIT


def _lines(texts: Iterable[str], note: Note) -> Iterator[str]:
    yield from filter(None, (sanitize.line(text, note) for text in texts))


def _plain_lines(texts: Collection[str]) -> Iterator[str]:
    yield from dict.fromkeys(filter(None, map(_plain_line, texts)))


def _plain_line(text: str) -> str:
    return " ".join(sanitize.visible(text).split())
