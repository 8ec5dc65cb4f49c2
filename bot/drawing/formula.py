"""Draw a display formula."""

from __future__ import annotations

from threading import Lock
from xml.etree import ElementTree

from bot.drawing.svg import INK, MARGIN, card
from knowledge.format.latex import FormulaError, parse

SIZE = 20.0
ZOOM = 2.5
MAX_WIDTH = 1600
"""Pixels. A wider formula is drawn smaller, down to `MIN_ZOOM`."""

MIN_CARD_WIDTH = 400.0
"""Chats shrink wide pictures but not small ones; a minimum keeps the letters about the same size."""

MAX_HEIGHT = 2000
MIN_ZOOM = 0.8
ROWS = frozenset({"math", "mrow", "mtd", "msqrt"})
OPENING = frozenset("([{⟨⌊⌈")
NAME_SPACE = "0.167em"
SIGN_SPACES = dict.fromkeys(("∪", "∩", "∧", "∨", "†", "•", "mod"), "0.222em") | dict.fromkeys("⊂⟂", "0.278em")

DRAWING = Lock()
"""Hold it while drawing a formula: the library shares one open font file."""


def formula(latex: str) -> bytes | None:
    """Return a PNG of the formula, centered on a card; None if it can't be drawn correctly and legibly."""
    try:
        mathml = parse(latex)
    except FormulaError:
        return None
    with DRAWING:
        drawing = _drawing(mathml)
    if drawing is None:
        return None
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    card_width, card_height = max(width + 2 * MARGIN, MIN_CARD_WIDTH), height + 1.6 * MARGIN
    zoom = min(ZOOM, MAX_WIDTH / card_width, MAX_HEIGHT / card_height)
    if zoom < MIN_ZOOM:
        return None
    drawing.attrib |= {"x": f"{(card_width - width) / 2:.2f}", "y": f"{(card_height - height) / 2:.2f}"}
    return card(ElementTree.tostring(drawing, encoding="unicode"), card_width, card_height, zoom=zoom)


def _drawing(mathml: ElementTree.Element) -> ElementTree.Element | None:
    """Return the formula as SVG; None if the font lacks one of its characters."""
    from ziamath.zmath import Math

    mathml.set("mathcolor", INK)
    for element in mathml.iter():
        _adjust(element)
        _space(element)
    drawing = Math(mathml, size=SIZE)
    characters = set("".join(element.text or "" for element in mathml.iter()))
    if any(not c.isspace() and drawing.font.glyphindex(c) == 0 for c in characters):
        return None
    svg: ElementTree.Element = drawing.svgxml()
    return svg


def _space(row: ElementTree.Element) -> None:
    """Set signs apart that the library has no spaces for, and names such as det, but those not from brackets."""
    if row.tag not in ROWS or len(row) == 1:  # braces make a letter of a sign
        return
    for before, sign, after in zip([None, *row], row, [*row[1:], None], strict=False):
        text = (sign.tag == "mo" and sign.text) or ""
        if space := SIGN_SPACES.get(text):
            sign.attrib |= {"lspace": space, "rspace": space}
        elif len(text) > 1:
            if before is not None and before.tag != "mo":
                sign.set("lspace", NAME_SPACE)
            first = next((part.text for part in after.iter() if part.text), "") if after is not None else "("
            sign.set("rspace", "0" if first in OPENING else NAME_SPACE)


def _adjust(element: ElementTree.Element) -> None:
    """Change what ziamath 0.13 draws differently from TeX."""
    match element.text:
        case "∑" | "∏" | "∫":
            # If these may stretch, brackets around them become 2,000 units high with \left( ... \right).
            element.set("stretchy", "false")
        case "⌊" | "⌋" | "⌈" | "⌉" | "‖" | "|" | "⟨" | "⟩":
            # They stretch only with \left or \big.
            if "minsize" not in element.attrib:
                element.attrib.setdefault("stretchy", "false")
        case ",":
            element.set("rspace", "0.17em")  # half of what the library sets
        case "∇" | "∂":
            element.tag = "mn"  # upright like a number; as an operator, it would be spaced apart from its index
        case "^":
            element.text = "\N{COMBINING CIRCUMFLEX ACCENT}"  # which is as wide as what's below
        case "~" if "stretchy" not in element.attrib:
            element.text = "\N{COMBINING TILDE}"
    if element.tag == "mtable" and "columnspacing" in element.attrib:
        element.set("columnspacing", element.attrib["columnspacing"].replace("2em", "0.3em"))
