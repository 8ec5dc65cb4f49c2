"""The card that every picture is drawn on: its colors, sizes and shapes, and its conversion to PNG.

Lengths are in units of the card; a picture has `ZOOM` times as many pixels. `MAX_PIXELS` bounds the memory, at four
bytes per pixel.
"""

from __future__ import annotations

from bot.drawing.font import FAMILY, font

CARD, EDGE, TRACK = "#f5f6f9", "#dce1ea", "#e0e5ee"
INK, QUIET = "#1c2333", "#5d6780"
ACCENT, ACCENT_SOFT, ACCENT_FAINT = "#4a66e0", "#a9b8f5", "#e2e8fc"
MEDALS = {1: "#e9b93a", 2: "#b7c0cd", 3: "#d0966a"}

TITLE, BODY, SMALL, FIGURE = 20.0, 15.0, 12.0, 40.0
WIDTH = 560.0
"""Of most pictures, for the same size of letters in all of them: chats shrink every picture to the same width."""
MARGIN = 24.0
CORNER = 14.0
ZOOM = 2.0
MAX_PIXELS = 12_000_000


def rect(x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0, attributes: str = "") -> str:
    """Draw a filled rectangle; `attributes` is further SVG, with a space in front."""
    corner = min(radius, width / 2, height / 2)
    place = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
    return f'<rect {place} rx="{corner:.2f}" fill="{fill}"{attributes}/>'


def circle(x: float, y: float, radius: float, fill: str) -> str:
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" fill="{fill}"/>'


def stroke(path: str, color: str, width: float) -> str:
    """Draw a line along an SVG path, with round ends."""
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width:.2f}" stroke-linecap="round"/>'


def card(body: str, width: float, height: float, *, zoom: float = ZOOM) -> bytes:
    """Return a PNG of the drawing on a rounded card. Only the corners outside the card are transparent."""
    edge = f' stroke="{EDGE}" stroke-width="1"'
    return render_png(
        rect(0.5, 0.5, width - 1, height - 1, CARD, radius=CORNER, attributes=edge) + body, width, height, zoom=zoom
    )


def render_png(body: str, width: float, height: float, *, zoom: float) -> bytes:
    """Render SVG elements. Fonts are loaded only if there's text, and the system's only for what our own lacks."""
    import resvg_py

    own_font = font() if "<text" in body else None
    zoom = min(zoom, (MAX_PIXELS / (width * height)) ** 0.5)
    return resvg_py.svg_to_bytes(
        svg_string=f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.2f}" height="{height:.2f}" '
        f'viewBox="0 0 {width:.2f} {height:.2f}" font-family="{FAMILY}">{body}</svg>',
        width=round(width * zoom),
        font_files=[own_font.path] if own_font else None,
        skip_system_fonts=own_font is None or all(map(own_font.has, set(body))),
    )
