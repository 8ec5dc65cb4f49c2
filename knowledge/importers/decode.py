"""Bytes -> text: the encoding found out, what was read in a wrong one mended, what nobody can see taken out."""

from __future__ import annotations

import codecs
import re
from functools import cache

from knowledge.format.markdown import HIDDEN, Note

MOJIBAKE = re.compile("[ÃÂâðï][\u0080-\u00ff\u0152-\u017e\u0192\u02c6\u02dc\u2013-\u2122]")
"""What UTF-8 looks like to a reader who takes it for Windows-1252."""


class NotText(Exception):
    """The bytes are no text; the message says what they are instead."""


def decode(data: bytes, note: Note) -> str:
    """The text with newlines alone as line ends. What had to be mended is noted. Raises NotText."""
    text = _decoded(data, note)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if MOJIBAKE.search(line):
            line = _fix()(line)
        if HIDDEN.search(line):
            visible = HIDDEN.sub("", line)
            note(number, f"{len(line) - len(visible)} characters that nobody can see are left out")
            line = visible
        lines[number - 1] = line
    return "\n".join(lines)


def _decoded(data: bytes, note: Note) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return data.decode(name)
            except UnicodeDecodeError as error:
                raise NotText(f"it begins like {name} and goes on as something else: save it as UTF-8") from error
    if b"\0" in data:
        raise NotText("it is binary, not text: export it as Markdown, CSV, JSON lines or .apkg first")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        note(line, f"byte 0x{data[error.start]:02x} is not UTF-8; the file is read as Windows-1252")
        return data.decode("cp1252", errors="replace")


@cache
def _fix():  # type: ignore[no-untyped-def]
    from ftfy import fix_encoding

    return fix_encoding
