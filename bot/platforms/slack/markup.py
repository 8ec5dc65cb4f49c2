"""Text as Slack marks it up, so that nothing in it addresses anybody, hides a link or passes for ours.

Slack has two languages: the Markdown of its `markdown` blocks, and `mrkdwn` everywhere else. A text of a bank or of a
model is read as CommonMark and written anew in either of them: only what was read as a mark becomes one.
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

from bot.dispatch.catalog import registry
from bot.text.cleaning import INVISIBLE, clean
from bot.text.maths import readable

BREAK = "\u200b"
"""A break that nobody sees, before what would be taken for a mark."""
SLASH = "/study"
# Nothing to read a mark or an address from, as in most names and sentences; reading takes a hundred times as long.
_HARMLESS = re.compile(r"(?:(?!.*\.\w)[A-Za-zäöüßéèáàçñ][A-Za-z0-9 ,.?!'’()äöüßéèáàçñ-]*)?")
_UNSEEN = dict.fromkeys(map(ord, (*INVISIBLE, "\n", "\r", "\f")))
_ADDRESS = re.compile(r"((?:https?://|\bwww\.)[^\s<>()`\]]+)", re.IGNORECASE)
_MOMENT = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_ENTITY = re.compile(r"&[a-z]{0,3}\Z")
# Marks of Markdown, but for those that stand by themselves (2 * 3), inside a word (snake_case) or at a harmless place.
_MARKS = re.compile(
    r"\\(?=[!-/:-@[-`{-~]|\Z)|`|~|(?<!\s)\*|\*(?!\s)|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:]|\Z)|\|(?=\|)", re.ASCII
)
_BEGINNINGS = re.compile(r"^([#+=-])(?=[\s#+=-]|$)|^(\d{1,9})([.)])(?=\s|$)", re.MULTILINE)
# The line beneath the head of a table.
_RULER = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)*\s*(?::?-+:?\s*)?")
# Marks of mrkdwn count where they open something: at the beginning of a word.
_OPENERS = re.compile(r"`|(?<!\w)[*_~](?!\s|\Z)|(?<=[*_~])[*_~](?!\s|\Z)")
LIKE = str.maketrans("*_~`", "∗＿∼ˋ")
"""Signs that look like the marks of mrkdwn, which has no way to escape them."""


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language to write in: one of Slack's two, or words alone."""

    strong: str
    emphasis: str
    strike: str
    bullet: str
    literal: Callable[[str], str]
    """Text in which nothing is a mark, in one line."""
    line: Callable[[str], str]
    """Lines that are no headings, lists or quotes, whatever they begin with."""
    code: Callable[[str], str]
    fenced: Callable[[str], str]


def _same(text: str) -> str:
    return text


def escape(text: str) -> str:
    """So that nothing in the text addresses anybody: `<!channel>` is seven letters between two marks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    code = escape(text.translate(_UNSEEN).replace("`", "ˋ"))
    return f"`{code}`" if code.strip() else code


def _fenced(text: str) -> str:
    # Slack's fence is three backticks and nothing else.
    return "```\n" + escape(text.rstrip("\n").replace("```", "'''")) + "\n```"


MARKDOWN = Tongue(
    strong="**",
    emphasis="*",
    strike="~~",
    bullet="-",
    literal=lambda text: escape(_MARKS.sub(lambda mark: f"\\{mark[0]}", text)),
    line=lambda text: _BEGINNINGS.sub(lambda at: rf"{at[2] or ''}\{at[1] or at[3]}", text),
    code=_code,
    fenced=_fenced,
)
MRKDWN = Tongue(
    strong="*",
    emphasis="_",
    strike="~",
    bullet="•",
    literal=lambda text: escape(_OPENERS.sub(lambda mark: mark[0].translate(LIKE), text)),
    line=lambda text: re.sub(r"^(?=&gt;)", BREAK, text, flags=re.MULTILINE),
    code=_code,
    fenced=_fenced,
)
BARE = Tongue("", "", "", "•", literal=_same, line=_same, code=_same, fenced=_same)


@cache
def _parser() -> MarkdownIt:
    # References would take words away, and hide where a link goes. Every level of a deep list is read.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 100})
    return parser.enable("strikethrough").disable("reference")


@lru_cache(maxsize=1000)
def written(text: str, tongue: Tongue, *, model: bool = False) -> str:
    """Markdown in one of Slack's languages; addresses that a `model` wrote are code, and no links.

    The latest are kept: on most days most members read the same question.
    """
    text = clean(text)
    if _HARMLESS.fullmatch(text):
        return text
    root = SyntaxTreeNode(_parser().parse(readable(text)))
    return "\n\n".join(_Writer(tongue, model).blocks(root)).strip("\n")


def mrkdwn(text: str) -> str:
    return written(text, MRKDWN)


def spoken(text: str, tongue: Tongue = MRKDWN) -> str:
    """What the bot says itself, with its commands as they are typed here."""
    return written(commands(text), tongue)


def named(text: str, tongue: Tongue = MRKDWN) -> str:
    """Names and the like, in one line, in which nothing is formatting, a link or a mention."""
    one_line = " ".join(clean(text).split())
    if _HARMLESS.fullmatch(one_line):
        return one_line
    return tongue.line(tongue.literal(one_line).replace("://", f":{BREAK}//"))


def plain(text: str) -> str:
    """Text for labels and the like, where Slack knows no marks: one line."""
    one_line = " ".join(clean(text).split())
    return re.sub(r"<(?=[!@#])", "‹", one_line) if "<" in one_line else one_line


def bare(text: str) -> str:
    """Markdown without its marks, in one line."""
    return plain(written(text, BARE))


def stripped(written: str) -> str:
    """What has been written in either language, as it reads: for titles, notifications and screen readers."""
    words = _MOMENT.sub(r"\1", written).replace(BREAK, "")
    words = re.sub(r"(?<!\w)[*_~]+(?=\S)|(?<=\S)[*_~]+(?=[\s.,:;!?)]|$)|`+", "", words, flags=re.MULTILINE)
    words = re.sub(r"\\([!-/:-@[-`{-~])", r"\1", words)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def commands(text: str) -> str:
    """The text with `question hard`, as a terminal takes it, made `/study question hard`."""
    return _commands().sub(lambda found: f"`{SLASH} {found[1]}`", text)


@cache
def _commands() -> re.Pattern[str]:
    names = sorted((command.name for command in registry() if not command.hidden), key=len, reverse=True)
    groups = sorted({name.partition(" ")[0] for name in names if " " in name})
    return re.compile(rf"`((?:{'|'.join([*names, *groups])})(?: [^`\n]*)?)`")


def moment(when: datetime) -> str:
    """A moment in the reader's own zone: for mrkdwn, which alone knows moments."""
    return f"<!date^{int(when.timestamp())}^{MOMENT}|{utc(when)}>"


MOMENT = "{date_short_pretty} {time}"


def utc(when: datetime) -> str:
    """For whoever cannot see it in a zone of their own."""
    return f"{when.astimezone(UTC):%d %b %Y %H:%M} UTC"


class _Writer:
    """Writes down a tree of CommonMark."""

    def __init__(self, tongue: Tongue, model: bool) -> None:
        self._tongue, self._model = tongue, model

    def blocks(self, parent: SyntaxTreeNode) -> list[str]:
        return [text for node in parent.children if (text := self._block(node)).strip()]

    def _block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "paragraph":
                return self._paragraph(node)
            case "heading":  # as bold text, so that none passes for a heading of ours
                return self._marked(self._tongue.strong, self._lines(node, loud=True))
            case "bullet_list" | "ordered_list":
                return self._list(node)
            case "blockquote":
                inside = "\n\n".join(self.blocks(node))
                return "\n".join(f"> {line}" for line in inside.splitlines())
            case "fence" | "code_block":
                return self._tongue.fenced(node.content)
            case _:  # a rule
                return ""

    def _paragraph(self, node: SyntaxTreeNode) -> str:
        lines = node.children[0].content.split("\n")
        under = next((n for n, line in enumerate(lines) if n and _RULER.fullmatch(line) and "|" in line), 0)
        if not under or "|" not in lines[under - 1]:
            return self._lines(node)
        above = written("\n".join(lines[: under - 1]), self._tongue, model=self._model)
        rows = [self._cells(line) for line in (lines[under - 1], *lines[under + 1 :])]
        return f"{above}\n\n{self._tongue.fenced(_aligned(rows))}".lstrip("\n")

    def _cells(self, line: str) -> list[str]:
        cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
        return [plain(written(cell, BARE)) for cell in cells]

    def _list(self, node: SyntaxTreeNode) -> str:
        number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        items = []
        for item in node.children:
            sign = f"{self._tongue.bullet} " if number is None else f"{number}. "
            tight = all(child.hidden for child in item.children if child.type == "paragraph")
            inside = ("\n" if tight else "\n\n").join(self.blocks(item))
            items.append(sign + inside.replace("\n", f"\n{' ' * max(len(sign), 3)}"))
            number = None if number is None else number + 1
        return "\n".join(items)

    def _lines(self, node: SyntaxTreeNode, *, loud: bool = False) -> str:
        text = "".join(self._inline(child, loud) for inline in node.children for child in inline.children)
        return self._tongue.line(text.strip())

    def _inline(self, node: SyntaxTreeNode, loud: bool) -> str:
        inside = (self._inline(child, loud) for child in node.children)
        match node.type:
            case "text":
                return self._text(node.content.translate(_UNSEEN))
            case "softbreak" | "hardbreak":
                return " " if loud else "\n"
            case "code_inline":
                return self._tongue.code(node.content)
            case "strong":
                return "".join(inside) if loud else self._marked(self._tongue.strong, "".join(inside))
            case "em":
                return self._marked(self._tongue.emphasis, "".join(inside))
            case "s":
                return self._marked(self._tongue.strike, "".join(inside))
            case "link":
                return self._link(str(node.attrs.get("href", "")), "".join(inside))
            case _:  # a picture's words
                return "".join(inside)

    def _marked(self, mark: str, inside: str) -> str:
        return f"{mark}{inside}{mark}" if inside.strip() else inside

    def _text(self, text: str) -> str:
        if not self._model:
            return self._tongue.literal(text)
        pieces = _ADDRESS.split(text)
        return "".join(
            self._tongue.code(piece) if n % 2 else self._tongue.literal(piece) for n, piece in enumerate(pieces)
        )

    def _link(self, address: str, words: str) -> str:
        """A link with its address in the open: its words alone could promise another."""
        if not re.match(r"https?://", address, re.IGNORECASE):
            return words
        shown = self._text(plain(address))
        return shown if words == shown else f"{words} ({shown})"


def _aligned(rows: list[list[str]]) -> str:
    """Rows as aligned text: Slack's Markdown has no tables. No cell is left out where a row has more than others."""
    wide = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    return "\n".join("  ".join(map(str.ljust, row, wide)).rstrip() for row in rows)


def split(text: str, room: int) -> tuple[str, str]:
    """As much of the text as fits into so many characters, and the rest.

    Cut between paragraphs, else lines, sentences or words; a code block that is cut is closed, and opened again.
    """
    if len(text) <= room:
        return text, ""
    end = _cut(text[: max(0, room - 4)])
    kept, rest = text[:end].rstrip(), text[end:].lstrip("\n")
    if _in_code(kept):
        if rest.lstrip().startswith("```"):  # nothing but its end
            return f"{kept}\n```", rest.lstrip().removeprefix("```").lstrip("\n")
        if kept.endswith("```"):  # nothing but its beginning
            return kept.removesuffix("```").rstrip(), f"```\n{rest}"
        return f"{kept}\n```", f"```\n{rest}"
    return kept, rest.lstrip()


def _cut(room: str) -> int:
    for mark in ("\n\n", "\n", ". ", " "):
        if (end := room.rfind(mark)) > len(room) // 2:
            return end + len(mark.rstrip(" \n"))
    room = _ENTITY.sub("", room)  # half an escaped character would show as it is
    return len(room) - (len(room) - len(room.rstrip("\\"))) % 2


def _in_code(text: str) -> bool:
    return sum(line.strip() == "```" for line in text.splitlines()) % 2 == 1
