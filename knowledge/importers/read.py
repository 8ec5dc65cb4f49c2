"""Read the question drafts in a file of any format, which is detected from the content."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import fields
from pathlib import Path

from knowledge.format import reader
from knowledge.format.front_matter import FENCE
from knowledge.importers import anki, prose, records, tables
from knowledge.importers.decode import DecodeError, decode
from knowledge.importers.draft import ParsedFile, QuestionDraft
from knowledge.importers.normalize import DEFAULT_TOPIC, slug
from knowledge.questions import Question

MAX_FILE_SIZE = 64 * 2**20
"""Bytes of a file: several hundred thousand questions."""
MAX_QUESTIONS = 20_000
"""Questions taken from one file."""
JSON = re.compile(r'\s*(?:\[\s*)?\{\s*"')
"""The start of an object or of a list of them."""
ZIP = b"PK\x03\x04"


def read(path: Path) -> ParsedFile:
    """Return the drafts in a file. Never raises: what can't be read is listed in the result's problems."""
    data = _bytes(path)
    if isinstance(data, str):
        return _unreadable(data)
    parsed = _read(path, data)
    parsed.problems.sort()
    if len(parsed.drafts) > MAX_QUESTIONS:
        parsed.note(0, f"has {len(parsed.drafts):,} questions; only the first {MAX_QUESTIONS:,} were read")
        del parsed.drafts[MAX_QUESTIONS:]
    return parsed


def _bytes(path: Path) -> bytes | str:
    """Return the content of a regular file, or why it has none. Pipes, devices, and links aren't opened."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return "is a link; name the file it points to"
        if not stat.S_ISREG(status.st_mode):
            return "is a folder; name the files in it" if path.is_dir() else "isn't a regular file"
        if status.st_size > MAX_FILE_SIZE:
            return f"has {status.st_size:,} bytes, more than the limit of {MAX_FILE_SIZE:,}: split it"
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as file:
            return file.read(MAX_FILE_SIZE + 1)
    except OSError as error:
        return f"can't be read: {error.strerror}"


def _read(path: Path, data: bytes) -> ParsedFile:
    notes: list[tuple[int, str]] = []
    try:
        if data.startswith(ZIP):
            return anki.read(data)
        text = decode(data, lambda line, reason: notes.append((line, reason)))
        parsed = _read_text(path, text)
    except (anki.AnkiError, DecodeError) as error:
        parsed = _unreadable(str(error))
    parsed.problems += notes
    return parsed


def _unreadable(reason: str) -> ParsedFile:
    parsed = ParsedFile("")
    parsed.note(0, reason)
    return parsed


def _read_text(path: Path, text: str) -> ParsedFile:
    suffix = path.suffix.lower()
    if not text.strip():
        return _unreadable("is empty")
    if text.startswith(FENCE):
        return _read_question_file(path, text)
    if suffix in (".jsonl", ".ndjson", ".json") or JSON.match(text):
        return records.read_lines(text)
    if suffix in (".csv", ".tsv") or tables.is_table(text):
        return tables.read(text)
    return prose.read(text)


def _read_question_file(path: Path, text: str) -> ParsedFile:
    """Read a file in the format of a bank, whose folder and name don't have to be a topic and an id."""
    parsed = ParsedFile("studyhall")
    problems: set[tuple[int, str]] = set()
    topic, question_id = slug(path.absolute().parent.name, DEFAULT_TOPIC), slug(path.stem, "question")
    question = reader.read(topic, question_id, text, problems)
    parsed.problems += sorted(problems)
    if question is not None:
        parsed.drafts.append(of_question(question))
    return parsed


def of_question(question: Question) -> QuestionDraft:
    """Return a draft with everything in the question."""
    return QuestionDraft(**{field.name: getattr(question, field.name) for field in fields(question)}, line=1)
