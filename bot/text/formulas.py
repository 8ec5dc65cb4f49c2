"""Write formulas as Unicode text, from the MathML that knowledge/format/latex.py parses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from xml.etree.ElementTree import Element

from bot.text.formula_atoms import WIDE, Atom, Kind, is_factor, is_product, joined
from bot.text.formula_rows import PLACE, Rows, beside
from bot.text.scripts import SUBSCRIPTS, SUPERSCRIPTS
from knowledge.format.latex import FUNCTIONS, FormulaError, parse

MAX_LENGTH = 4000
"""Characters of text; rows are padded, so a short formula could become a long text."""
NAMES = frozenset(FUNCTIONS.split()) - {"bmod"}
WRITTEN = {"−": "-", "∣": "|", "⧵": "∖"}
"""Signs that are written as others, which more fonts have."""
SIGNS: dict[Kind, str] = {
    "operator": "∑∏∫⋃⋂",
    "relation": "=<>≤≥≪≫≠≈≡∼≃≅∝∈∉⊂⊆⊃⊇≺≻∥⟂→←⇒⇐⇔↔↦⟶⟹⟺∣",
    "binary": "+-−±∓×÷·∘*⊙⊕⊗∪∩∧∨⧵⋆•†",
    "letter": '∂∇∞∀∃¬∅⊤⊥…⋯⋮⋱′″‴⁗ℏ.@"`?#$&',
    "open": "([{⟨⌊⌈",
    "close": ")]}⟩⌋⌉!%",
    "bar": "|‖",
    "mark": ",;",
    "slash": "/",
    "colon": ":",
}
KINDS = {sign: kind for kind, signs in SIGNS.items() for sign in signs} | {"mod": "binary"}
ALONE = frozenset("*†")
"""Superscripts that can't stand beside others: a*² would be read as a product."""
PRIMES = "′″‴⁗"
OVERLINE, UNDERLINE = "\N{COMBINING OVERLINE}", "\N{COMBINING LOW LINE}"
ACCENTS = {
    "^": "\N{COMBINING CIRCUMFLEX ACCENT}",
    "¯": "\N{COMBINING MACRON}",
    "~": "\N{COMBINING TILDE}",
    "˙": "\N{COMBINING DOT ABOVE}",
    "¨": "\N{COMBINING DIAERESIS}",
    "→": "\N{COMBINING RIGHT ARROW ABOVE}",
    "ˇ": "\N{COMBINING CARON}",
    "˘": "\N{COMBINING BREVE}",
    "―": OVERLINE,
}
ALPHABETS = {
    "double-struck": ("DOUBLE-STRUCK", "MATHEMATICAL DOUBLE-STRUCK"),
    "script": ("SCRIPT", "MATHEMATICAL SCRIPT"),
    "bold": ("MATHEMATICAL BOLD",),
    "bold-italic": ("MATHEMATICAL BOLD ITALIC", "MATHEMATICAL BOLD"),
}
"""How the names of a style's characters may begin."""
ROOTS = {"3": "∛", "4": "∜"}


class UnwritableError(Exception):
    """Text would lose a part of the formula, or could be read differently."""


@lru_cache(maxsize=4096)
def unicode_text(latex: str) -> str | None:
    """Write a formula as a line of text, or as several if it has rows, which align in a monospaced font.

    Return None if it can't be parsed, or if text would lose a part of it.
    """
    writer = _Writer()
    try:
        text = beside(joined(writer.row([parse(latex)])), writer.tables)
    except (FormulaError, UnwritableError):
        return None
    return text if 0 < len(text) <= MAX_LENGTH else None


class _Writer:
    """Makes atoms of elements."""

    def __init__(self) -> None:
        self.tables: list[Rows] = []

    def row(self, elements: Iterable[Element]) -> list[Atom]:
        return [atom for element in elements for atom in self._atoms(element)]

    def _atoms(self, element: Element) -> list[Atom]:  # noqa: PLR0911
        match element.tag:
            case "math" | "mstyle":
                return self.row(element)
            case "mrow":
                return _upright(element) or self._group(element)
            case "mi" | "mn" | "mo":
                return _sign(element)
            case "mtext":
                return _words(element.text or "")
            case "mspace":
                return _space(element)
            case "mfrac":
                return [self._fraction(element)]
            case "msqrt" | "mroot":
                return [self._root(element)]
            case "msub" | "msup" | "msubsup":
                return self._scripted(element)
            case "munder" | "mover" | "munderover":
                return [self._accented(element)] if _is_accented(element) else self._scripted(element)
            case "mtable":
                return [self._table(element)]
        raise UnwritableError

    def _group(self, row: Element) -> list[Atom]:
        atoms = self.row(row)
        if len(row) == 1 and atoms and len(atoms[0].text) == 1 and atoms[0].kind != "operator":
            return [replace(atoms[0], kind="letter")]  # braces make a letter of a sign
        return atoms

    def _inner(self, elements: Iterable[Element]) -> list[Atom]:
        """Return the atoms of what's written within a line, where rows have no place."""
        count = len(self.tables)
        atoms = self.row(elements)
        if len(self.tables) > count:
            raise UnwritableError
        return atoms

    def _fraction(self, element: Element) -> Atom:
        above, below = self._inner([element[0]]), self._inner([element[1]])
        if element.get("linethickness") == "0":
            return Atom("word", f"{_filled(above)} choose {_filled(below)}")
        numerator, denominator = _filled(above), _filled(below)
        return Atom(
            "fraction",
            (numerator if is_product(above) else f"({numerator})")
            + "/"
            + (denominator if is_factor(below) or _is_derivative(above, below) else f"({denominator})"),
        )

    def _root(self, element: Element) -> Atom:
        if element.tag == "msqrt":
            return Atom("letter", f"√({_filled(self._inner(element))})")
        index = _filled(self._inner([element[1]]))
        if not all(c in SUPERSCRIPTS for c in index):
            raise UnwritableError
        sign = ROOTS.get(index) or "".join(SUPERSCRIPTS[c] for c in index) + "√"
        return Atom("word", f"{sign}({_filled(self._inner([element[0]]))})")

    def _scripted(self, element: Element) -> list[Atom]:
        sub = self._inner([element[1]]) if element.tag in ("msub", "msubsup", "munder", "munderover") else []
        sup = self._inner([element[-1]]) if element.tag not in ("msub", "munder") else []
        base = self.row([element[0]])
        if element.tag in ("munder", "mover", "munderover") and [a.kind for a in base] not in (
            ["operator"],
            ["function"],
        ):
            raise UnwritableError
        return _with_script(base, _script(sub, sup))

    def _accented(self, element: Element) -> Atom:
        base = self._inner([element[0]])
        accent = UNDERLINE if element.tag == "munder" else ACCENTS[element[1].text or ""]
        if any(atom.script for atom in base):
            raise UnwritableError
        letters = "".join(atom.text for atom in base)
        count = sum(not unicodedata.combining(c) for c in letters)
        if accent == ACCENTS["¯"] and count > 1:
            accent = OVERLINE
        is_line = accent in (OVERLINE, UNDERLINE)
        if count != 1 and not (is_line and letters.isalnum()):
            raise UnwritableError
        text = "".join(c + accent for c in letters) if is_line and count > 1 else letters + accent
        kind: Kind = base[0].kind if len(base) == 1 else "word"
        return Atom(kind, unicodedata.normalize("NFC", text))

    def _table(self, element: Element) -> Atom:
        cells = [[joined(self._inner(cell)) for cell in row] for row in element]
        if not cells:
            raise UnwritableError
        alignments = [cell.get("columnalign", "center") for cell in element[0]]
        is_aligned = element.get("columnspacing") is not None
        self.tables.append(Rows(cells, alignments, (" ", "   ") if is_aligned else ("  ",)))
        return Atom("letter", PLACE)


def _is_accented(element: Element) -> bool:
    is_limit = element.tag == "munderover" or element[0].tag == "mo"
    return not is_limit and element[1].tag == "mo" and element[1].text in ACCENTS


def _is_derivative(above: Sequence[Atom], below: Sequence[Atom]) -> bool:
    """Return whether a fraction is dx/dt or ∂L/∂x, whose denominator needs no parentheses."""
    return above[0].text == below[0].text and above[0].text in ("d", "∂") and is_factor(below[1:])


def _filled(atoms: Sequence[Atom]) -> str:
    text = joined(atoms)
    if not text:
        raise UnwritableError
    return text


def _upright(row: Element) -> list[Atom]:
    r"""Return a row of upright letters and digits, such as \mathrm{KL}, as one word; [] for any other."""
    is_word = len(row) > 1 and all(
        (child.tag == "mi" and child.get("mathvariant") == "normal" and (child.text or "").isalnum())
        or (child.tag == "mn" and number > 0 and "mathvariant" not in child.attrib)
        for number, child in enumerate(row)
    )
    return [Atom("word", "".join(child.text or "" for child in row))] if is_word else []


def _sign(element: Element) -> list[Atom]:
    text = element.text or ""
    if not text:
        # It gives the sign that follows a left operand, unless it's the missing bracket of \left. or \right.
        return [] if element.tag == "mo" else [Atom("letter", "")]
    kind = _kind(element, text)
    if kind in ("letter", "number", "word") and text not in KINDS:
        return [Atom(kind, _styled(text, element.get("mathvariant")))]
    return [Atom(kind, WRITTEN.get(text, text))]


def _kind(element: Element, text: str) -> Kind:
    sides: dict[str, Kind] = {"prefix": "open", "postfix": "close"}
    if side := sides.get(element.get("form", "")):
        return side
    if element.tag == "mn":
        return "number"
    if kind := KINDS.get(text):
        return kind
    if text in NAMES or (len(text) > 1 and element.tag == "mo"):
        return "function"
    if text.isalpha():
        return "letter" if len(text) == 1 else "word"
    raise UnwritableError


def _styled(text: str, variant: str | None) -> str:
    if variant not in ALPHABETS:
        return text
    return "".join(_styled_character(c, ALPHABETS[variant]) for c in text)


def _styled_character(character: str, alphabet: Sequence[str]) -> str:
    name = re.sub(r"^(LATIN|GREEK) (LUNATE )?|LETTER ", "", unicodedata.name(character, ""))
    for style in alphabet:
        try:
            return unicodedata.lookup(f"{style} {name}")
        except KeyError:
            continue
    if character in ".,":
        return character
    raise UnwritableError


def _words(text: str) -> list[Atom]:
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    words = " ".join(text.split())
    space = Atom("space", " ")
    kind: Kind = "word" if len(words) > 1 else "letter"
    return [*[space] * text.startswith(" "), *[Atom(kind, words)] * bool(words), *[space] * text.endswith(" ")]


def _space(element: Element) -> list[Atom]:
    width = element.get("width", "")
    if width.startswith(("negative", "-")):
        return []
    if "linebreak" in element.attrib:
        raise UnwritableError
    return [Atom("space", WIDE if width in ("1em", "2em") else " ")]


def _with_script(base: list[Atom], script: str) -> list[Atom]:
    match base:
        case [Atom(kind="fraction" | "space" | "mark" | "open" | "group")] | []:
            pass
        case [Atom(script="", text=text) as atom] if text and text != PLACE:
            return [replace(atom, script=script)]
        case [Atom(kind="open"), *_, Atom(kind="close", script="") as last] if _is_pair(base):
            return [*base[:-1], replace(last, script=script)]
        case [*_, Atom(kind="close", text="|", script="") as last]:  # f(x)|₀, with an opening \\left.
            return [*base[:-1], replace(last, script=script)]
    text = _filled(base)
    if PLACE in text:
        raise UnwritableError
    return [Atom("letter", f"({text})", script)]


def _is_pair(atoms: Sequence[Atom]) -> bool:
    """Return whether the first atom is a bracket that the last one closes."""
    depth = 0
    for index, atom in enumerate(atoms):
        depth += (atom.kind == "open") - (atom.kind == "close")
        if depth == 0:
            return index == len(atoms) - 1
    return False


def _script(sub: Sequence[Atom], sup: Sequence[Atom]) -> str:
    primes = 0
    while primes < len(sup) and set(str(sup[primes])) <= set(PRIMES):
        primes += 1
    prime, sup = "".join(map(str, sup[:primes])), sup[primes:]
    below, above = _small("_", sub, SUBSCRIPTS), _small("^", sup, SUPERSCRIPTS)
    if below.startswith("_") and not below.endswith("}") and above:
        # In x_max², the 2 would seem to belong to max.
        return prime + (above + below if above[0] != "^" else f"_{{{below[1:]}}}{above}")
    return prime + below + above


def _small(sign: str, atoms: Sequence[Atom], characters: dict[str, str]) -> str:
    """Write a script with Unicode's small characters, or else as x_i, x_max or x_{i, j}; "" without atoms."""
    if not atoms:
        return ""
    text = joined(atoms, tight=True)
    if not text or "}" in text.partition("{")[0] or text.count("{") != text.count("}"):
        raise UnwritableError
    spelled = any(atom.kind in ("word", "function") for atom in atoms)
    if not spelled and all(c in characters for c in text) and (len(text) == 1 or not ALONE & set(text)):
        return "".join(characters[c] for c in text)
    is_name = len(text) == 1 or (spelled and len(atoms) == 1 and not atoms[0].script and text.isalnum())
    return f"{sign}{text}" if is_name else f"{sign}{{{text}}}"
