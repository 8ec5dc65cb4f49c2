"""Break a formula that's too wide into lines, where a mathematician would: between parts, at relations, at sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element

Row: TypeAlias = Sequence[Element]
"""MathML elements side by side."""
Width: TypeAlias = Callable[[Row], float]

_OPENING, _CLOSING = frozenset("([{⟨⌊⌈"), frozenset(")]}⟩⌋⌉")
_RELATIONS = frozenset("=<>≤≥≪≫≠≈≡∝∼≃∈→←↔⇒⇐⇔↦")
_SUMS = frozenset("+-−±")
_SPACES = frozenset({"1em", "2em"})
"""What \\quad and \\qquad are in MathML."""


def broken(row: Row, width: Width, max_width: float) -> list[Row]:
    """Return the row in as few lines as fit, broken at the best places; a line without any may be wider."""
    return [line for part in _filled(row, _is_space, width, max_width) for line in _broken_part(part, width, max_width)]


def _broken_part(row: Row, width: Width, max_width: float) -> list[Row]:
    lines = _filled(row, _is_relation, width, max_width)
    if all(width(line) <= max_width for line in lines):
        return lines
    return _filled(row, lambda element: _is_relation(element) or _is_sum(element), width, max_width)


def _filled(row: Row, breakable: Callable[[Element], bool], width: Width, max_width: float) -> list[Row]:
    """Break a row that's too wide, before breakable elements and as late as possible. A space there is dropped."""
    if width(row) <= max_width:
        return [row]
    line, *others = _parts(row, breakable)
    lines: list[Row] = []
    used = width(line)
    for part in others:
        if used + (more := width(part)) <= max_width:
            line, used = [*line, *part], used + more
        else:
            lines.append(line)
            line = part[1:] if _is_space(part[0]) else [Element("mspace", width="1em"), *part]
            used = width(line)
    return [*lines, line]


def _parts(row: Row, breakable: Callable[[Element], bool]) -> Iterator[Row]:
    """Split before each breakable element that isn't in brackets, and has an operand before it."""
    start = depth = 0
    for at, element in enumerate(row):
        depth += (element.text in _OPENING) - (element.text in _CLOSING)
        if at > start and depth <= 0 and breakable(element) and (_is_space(element) or _is_operand(row[at - 1])):
            yield row[start:at]
            start = at
            element.set("form", "infix")  # at the start of a line, it would be a sign, with less space around it
    yield row[start:]


def _is_space(element: Element) -> bool:
    return _kind(element) == "mspace" and element.get("width") in _SPACES


def _is_relation(element: Element) -> bool:
    return _kind(element) == "mo" and element.text in _RELATIONS


def _is_sum(element: Element) -> bool:
    return _kind(element) == "mo" and element.text in _SUMS


def _is_operand(element: Element) -> bool:
    """Return whether a sign after it adds or subtracts; `:` is the start of `:=`."""
    return element.text in _CLOSING or (_kind(element) != "mo" and element.text != ":")


def _kind(element: Element) -> str:
    """Return the tag without its namespace."""
    return element.tag.rpartition("}")[2]
