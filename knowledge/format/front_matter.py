"""The front matter of a question's file: TOML between two lines of `+++`, each value checked at its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from knowledge.format.markdown import Note, hidden
from knowledge.questions import NAME, Difficulty, Reference

FENCE = "+++"
KEYS = ("difficulty", "tags", "aliases", "related", "references", "as_of")
REFERENCE_KEYS = ("title", "by", "year", "at", "checked")
SOURCE = re.compile(r"(?:arXiv:\d{4}\.\d{4,5}(?:v\d+)?|arXiv:[a-z-]+/\d{7}|(?:doi:|DOI:)?10\.\d{4,9}/\S+|https?://\S+)")
YEARS = range(1700, 2101)


@dataclass(frozen=True, slots=True)
class Front:
    """The values of the front matter, each of its type."""

    difficulty: Difficulty
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    related: tuple[str, ...]
    references: tuple[Reference, ...]
    as_of: date | None


def split(source: str, note: Note) -> tuple[str, str, int]:
    """The TOML, the Markdown, and how many lines come before the Markdown."""
    lines = source.split("\n")
    if lines[0].rstrip() != FENCE:
        note(1, f"a file starts with a line of {FENCE}, then its difficulty and so on, then {FENCE} again")
        return "", source, 0
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == FENCE:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 1
    note(1, f"a second line of {FENCE} has to end the front matter")
    return "", source, 0


def read(toml: str, note: Note) -> Front | None:
    """The front matter, or None where it is not even TOML. What is wrong is noted, and an empty value stands in."""
    try:
        table = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column \d+\)|\(at end of document\)", str(error))
        line = int(found[1]) if found and found[1] else toml.count("\n") + 1
        note(line + 1, f"is not TOML: {str(error).partition(' (at')[0]}")
        return None
    sheet = Sheet(toml, table, note)
    sheet.only(table, KEYS)
    return Front(
        difficulty=sheet.difficulty(),
        tags=sheet.words("tags"),
        aliases=sheet.words("aliases"),
        related=sheet.ids("related"),
        references=sheet.references(),
        as_of=sheet.day("as_of"),
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """A parsed front matter that knows the line of each key; TOML's own parser does not tell."""

    toml: str
    table: Mapping[str, Any]
    note: Note

    def wrong(self, key: str, reason: str, near: str = "") -> None:
        """Note a mistake at the line of `key`, or of `near` (a piece of its value) where that is found below it."""
        start = re.search(rf'^\s*["\']?{re.escape(key)}["\']?\s*=', self.toml, re.MULTILINE)
        at = start.start() + len(start[0]) - len(start[0].lstrip()) if start else 0
        if near and (found := self.toml.find(near, at)) >= 0:
            at = found
        self.note(self.toml.count("\n", 0, at) + 2, reason)

    def only(self, table: Mapping[str, Any], keys: tuple[str, ...], of: str = "") -> None:
        for key in table.keys() - set(keys):
            close = get_close_matches(key, keys, 1)
            meant = f"did you mean {close[0]}?" if close else f"the keys are {', '.join(keys)}"
            self.wrong(of or key, f"unknown key {key!r}: {meant}", near=key)

    def difficulty(self) -> Difficulty:
        value = self.table.get("difficulty")
        if value in list(Difficulty):
            return Difficulty(value)
        given = f"not {value!r}" if value is not None else "and is missing"
        self.wrong("difficulty", f'difficulty is "easy", "medium" or "hard", {given}')
        return Difficulty.EASY

    def words(self, key: str) -> tuple[str, ...]:
        values = self.table.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) and v.strip() for v in values):
            self.wrong(key, f'{key} is a list of texts, none empty: {key} = ["one", "two"]')
            return ()
        for value in values:
            if which := hidden(value):
                self.wrong(key, f"{key} holds {which}, which readers cannot see: delete it")
            elif "\n" in value:
                self.wrong(key, f"each of {key} is one line")
            elif values.count(value) > 1:
                self.wrong(key, f"{key} holds {value!r} twice", near=value)
                break
        return tuple(value.strip() for value in values)

    def ids(self, key: str) -> tuple[str, ...]:
        values = self.words(key)
        for value in values:
            if not NAME.fullmatch(value):
                self.wrong(key, f"{value!r} is not an id: a-z, 0-9 and dashes between them", near=value)
        return values

    def day(self, key: str) -> date | None:
        value = self.table.get(key)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.wrong(key, f"{key} is a date without quotes: {key} = 2026-11-01")
            return None
        return value

    def references(self) -> tuple[Reference, ...]:
        values = self.table.get("references", [])
        if not isinstance(values, list) or not all(isinstance(v, dict) for v in values):
            self.wrong("references", 'references is a list: [{ title = "...", by = "...", year = 2017 }]')
            return ()
        return tuple(filter(None, map(self._reference, values)))

    def _reference(self, value: dict[str, Any]) -> Reference | None:
        texts = {key: text for key in ("title", "by", "at") if isinstance(text := value.get(key, ""), str)}

        def wrong(reason: str) -> None:
            self.wrong("references", reason, near=texts.get("title", ""))

        self.only(value, REFERENCE_KEYS, of="references")
        if len(texts) < 3 or not texts["title"].strip() or not texts["by"].strip():
            wrong('a reference has title = "..." and by = "...", and at = "..." only where it was looked up')
            return None
        for text in texts.values():
            if which := hidden(text):
                wrong(f"a reference holds {which}, which readers cannot see: delete it")
        year, checked, at = value.get("year"), value.get("checked", False), texts["at"]
        if type(year) is not int or year not in YEARS:
            wrong(f"a reference has a year like 2017, not {year!r}")
            return None
        if not isinstance(checked, bool) or checked != bool(at):
            wrong("a reference has `at` and checked = true together, once somebody looked it up, or neither")
            return None
        if at and not SOURCE.fullmatch(at):
            wrong(f"at = {at!r} is neither arXiv:1706.03762 nor a DOI (10.1000/182) nor a https:// address")
        return Reference(title=texts["title"], by=texts["by"], year=year, at=at, checked=checked)
