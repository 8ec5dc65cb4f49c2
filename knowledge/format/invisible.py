"""The characters that nobody sees, which could hide data, or turn the direction of what's around them."""

from __future__ import annotations

import html
import re
from unicodedata import name

ALWAYS = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"  # controls, except line breaks and tabs; surrogates
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turn the direction of what follows
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"  # no width
    r"\u2028\u2029\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
JOINERS = r"\u200c\u200d\U000e0100-\U000e01ef"
"""Several scripts and emoji need them."""
VARIATIONS = r"\ufe00-\ufe0f"
"""They choose between text and emoji."""
HIDDEN = re.compile(rf"[\r{ALWAYS}{JOINERS}]")
"""What no text of a bank may have."""


def hidden(text: str) -> str:
    """Return the name of the first invisible character, also if it's written as an entity; or "" without any."""
    match = HIDDEN.search(text) or ("&" in text and HIDDEN.search(html.unescape(text)))
    if not match:
        return ""
    return f"U+{ord(match[0]):04X} ({name(match[0], 'a control character').lower()})"
