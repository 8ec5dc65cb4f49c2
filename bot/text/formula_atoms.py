"""The atoms of a formula and the spaces between them.

As in TeX, what an atom is decides the space around it: relations and binary operators have one on both sides, a minus
sign after a bracket has none, and names of functions never run together with letters.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal[
    "letter", "number", "word", "function", "operator", "fraction", "group", "open", "close", "bar",
    "binary", "relation", "prefix", "mark", "slash", "colon", "space",
]  # fmt: skip
OPERANDS: frozenset[Kind] = frozenset({"letter", "number", "word", "function", "fraction", "group", "close"})
"""What a product can end with."""
FACTORS: frozenset[Kind] = frozenset({"letter", "number", "word", "function", "operator", "fraction", "group", "open"})
"""What a product can go on with."""
SPELLED: frozenset[Kind] = frozenset({"word", "function", "group"})
"""What's set apart from its neighbors in a product."""
LEFT_TO_RIGHT = frozenset("+-±∓×·")
"""Binary operators beside which a/b needs no parentheses."""
DERIVATIVES = frozenset("∂∇")
WIDE = "  "
"""A space of 1 em or more, which stands between formulas."""
ENDS_OPEN = re.compile(r"[_^]\w+$|[*†]$")
"""How a script ends that would run on into a following letter."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A sign, name or finished part of a formula. A `bar` may be a bracket on either side or stand between two parts.

    A `mark` is punctuation, a `group` has parentheses of its own, and a `prefix` is a sign without a left operand.
    """

    kind: Kind
    text: str
    script: str = ""
    """Subscript and superscript, as they're written after the text."""

    def __str__(self) -> str:
        return self.text + self.script


def joined(atoms: Sequence[Atom], *, tight: bool = False) -> str:
    """Write atoms in a row; `tight` is for scripts, where only names are set apart."""
    text, space, before = "", "", None
    for atom in _resolved(atoms):
        if atom.kind == "space":
            space = max(space, "" if tight else atom.text)
            continue
        if before:
            if before.kind == "open" or atom.kind in ("close", "mark"):
                space = ""
            text += max(space, " " * (_is_run_on(before, atom) if tight else _is_apart(before, atom)))
        text, space, before = text + str(atom), "", atom
    return text.strip()


def is_product(atoms: Sequence[Atom]) -> bool:
    """Return whether the atoms can be a numerator without parentheses."""
    outer = _outer(_resolved(atoms))
    if len(outer) == 1:
        return outer[0].kind != "fraction" and _is_one_word(outer[0])
    kinds: list[Kind] = [atom.kind for atom in outer]
    return all(
        kind in ("letter", "number", "group", "open") or (kind == "function" and kinds[n + 1 : n + 2] == ["open"])
        for n, kind in enumerate(kinds)
    )


def is_factor(atoms: Sequence[Atom]) -> bool:
    """Return whether the atoms can be a denominator without parentheses: x, x(t) or |x|, for example."""
    outer = _outer(_resolved(atoms))
    match [atom.kind for atom in outer]:
        case ["letter" | "number" | "word" | "function" | "open"]:
            return _is_one_word(outer[0])
        case ["letter" | "word" | "function", "open"]:
            return not outer[0].script.startswith("^") and _is_one_word(outer[0])
        case _:
            return False


def _is_one_word(atom: Atom) -> bool:
    return atom.kind != "word" or not re.search(r"[\s/+-]", atom.text)


def _outer(atoms: Sequence[Atom]) -> list[Atom]:
    """Return the atoms outside brackets; the opening bracket stands for each pair."""
    outer, depth = list[Atom](), 0
    for atom in atoms:
        if depth == 0 and atom.kind != "close":
            outer.append(atom)
        depth += (atom.kind == "open") - (atom.kind == "close")
    return outer


def _resolved(atoms: Sequence[Atom]) -> list[Atom]:
    """Decide what depends on an atom's neighbors: sides of bars, signs, colons, and parentheses of fractions."""
    resolved = _with_sides(list(atoms))
    for change in (_sign, _colon, _fraction):
        resolved = _changed(resolved, change)
    return resolved


def _changed(atoms: list[Atom], change: Callable[[Atom, Atom | None, Atom | None], Atom]) -> list[Atom]:
    """Replace each atom, given its neighbors; the left one is already replaced. A wide space ends a formula."""
    result = list(atoms)
    seen = [index for index, atom in enumerate(atoms) if atom.kind != "space" or atom.text == WIDE]
    for number, index in enumerate(seen):
        neighbors = [
            result[seen[other]] if 0 <= other < len(seen) and result[seen[other]].kind != "space" else None
            for other in (number - 1, number + 1)
        ]
        result[index] = change(result[index], *neighbors)
    return result


def _with_sides(atoms: list[Atom]) -> list[Atom]:
    """Make opening and closing brackets of |x| and ‖x‖, and relations of bars such as the one in P(A | B)."""
    bars, levels = defaultdict[tuple[int, str], list[int]](list), [0]
    for index, atom in enumerate(atoms):
        if atom.kind == "open":
            levels.append(index + 1)
        elif atom.kind == "close" and len(levels) > 1:
            levels.pop()
        elif atom.kind == "bar":
            bars[levels[-1], atom.text].append(index)
    result = list(atoms)
    for indices in bars.values():
        opened = 0
        for number, index in enumerate(indices):
            before = next((atom for atom in reversed(result[:index]) if atom.kind != "space"), None)
            kind: Kind = "relation"
            if not result[index].script and (
                before is None or (before.kind not in OPERANDS and not (before.kind == "bar" and opened))
            ):
                kind = "open"
            elif opened or result[index].script:
                kind = "close"
            elif (len(indices) - number) % 2 == 0:
                kind = "open"
            opened = max(opened + (kind == "open") - (kind == "close"), 0)
            result[index] = replace(result[index], kind=kind)
    return result


def _sign(atom: Atom, left: Atom | None, _: Atom | None) -> Atom:
    if atom.kind == "binary" and len(atom.text) == 1 and (left is None or left.kind not in OPERANDS):
        return replace(atom, kind="prefix")
    return atom


def _colon(atom: Atom, left: Atom | None, right: Atom | None) -> Atom:
    if atom.kind != "colon":
        return atom
    if right and right.text == "=":
        return replace(atom, kind="relation")
    is_ratio = left and right and left.kind == right.kind == "number"
    return replace(atom, kind="slash" if is_ratio else "mark")


def _fraction(atom: Atom, left: Atom | None, right: Atom | None) -> Atom:
    """Put parentheses around a/b where it could be read as a part of a product."""
    if atom.kind != "fraction":
        return atom
    after = left and (
        left.kind in ("number", "word", "function", "operator", "slash")
        or left.text in DERIVATIVES
        or (left.kind == "binary" and left.text not in LEFT_TO_RIGHT)
    )
    before = right and (
        right.kind in (*FACTORS, "slash") or (right.kind == "binary" and right.text not in LEFT_TO_RIGHT)
    )
    return Atom("group", f"({atom.text})") if after or before else replace(atom, kind="word")


def _is_apart(before: Atom, after: Atom) -> bool:
    """Return whether there's a space between two atoms."""
    kinds = (before.kind, after.kind)
    if "relation" in kinds or "binary" in kinds:
        return before.kind != after.kind or before.kind == "binary"
    if before.kind == "function":
        return after.kind not in ("group", "slash", "close", "mark") and (
            after.kind != "open" or after.text in ("|", "‖")
        )
    return (
        before.kind in ("mark", "operator")
        or (after.kind in ("operator", "function") and before.kind in OPERANDS)
        or (before.kind in SPELLED and after.kind in FACTORS - {"open"})
        or (after.kind in SPELLED and before.kind in OPERANDS)
        or _is_run_on(before, after)
    )


def _is_run_on(before: Atom, after: Atom) -> bool:
    """Return whether two atoms would be read as one name without a space."""
    if not after.text[:1].isalnum():
        return False
    if before.kind in ("word", "function") or after.kind in ("word", "function"):
        return str(before)[-1:].isalnum()
    return bool(ENDS_OPEN.search(before.script))
