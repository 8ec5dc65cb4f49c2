"""Draw a display formula."""

from __future__ import annotations

from threading import Lock
from xml.etree import ElementTree

from bot.drawing.lines import Row, broken
from bot.drawing.svg import INK, WIDTH, card
from knowledge.format.latex import FormulaError, parse

SIZE = 20.0
"""Of the letters, on a card that's `WIDTH` wide. Discord shows such a card 550 pixels wide, and Slack 360."""
MIN_SCALE = 0.65
"""How much smaller a formula may be drawn that's too wide even in lines, and still be legible."""
PADDING = 18.0
LINE_GAP = 12.0
MAX_WIDTH = MAX_HEIGHT = WIDTH - 2 * PADDING

ROWS = frozenset({"math", "mrow", "mtd", "msqrt"})
OPENING = frozenset("([{⟨⌊⌈")
NAME_SPACE = "0.167em"
SIGN_SPACES = dict.fromkeys(("∪", "∩", "∧", "∨", "†", "•", "mod"), "0.222em") | dict.fromkeys("⊂⟂", "0.278em")

DRAWING = Lock()
"""Hold it while drawing a formula: the library shares one open font file."""


def formula(latex: str) -> bytes | None:
    """Return a PNG of the formula, centered on a card; None if it can't be drawn correctly and legibly.

    All cards are equally wide, so that chats, which shrink pictures to a width, show all letters in the same size. No
    card is taller than wide, because that's where they would shrink it to a height instead.
    """
    try:
        with DRAWING:
            drawings = _lines(parse(latex))
    except FormulaError:
        return None
    width, height = max(map(_width, drawings)), sum(_height(line) + LINE_GAP for line in drawings) - LINE_GAP
    scale = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
    if scale < MIN_SCALE:
        return None
    left, top, body = (WIDTH / scale - width) / 2, PADDING / scale, ""
    for line in drawings:
        line.attrib |= {"x": f"{left:.2f}", "y": f"{top:.2f}"}
        body += ElementTree.tostring(line, encoding="unicode")
        top += _height(line) + LINE_GAP
    return card(f'<g transform="scale({scale:.4f})">{body}</g>', WIDTH, scale * height + 2 * PADDING)


def _lines(mathml: ElementTree.Element) -> list[ElementTree.Element]:
    """Draw the formula, in several lines if it's too wide for the card."""
    drawing = _drawing(mathml)
    if _width(drawing) <= MAX_WIDTH:
        return [drawing]

    [row] = mathml

    def draw(part: Row) -> ElementTree.Element:
        line = ElementTree.Element(mathml.tag, mathml.attrib)
        ElementTree.SubElement(line, row.tag, row.attrib).extend(part)
        return _drawing(line)

    return [draw(line) for line in broken([*row], lambda part: _width(draw(part)), MAX_WIDTH)]


def _width(drawing: ElementTree.Element) -> float:
    return float(drawing.attrib["width"])


def _height(drawing: ElementTree.Element) -> float:
    return float(drawing.attrib["height"])


def _drawing(mathml: ElementTree.Element) -> ElementTree.Element:
    """Return the formula as SVG. Raises FormulaError if the font lacks one of its characters."""
    from ziamath.zmath import Math

    mathml.set("mathcolor", INK)
    for element in mathml.iter():
        _adjust(element)
        _space(element)
    drawing = Math(mathml, size=SIZE)
    characters = set("".join(element.text or "" for element in mathml.iter()))
    if any(not c.isspace() and drawing.font.glyphindex(c) == 0 for c in characters):
        raise FormulaError("it has a character that the font lacks")
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
