"""Decode bytes to text: detect the encoding, repair mojibake, and remove invisible characters."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import cache

from knowledge.format.invisible import HIDDEN
from knowledge.format.markdown import Note

MOJIBAKE = re.compile("[ÃÂâðï][\u0080-\u00ff\u0152-\u017e\u0192\u02c6\u02dc\u2013-\u2122]")
"""What UTF-8 looks like when it's read as Windows-1252."""


class DecodeError(Exception):
    """The bytes aren't text; the message says what they are instead."""


def decode(data: bytes, note: Note) -> str:
    r"""Return the text with `\n` as line ends, noting what was changed. Raises DecodeError."""
    text = _decoded(data, note)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        repaired = _fix_encoding()(line) if MOJIBAKE.search(line) else line
        visible = HIDDEN.sub("", repaired)
        if visible != repaired:
            note(number, f"{len(repaired) - len(visible)} invisible characters were left out")
        lines[number - 1] = visible
    return "\n".join(lines)


def _decoded(data: bytes, note: Note) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise DecodeError(f"it starts like {encoding} but isn't: save it as UTF-8") from error
    if b"\0" in data:
        raise DecodeError("it's binary, not text: export it as Markdown, CSV, JSON lines, or .apkg first")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        note(line, f"byte 0x{data[error.start]:02x} isn't UTF-8; the file was read as Windows-1252")
        return data.decode("cp1252", errors="replace")


@cache
def _fix_encoding() -> Callable[[str], str]:
    from ftfy import fix_encoding

    return fix_encoding
