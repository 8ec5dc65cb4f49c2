"""Draw a display formula."""

from __future__ import annotations

from xml.etree import ElementTree

from bot.drawing.lines import Row, broken
from bot.drawing.svg import INK, WIDTH, card
from knowledge.format.latex import DRAWING, undrawable

SIZE = 20.0
"""Of the letters, on a card that's `WIDTH` wide. Discord shows such a card 550 pixels wide, and Slack 360."""
MIN_SCALE = 0.65
"""How much smaller a formula may be drawn that's too wide even in lines, and still be legible."""
PADDING = 18.0
LINE_GAP = 12.0
MAX_WIDTH = MAX_HEIGHT = WIDTH - 2 * PADDING

_NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"


def formula(latex: str) -> bytes | None:
    """Return a PNG of the formula, centered on a card; None if it can't be drawn correctly and legibly.

    All cards are equally wide, so that chats, which shrink pictures to a width, show all letters in the same size. No
    card is taller than wide, because that's where they would shrink it to a height instead.
    """
    latex = latex.strip()
    if not latex or undrawable(latex):
        return None
    mathml = _parsed(latex)
    with DRAWING:
        drawings = _lines(mathml)
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


def _parsed(latex: str) -> ElementTree.Element:
    from ziamath.tex import tex2mml

    return ElementTree.fromstring(tex2mml(latex))  # noqa: S314 (made by the library)


def _drawing(mathml: ElementTree.Element) -> ElementTree.Element:
    from ziamath.zmath import Math

    mathml.set("mathcolor", INK)
    for element in mathml.iter():
        _adjust(element)
    svg: ElementTree.Element = Math(mathml, size=SIZE).svgxml()
    return svg


def _adjust(element: ElementTree.Element) -> None:
    """Change what ziamath 0.13 draws differently from TeX."""
    match element.text:
        case "∑" | "∏" | "∫":
            # If these may stretch, brackets around them become 2,000 units high with \left( ... \right).
            element.set("stretchy", "false")
        case "⌊" | "⌋" | "⌈" | "⌉" | "‖" | "|":
            # They stretch only with \left or \big.
            if "minsize" not in element.attrib:
                element.attrib.setdefault("stretchy", "false")
        case ",":
            element.set("rspace", "0.17em")  # half of what the library sets
        case "∇" | "∂":
            element.tag = (
                f"{_NAMESPACE}mn"  # upright like a number; as an operator, it would be spaced apart from its index
            )
