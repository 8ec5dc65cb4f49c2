"""Anki packages -> drafts: the first field asks, the second answers. A package is a zip with a SQLite database."""

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

from knowledge.format.markdown import HIDDEN
from knowledge.importers import markup
from knowledge.importers.draft import Draft, Reading
from knowledge.importers.prose import LEVELS
from knowledge.questions import Difficulty

COLLECTIONS = ("collection.anki21b", "collection.anki21", "collection.anki2")
"""Newest first: a package for newer programs has an old collection too, which only says so."""
LARGEST = 256 * 2**20
"""Bytes of a collection once it is unpacked; a hundred thousand cards of text take a tenth of it."""
RATIO = 200
"""A zip member that unpacks to more than so many times its size is no collection but a bomb."""
MEMBERS = 100_000
LONGEST = 2_000_000
"""Bytes of a note: SQLite itself refuses longer values."""
MOST = 100_000
CLOZE = re.compile(r"\{\{c\d+::")
MEDIA = re.compile(r"<img\b|\[sound:|<audio\b|<video\b", re.IGNORECASE)
QUESTION = "SELECT id, tags, flds FROM notes ORDER BY id LIMIT ?"


class NotAnki(Exception):
    """The file is no Anki package that can be read; the message says why."""


def read(data: bytes) -> Reading:
    """The notes of a package. Raises NotAnki."""
    reading = Reading("anki")
    with tempfile.TemporaryDirectory(prefix="studyhall-") as folder:
        path = Path(folder) / "collection"
        path.write_bytes(_collection(data))
        skipped: Counter[str] = Counter()
        for number, (tags, fields) in enumerate(_notes(path), 1):
            _add(reading, number, tags, fields, skipped)
    for what, count in skipped.items():
        reading.note(0, f"{count} {what}")
    return reading


def _collection(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = {info.filename: info for info in package.infolist()[:MEMBERS]}
            name = next((name for name in COLLECTIONS if name in members), None)
            if name is None:
                raise NotAnki("it is a zip file without an Anki collection in it")
            info = members[name]
            if info.file_size > LARGEST or info.file_size > RATIO * max(info.compress_size, 1):
                raise NotAnki(f"its collection would unpack to {info.file_size:,} bytes, which no deck of cards needs")
            if info.flag_bits & 1:
                raise NotAnki("it is encrypted")
            with package.open(info) as member:
                found = member.read(LARGEST + 1)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise NotAnki(f"it is damaged: {error}") from error
    if name == COLLECTIONS[0]:
        found = _unpacked(found)
    if len(found) > LARGEST:
        raise NotAnki("its collection is too large for a deck of cards")
    return found


def _unpacked(data: bytes) -> bytes:
    import zstandard

    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(data) as stream:
            return stream.read(LARGEST + 1)
    except zstandard.ZstdError as error:
        raise NotAnki(f"its collection is damaged: {error}") from error


def _notes(path: Path) -> list[tuple[str, list[str]]]:
    """Tags and fields of each note. Only the one table is read; a view in its place, or columns that are computed when
    they are read, could grow without end and are refused."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            database.text_factory = lambda data: data.decode("utf-8", "replace")
            kind = database.execute("SELECT type FROM sqlite_master WHERE name = 'notes'").fetchone()
            if kind != ("table",):
                raise NotAnki("its collection has no table of notes")
            if any(column[6] > 1 for column in database.execute("PRAGMA table_xinfo(notes)")):
                raise NotAnki("its table of notes has columns that are computed; no Anki makes such")
            rows = database.execute(QUESTION, (MOST,)).fetchall()
    except sqlite3.Error as error:
        raise NotAnki(f"its collection cannot be read: {error}") from error
    return [(_string(tags), _string(fields).split("\x1f")) for _, tags, fields in rows]


def _string(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _add(reading: Reading, number: int, tags: str, fields: list[str], skipped: Counter[str]) -> None:
    if any(CLOZE.search(field) for field in fields):
        skipped["cloze cards are skipped: they have no question"] += 1
        return
    if any(MEDIA.search(field) for field in fields[:2]):
        skipped["cards have pictures or sound, which are left out"] += 1
    if any(markup.dropped(field) for field in fields[:2]):
        reading.note(number, "scripts, styles and the like are left out")
    front, back = (_text(field) for field in [*fields, "", ""][:2])
    title = " ".join(front.split())
    if not title:
        reading.note(number, "has nothing on its front")
        return
    if not back:
        reading.note(number, f"“{title[:60]}” has nothing on its back")
    words = tags.split()
    reading.drafts.append(
        Draft(
            title=title,
            answer=back,
            difficulty=_level(words),
            topic=next((word.partition("::")[2] for word in words if word.startswith("topic::")), ""),
            tags=tuple(word for word in dict.fromkeys(words) if not word.startswith(("topic::", "difficulty::"))),
            line=number,
        )
    )


def _text(field: str) -> str:
    """A field's HTML as Markdown, without what nobody can see and without names of sound files."""
    return HIDDEN.sub("", markup.markdown(re.sub(r"\[sound:[^\]]{0,300}\]", "", field), dollars=True))


def _level(words: list[str]) -> Difficulty | None:
    for word in words:
        plain = word.rpartition("::")[2].casefold()
        for level, names in LEVELS.items():
            if plain in names.split("|"):
                return level
    return None
