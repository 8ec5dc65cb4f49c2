"""Restore code blocks in text that lost its HTML: paragraphs between empty lines, some of which are code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

LIST = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s")
CODE = re.compile(
    r"^\s*(?:import |from \w+ import|def |class |for .*:$|if .*:$|return\b|print\(|#|//|\{|\}|\[)"
    r"|[├└│┌→←]|^\S.{0,60}\s[-+*]?=\s|\w\([^()]*\)\s*=|\b\w+\.\w+\(|^\w+\(.*\)$|^\s*[\"{\[]"
)
CAPITAL = re.compile(r"\W*[A-Z]")
MIN_SENTENCE = 8
"""Words."""


def fenced(text: str) -> str:
    """Put fences around what looks like code; a block with empty lines stays in one piece."""
    blocks = re.split(r"\n[ \t]*\n", text.strip("\n"))
    pieces = []
    for code, group in groupby(blocks, key=_is_code):
        body = "\n\n".join(group).strip("\n")
        pieces.append(f"```text\n{body}\n```" if code else "\n\n".join(_prose(body)))
    return "\n\n".join(pieces)


def _is_code(block: str) -> bool:
    lines = [line for line in block.split("\n") if line.strip()]
    if not lines or LIST.match(lines[0]):
        return False
    sentences = sum(map(_is_sentence, lines))
    marked = sum((bool(CODE.search(line)) or line.startswith("  ")) and not _is_sentence(line) for line in lines)
    labelled = len(lines) > 1 and all(re.match(r"\S+.{0,40}:\s", line) for line in lines)
    return not sentences and (2 * marked >= len(lines) or labelled)


def _is_sentence(line: str) -> bool:
    return line.endswith((*".:!?)",)) and bool(CAPITAL.match(line)) and len(line.split()) >= MIN_SENTENCE


def _prose(text: str) -> Iterator[str]:
    """Yield the paragraphs; one of several lines, such as a table's cells, keeps its line breaks."""
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if len(lines) > 1 and not any(LIST.match(line) for line in lines):
            yield "\n".join(f"{line.rstrip()}  " for line in lines).rstrip()
        else:
            yield block
