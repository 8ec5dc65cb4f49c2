"""Read Anki packages (a SQLite database in a zip): a note's first field is the question, the second the answer."""

from __future__ import annotations

import io
import lzma
import re
import sqlite3
import tempfile
import zipfile
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path

from knowledge.format.invisible import HIDDEN
from knowledge.importers import markup
from knowledge.importers.draft import ParsedFile, QuestionDraft
from knowledge.importers.prose import DIFFICULTY_BY_WORD
from knowledge.questions import Difficulty

COLLECTIONS = ("collection.anki21b", "collection.anki21", "collection.anki2")
"""Newest first: a package for newer versions also has an old collection, which just says so."""
MAX_COLLECTION_SIZE = 256 * 2**20
"""Bytes of an unpacked collection; 100,000 cards of text take a tenth of it."""
MAX_COMPRESSION_RATIO = 200
"""A zip member that unpacks to more than this many times its size is a zip bomb."""
MAX_ZIP_MEMBERS = 100_000
MAX_NOTE_SIZE = 2_000_000
"""Bytes of a note; SQLite refuses longer values."""
MAX_NOTES = 100_000
CLOZE = re.compile(r"\{\{c\d+::")
MEDIA = re.compile(r"<img\b|\[sound:|<audio\b|<video\b", re.IGNORECASE)
SELECT_NOTES = "SELECT id, tags, flds FROM notes ORDER BY id LIMIT ?"


class AnkiError(Exception):
    """The file isn't a readable Anki package; the message says why."""


def read(data: bytes) -> ParsedFile:
    """Return the notes of a package. Raises AnkiError."""
    parsed = ParsedFile("anki")
    with tempfile.TemporaryDirectory(prefix="studyhall-") as folder:
        path = Path(folder) / "collection"
        path.write_bytes(_collection(data))
        skipped: Counter[str] = Counter()
        for number, (tags, fields) in enumerate(_notes(path), 1):
            _add(parsed, number, tags, fields, skipped)
    for what, count in skipped.items():
        parsed.note(0, f"{count} {what}")
    return parsed


def _collection(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = {info.filename: info for info in package.infolist()[:MAX_ZIP_MEMBERS]}
            name = next((name for name in COLLECTIONS if name in members), None)
            if name is None:
                raise AnkiError("it's a zip file without an Anki collection")
            info = members[name]
            if info.file_size > MAX_COLLECTION_SIZE or info.file_size > MAX_COMPRESSION_RATIO * max(
                info.compress_size, 1
            ):
                raise AnkiError(f"its collection would unpack to {info.file_size:,} bytes, far more than a deck needs")
            if info.flag_bits & 1:
                raise AnkiError("it's encrypted")
            with package.open(info) as member:
                collection = member.read(MAX_COLLECTION_SIZE + 1)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise AnkiError(f"it's damaged: {error}") from error
    if name == COLLECTIONS[0]:
        collection = _decompressed(collection)
    if len(collection) > MAX_COLLECTION_SIZE:
        raise AnkiError("its collection is too large for a deck")
    return collection


def _decompressed(data: bytes) -> bytes:
    import zstandard

    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(data) as stream:
            return stream.read(MAX_COLLECTION_SIZE + 1)
    except zstandard.ZstdError as error:
        raise AnkiError(f"its collection is damaged: {error}") from error


def _notes(path: Path) -> list[tuple[str, list[str]]]:
    """Return the tags and fields of each note. Raises AnkiError.

    A view instead of the table, or generated columns, could produce endless data when read, so they're rejected.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_NOTE_SIZE)
            database.text_factory = lambda data: data.decode("utf-8", "replace")
            kind = database.execute("SELECT type FROM sqlite_master WHERE name = 'notes'").fetchone()
            if kind != ("table",):
                raise AnkiError("its collection has no notes table")
            if any(column[6] > 1 for column in database.execute("PRAGMA table_xinfo(notes)")):
                raise AnkiError("its notes table has generated columns, which Anki never creates")
            rows = database.execute(SELECT_NOTES, (MAX_NOTES,)).fetchall()
    except sqlite3.Error as error:
        raise AnkiError(f"its collection can't be read: {error}") from error
    return [(_as_text(tags), _as_text(fields).split("\x1f")) for _, tags, fields in rows]


def _as_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _add(parsed: ParsedFile, number: int, tags: str, fields: list[str], skipped: Counter[str]) -> None:
    if any(CLOZE.search(field) for field in fields):
        skipped["cloze cards were skipped because they have no question"] += 1
        return
    if any(MEDIA.search(field) for field in fields[:2]):
        skipped["cards have pictures or sound, which were left out"] += 1
    if any(markup.has_active_content(field) for field in fields[:2]):
        parsed.note(number, markup.ACTIVE_CONTENT_LEFT_OUT)
    front, back = (_markdown(field) for field in [*fields, "", ""][:2])
    title = " ".join(front.split())
    if not title:
        parsed.note(number, "has nothing on its front")
        return
    if not back:
        parsed.note(number, f"“{title[:60]}” has nothing on its back")
    tag_list = tags.split()
    parsed.drafts.append(
        QuestionDraft(
            title=title,
            answer=back,
            difficulty=_difficulty(tag_list),
            topic=next((tag.partition("::")[2] for tag in tag_list if tag.startswith("topic::")), ""),
            tags=tuple(tag for tag in dict.fromkeys(tag_list) if not tag.startswith(("topic::", "difficulty::"))),
            line=number,
        )
    )


def _markdown(field: str) -> str:
    """Convert a field from HTML to Markdown, without invisible characters and names of sound files."""
    return HIDDEN.sub("", markup.markdown(re.sub(r"\[sound:[^\]]{0,300}\]", "", field), dollars=True))


def _difficulty(tags: list[str]) -> Difficulty | None:
    words = (tag.rpartition("::")[2].casefold() for tag in tags)
    return next((DIFFICULTY_BY_WORD[word] for word in words if word in DIFFICULTY_BY_WORD), None)
