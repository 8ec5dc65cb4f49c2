"""Convert Markdown to Discord's markup, so that it can't mention anybody, hide a link or look like the bot's own text.

Code stays code: pieces of code are rewritten, and all other backticks are escaped. But Discord lets bold text and the
like end within code, so mentions and misleading links are broken everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache, partial

from discord.utils import escape_mentions

from bot.platforms.shared.splitting import split_point
from bot.platforms.shared.typed_commands import command_pattern
from bot.text.cleaning import clean
from bot.text.maths import readable

_ARGUMENT = re.compile(r"(?<=[a-z])=(?=\S)")
# Escapes, tables, fences (an unclosed one has to start a line), inline code, single backticks.
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
_CODE_PLACEHOLDER = "\ue000"
"""Stands for a piece of code while the text around it is converted."""
# What would include the backtick that follows.
_BEFORE_CODE = re.compile(
    rf"\\(?={_CODE_PLACEHOLDER}|<?https?://)|{_CODE_PLACEHOLDER}(?={_CODE_PLACEHOLDER}|<?https?://)", re.IGNORECASE
)
_ADDRESS_BEFORE_CODE = re.compile(rf"https?://[^\s<{_CODE_PLACEHOLDER}]*(?={_CODE_PLACEHOLDER})", re.IGNORECASE)
_BREAK = "\u200b"
"""An invisible character that keeps Discord from interpreting what it splits."""
_SPECIAL = re.compile(r"<(?=@[!&]?\d|#\d|a?:\w+:\d|t:-?\d|id:\w|sound:\d|/[^<>\n]+:\d)")
_TARGET = re.compile(r"\](?=\(\s*<?[^\s)]{0,40}:)")
_LINK = re.compile(r"(!?)(?<!\\)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*+<?+([^\s)>]*+)>?+[^)\n]*+\)")
_OPENING = re.compile(r"\\[^\w\s]|\[")
_PIECE = re.compile(
    rf"{_CODE_PLACEHOLDER}|<?(?P<address>https?://[^\s<>()`\\{_CODE_PLACEHOLDER}]*[^\s<>()`\\{_CODE_PLACEHOLDER}.,:;!?'\"*_~|\]])>?"
    rf"|(?P<open><)(?=[^: <>]{{0,200}}(?:{_CODE_PLACEHOLDER}|<?https?://))|(?P<colon>:)(?=/)",
    re.IGNORECASE,
)
# What could end bold text and the like in the middle of a URL.
_ENDING = re.compile(r"[*|~]|_(?![^\W_])|(?<=_)_")
_DEEP = re.compile(r"^#{4,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
# What may stand on a line before a heading or small text.
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
    """Convert Markdown of the bank, or of a `model`, whose headings and links become plain text.

    Results are cached: on most days, most members read the same question.
    """
    text = readable(clean(text)).replace(_CODE_PLACEHOLDER, "")
    code: list[str] = []
    if "`" in text or "|" in text:
        text = _CODE.sub(partial(_keep_code, code), text)
    if "](" in text:
        text = _LINK.sub(_show_url, text).replace("](", f"]{_BREAK}(")
    text = _RULE.sub("", text)
    if model and any("](" in piece for piece in code):  # or a link that opens here could close there
        text = _OPENING.sub(lambda found: "\\[" if found[0] == "[" else found[0], text)
    if model:
        text = _HEADING.sub(r"\1**\2**", _SMALL.sub(r"\1\\-#", text))
    text = _DEEP.sub(r"**\1**", text)
    if code or model:
        text = _ADDRESS_BEFORE_CODE.sub(r"\g<0> ", _BEFORE_CODE.sub(r"\g<0> ", text))
        text = _with_code(text, iter(code), urls_as_code=model)
    return _neutralized(text)


def _keep_code(code: list[str], found: re.Match[str]) -> str:
    """Store a piece of code, rewritten so that Discord can't read it as anything else, and return its placeholder."""
    if found["table"]:
        code.append(_fenced("text", _aligned(found["table"])))
        return f"{_CODE_PLACEHOLDER}\n"
    if found["line"]:
        code.append(f"`{found['line'].replace('`', 'ˋ')}`")
        return _CODE_PLACEHOLDER
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
    return f"{above}{_CODE_PLACEHOLDER}" + ("\n" if text[end : end + 1].strip("\n") else "")


def _fenced(language: str, lines: str) -> str:
    return f"```{language}\n" + lines.strip("\n").replace("```", "'''") + "\n```"


def _with_code(text: str, code: Iterator[str], *, urls_as_code: bool) -> str:
    """Put the pieces of code back. With `urls_as_code`, URLs become code, too, and nothing else is a link."""

    def piece(found: re.Match[str]) -> str:
        if found[0] == _CODE_PLACEHOLDER:
            return next(code)
        if not urls_as_code:
            return found[0]
        if address := found["address"]:
            return "`" + _ENDING.sub(lambda sign: f"%{ord(sign[0]):02X}", address) + "`"
        return "< " if found["open"] else f":{_BREAK}"

    return _PIECE.sub(piece, text)


def _neutralized(text: str) -> str:
    """Break mentions, emoji, timestamps, command links and misleading links."""
    if "<" in text:
        text = _SPECIAL.sub(f"<{_BREAK}", text)
    if "](" in text:
        text = _TARGET.sub(f"]{_BREAK}", text)
    return escape_mentions(text)


def spoken(text: str) -> str:
    """Convert the bot's own text, with commands as they're typed on Discord."""
    return markdown(commands(text))


def commands(text: str) -> str:
    """Turn `me zone=Europe/Paris`, as the terminal takes it, into `/me zone:Europe/Paris`."""
    return command_pattern().sub(lambda found: f"`/{found[1]}{_ARGUMENT.sub(':', found[2])}`", text)


def plain(text: str) -> str:
    """Escape names and the like: one line without formatting, links or mentions."""
    if _HARMLESS.fullmatch(text):  # as for most names and numbers
        return " ".join(text.split())
    one_line = " ".join(clean(text).split())
    escaped = escape_mentions(_MARK.sub(r"\\\g<0>", one_line))
    # URLs become links even where all formatting is escaped, so they get an invisible break.
    return re.sub(r"^([#>\-+]|\d+\.)", r"\\\1", escaped.replace("://", f":{_BREAK}//"))


def _show_url(link: re.Match[str]) -> str:
    """Show a link's URL after its text, which could promise a different one."""
    picture, text, url = link.groups()
    if picture or not re.match(r"https?://", url, re.IGNORECASE):
        return str(text)
    return str(url) if text == url else f"{text} ({url})"


def _aligned(table: str) -> str:
    """Turn a Markdown table into aligned text, since Discord has no tables."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.strip().splitlines()]
    rows = [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    columns = max(map(len, rows), default=0)
    widths = [max((len(row[n]) for row in rows if n < len(row)), default=0) for n in range(columns)]
    return "\n".join("  ".join(cell.ljust(widths[n]) for n, cell in enumerate(row)).rstrip() for row in rows)


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
