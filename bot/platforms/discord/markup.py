"""Text as Discord marks it up, so that nothing in it addresses anybody, hides a link or passes for ours.

What is code here is code there: pieces of code are put down anew, and all other ticks are escaped. But bold text and
the like may end within code, so what would address anybody or promise another link is broken wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache, partial

from discord.utils import escape_mentions

from bot.dispatch.catalog import registry
from bot.text.cleaning import clean
from bot.text.maths import readable

_ARGUMENT = re.compile(r"(?<=[a-z])=(?=\S)")
# What is escaped, tables, fences (one that is never closed has to begin a line), code in a line, ticks by themselves.
_CODE = re.compile(
    r"\\[^\w\s]"
    r"|(?P<table>(?:^[ \t]*\|[^\n]*\|[ \t]*(?:\n|\Z)){2,})"
    r"|(?P<fence>`{3,}+)(?P<block>.*?)(?P=fence)`*"
    r"|^[ \t]*`{3,}+(?P<open>.*)\Z"
    r"|(?P<tick>`{1,2}+)(?P<line>[^\n]*?[^`\n])(?P=tick)(?!`)"
    r"|(?P<ticks>`+)",
    re.DOTALL | re.MULTILINE,
)
_LANGUAGE = re.compile(r"[ \t]*([\w+#.-]{0,20})[ \t]*(?:\n|\Z)")
_HERE = "\ue000"
"""Stands for a piece of code while all around it is marked up."""
# What would take in the tick that comes next.
_BEFORE_CODE = re.compile(rf"\\(?={_HERE}|<?https?://)|{_HERE}(?={_HERE}|<?https?://)", re.IGNORECASE)
_ADDRESS_BEFORE_CODE = re.compile(rf"https?://[^\s<{_HERE}]*(?={_HERE})", re.IGNORECASE)
_BREAK = "\u200b"
"""What nobody sees, in the middle of what would be taken for more than its words."""
_SPECIAL = re.compile(r"<(?=@[!&]?\d|#\d|a?:\w+:\d|t:-?\d|id:\w|sound:\d|/[^<>\n]+:\d)")
_TARGET = re.compile(r"\](?=\(\s*<?[^\s)]{0,40}:)")
_LINK = re.compile(r"(!?)(?<!\\)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*+<?+([^\s)>]*+)>?+[^)\n]*+\)")
_OPENING = re.compile(r"\\[^\w\s]|\[")
_PIECE = re.compile(
    rf"{_HERE}|<?(?P<address>https?://[^\s<>()`\\{_HERE}]*[^\s<>()`\\{_HERE}.,:;!?'\"*_~|\]])>?"
    rf"|(?P<open><)(?=[^: <>]{{0,200}}(?:{_HERE}|<?https?://))|(?P<colon>:)(?=/)",
    re.IGNORECASE,
)
# What could end bold text and the like in the middle of an address.
_ENDING = re.compile(r"[*|~]|_(?![^\W_])|(?<=_)_")
_DEEP = re.compile(r"^#{4,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
# What a line may begin with before it is a heading, or in small.
_BEFORE = r"^([ \t]*(?:(?:>|[-*+]|\d+[.)])[ \t]+)*)"
_HEADING = re.compile(_BEFORE + r"#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_SMALL = re.compile(_BEFORE + "-#", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*$", re.MULTILINE)
_HARMLESS = re.compile(r"[A-Za-z0-9 ]*")
_MARK = re.compile(r"[\\*_~|`\[\]<]")
_TICKS = re.compile(r"\\[^\w\s]|```|`+")
_BEGINNING = re.compile(r"(?=-?#|>)")


@lru_cache(maxsize=1000)
def markdown(text: str, *, model: bool = False) -> str:
    """Markdown of a bank, or of a `model`, whose headings and links are not taken for more than its words.

    The latest are kept: on most days most members read the same question.
    """
    text = readable(clean(text)).replace(_HERE, "")
    code: list[str] = []
    if "`" in text or "|" in text:
        text = _CODE.sub(partial(_kept, code), text)
    if "](" in text:
        text = _LINK.sub(_opened, text).replace("](", f"]{_BREAK}(")
    text = _RULE.sub("", text)
    if model and any("](" in piece for piece in code):  # or what opens here might be taken to end there
        text = _OPENING.sub(lambda found: "\\[" if found[0] == "[" else found[0], text)
    if model:
        text = _HEADING.sub(r"\1**\2**", _SMALL.sub(r"\1\\-#", text))
    text = _DEEP.sub(r"**\1**", text)
    if code or model:
        text = _ADDRESS_BEFORE_CODE.sub(r"\g<0> ", _BEFORE_CODE.sub(r"\g<0> ", text))
        text = _with_code(text, iter(code), addresses=model)
    return _broken(text)


def _kept(code: list[str], found: re.Match[str]) -> str:
    """A sign for a piece of code, which is put down so that no reader takes it for anything else."""
    if found["table"]:
        code.append(_fenced("text", _aligned(found["table"])))
        return f"{_HERE}\n"
    if found["line"]:
        code.append(f"`{found['line'].replace('`', 'ˋ')}`")
        return _HERE
    if found["ticks"]:
        return "\\`" * len(found["ticks"])
    block = found["block"] if found["fence"] else found["open"]
    if block is None:
        return found[0]  # escaped
    language = _LANGUAGE.match(block)
    if language and found["fence"] and "\n" not in language[0]:  # ```so```
        language = None
    lines = block[language.end() :] if language else block
    if not lines.strip():
        return ""
    code.append(_fenced(language[1] if language else "", lines))
    text, start, end = found.string, found.start(), found.end()
    above = "\n" if text[text.rfind("\n", 0, start) + 1 : start].strip() else ""
    return f"{above}{_HERE}" + ("\n" if text[end : end + 1].strip("\n") else "")


def _fenced(language: str, lines: str) -> str:
    return f"```{language}\n" + lines.strip("\n").replace("```", "'''") + "\n```"


def _with_code(text: str, code: Iterator[str], *, addresses: bool) -> str:
    """The text with its pieces of code; with `addresses` they are code, too, and nothing else is a link."""

    def piece(found: re.Match[str]) -> str:
        if found[0] == _HERE:
            return next(code)
        if not addresses:
            return found[0]
        if address := found["address"]:
            return "`" + _ENDING.sub(lambda sign: f"%{ord(sign[0]):02X}", address) + "`"
        return "< " if found["open"] else f":{_BREAK}"

    return _PIECE.sub(piece, text)


def _broken(text: str) -> str:
    """So that nothing in it is a mention, an emoji, a moment, a command or a link that promises another."""
    if "<" in text:
        text = _SPECIAL.sub(f"<{_BREAK}", text)
    if "](" in text:
        text = _TARGET.sub(f"]{_BREAK}", text)
    return escape_mentions(text)


def spoken(text: str) -> str:
    """What the bot says itself, with its commands as they are typed here."""
    return markdown(commands(text))


def commands(text: str) -> str:
    """The text with `me zone=Europe/Paris`, as a terminal takes it, made `/me zone:Europe/Paris`."""
    return _commands().sub(lambda found: f"`/{found[1]}{_ARGUMENT.sub(':', found[2])}`", text)


@cache
def _commands() -> re.Pattern[str]:
    names = sorted((command.name for command in registry() if not command.hidden), key=len, reverse=True)
    groups = sorted({name.partition(" ")[0] for name in names if " " in name})
    return re.compile(rf"`({'|'.join([*names, *groups])})((?: [^`\n]*)?)`")


def plain(text: str) -> str:
    """Names and the like, in one line, in which nothing is formatting, a link or a mention."""
    if _HARMLESS.fullmatch(text):  # as most names and numbers are
        return " ".join(text.split())
    one_line = " ".join(clean(text).split())
    escaped = escape_mentions(_MARK.sub(r"\\\g<0>", one_line))
    # A break that nobody sees: addresses become links even where all formatting is escaped.
    return re.sub(r"^([#>\-+]|\d+\.)", r"\\\1", escaped.replace("://", f":{_BREAK}//"))


def _opened(link: re.Match[str]) -> str:
    """A link with its address in the open: its words alone could promise another."""
    picture, words, address = link.groups()
    if picture or not re.match(r"https?://", address, re.IGNORECASE):
        return words
    return address if words == address else f"{words} ({address})"


def _aligned(table: str) -> str:
    """A table of Markdown as aligned text, because Discord draws none."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.strip().splitlines()]
    rows = [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    columns = max(map(len, rows), default=0)
    wide = [max((len(row[n]) for row in rows if n < len(row)), default=0) for n in range(columns)]
    return "\n".join("  ".join(cell.ljust(wide[n]) for n, cell in enumerate(row)).rstrip() for row in rows)


def split(text: str, characters: int, size: int) -> tuple[str, str]:
    """As much of the text as fits into so many characters and bytes, and the rest.

    Cut between paragraphs, else lines, sentences or words; code that is cut is closed, and opened again.
    """
    if len(text) <= characters and len(text.encode()) <= size:
        return text, ""
    room = text[: max(0, characters - 4)].encode()[: max(0, size - 4)].decode(errors="ignore")
    end = _cut(room)
    kept, rest = text[:end].rstrip(), text[end:].lstrip("\n")
    opening, start, begun = _open_code(kept)
    if opening and begun == len(kept):  # nothing but its beginning
        return kept[:start].rstrip(), opening + rest
    if opening:
        closing = "`" if opening == "`" else "\n```"
        if rest.lstrip().startswith(closing.strip()):  # nothing but its end
            return kept + closing, rest.lstrip().removeprefix(closing.strip()).lstrip()
        return kept + closing, opening + rest
    if (len(kept) - len(kept.rstrip("\\"))) % 2:  # it escapes what comes next
        kept = kept[:-1]
    rest = text[len(kept) :]
    begins = rest.lstrip()
    if "\n" not in rest[: len(rest) - len(begins)]:  # in the middle of a line, whose words are no heading
        begins = _BEGINNING.sub(r"\\", begins, count=1) if _BEGINNING.match(begins) else begins
    return kept, begins


def _cut(room: str) -> int:
    for mark in ("\n\n", "\n", ". ", " "):
        if (end := room.rfind(mark)) > len(room) // 2:
            return end + len(mark.rstrip(" \n"))
    return len(room)


def _open_code(text: str) -> tuple[str, int, int]:
    """What opens the code in which the text ends, if it does, with a block's language; where that is, and ends."""
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
