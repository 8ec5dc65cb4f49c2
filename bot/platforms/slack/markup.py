"""Text in Slack's dialects of Markdown. It mentions nobody, hides no link, and can't pass for a message of our own.

Slack has two dialects: the Markdown of its `markdown` blocks, and `mrkdwn` everywhere else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar

from typing_extensions import override

from bot.platforms.shared.splitting import split_point
from bot.platforms.shared.typed_commands import command_pattern
from bot.platforms.slack.manifest import SLASH_COMMAND
from bot.text.cleaning import clean, isolated
from bot.text.markdown import is_plain, parse
from bot.text.writer import ZERO_WIDTH_SPACE, EscapingWriter, Writer, bare

_LOCAL_TIME = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_ENTITY = re.compile(r"&[a-z]{0,3}\Z")
# In mrkdwn a mark only counts where it can open something: at the beginning of a word.
_OPENERS = re.compile(r"`|(?<!\w)[*_~](?!\s)|(?<=[*_~])[*_~](?!\s)")
_CODE = r"```\n?(.*?)\n?```|`([^`\n]+)`"
_IN_MARKDOWN = re.compile(rf"{_CODE}|\\([!-/:-@[-`{{-~])|~~|(?<!\s)\*|\*(?!\s)", re.DOTALL)
_IN_MRKDWN = re.compile(rf"{_CODE}|(?<!\w)([*_~])(?=\S)([^\n]+?)(?<=\S)\3(?!\w)", re.DOTALL)
DATE_FORMAT = "{date_short_pretty} {time}"
LOOKALIKES = str.maketrans("*_~`", "∗＿∼ˋ")
"""Characters that look like the marks of mrkdwn, which has no way to escape them."""


def escape(text: str) -> str:
    """Escape the three characters with which Slack marks mentions and links, so that `<!channel>` stays text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class MarkdownWriter(EscapingWriter):
    """The Markdown of a `markdown` block."""

    marks: ClassVar[dict[str, str]] = {"strong": "**", "em": "*", "s": "~~"}
    special: ClassVar[str] = rf"{EscapingWriter.special}|\](?=[(\[:]|\Z)"
    indent: ClassVar[int] = 3
    indents_code: ClassVar[bool] = True

    @override
    def escaped(self, text: str) -> str:
        return escape(super().escaped(text))

    @override
    def escaped_code(self, text: str) -> str:
        return escape(text)


class MrkdwnWriter(Writer):
    """Slack's older dialect, `mrkdwn`."""

    marks: ClassVar[dict[str, str]] = {"strong": "*", "em": "_", "s": "~"}
    bullet: ClassVar[str] = "•"
    indent: ClassVar[int] = 3

    @override
    def escaped_code(self, text: str) -> str:
        return escape(text)

    @override
    def escaped(self, text: str) -> str:
        return escape(_OPENERS.sub(lambda mark: mark[0].translate(LOOKALIKES), text))

    @override
    def escaped_line_starts(self, text: str) -> str:
        return re.sub(r"^(?=&gt;)", ZERO_WIDTH_SPACE, text, flags=re.MULTILINE)

    @override
    def _marked(self, kind: str, inside: str) -> str:
        mark = self.marks[kind]
        return super()._marked(kind, re.sub(rf"\{mark}(?!\w)", mark.translate(LOOKALIKES), inside))


Dialect = type[Writer]
MARKDOWN, MRKDWN = MarkdownWriter, MrkdwnWriter


@lru_cache(maxsize=1000)
def convert(text: str, dialect: Dialect, *, from_model: bool = False) -> str:
    """Convert Markdown to a dialect. Addresses in a text from a model become code, not links.

    Cached, because most members read the same question on the same day.
    """
    if is_plain(text):
        return text
    return dialect(from_model=from_model).write(parse(text))


def mrkdwn(text: str) -> str:
    return convert(text, MRKDWN)


def own_text(text: str, dialect: Dialect = MRKDWN) -> str:
    """Convert the bot's own text, with its commands the way they're typed on Slack."""
    return convert(slash_commands(text), dialect)


def literal_line(text: str, dialect: Dialect = MRKDWN) -> str:
    """Return a name or the like as one line in which nothing is formatting, a link or a mention."""
    return dialect().literal(text)


def plain_line(text: str) -> str:
    """Return one line for labels and the like, where Slack has no formatting."""
    one_line = isolated(" ".join(clean(text).split()))
    return re.sub(r"<(?=[!@#])", "‹", one_line) if "<" in one_line else one_line


def without_marks(text: str) -> str:
    """Return Markdown as one line without formatting."""
    return plain_line(bare(text))


def bold(text: str) -> str:
    """Put a line of mrkdwn in bold."""
    return f"*{text.replace('*', '*'.translate(LOOKALIKES))}*"


def as_read(converted: str, dialect: Dialect = MRKDWN) -> str:
    """Return converted text without its formatting, for notifications and screen readers."""
    words = _LOCAL_TIME.sub(r"\1", converted)
    if dialect is MARKDOWN:
        words = _IN_MARKDOWN.sub(lambda found: found[1] or found[2] or found[3] or "", words)
    else:
        words = _without_marks(words)
    return words.replace(ZERO_WIDTH_SPACE, "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _without_marks(text: str) -> str:
    return _IN_MRKDWN.sub(lambda found: found[1] or found[2] or _without_marks(found[4] or ""), text)


def slash_commands(text: str) -> str:
    """Turn commands as a terminal takes them, `question hard`, into slash commands, `/study question hard`."""
    return command_pattern().sub(lambda match: f"`{SLASH_COMMAND} {match[1]}{match[2]}`", text)


def local_time(when: datetime) -> str:
    """Return mrkdwn that Slack shows as a time in the reader's own zone."""
    return f"<!date^{int(when.timestamp())}^{DATE_FORMAT}|{utc(when)}>"


def utc(when: datetime) -> str:
    """Return the time in UTC, for apps that can't show it in the reader's zone."""
    return f"{when.astimezone(UTC):%b %d, %Y %H:%M} UTC"


def split(text: str, max_length: int) -> tuple[str, str]:
    """Return as much of the text as fits in `max_length` characters, and the rest.

    Splits between paragraphs if it can, else lines, sentences, words. A code block that's split is closed and reopened.
    """
    if len(text) <= max_length:
        return text, ""
    end = _split_at(text[: max(0, max_length - 4)])
    kept, rest = text[:end].rstrip(), text[end:].lstrip("\n")
    if _in_code(kept):
        if rest.lstrip().startswith("```"):  # only its end is left
            return f"{kept}\n```", rest.lstrip().removeprefix("```").lstrip("\n")
        if kept.endswith("```"):  # only its beginning fits
            return kept.removesuffix("```").rstrip(), f"```\n{rest}"
        return f"{kept}\n```", f"```\n{rest}"
    return kept, rest.lstrip()


def _split_at(text: str) -> int:
    """Return where to cut the text, at its end at the latest."""
    if (end := split_point(text)) < len(text):
        return end
    text = _ENTITY.sub("", text)  # half an escape would show as it is
    return len(text) - (len(text) - len(text.rstrip("\\"))) % 2


def _in_code(text: str) -> bool:
    return sum(line.strip() == "```" for line in text.splitlines()) % 2 == 1
