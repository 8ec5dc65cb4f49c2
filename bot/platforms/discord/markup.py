"""Write Markdown in Discord's markup, so that it can't mention anybody, hide a link or look like the bot's own text.

Discord lets bold text and the like end within code, so mentions and misleading links are broken everywhere.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import ClassVar

from discord.utils import escape_mentions
from typing_extensions import override

from bot.platforms.discord.command_lines import discord_line
from bot.platforms.shared.splitting import split_point
from bot.platforms.shared.typed_commands import command_pattern
from bot.text.markdown import Nodes, is_plain, parse
from bot.text.writer import ZERO_WIDTH_SPACE, EscapingWriter

_LANGUAGE = re.compile(r"[ \t]*([\w+#.-]{0,20})[ \t]*(?:\n|\Z)")
_SPECIAL = re.compile(r"<(?=@[!&]?\d|#\d|a?:\w+:\d|t:-?\d|id:\w|sound:\d|/[^<>\n]+:\d)")
_TARGET = re.compile(r"\](?=\(\s*<?[^\s)]{0,40}:)")
_ADDRESS = re.compile(r"(https?://[^\s<]+)", re.IGNORECASE)
# What could end bold text and the like in the middle of an address.
_ENDING = re.compile(r"[*|~`\\]|_(?![^\W_])|(?<=_)_")
_ADDRESS_END = ".,:;!?'\"*_~|)]\\"
_TICKS = re.compile(r"\\[^\w\s]|```|`+")
_BEGINNING = re.compile(r"(?=-?#|>)")
MAX_HEADING = 3
"""Levels of headings that Discord has."""


class DiscordWriter(EscapingWriter):
    """Discord's markup."""

    marks: ClassVar[dict[str, str]] = {"strong": "**", "em": "*", "s": "~~"}
    names_languages: ClassVar[bool] = True

    @override
    def escaped(self, text: str) -> str:
        if self._from_model:  # an angle bracket could make an address of what follows: <discord://x>, or code
            return self._escaped(text.replace(":/", f":{ZERO_WIDTH_SPACE}/")).replace("<", r"\<")
        pieces = _ADDRESS.split(text)  # what the bank links stays a link
        return "".join(piece if n % 2 else self._escaped(piece) for n, piece in enumerate(pieces))

    def _escaped(self, text: str) -> str:
        return super().escaped(text).replace("](", f"]{ZERO_WIDTH_SPACE}(")

    @override
    def heading(self, text: str, level: int) -> str:
        if self._from_model or level > MAX_HEADING:
            return super().heading(text, level)
        return f"{'#' * level} {text}"

    @override
    def address(self, address: str) -> str:
        stop = len(address.rstrip(_ADDRESS_END))
        encoded = _ENDING.sub(lambda sign: f"%{ord(sign[0]):02X}", address[:stop])
        return self.code(encoded) + self._escaped(address[stop:])


@lru_cache(maxsize=1000)
def markdown(text: str, *, model: bool = False) -> str:
    """Convert Markdown of the bank, or of a `model`, whose headings and links become plain text.

    Results are cached: on most days, most members read the same question.
    """
    return text if is_plain(text) else write(parse(text), model=model)


def write(nodes: Nodes, *, model: bool = False) -> str:
    """Write parsed blocks."""
    return _neutralized(DiscordWriter(from_model=model).write(nodes))


def _neutralized(text: str) -> str:
    """Break mentions, emoji, timestamps, command links and misleading links."""
    if "<" in text:
        text = _SPECIAL.sub(f"<{ZERO_WIDTH_SPACE}", text)
    if "](" in text:
        text = _TARGET.sub(f"]{ZERO_WIDTH_SPACE}", text)
    return escape_mentions(text)


def spoken(text: str) -> str:
    """Convert the bot's own text, with commands as they're typed on Discord."""
    return markdown(commands(text))


def commands(text: str) -> str:
    """Turn `question hard`, as the terminal takes it, into `/question difficulty:hard`."""
    return command_pattern().sub(lambda found: f"`{discord_line(found[1], found[2])}`", text)


def plain(text: str) -> str:
    """Escape names and the like: one line without formatting, links or mentions."""
    return _neutralized(DiscordWriter().literal(text))


def split(text: str, characters: int, size: int) -> tuple[str, str]:
    """Split text into what fits into `characters` and `size` bytes, and the rest.

    Cut between paragraphs, or else lines, sentences or words; code that is cut is closed and reopened.
    """
    if len(text) <= characters and len(text.encode()) <= size:
        return text, ""
    room = text[: max(0, characters - 4)].encode()[: max(0, size - 4)].decode(errors="ignore")
    end = split_point(room)
    kept, rest = text[:end].rstrip(), text[end:].lstrip("\n")
    opening, start, code_start = _open_code(kept)
    if opening and code_start == len(kept):  # only the opening fence fits
        return kept[:start].rstrip(), opening + rest
    if opening:
        closing = "`" if opening == "`" else "\n```"
        if rest.lstrip().startswith(closing.strip()):  # only the closing fence is left
            return kept + closing, rest.lstrip().removeprefix(closing.strip()).lstrip()
        return kept + closing, opening + rest
    if (len(kept) - len(kept.rstrip("\\"))) % 2:  # it escapes the next character
        kept = kept[:-1]
    rest = text[len(kept) :]
    later = rest.lstrip()
    if "\n" not in rest[: len(rest) - len(later)]:  # in the middle of a line, which must not become a heading
        later = _BEGINNING.sub(r"\\", later, count=1) if _BEGINNING.match(later) else later
    return kept, later


def _open_code(text: str) -> tuple[str, int, int]:
    """Return the opening of the code in which the text ends (with its language), its start and its end; or ""."""
    at = 0
    while found := _TICKS.search(text, at):
        ticks, at = found[0], found.end()
        if ticks.startswith("\\"):
            continue
        end = text.find(ticks, at)
        if end >= 0:
            at = end + len(ticks)
        elif ticks == "```":
            language = _LANGUAGE.match(text, at)
            return f"```{language[1] if language else ''}\n", found.start(), language.end() if language else at
        elif "\n" not in text[at:]:
            return "`", found.start(), at
    return "", 0, 0
