"""A file of any format -> drafts; what it is, is told from what is in it."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import fields
from pathlib import Path

from knowledge.format import reader
from knowledge.format.front_matter import FENCE
from knowledge.importers import anki, prose, records, tables
from knowledge.importers.decode import NotText, decode
from knowledge.importers.draft import Draft, Reading
from knowledge.questions import Question

LARGEST = 64 * 2**20
"""Bytes of a file: some hundred thousand questions."""
MOST = 20_000
"""Questions taken from one file."""
JSON = re.compile(r'\s*(?:\[\s*)?\{\s*"')
"""How an object, or a list of them, begins."""
ZIP = b"PK\x03\x04"


def read(path: Path) -> Reading:
    """The questions of a file. What cannot be read is a problem of the reading, and never raised."""
    data = _bytes(path)
    if isinstance(data, str):
        reading = Reading("")
        reading.note(0, data)
        return reading
    reading = _read(path, data)
    reading.problems.sort()
    if len(reading.drafts) > MOST:
        reading.note(0, f"it holds {len(reading.drafts):,} questions; the first {MOST:,} are taken")
        del reading.drafts[MOST:]
    return reading


def _bytes(path: Path) -> bytes | str:
    """What is in a plain file; a sentence where it is none. Pipes, devices and links are not opened."""
    try:
        about = path.lstat()
        if stat.S_ISLNK(about.st_mode):
            return "is a link; name the file that it leads to"
        if not stat.S_ISREG(about.st_mode):
            return "is no file; name the files, not their folder" if path.is_dir() else "is no plain file"
        if about.st_size > LARGEST:
            return f"has {about.st_size:,} bytes, more than the {LARGEST:,} that are read: split it"
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _read(path: Path, data: bytes) -> Reading:
    notes: list[tuple[int, str]] = []
    try:
        if data.startswith(ZIP):
            return anki.read(data)
        text = decode(data, lambda line, reason: notes.append((line, reason)))
        reading = _of_text(path, text)
    except (anki.NotAnki, NotText) as problem:
        reading = Reading("")
        reading.note(0, str(problem))
    reading.problems += notes
    return reading


def _of_text(path: Path, text: str) -> Reading:
    suffix = path.suffix.lower()
    if not text.strip():
        reading = Reading("")
        reading.note(0, "is empty")
        return reading
    if text.startswith(FENCE):
        return _ours(path, text)
    if suffix in (".jsonl", ".ndjson", ".json") or JSON.match(text):
        return records.read_lines(text)
    if suffix in (".csv", ".tsv") or tables.is_table(text):
        return tables.read(text)
    return prose.read(text)


def _ours(path: Path, text: str) -> Reading:
    """One file of a bank."""
    reading = Reading("studyhall")
    problems: set[tuple[int, str]] = set()
    question = reader.read(path.parent.name, path.stem, text, problems)
    reading.problems += sorted(problems)
    if question is not None:
        reading.drafts.append(of_question(question))
    return reading


def of_question(question: Question) -> Draft:
    """A whole question as a draft."""
    return Draft(**{field.name: getattr(question, field.name) for field in fields(question)}, line=1)
