"""What a reader sees of a text in each dialect: as the platform reads its markup, after its documentation."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from tests.platforms.discord.reader import seen_on_discord

SLACK_CODE = re.compile(r"```\n?(.*?)\n?```|`([^`\n]+)`", re.DOTALL)
SLACK_MARK = re.compile(r"(?<!\w)([*_~])(?=\S)([^\n]*?)(?<=\S)\1(?!\w)")
"""A mark opens at the start of a word, and closes at the end of one in the same line."""


def seen_in_mrkdwn(text: str) -> str:
    shown, at = "", 0
    for code in SLACK_CODE.finditer(text):
        before = text[at : code.start()]
        is_quoted = before.rpartition("\n")[2] == "> "
        shown += _without_marks(before) + re.sub(
            "^> " if is_quoted else "^$", "", code[1] or code[2], flags=re.MULTILINE
        )
        at = code.end()
    return html.unescape(shown + _without_marks(text[at:]))


def _without_marks(text: str) -> str:
    text = re.sub(r"^(?:>|&gt;) ?", "", text, flags=re.MULTILINE)
    while (shorter := SLACK_MARK.sub(r"\2", text)) != text:
        text = shorter
    return text


def seen_in_slack_markdown(text: str) -> str:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return "\n".join(_contents(parser, text))


def _contents(parser: MarkdownIt, text: str) -> Iterator[str]:
    for block in parser.parse(text):
        if block.children is None:
            yield html.unescape(block.content)
        else:
            yield "".join(html.unescape(part.content) for part in block.children)


def seen_on_a_page(text: str) -> str:
    class Words(HTMLParser):
        seen = ""

        def handle_data(self, data: str) -> None:
            self.seen += data

    words = Words()
    words.feed(text)
    words.close()
    return words.seen


READERS: dict[str, Callable[[str], str]] = {
    "terminal": str,
    "discord": seen_on_discord,
    "slack_markdown": seen_in_slack_markdown,
    "slack_mrkdwn": seen_in_mrkdwn,
    "html": seen_on_a_page,
}
