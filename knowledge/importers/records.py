"""Named values (JSON lines, and the rows of tables) -> drafts, whatever sensible names they have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

from knowledge.importers import markup
from knowledge.importers.draft import Draft, Reading
from knowledge.importers.prose import LEVELS
from knowledge.questions import Choice, Difficulty, Misconception, Reference

NAMES = {
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
COLUMN = {name: field for field, names in NAMES.items() for name in names.split()}
LISTS = frozenset({"tags", "aliases", "key_points", "follow_ups"})
HALF = re.compile("[\ud800-\udfff]")
OURS = frozenset({"key_points", "choices", "in_depth"})
"""Keys that, beside `title`, tell our own export from others."""
MOST = 100_000


def read_lines(text: str) -> Reading:
    """JSON lines: our own export with all its fields, or any objects with sensible names. A list of objects will do."""
    reading = Reading("jsonl")
    if text.lstrip().startswith("["):
        if isinstance(rows := _parsed(text, 0, reading), list):
            for number, row in enumerate(rows[:MOST], 1):
                _add_row(reading, row, number)
        return reading
    for number, line in enumerate(islice(text.split("\n"), MOST), 1):
        if line.strip() and (row := _parsed(line, number, reading)) is not None:
            _add_row(reading, row, number)
    return reading


def _parsed(text: str, line: int, reading: Reading) -> Any:
    """What JSON says; None with a problem where it is none."""
    try:
        found = json.loads(text)
        if "\\u" in text:  # which can write half of a character, and no file can hold that
            found = json.loads(HALF.sub("\ufffd", json.dumps(found, ensure_ascii=False)))
    except (ValueError, RecursionError) as error:
        reading.note(line, f"is not JSON: {getattr(error, 'msg', 'too deeply nested, or too large a number')}")
        return None
    if found is None:
        reading.note(line, "is null")
    return found


def _add_row(reading: Reading, row: Any, line: int) -> None:
    if not isinstance(row, dict):
        reading.note(line, 'is no object; a line is {"question": "...", "answer": "..."}')
    elif "title" in row and OURS & row.keys():
        _add_ours(reading, row, line)
    else:
        add(reading, {COLUMN.get(str(key).casefold(), ""): value for key, value in row.items()}, line)


def add(reading: Reading, row: Mapping[str, Any], line: int) -> None:
    """Take a row of values by the names of fields; those without a name are passed over."""
    texts = {field: _text(value) for field, value in row.items() if field and field not in LISTS}
    for field in ("title", "answer", "in_depth"):
        if "<" in (text := texts.get(field, "")):
            if markup.dropped(text):
                reading.note(line, "scripts, styles and the like are left out")
            texts[field] = markup.markdown(text) if markup.is_page(text) else markup.inline(text)
    title = " ".join(texts.get("title", "").split())
    if not title:
        reading.note(line, "has no question")
        return
    if not texts.get("answer"):
        reading.note(line, f"“{title[:60]}” has no answer")
    reading.drafts.append(
        Draft(
            title=title,
            answer=texts.get("answer", ""),
            in_depth=texts.get("in_depth", ""),
            difficulty=level(texts.get("difficulty", ""), lambda reason: reading.note(line, reason)),
            topic=texts.get("topic", "").rpartition("::")[2],
            id=texts.get("id", ""),
            tags=_list(row.get("tags"), r"[,;|\n]+"),
            aliases=_list(row.get("aliases"), r"[|\n]+"),
            key_points=_list(row.get("key_points"), r"\n+(?:[-*•] )?"),
            follow_ups=_list(row.get("follow_ups"), r"\n+(?:[-*•] )?"),
            line=line,
        )
    )


def level(text: str, note: Callable[[str], None]) -> Difficulty | None:
    """A difficulty by its own or another word for it; any other word is noted."""
    word = text.strip().casefold()
    for difficulty, words in LEVELS.items():
        if word in words.split("|"):
            return difficulty
    if word:
        note(f"the difficulty “{text[:30]}” is none of easy, medium and hard; medium is taken")
    return None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n\n".join(map(_text, value))
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _list(value: Any, between: str) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else re.split(between, _text(value))
    return tuple(dict.fromkeys(" ".join(part.split()) for part in map(str, parts) if part.strip()))


def _add_ours(reading: Reading, row: Mapping[str, Any], line: int) -> None:
    """A line of our own export."""
    try:
        texts = {name: row.get(name) or "" for name in ("title", "answer", "in_depth", "id", "topic")}
        if not all(isinstance(text, str) for text in texts.values()) or not texts["title"].strip():
            raise ValueError("title, answer, in_depth, id and topic are texts, and there is a title")
        reading.drafts.append(
            Draft(
                **texts,
                difficulty=Difficulty(row["difficulty"]) if row.get("difficulty") else None,
                key_points=tuple(_strings(row, "key_points")),
                misconceptions=tuple(
                    Misconception(**_only(m, "claim", "reason")) for m in row.get("misconceptions") or ()
                ),
                choices=tuple(
                    Choice(str(c["text"]), c["right"] is True, str(c.get("reason", "")))
                    for c in row.get("choices") or ()
                ),
                follow_ups=tuple(_strings(row, "follow_ups")),
                aliases=tuple(_strings(row, "aliases")),
                related=tuple(_strings(row, "related")),
                references=tuple(_reference(r) for r in row.get("references") or ()),
                tags=tuple(_strings(row, "tags")),
                as_of=date.fromisoformat(row["as_of"]) if row.get("as_of") else None,
                line=line,
            )
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reading.note(line, f"is not as `bank export --format jsonl` writes it: {error}")


def _strings(row: Mapping[str, Any], name: str) -> Iterator[str]:
    for value in row.get(name) or ():
        if not isinstance(value, str):
            raise ValueError(f"{name} holds texts")
        yield value


def _only(value: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: str(value[name]) for name in names}


def _reference(value: Mapping[str, Any]) -> Reference:
    at = str(value.get("at") or "")
    return Reference(str(value["title"]), str(value["by"]), int(value["year"]), at, bool(at))
