"""The card that every picture is drawn on: its colours, its sizes, its shapes, and how SVG becomes PNG.

Lengths are in units of the card; a picture has `ZOOM` times as many pixels. At most `MOST_PIXELS` come out, since
unpacked a pixel takes four bytes.
"""

from __future__ import annotations

from bot.drawing.font import FAMILY, typeface

PAPER, EDGE, TRACK = "#fcfcfd", "#e1e5ec", "#e6eaf2"
INK, QUIET = "#1c2333", "#5d6780"
ACCENT, ACCENT_SOFT, ACCENT_FAINT = "#4a66e0", "#a9b8f5", "#eaeefd"
MEDALS = {1: "#e9b93a", 2: "#b7c0cd", 3: "#d0966a"}

TITLE, BODY, SMALL, FIGURE = 20.0, 15.0, 12.0, 40.0
MARGIN = 24.0
ROUND = 14.0
ZOOM = 2.0
MOST_PIXELS = 12_000_000


def rect(x: float, y: float, width: float, height: float, fill: str, *, round: float = 0, more: str = "") -> str:
    """A filled rectangle; `more` is further attributes."""
    corner = min(round, width / 2, height / 2)
    place = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
    return f'<rect {place} rx="{corner:.2f}" fill="{fill}"{more}/>'


def disc(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" fill="{fill}"/>'


def stroke(path: str, colour: str, width: float) -> str:
    """A line along an SVG path, with round ends."""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:.2f}" stroke-linecap="round"/>'


def card(body: str, width: float, height: float, *, zoom: float = ZOOM) -> bytes:
    """A PNG of the drawing on a rounded card. Only the corners outside the card are transparent."""
    edge = f' stroke="{EDGE}" stroke-width="1"'
    return png(rect(0.5, 0.5, width - 1, height - 1, PAPER, round=ROUND, more=edge) + body, width, height, zoom=zoom)


def png(body: str, width: float, height: float, *, zoom: float) -> bytes:
    """Draw SVG elements. The fonts of the system are looked through only for what our own lacks."""
    import resvg_py

    face = typeface()
    zoom = min(zoom, (MOST_PIXELS / (width * height)) ** 0.5)
    return resvg_py.svg_to_bytes(
        svg_string=f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.2f}" height="{height:.2f}" '
        f'viewBox="0 0 {width:.2f} {height:.2f}" font-family="{FAMILY}">{body}</svg>',
        width=round(width * zoom),
        font_files=[face.path],
        skip_system_fonts=all(face.has(character) for character in body),
    )
