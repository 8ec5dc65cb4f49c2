"""Write parsed Markdown in a dialect. Only what was parsed as formatting becomes formatting: the rest is escaped."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from markdown_it.tree import SyntaxTreeNode
from rich.cells import cell_len

from bot.text.cleaning import clean, is_left_to_right, isolated, isolated_runs
from bot.text.markdown import formula_text, is_plain, parse
from bot.text.scripts import subscript, superscript

ZERO_WIDTH_SPACE = "\u200b"
"""Keeps a platform from reading together what it parts."""
MAX_TABLE_WIDTH = 60
"""Cells of a screen that a line of code certainly has in a chat on a computer."""
MAX_LANGUAGE = 20
"""Characters in the name of a programming language."""
_LANGUAGE = re.compile(rf"[\w+#.-]{{1,{MAX_LANGUAGE}}}")
_FENCE = re.compile(r"`(?=``)")
_FENCED = re.compile(r"(\n[ ]*```.*?```(?:\n[ ]*(?=\n|\Z))?)", re.DOTALL)
_LINE_STARTS = re.compile(r"^([#>+=-])(?=[\s#>+=-]|$)|^(\d{1,9})([.)])(?=\s|$)", re.MULTILINE)
_VERBATIM = re.compile(r"`[^`]*`|https?://\S+")
_ADDRESS = re.compile(r"((?:https?://|\bwww\.)[^\s<>()`\]]+)", re.IGNORECASE)

_ADDRESS_END = ".,:;!?'\""


class Writer(ABC):
    """One dialect. In a text `from_model`, addresses are code instead of links."""

    marks: ClassVar[dict[str, str]]
    """What goes before and after text that's `strong`, `em` or `s` (struck through)."""
    bullet: ClassVar[str] = "-"
    indent: ClassVar[int] = 2
    """The fewest spaces before the further lines of an item in a list."""
    names_languages: ClassVar[bool] = False
    """Whether a block of code begins with its language."""
    indents_code: ClassVar[bool] = False
    """Whether code in a list is indented, rather than showing those spaces as part of it."""

    def __init__(self, *, from_model: bool = False) -> None:
        self._from_model = from_model
        self._isolates = False

    @abstractmethod
    def escaped(self, text: str) -> str:
        """Escape part of a line, so that nothing in it is formatting."""

    @abstractmethod
    def escaped_line_starts(self, text: str) -> str:
        """Escape the starts of lines that are escaped already, so that none is a heading, a list or a quote."""

    def escaped_code(self, text: str) -> str:
        """Escape what's special even in code."""
        return text

    def code(self, text: str) -> str:
        """Write code within a line."""
        code = self.escaped_code(text.replace("`", "ˋ"))
        return f"`{code}`" if code.strip() else code

    def code_block(self, text: str, language: str = "") -> str:
        """Write lines of code, in which three backticks don't end it."""
        name = language if self.names_languages and _LANGUAGE.fullmatch(language) else ""
        code = self.escaped_code(_FENCE.sub(f"`{ZERO_WIDTH_SPACE}", text.strip("\n")))
        return f"```{name}\n{code}\n```"

    def heading(self, text: str, level: int) -> str:  # noqa: ARG002  # some dialects have headings
        """Write a heading: in bold, so that it can't pass for a heading of ours."""
        return self._marked("strong", text)

    def write(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        """Write blocks one below the other."""
        return "\n\n".join(self._blocks(nodes)).strip("\n")

    def literal(self, text: str) -> str:
        """Write a name or the like as one line in which nothing is formatting or a link."""
        line = isolated(" ".join(clean(text).split()))
        if is_plain(line):
            return line
        return self.escaped_line_starts(self.escaped(line.replace(":/", f":{ZERO_WIDTH_SPACE}/")))

    def _blocks(self, nodes: Sequence[SyntaxTreeNode]) -> list[str]:
        return [text for node in nodes if (text := self._block(node)).strip()]

    def _block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "paragraph":
                text = self._paragraph(node.children[0])
            case "heading":
                text = self.heading(self._line(node.children[0], bold=True), int(node.tag[1]))
            case "bullet_list" | "ordered_list":
                text = self._list(node)
            case "blockquote":
                text = "\n".join(f"> {line}" for line in "\n\n".join(self._blocks(node.children)).split("\n"))
            case "fence" | "code_block":
                text = self._code(node)
            case "table":
                text = self._table(node)
            case "math_block":
                text = self.code_block(formula_text(node) or node.content, "text")
            case _:  # a rule
                text = ""
        return text

    def _code(self, node: SyntaxTreeNode) -> str:
        language, *others = node.info.split() or [""]
        code = node.content
        if not code.strip() and (others or len(language) > MAX_LANGUAGE):  # code on the line of its fence
            language, code = "", node.info
        return self.code_block(code, language) if code.strip() else ""

    def _paragraph(self, inline: SyntaxTreeNode) -> str:
        self._isolates = is_left_to_right(inline.content)
        return self.escaped_line_starts(self._inline(inline.children).strip())

    def _line(self, inline: SyntaxTreeNode, *, bold: bool = False) -> str:
        """Write a paragraph's or a heading's content in one line."""
        self._isolates = is_left_to_right(inline.content)
        return self.escaped_line_starts(" ".join(self._inline(inline.children, bold=bold).split("\n")).strip())

    def _list(self, node: SyntaxTreeNode) -> str:
        number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        items = []
        for item in node.children:
            bullet = f"{self.bullet} " if number is None else f"{number}. "
            tight = all(child.hidden for child in item.children if child.type == "paragraph")
            inside = ("\n" if tight else "\n\n").join(self._blocks(item.children))
            items.append(bullet + self._indented(inside, " " * max(len(bullet), self.indent)))
            number = None if number is None else number + 1
        return "\n".join(items)

    def _indented(self, text: str, spaces: str) -> str:
        """Indent all lines but the first."""
        pieces = [text] if self.indents_code else _FENCED.split(text)
        return "".join(piece if n % 2 else piece.replace("\n", f"\n{spaces}") for n, piece in enumerate(pieces))

    def _table(self, node: SyntaxTreeNode) -> str:
        """Write a table as aligned text in code, where formatting would show; as a list if its lines would wrap."""
        writer = Bare()
        rows = [[cell.children[0] for cell in row.children] for part in node.children for row in part.children]
        text = aligned([[isolated(writer.line(cell)) for cell in row] for row in rows])
        if len(rows) > 1 and max(map(cell_len, text.split("\n"))) > MAX_TABLE_WIDTH:
            return "\n".join(self._row(rows[0], row) for row in rows[1:])
        return self.code_block(text, "text")

    def _row(self, names: Sequence[SyntaxTreeNode], cells: Sequence[SyntaxTreeNode]) -> str:
        """Write a row of a table as an item of a list."""
        values = []
        for name, cell in zip_longest(map(self._line, names), map(self._line, cells), fillvalue=""):
            values.append(f"{name}: {cell}" if name and cell else name or cell)
        return f"{self.bullet} {' · '.join(filter(None, values))}"

    def _inline(self, nodes: Sequence[SyntaxTreeNode], *, bold: bool = False) -> str:
        text = ""
        for node in nodes:
            span = self.span(node, bold=bold)
            # Two pieces of code next to each other would be read as one.
            text += f"{ZERO_WIDTH_SPACE}{span}" if text.endswith("`") and span.startswith("`") else span
        return text

    def span(self, node: SyntaxTreeNode, *, bold: bool = False) -> str:
        """Write one node of a line."""
        match node.type:
            case "text" | "text_special":
                text = self._text(node.content)
            case "softbreak" | "hardbreak":
                text = "\n"
            case "code_inline":
                text = self.code(node.content)
            case "math_inline":
                written = formula_text(node)
                text = self.code(node.content) if written is None else self._text(written)
            case "strong" | "em" | "s" as kind if not (bold and kind == "strong"):
                text = self._marked(kind, self._inline(node.children, bold=bold))
            case "sub" | "sup" as kind:
                text = Bare().line(node)
                text = self._text(subscript(text) if kind == "sub" else superscript(text))
            case "link":
                text = self._link(str(node.attrs.get("href", "")), self._inline(node.children, bold=bold))
            case _:  # a picture's alternative text, or what is bold already
                text = self._inline(node.children, bold=bold)
        return text

    def _marked(self, kind: str, inside: str) -> str:
        """Put marks around text, but not around spaces, where they'd mean nothing, nor around code that has the mark.

        It could end there, and the code would lose it.
        """
        text, mark = inside.strip(), self.marks[kind]
        if not text or any(mark[:1] in part for part in _VERBATIM.findall(inside)):
            return inside
        start = inside.index(text)
        return f"{inside[:start]}{mark}{text}{mark}{inside[start + len(text) :]}"

    def _text(self, text: str) -> str:
        if self._isolates:
            text = isolated_runs(text)
        if not self._from_model:
            return self.escaped(text)
        pieces = _ADDRESS.split(text)
        return "".join(self.address(piece) if n % 2 else self.escaped(piece) for n, piece in enumerate(pieces))

    def address(self, address: str) -> str:
        """Write an address so that it's no link."""
        end = len(address.rstrip(_ADDRESS_END))
        return self.code(address[:end]) + self.escaped(address[end:])

    def _link(self, address: str, words: str) -> str:
        """Write a link with its address, because its words might name a different one."""
        if not re.match(r"https?://", address, re.IGNORECASE):
            return words
        shown = self._text(" ".join(address.split()))
        return shown if words == shown else f"{words} ({shown})"


class EscapingWriter(Writer):
    """A dialect in which a backslash escapes."""

    # Formatting, except where it has no effect, as with spaces around (2 * 3). In snake_case it could have on Discord:
    # with an underscore in code further below, all between the two would be in italics.
    special: ClassVar[str] = r"\\(?=[!-/:-@[-`{-~]|\Z)|[`~_]|(?<!\s)\*|\*(?!\s)|\|(?=\|)|(?<=\|)\|"

    def escaped(self, text: str) -> str:
        return re.sub(self.special, r"\\\g<0>", text)

    def escaped_line_starts(self, text: str) -> str:
        return _LINE_STARTS.sub(lambda at: rf"{at[2] or ''}\{at[1] or at[3]}", text)


class Bare(Writer):
    """No formatting at all, as in labels and in the cells of tables that become code."""

    marks: ClassVar[dict[str, str]] = {"strong": "", "em": "", "s": ""}
    bullet: ClassVar[str] = "•"

    def escaped(self, text: str) -> str:
        return text

    def escaped_line_starts(self, text: str) -> str:
        return text

    def code(self, text: str) -> str:
        return text

    def code_block(self, text: str, language: str = "") -> str:  # noqa: ARG002
        return text

    def line(self, node: SyntaxTreeNode) -> str:
        """Write what's in a node in one line."""
        return self._line(node)


def bare(text: str) -> str:
    """Return Markdown as one line without any formatting, for labels."""
    return text if is_plain(text) else " ".join(Bare().write(parse(text)).split())


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Align rows as text, by the width that characters have on a screen. Rows may have different numbers of cells."""
    widths = [max(map(cell_len, column)) for column in zip_longest(*rows, fillvalue="")]
    return "\n".join(
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    )
