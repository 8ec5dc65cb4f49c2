"""Find where to split a text that's too long for one message."""

from __future__ import annotations


def split_point(text: str) -> int:
    """Return the last good place to split in the second half of the text; its length if there's none.

    Between paragraphs if possible, else lines, sentences or words.
    """
    for mark in ("\n\n", "\n", ". ", " "):
        if (end := text.rfind(mark)) > len(text) // 2:
            return end + len(mark.rstrip(" \n"))
    return len(text)
