"""Text as Discord marks it up, so that nothing in it addresses anybody, hides a link or passes for ours."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from discord.utils import escape_markdown, escape_mentions

from bot.maths import readable
from bot.table import table
from bot.text import clean

# Fences first, then code in a line: nothing within them is marked up.
_ARGUMENT = re.compile(r"(?<=[a-z])=(?=\S)")
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_SPECIAL = re.compile(r"<(?=[@#:/]|a:|t:|id:)")
_LINK = re.compile(r"(!?)\[([^\]\n]*)\]\(\s*<?([^\s)>]*)>?[^)\n]*\)")
_ADDRESS = re.compile(r"\bhttps?://[^\s<>()`]+", re.IGNORECASE)
_DEEP = re.compile(r"^#{4,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_SMALL = re.compile(r"^(\s*)-#", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*$", re.MULTILINE)
_HARMLESS = re.compile(r"[A-Za-z0-9 ]*")
_TABLE = re.compile(r"(?:^[ \t]*\|.*\|[ \t]*(?:\n|\Z)){2,}", re.MULTILINE)


@lru_cache(maxsize=1000)
def markdown(text: str, *, model: bool = False) -> str:
    """Markdown of a bank, or of a `model`, whose headings and links are not taken for more than its words.

    The latest are kept: on most days most members read the same question.
    """
    pieces = _CODE.split(_TABLE.sub(_aligned, readable(clean(text))))
    marked = "".join(piece if n % 2 else _outside_code(piece, model=model) for n, piece in enumerate(pieces))
    return escape_mentions(marked)  # within code, too: a block that is cut might be code no more


def spoken(text: str) -> str:
    """What the bot says itself, with its commands as they are typed here."""
    return markdown(commands(text))


def commands(text: str) -> str:
    """The text with `me zone=Europe/Paris`, as a terminal takes it, made `/me zone:Europe/Paris`."""
    return _commands().sub(lambda found: f"`/{found[1]}{_ARGUMENT.sub(':', found[2])}`", text)


@cache
def _commands() -> re.Pattern[str]:
    names = sorted((command.name for command in table() if not command.button), key=len, reverse=True)
    groups = sorted({name.partition(" ")[0] for name in names if " " in name})
    return re.compile(rf"`({'|'.join([*names, *groups])})((?: [^`\n]*)?)`")


def plain(text: str) -> str:
    """Names and the like, in one line, in which nothing is formatting, a link or a mention."""
    if _HARMLESS.fullmatch(text):  # as most names and numbers are; escaping takes thirty times as long
        return " ".join(text.split())
    one_line = " ".join(clean(text).split())
    escaped = escape_mentions(escape_markdown(one_line)).replace("<", "\\<")
    # A break that nobody sees: addresses become links even where all formatting is escaped.
    return re.sub(r"^([#>\-+]|\d+\.)", r"\\\1", escaped.replace("://", ":\u200b//"))


def _outside_code(text: str, *, model: bool) -> str:
    text = _RULE.sub("", _LINK.sub(_opened, text))
    if model:
        text = _ADDRESS.sub(lambda found: f"`{found[0]}`", _SMALL.sub(r"\1\\-#", text))
        text = _HEADING.sub(r"**\1**", text)
    return _SPECIAL.sub(r"\\<", _DEEP.sub(r"**\1**", text))


def _opened(link: re.Match[str]) -> str:
    """A link with its address in the open: its words alone could promise another."""
    picture, words, address = link.groups()
    if picture or not re.match(r"https?://", address, re.IGNORECASE):
        return words
    return address if words == address else f"{words} ({address})"


def _aligned(table: re.Match[str]) -> str:
    """A table of Markdown as aligned text, because Discord draws none."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table[0].strip().splitlines()]
    rows = [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    columns = max(map(len, rows), default=0)
    wide = [max((len(row[n]) for row in rows if n < len(row)), default=0) for n in range(columns)]
    lines = ("  ".join(cell.ljust(wide[n]) for n, cell in enumerate(row)).rstrip() for row in rows)
    return "```text\n" + "\n".join(lines).replace("```", "'''") + "\n```\n"


def split(text: str, characters: int, size: int) -> tuple[str, str]:
    """As much of the text as fits into so many characters and bytes, and the rest.

    Cut between paragraphs, else lines, sentences or words; a code block that is cut is closed, and opened again.
    """
    if len(text) <= characters and len(text.encode()) <= size:
        return text, ""
    room = text[: max(0, characters - 4)].encode()[: max(0, size - 4)].decode(errors="ignore")
    end = _cut(room)
    kept, rest = text[:end].rstrip(), text[end:].lstrip("\n")
    if fence := _open_fence(kept):
        if kept.rstrip() == fence:  # nothing but its beginning
            return "", text
        return f"{kept}\n```", f"{fence}\n{rest}"
    return kept, rest.lstrip()


def _cut(room: str) -> int:
    for mark in ("\n\n", "\n", ". ", " "):
        if (end := room.rfind(mark)) > len(room) // 2:
            return end + len(mark.rstrip(" \n"))
    return len(room)


def _open_fence(text: str) -> str:
    """The line that opened the code block in which the text ends, if it does."""
    opened = ""
    for line in text.splitlines():
        if line.startswith("```"):
            opened = "" if opened else line
    return opened
