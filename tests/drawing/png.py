"""Reading pictures back, as far as the tests look at them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header of what has to be a whole PNG."""
    assert png.startswith(SIGNATURE)
    assert png.endswith(b"IEND\xaeB\x60\x82")
    width, height = struct.unpack_from(">II", png, 16)
    return width, height


def pixels(png: bytes) -> list[list[tuple[int, ...]]]:
    """Rows of red, green, blue, alpha; for small pictures, since it is slow."""
    (width, height), (depth, color) = size(png), struct.unpack_from(">BB", png, 24)
    assert (depth, color) == (8, 6)
    raw = zlib.decompress(b"".join(data for kind, data in _chunks(png) if kind == b"IDAT"))
    rows: list[list[tuple[int, ...]]] = []
    before = bytes(4 * width)
    for top in range(0, height * (4 * width + 1), 4 * width + 1):
        before = _unfiltered(raw[top], raw[top + 1 : top + 1 + 4 * width], before)
        rows.append([tuple(before[at : at + 4]) for at in range(0, 4 * width, 4)])
    return rows


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _unfiltered(kind: int, line: bytes, above: bytes) -> bytes:
    """One line without its filter, by the PNG specification, section 9."""
    out = bytearray(line)
    for at in range(len(out)):
        left = out[at - 4] if at >= 4 else 0
        corner = above[at - 4] if at >= 4 else 0
        guess = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[kind]
        out[at] = (out[at] + guess) % 256
    return bytes(out)


def _paeth(left: int, above: int, corner: int) -> int:
    return min((left, above, corner), key=lambda value: abs(left + above - corner - value))
