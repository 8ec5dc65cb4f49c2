"""Text in Slack's dialects of Markdown. It mentions nobody, hides no link, and can't pass for a message of our own.

Slack has two dialects: the Markdown of its `markdown` blocks, and `mrkdwn` everywhere else. Text from a bank or a model
is parsed as CommonMark and written in either of them: only what was parsed as formatting becomes formatting.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import zip_longest

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from bot.platforms.shared.splitting import split_point
from bot.platforms.shared.typed_commands import command_pattern
from bot.platforms.slack.manifest import SLASH_COMMAND
from bot.text.cleaning import INVISIBLE, clean
from bot.text.maths import readable

ZERO_WIDTH_SPACE = "\u200b"
"""Invisible; goes before what would be taken for formatting."""
# No formatting and no address, as in most names and sentences; parsing would take a hundred times as long.
_PLAIN = re.compile(r"(?:(?!.*\.\w)[A-Za-zäöüßéèáàçñ][A-Za-z0-9 ,.?!'’()äöüßéèáàçñ-]*)?")
_INVISIBLE = dict.fromkeys(map(ord, (*INVISIBLE, "\n", "\r", "\f")))
_ADDRESS = re.compile(r"((?:https?://|\bwww\.)[^\s<>()`\]]+)", re.IGNORECASE)
_LOCAL_TIME = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_ENTITY = re.compile(r"&[a-z]{0,3}\Z")
# Markdown formatting, except where it has no effect: with spaces around (2 * 3) or inside a word (snake_case).
_MARKS = re.compile(
    r"\\(?=[!-/:-@[-`{-~]|\Z)|`|~|(?<!\s)\*|\*(?!\s)|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:]|\Z)|\|(?=\|)", re.ASCII
)
_LINE_STARTS = re.compile(r"^([#+=-])(?=[\s#+=-]|$)|^(\d{1,9})([.)])(?=\s|$)", re.MULTILINE)
# The line below the header of a table.
_TABLE_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)*\s*(?::?-+:?\s*)?")
# In mrkdwn a mark only counts where it can open something: at the beginning of a word.
_OPENERS = re.compile(r"`|(?<!\w)[*_~](?!\s|\Z)|(?<=[*_~])[*_~](?!\s|\Z)")
DATE_FORMAT = "{date_short_pretty} {time}"
LOOKALIKES = str.maketrans("*_~`", "∗＿∼ˋ")
"""Characters that look like the marks of mrkdwn, which has no way to escape them."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to write formatting: one of Slack's two dialects, or none at all."""

    strong: str
    emphasis: str
    strike: str
    bullet: str
    escape_inline: Callable[[str], str]
    """Escapes one line, so that nothing in it is formatting."""
    escape_line_starts: Callable[[str], str]
    """Escapes the starts of lines, so that none is a heading, a list or a quote."""
    code: Callable[[str], str]
    fenced: Callable[[str], str]


def _unchanged(text: str) -> str:
    return text


def escape(text: str) -> str:
    """Escape the three characters with which Slack marks mentions and links, so that `<!channel>` stays text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    code = escape(text.translate(_INVISIBLE).replace("`", "ˋ"))
    return f"`{code}`" if code.strip() else code


def _fenced(text: str) -> str:
    # Slack's fence is three backticks and nothing else.
    return "```\n" + escape(text.rstrip("\n").replace("```", "'''")) + "\n```"


MARKDOWN = Dialect(
    strong="**",
    emphasis="*",
    strike="~~",
    bullet="-",
    escape_inline=lambda text: escape(_MARKS.sub(lambda mark: f"\\{mark[0]}", text)),
    escape_line_starts=lambda text: _LINE_STARTS.sub(lambda at: rf"{at[2] or ''}\{at[1] or at[3]}", text),
    code=_code,
    fenced=_fenced,
)
MRKDWN = Dialect(
    strong="*",
    emphasis="_",
    strike="~",
    bullet="•",
    escape_inline=lambda text: escape(_OPENERS.sub(lambda mark: mark[0].translate(LOOKALIKES), text)),
    escape_line_starts=lambda text: re.sub(r"^(?=&gt;)", ZERO_WIDTH_SPACE, text, flags=re.MULTILINE),
    code=_code,
    fenced=_fenced,
)
BARE = Dialect(
    "",
    "",
    "",
    "•",
    escape_inline=_unchanged,
    escape_line_starts=_unchanged,
    code=_unchanged,
    fenced=_unchanged,
)


@cache
def _parser() -> MarkdownIt:
    # References would drop words, and hide where a link goes. Deep nesting, so that no level of a list is lost.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 100})
    return parser.enable("strikethrough").disable("reference")


@lru_cache(maxsize=1000)
def convert(text: str, dialect: Dialect, *, from_model: bool = False) -> str:
    """Convert Markdown to a dialect. Addresses in a text from a model become code, not links.

    Cached, because most members read the same question on the same day.
    """
    text = clean(text)
    if _PLAIN.fullmatch(text):
        return text
    root = SyntaxTreeNode(_parser().parse(readable(text)))
    return "\n\n".join(_Writer(dialect, from_model).blocks(root)).strip("\n")


def mrkdwn(text: str) -> str:
    return convert(text, MRKDWN)


def own_text(text: str, dialect: Dialect = MRKDWN) -> str:
    """Convert the bot's own text, with its commands the way they're typed on Slack."""
    return convert(slash_commands(text), dialect)


def literal_line(text: str, dialect: Dialect = MRKDWN) -> str:
    """Return a name or the like as one line in which nothing is formatting, a link or a mention."""
    one_line = " ".join(clean(text).split())
    if _PLAIN.fullmatch(one_line):
        return one_line
    return dialect.escape_line_starts(dialect.escape_inline(one_line).replace("://", f":{ZERO_WIDTH_SPACE}//"))


def plain_line(text: str) -> str:
    """Return one line for labels and the like, where Slack has no formatting."""
    one_line = " ".join(clean(text).split())
    return re.sub(r"<(?=[!@#])", "‹", one_line) if "<" in one_line else one_line


def without_marks(text: str) -> str:
    """Return Markdown as one line without formatting."""
    return plain_line(convert(text, BARE))


def as_read(converted: str) -> str:
    """Return text in either dialect without its formatting, for notifications and screen readers."""
    words = _LOCAL_TIME.sub(r"\1", converted).replace(ZERO_WIDTH_SPACE, "")
    words = re.sub(r"(?<!\w)[*_~]+(?=\S)|(?<=\S)[*_~]+(?=[\s.,:;!?)]|$)|`+", "", words, flags=re.MULTILINE)
    words = re.sub(r"\\([!-/:-@[-`{-~])", r"\1", words)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def slash_commands(text: str) -> str:
    """Turn commands as a terminal takes them, `question hard`, into slash commands, `/study question hard`."""
    return command_pattern().sub(lambda match: f"`{SLASH_COMMAND} {match[1]}{match[2]}`", text)


def local_time(when: datetime) -> str:
    """Return mrkdwn that Slack shows as a time in the reader's own zone."""
    return f"<!date^{int(when.timestamp())}^{DATE_FORMAT}|{utc(when)}>"


def utc(when: datetime) -> str:
    """Return the time in UTC, for apps that can't show it in the reader's zone."""
    return f"{when.astimezone(UTC):%b %d, %Y %H:%M} UTC"


class _Writer:
    """Writes a tree of CommonMark in a dialect."""

    def __init__(self, dialect: Dialect, from_model: bool) -> None:
        self._dialect, self._from_model = dialect, from_model
        self._marks = {"strong": dialect.strong, "em": dialect.emphasis, "s": dialect.strike}

    def blocks(self, parent: SyntaxTreeNode) -> list[str]:
        return [text for node in parent.children if (text := self._block(node)).strip()]

    def _block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "paragraph":
                return self._paragraph(node)
            case "heading":  # bold, so that it can't pass for a heading of ours
                return self._marked(self._dialect.strong, self._lines(node, bold=True))
            case "bullet_list" | "ordered_list":
                return self._list(node)
            case "blockquote":
                inside = "\n\n".join(self.blocks(node))
                return "\n".join(f"> {line}" for line in inside.splitlines())
            case "fence" | "code_block":
                return self._dialect.fenced(node.content)
            case _:  # a rule
                return ""

    def _paragraph(self, node: SyntaxTreeNode) -> str:
        lines = node.children[0].content.split("\n")
        rule = next((n for n, line in enumerate(lines) if n and _TABLE_RULE.fullmatch(line) and "|" in line), 0)
        if not rule or "|" not in lines[rule - 1]:
            return self._lines(node)
        text_above = convert("\n".join(lines[: rule - 1]), self._dialect, from_model=self._from_model)
        rows = [self._cells(line) for line in (lines[rule - 1], *lines[rule + 1 :])]
        return f"{text_above}\n\n{self._dialect.fenced(_aligned(rows))}".lstrip("\n")

    def _cells(self, line: str) -> list[str]:
        cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
        return [plain_line(convert(cell, BARE)) for cell in cells]

    def _list(self, node: SyntaxTreeNode) -> str:
        number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        items = []
        for item in node.children:
            bullet = f"{self._dialect.bullet} " if number is None else f"{number}. "
            tight = all(child.hidden for child in item.children if child.type == "paragraph")
            inside = ("\n" if tight else "\n\n").join(self.blocks(item))
            items.append(bullet + inside.replace("\n", f"\n{' ' * max(len(bullet), 3)}"))
            number = None if number is None else number + 1
        return "\n".join(items)

    def _lines(self, node: SyntaxTreeNode, *, bold: bool = False) -> str:
        text = "".join(self._inline(child, bold) for inline in node.children for child in inline.children)
        return self._dialect.escape_line_starts(text.strip())

    def _inline(self, node: SyntaxTreeNode, bold: bool) -> str:
        inside = (self._inline(child, bold) for child in node.children)
        match node.type:
            case "text":
                return self._text(node.content.translate(_INVISIBLE))
            case "softbreak" | "hardbreak":
                return " " if bold else "\n"
            case "code_inline":
                return self._dialect.code(node.content)
            case "strong" | "em" | "s" as kind if not (bold and kind == "strong"):
                return self._marked(self._marks[kind], "".join(inside))
            case "link":
                return self._link(str(node.attrs.get("href", "")), "".join(inside))
            case _:  # a picture's alternative text, or what is bold already
                return "".join(inside)

    def _marked(self, mark: str, inside: str) -> str:
        return f"{mark}{inside}{mark}" if inside.strip() else inside

    def _text(self, text: str) -> str:
        if not self._from_model:
            return self._dialect.escape_inline(text)
        pieces = _ADDRESS.split(text)
        return "".join(
            self._dialect.code(piece) if n % 2 else self._dialect.escape_inline(piece) for n, piece in enumerate(pieces)
        )

    def _link(self, address: str, words: str) -> str:
        """Write a link with its address, because its words might name a different one."""
        if not re.match(r"https?://", address, re.IGNORECASE):
            return words
        shown = self._text(plain_line(address))
        return shown if words == shown else f"{words} ({shown})"


def _aligned(rows: list[list[str]]) -> str:
    """Align rows as text, since Slack's Markdown has no tables. Rows may have different numbers of cells."""
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def split(text: str, max_length: int) -> tuple[str, str]:
    """Return as much of the text as fits in `max_length` characters, and the rest.

    Splits between paragraphs if it can, else lines, sentences, words. A code block that's split is closed and reopened.
    """
    if len(text) <= max_length:
        return text, ""
    end = _split_at(text[: max(0, max_length - 4)])
    kept, rest = text[:end].rstrip(), text[end:].lstrip("\n")
    if _in_code(kept):
        if rest.lstrip().startswith("```"):  # only its end is left
            return f"{kept}\n```", rest.lstrip().removeprefix("```").lstrip("\n")
        if kept.endswith("```"):  # only its beginning fits
            return kept.removesuffix("```").rstrip(), f"```\n{rest}"
        return f"{kept}\n```", f"```\n{rest}"
    return kept, rest.lstrip()


def _split_at(text: str) -> int:
    """Return where to cut the text, at its end at the latest."""
    if (end := split_point(text)) < len(text):
        return end
    text = _ENTITY.sub("", text)  # half an escape would show as it is
    return len(text) - (len(text) - len(text.rstrip("\\"))) % 2


def _in_code(text: str) -> bool:
    return sum(line.strip() == "```" for line in text.splitlines()) % 2 == 1
