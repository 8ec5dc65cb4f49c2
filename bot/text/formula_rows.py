"""Matrices, cases and aligned equations as lines of monospaced text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len

PLACE = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands for rows in the text around them."""
TALL = {"(": "⎛⎜⎜⎜⎝", ")": "⎞⎟⎟⎟⎠", "[": "⎡⎢⎢⎢⎣", "]": "⎤⎥⎥⎥⎦", "{": "⎧⎪⎨⎪⎩", "}": "⎫⎪⎬⎪⎭", "|": "|||||", "‖": "‖‖‖‖‖"}
"""The top, upper, middle, lower and bottom part of each bracket."""


@dataclass(frozen=True, slots=True)
class Rows:
    cells: Sequence[Sequence[str]]
    alignments: Sequence[str]
    """Of each column: left, right or center."""
    gaps: Sequence[str]
    """Between the columns, in turn."""

    def lines(self) -> list[str]:
        columns = list(zip_longest(*self.cells, fillvalue=""))
        lines = [""] * len(self.cells)
        for number, column in enumerate(columns):
            widest = max(map(cell_len, column))
            gap = self.gaps[(number - 1) % len(self.gaps)] if number else ""
            alignment = self.alignments[number % len(self.alignments)]
            lines = [line + gap + _padded(cell, widest, alignment) for line, cell in zip(lines, column, strict=True)]
        return lines


def beside(text: str, tables: Sequence[Rows]) -> str:
    """Put tables in their places in a text, with brackets as tall as they are. The middle line is the text's."""
    pieces = text.split(PLACE)
    blocks = [[pieces[0]]]
    for rows, piece in zip(tables, pieces[1:], strict=True):
        lines = rows.lines()
        before = blocks[-1][0] if len(blocks[-1]) == 1 else ""
        opening, closing = before[-1:], piece[:1]
        if opening in ("(", "[", "{", "|", "‖"):
            blocks[-1] = [before[:-1] + " " * (opening == "{" and before[-2:-1].isalnum())]  # max {
            blocks.append(_bracket(opening, len(lines)))
        blocks.append(lines)
        has_bracket = closing in (")", "]", "}", "|", "‖")
        if has_bracket:
            blocks.append(_bracket(closing, len(lines)))
        blocks.append([piece[has_bracket:]])
    above = max((len(block) - 1) // 2 for block in blocks)
    height = above + max(len(block) - (len(block) - 1) // 2 for block in blocks)
    lines = [""] * height
    for block in blocks:
        width, start = max(map(cell_len, block)), above - (len(block) - 1) // 2
        for index in range(height):
            cell = block[index - start] if 0 <= index - start < len(block) else ""
            lines[index] += _padded(cell, width, "left")
    return "\n".join(line.rstrip() for line in lines)


def _bracket(sign: str, height: int) -> list[str]:
    if height == 1:
        return [sign]
    top, upper, middle, lower, bottom = tuple(TALL[sign])
    center = (height - 1) // 2
    inner = [middle if n == center else upper if n < center else lower for n in range(1, height - 1)]
    return [top, *inner, bottom]


def _padded(text: str, width: int, alignment: str) -> str:
    missing = width - cell_len(text)
    left = {"left": 0, "right": missing}.get(alignment, missing // 2)
    return " " * left + text + " " * (missing - left)
