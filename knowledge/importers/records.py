"""Read records (JSON lines, and table rows) with any sensible field names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

from knowledge.format.csv_format import reference_of
from knowledge.importers import markup
from knowledge.importers.draft import ParsedFile, QuestionDraft
from knowledge.importers.prose import DIFFICULTY_BY_WORD
from knowledge.importers.sanitize import SURROGATE
from knowledge.questions import Choice, Difficulty, Misconception

FIELD_NAMES = {
    "title": "question title front prompt q ask term card",
    "answer": "answer back response a definition reply solution",
    "in_depth": "in_depth indepth in-depth depth details detail explanation notes extra more",
    "difficulty": "difficulty level hardness",
    "topic": "topic category section deck subject chapter area",
    "tags": "tags tag labels keywords",
    "aliases": "aliases alias also synonyms variants",
    "id": "id key slug",
    "key_points": "key_points keypoints points",
    "follow_ups": "follow_ups followups follow-ups",
}
FIELD_BY_NAME = {name: field for field, names in FIELD_NAMES.items() for name in names.split()}
LIST_FIELDS = frozenset({"tags", "aliases", "key_points", "follow_ups"})
EXPORT_KEYS = frozenset({"key_points", "choices", "in_depth"})
"""Keys that together with `title` identify our own export."""
MAX_RECORDS = 100_000


def read_lines(text: str) -> ParsedFile:
    """Read JSON lines or a JSON list: our own export with all its fields, or objects with sensible names."""
    parsed = ParsedFile("jsonl")
    if text.lstrip().startswith("["):
        if isinstance(rows := _from_json(text, 0, parsed), list):
            for number, row in enumerate(rows[:MAX_RECORDS], 1):
                _add_object(parsed, row, number)
        return parsed
    for number, line in enumerate(islice(text.split("\n"), MAX_RECORDS), 1):
        if line.strip() and (row := _from_json(line, number, parsed)) is not None:
            _add_object(parsed, row, number)
    return parsed


def _from_json(text: str, line: int, parsed: ParsedFile) -> Any:
    """Parse JSON; None with a problem if it's invalid or null."""
    try:
        value = json.loads(text)
        if "\\u" in text:  # an escape can be a lone surrogate, which a UTF-8 file can't contain
            value = json.loads(SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)))
    except (ValueError, RecursionError) as error:
        parsed.note(line, f"isn't JSON: {getattr(error, 'msg', 'too deeply nested, or a number that is too large')}")
        return None
    if value is None:
        parsed.note(line, "is null")
    return value


def _add_object(parsed: ParsedFile, row: Any, line: int) -> None:
    if not isinstance(row, dict):
        parsed.note(line, 'isn\'t an object; a line is {"question": "...", "answer": "..."}')
        return
    try:
        if "title" in row and EXPORT_KEYS & row.keys():
            _add_exported(parsed, row, line)
        else:
            add_record(parsed, {FIELD_BY_NAME.get(key.casefold(), ""): value for key, value in row.items()}, line)
    except RecursionError:
        parsed.note(line, "is nested too deeply; a value is a text or a list of texts")


def add_record(parsed: ParsedFile, row: Mapping[str, Any], line: int) -> None:
    """Add the draft in a record whose keys are names of fields; values under "" are ignored."""
    texts = {field: _text(value) for field, value in row.items() if field and field not in LIST_FIELDS}
    for field in ("title", "answer", "in_depth"):
        if "<" in (text := texts.get(field, "")):
            if markup.has_active_content(text):
                parsed.note(line, markup.ACTIVE_CONTENT_LEFT_OUT)
            texts[field] = markup.markdown(text) if markup.is_page(text) else markup.inline(text)
    title = " ".join(texts.get("title", "").split())
    if not title:
        parsed.note(line, "has no question")
        return
    if not texts.get("answer"):
        parsed.note(line, f"“{title[:60]}” has no answer")
    parsed.drafts.append(
        QuestionDraft(
            title=title,
            answer=texts.get("answer", ""),
            in_depth=texts.get("in_depth", ""),
            difficulty=_difficulty(texts.get("difficulty", ""), lambda reason: parsed.note(line, reason)),
            topic=texts.get("topic", "").rpartition("::")[2],
            id=texts.get("id", ""),
            tags=_list(row.get("tags"), r"[,;|\n]+"),
            aliases=_list(row.get("aliases"), r"[|\n]+"),
            key_points=_list(row.get("key_points"), r"\n+(?:[-*•] )?"),
            follow_ups=_list(row.get("follow_ups"), r"\n+(?:[-*•] )?"),
            line=line,
        )
    )


def _difficulty(text: str, note: Callable[[str], None]) -> Difficulty | None:
    """Return the difficulty that a word means; an unknown word is noted."""
    word = text.strip().casefold()
    if word and word not in DIFFICULTY_BY_WORD:
        note(f"the difficulty “{text[:30]}” isn't easy, medium, or hard; using medium")
    return DIFFICULTY_BY_WORD.get(word)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n\n".join(map(_text, value))
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _list(value: Any, separator: str) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else re.split(separator, _text(value))
    return tuple(dict.fromkeys(" ".join(part.split()) for part in map(str, parts) if part.strip()))


def _add_exported(parsed: ParsedFile, row: Mapping[str, Any], line: int) -> None:
    """Add the draft in a line of our own export."""
    try:
        texts = {name: row.get(name) or "" for name in ("title", "answer", "in_depth", "id", "topic")}
        if not all(isinstance(text, str) for text in texts.values()) or not texts["title"].strip():
            raise ValueError("title, answer, in_depth, id, and topic must be texts, and the title can't be empty")
        parsed.drafts.append(
            QuestionDraft(
                **texts,
                difficulty=Difficulty(row["difficulty"]) if row.get("difficulty") else None,
                key_points=tuple(_strings(row, "key_points")),
                misconceptions=tuple(
                    Misconception(**_texts_of(wrong, "claim", "reason")) for wrong in row.get("misconceptions") or ()
                ),
                choices=tuple(
                    Choice(str(choice["text"]), choice["right"] is True, str(choice.get("reason", "")))
                    for choice in row.get("choices") or ()
                ),
                follow_ups=tuple(_strings(row, "follow_ups")),
                aliases=tuple(_strings(row, "aliases")),
                related=tuple(_strings(row, "related")),
                references=tuple(map(reference_of, row.get("references") or ())),
                tags=tuple(_strings(row, "tags")),
                as_of=date.fromisoformat(row["as_of"]) if row.get("as_of") else None,
                line=line,
            )
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        parsed.note(line, f"isn't what `bank export --format jsonl` writes: {error}")


def _strings(row: Mapping[str, Any], name: str) -> Iterator[str]:
    for value in row.get(name) or ():
        if not isinstance(value, str):
            raise ValueError(f"{name} must be a list of texts")
        yield value


def _texts_of(value: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: str(value[name]) for name in names}
