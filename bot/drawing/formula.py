"""A display formula as a picture."""

from __future__ import annotations

from xml.etree import ElementTree

from bot.drawing.svg import INK, MARGIN, card
from knowledge.format.latex import DRAWING, undrawable

SIZE = 20.0
ZOOM = 2.5
WIDEST = 1600
"""Pixels. A wider formula is drawn smaller, down to `LEAST_ZOOM`."""

NARROWEST = 400.0
"""Chats show small pictures as they are and shrink wide ones: so that letters come out alike, no card is narrower."""

TALLEST = 2000
LEAST_ZOOM = 0.8

_NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"


def formula(latex: str) -> bytes | None:
    """A PNG of the formula, centred on a card; None where it cannot be drawn as it is meant, or not legibly."""
    latex = latex.strip()
    if not latex or undrawable(latex):
        return None
    with DRAWING:
        drawing = _drawing(latex)
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    wide, high = max(width + 2 * MARGIN, NARROWEST), height + 1.6 * MARGIN
    zoom = min(ZOOM, WIDEST / wide, TALLEST / high)
    if zoom < LEAST_ZOOM:
        return None
    drawing.attrib |= {"x": f"{(wide - width) / 2:.2f}", "y": f"{(high - height) / 2:.2f}"}
    return card(ElementTree.tostring(drawing, encoding="unicode"), wide, high, zoom=zoom)


def _drawing(latex: str) -> ElementTree.Element:
    from ziamath.tex import tex2mml
    from ziamath.zmath import Math

    meaning = ElementTree.fromstring(tex2mml(latex))  # noqa: S314 (the library made it)
    meaning.set("mathcolor", INK)
    for element in meaning.iter():
        _mend(element)
    svg: ElementTree.Element = Math(meaning, size=SIZE).svgxml()
    return svg


def _mend(element: ElementTree.Element) -> None:
    """What ziamath 0.13 draws otherwise than TeX."""
    match element.text:
        case "∑" | "∏" | "∫":
            # Inside \left( ... \right) brackets come out 2,000 high if these may stretch.
            element.set("stretchy", "false")
        case "⌊" | "⌋" | "⌈" | "⌉" | "‖" | "|":
            # \left and \big say that they stretch; alone they don't.
            if "minsize" not in element.attrib:
                element.attrib.setdefault("stretchy", "false")
        case ",":
            element.set("rspace", "0.17em")  # half of the library's
        case "∇" | "∂":
            element.tag = f"{_NAMESPACE}mn"  # upright, as a number is: an operator stands apart from its index
