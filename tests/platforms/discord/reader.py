"""Read Discord's markup as its client does.

Discord reads from left to right, and at each place takes the first rule that matches there; what is bold and the like
is read once more within. After its client's rules, which are those of simple-markdown with its own added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
BLOCK = re.compile(r"```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```", re.IGNORECASE)
CODE = re.compile(r"(`+)([\s\S]*?[^`])\1(?!`)")
LINK = re.compile(
    r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]"
    r"\(\s*<?((?:\([^)]*\)|[^\s\\]|\\.)*?)>?(?:\s+['\"]([\s\S]*?)['\"])?\s*\)"
)
ADDRESS = re.compile(r"https?://[^\s<]+[^<.,:;\"')\]\s]|<[^: >]+:/[^ >]+>", re.IGNORECASE)
TOKEN = re.compile(
    r"<@[!&]?\d+>|<#\d+>|<a?:\w+:\d+>|<t:-?\d+(?::[tTdDfFR])?>|</[^<>\n]+:\d+>|<id:\w+>|<sound:\d+:\d+>|@everyone|@here"
)
QUOTE = re.compile(r"(?:> [^\n]*(?:\n|\Z))+")
LINE_START = re.compile(r"(?:#{1,3} +|-# | *[-*+] +| *\d+\. +)+")
INNER = [
    re.compile(mark, re.ASCII)
    for mark in (
        r"\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)",
        r"__((?:\\[\s\S]|[^\\])+?)__(?!_)",
        r"\b_((?:__|\\[\s\S]|[^\\_])+?)_\b",
        r"\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)",
        r"~~([\s\S]+?)~~(?!_)",
        r"\|\|([\s\S]+?)\|\|",
    )
]


def live(text: str) -> Iterator[tuple[str, str]]:
    """Return the mentions, links and the like that Discord makes of a text."""
    return ((kind, part) for kind, part in parts(text) if kind in ("link", "token", "address"))


def seen_on_discord(text: str) -> str:
    """Return the words that are shown."""
    return "".join(part for kind, part in parts(text, starts=True) if kind not in ("link", "token"))


def parts(text: str, *, starts: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the text in parts, each with its kind; a `link` is followed by its words. Leave out what starts lines."""
    at = 0
    while at < len(text):
        rest, is_start = text[at:], starts and text[at - 1 : at] in ("", "\n")
        if is_start and (found := QUOTE.match(rest)):
            yield from parts(re.sub("^> ", "", found[0], flags=re.MULTILINE), starts=True)
        elif is_start and (found := LINE_START.match(rest)):
            pass
        elif found := ESCAPE.match(rest):
            yield "text", found[1]
        elif (found := BLOCK.match(rest)) or (found := CODE.match(rest)):
            yield "code", found[2]
        elif found := LINK.match(rest):
            target = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", found[2])
            is_link = re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE)
            yield ("link", found[0]) if is_link else ("text", "[")
            yield from parts(found[1])
            yield "text", "" if is_link else rest[found.end(1) : found.end()]
        elif found := TOKEN.match(rest):
            yield "token", found[0]
        elif found := ADDRESS.match(rest):
            yield "address", found[0]
        elif found := next((found for mark in INNER if (found := mark.match(rest))), None):
            yield from parts(found[1])
        else:
            yield "text", text[at]
        at += found.end() if found else 1
