"""Read the front matter of a question's file: TOML between two lines of `+++`. Problems are noted with their line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from knowledge.format.invisible import hidden
from knowledge.format.markdown import Note
from knowledge.questions import NAME, Difficulty, Reference

FENCE = "+++"
KEYS = ("difficulty", "tags", "aliases", "related", "references", "as_of")
REFERENCE_KEYS = ("title", "by", "year", "at", "checked")
SOURCE = re.compile(r"(?:arXiv:\d{4}\.\d{4,5}(?:v\d+)?|arXiv:[a-z-]+/\d{7}|(?:doi:|DOI:)?10\.\d{4,9}/\S+|https?://\S+)")
YEARS = range(1700, 2101)
MAX_LENGTH = 16 * 1024
"""Characters of the front matter; hundreds of kilobytes of nested keys would take minutes to read."""
MAX_QUOTED_LENGTH = 60
LONG_NUMBER = re.compile(r"\d[\d_]{4000}")
"""Python refuses to read a decimal number of more than 4,300 digits."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The values of the front matter, checked and converted."""

    difficulty: Difficulty
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    related: tuple[str, ...]
    references: tuple[Reference, ...]
    as_of: date | None


def split(source: str, note: Note) -> tuple[str, str, int]:
    """Return the TOML, the Markdown, and the number of lines before the Markdown (0 with a problem)."""
    lines = source.split("\n")
    if lines[0].rstrip() != FENCE:
        note(1, f"a file starts with a {FENCE} line, then its difficulty and so on, then another {FENCE} line")
        return "", source, 0
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == FENCE:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 1
    note(1, f"the front matter has to end with another {FENCE} line")
    return "", source, 0


def read(toml: str, note: Note) -> FrontMatter | None:
    """Return the front matter, or None if it isn't TOML. A wrong value is noted and replaced by an empty one."""
    if len(toml) > MAX_LENGTH:
        note(1, f"the front matter has at most {MAX_LENGTH:,} characters, not {len(toml):,}")
        return None
    try:
        table = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        position = re.search(r"\(at line (\d+), column \d+\)", str(error))  # none at the end of the document
        line = int(position[1]) if position else toml.count("\n") + 1
        note(line + 1, f"isn't TOML: {str(error).partition(' (at')[0]}")
        return None
    except ValueError:
        number = LONG_NUMBER.search(toml)
        note(toml.count("\n", 0, number.start()) + 2 if number else 1, "a number has at most 4,300 digits")
        return None
    except RecursionError:
        note(1, "lists and tables are nested too deeply; no key needs more than a list of tables")
        return None
    values = _Values(toml, table, note)
    values.check_keys(table, KEYS)
    return FrontMatter(
        difficulty=values.difficulty(),
        tags=values.texts("tags"),
        aliases=values.texts("aliases"),
        related=values.ids("related"),
        references=values.references(),
        as_of=values.day("as_of"),
    )


@dataclass(frozen=True, slots=True)
class _Values:
    """Parsed TOML whose values are checked as they're read; finds the line of a key, which the TOML parser drops."""

    toml: str
    table: Mapping[str, Any]
    note: Note

    def note_at(self, key: str, reason: str, near: str = "") -> None:
        """Note a problem at the line of `key`, or at that of `near` (a part of its value) if it comes later."""
        start = re.search(rf'^\s*["\']?{re.escape(key)}["\']?\s*=', self.toml, re.MULTILINE)
        offset = start.start() + len(start[0]) - len(start[0].lstrip()) if start else 0
        if near and (near_offset := self.toml.find(near, offset)) >= 0:
            offset = near_offset
        self.note(self.toml.count("\n", 0, offset) + 2, reason)

    def check_keys(self, table: Mapping[str, Any], keys: tuple[str, ...], parent: str = "") -> None:
        for key in table.keys() - set(keys):
            close = get_close_matches(key, keys, 1)
            hint = f"did you mean {close[0]}?" if close else f"the keys are {', '.join(keys)}"
            self.note_at(parent or key, f"unknown key {key!r}: {hint}", near=key)

    def difficulty(self) -> Difficulty:
        value = self.table.get("difficulty")
        if value in list(Difficulty):
            return Difficulty(value)
        actual = f"not {_quoted(value)}" if value is not None else "but it's missing"
        self.note_at("difficulty", f'difficulty must be "easy", "medium" or "hard", {actual}')
        return Difficulty.EASY

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.table.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
            self.note_at(key, f'{key} must be a list of texts, none of them empty: {key} = ["one", "two"]')
            return ()
        for value in values:
            if character := hidden(value):
                self.note_at(key, f"{key} contains {character}, which is invisible: delete it")
            elif "\n" in value:
                self.note_at(key, f"each of the {key} must be a single line")
            elif values.count(value) > 1:
                self.note_at(key, f"{key} contains {value!r} twice", near=value)
                break
        return tuple(value.strip() for value in values)

    def ids(self, key: str) -> tuple[str, ...]:
        values = self.texts(key)
        for value in values:
            if not NAME.fullmatch(value):
                self.note_at(key, f"{value!r} isn't an id: use a-z, 0-9 and single dashes between them", near=value)
        return values

    def day(self, key: str) -> date | None:
        value = self.table.get(key)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.note_at(key, f"{key} is a date without quotes: {key} = 2026-11-01")
            return None
        return value

    def references(self) -> tuple[Reference, ...]:
        values = self.table.get("references", [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.note_at("references", 'references is a list: [{ title = "...", by = "...", year = 2017 }]')
            return ()
        return tuple(filter(None, map(self._reference, values)))

    def _reference(self, value: dict[str, Any]) -> Reference | None:
        texts = {key: text for key in ("title", "by", "at") if isinstance(text := value.get(key, ""), str)}

        def note(reason: str) -> None:
            self.note_at("references", reason, near=texts.get("title", ""))

        self.check_keys(value, REFERENCE_KEYS, parent="references")
        if len(texts) < 3 or not texts["title"].strip() or not texts["by"].strip():
            note('a reference has title = "..." and by = "...", and at = "..." only if somebody looked it up')
            return None
        for text in texts.values():
            if character := hidden(text):
                note(f"a reference contains {character}, which is invisible: delete it")
        year, checked, at = value.get("year"), value.get("checked", False), texts["at"]
        if type(year) is not int or year not in YEARS:
            note(f"a reference has a year like 2017, not {_quoted(year)}")
            return None
        if not isinstance(checked, bool) or checked != bool(at):
            note("a reference has both `at` and checked = true, once somebody looked it up, or neither")
            return None
        if at and not SOURCE.fullmatch(at):
            note(f"at = {at!r} should look like arXiv:1706.03762, a DOI (10.1000/182), or an https:// address")
        return Reference(title=texts["title"], by=texts["by"], year=year, at=at, checked=checked)


def _quoted(value: object) -> str:
    """Return a value as a problem quotes it: not at full length, and whatever TOML can contain."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a hexadecimal number of thousands of digits, thousands of nested tables
        return f"a huge {'number' if isinstance(value, int) else 'table'}"
    return text if len(text) <= MAX_QUOTED_LENGTH else f"{text[:MAX_QUOTED_LENGTH]}…"
