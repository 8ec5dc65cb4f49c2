"""A reply as Discord messages made of components: a frame in the colour of what is said, text, buttons, pictures."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from discord.utils import format_dt

from bot.drawing.alt_text import alt_of
from bot.platforms.discord.charts import calendar_lines, mastery_lines, standings_lines
from bot.platforms.discord.layout import Attached, Drawing, Image, Line, Piece, Sheet, Words
from bot.platforms.discord.markup import commands, markdown, plain, spoken
from bot.platforms.shared.emoji import STATES, TONES, VERDICTS
from bot.platforms.shared.formulas import DISPLAY
from bot.platforms.shared.images import Pictures
from bot.replies import (
    Block,
    Buttons,
    Calendar,
    Explanation,
    File,
    Mastery,
    Menu,
    Notice,
    Picture,
    Point,
    QuestionCard,
    Reply,
    Standings,
    Table,
    Text,
    Tone,
    Verdict,
)
from bot.text.cleaning import short
from bot.text.maths import formula

BLUE, GREEN, RED, GREY, GOLD, TEAL = 0x5865F2, 0x3BA55D, 0xD83C3E, 0x99AAB5, 0xF1C40F, 0x1ABC9C
_TONES = {Tone.INFO: None, Tone.GOOD: GREEN, Tone.WARNING: GOLD, Tone.PROBLEM: RED}
QUOTED = 200
"""Characters that are quoted of a sentence."""


def draw(
    reply: Reply, pictures: Pictures | None = None, *, key: str = "", role: str = "", home: str = ""
) -> list[Drawing]:
    """The whole reply, in one message or a few.

    `key` marks the first one, so that it can be found again (`mark`); `role` is called by it. In a direct message,
    `home` is the workspace that its buttons belong to.
    """
    sheet = Sheet(home)
    for n, block in enumerate(reply.blocks):
        if n and _parted(reply.blocks[n - 1], block):
            sheet.lay(Line())
        for piece in _pieces(block, pictures or {}):
            sheet.lay(piece)
    colour = next((c for block in reply.blocks if (c := _colour(block)) is not None), None)
    return sheet.finished(
        colour=colour,
        framed=bool(key) or any(map(_framed, reply.blocks)),
        mark=mark(key) if key else None,
        call=f"<@&{role}>" if role else "",
    )


def mark(key: str) -> int:
    """A post's key as the number of its frame, which Discord keeps and gives back; small ones are its own."""
    return zlib.crc32(key.encode()) & 0x3FFF_FFFF | 0x4000_0000


def _colour(block: Block) -> int | None:
    match block:
        case QuestionCard() | Menu():
            return BLUE
        case Verdict(right):
            return {True: GREEN, False: RED, None: BLUE}[right]
        case Standings():
            return GOLD
        case Calendar():
            return GREEN
        case Mastery() | Explanation():
            return TEAL
        case Notice(_, tone):
            return _TONES[tone]
        case _:
            return None


def _framed(block: Block) -> bool:
    """Short notices stand by themselves; all else has a frame."""
    match block:
        case Notice(_, tone):
            return tone in (Tone.WARNING, Tone.PROBLEM)
        case Buttons() | Picture() | File():
            return False
        case _:
            return True


def _parted(above: Block, below: Block) -> bool:
    """Whether a line stands between them: around what is read at length, and around what is asked."""
    match above, below:
        case (Menu(), Menu()) | (Notice(), Notice()) | (Buttons(prompt=""), Buttons(prompt="")):
            return False
        case (_, Menu()) | (Menu() | Buttons(), Buttons()):
            return True
        case _, Buttons(prompt=prompt):
            return bool(prompt)
        case (Text() | Table() | Explanation() | Notice(), Text() | Table() | Explanation() | Notice()):
            return True
        case _:
            return False


def _pieces(block: Block, pictures: Pictures) -> Iterator[Piece]:
    match block:
        case Text(body, title):
            yield from _rich(commands(body), pictures, head=_heading(title))
        case Notice(body, tone, when):
            moment = f" {format_dt(when, 'F')} ({format_dt(when, 'R')})" if when else ""
            yield Words(f"{TONES[tone]}{spoken(body)}{moment}")
        case QuestionCard():
            yield from _card(block)
        case Verdict():
            yield from _verdict(block, pictures)
        case Explanation():
            yield from _explanation(block, pictures)
        case Standings(title):
            yield from _chart(block, pictures, title, standings_lines(block))
        case Calendar(title):
            yield from _chart(block, pictures, title, calendar_lines(block))
        case Mastery(title):
            yield from _chart(block, pictures, title, mastery_lines(block))
        case Table():
            yield Words(_table(block))
        case Buttons(actions, prompt):
            if prompt:
                yield Words(spoken(prompt))
            yield actions
        case Menu():
            yield block
        case Picture(png, alt):
            yield Image(png, alt)
        case File(name, content):
            yield Attached(name, content.encode())
        case _:
            assert_never(block)


def _heading(title: str) -> str:
    words = plain(title)
    return f"## {words}" if words else ""


def _rich(text: str, pictures: Pictures, *, head: str = "", model: bool = False) -> Iterator[Piece]:
    """Markdown whose display formulas are pictures where they have been drawn, and readable Unicode elsewhere.

    The head is one piece with the text's beginning, so that no message ends with it.
    """
    begun = 0
    for found in DISPLAY.finditer(text):
        latex = (found[2] or "").strip()
        if png := pictures.get(latex):
            yield Words(f"{head}\n{markdown(text[begun : found.start()], model=model)}")
            yield Image(png, f"Formula: {formula(latex)}")
            begun, head = found.end(), ""
    yield Words(f"{head}\n{markdown(text[begun:], model=model)}")


def _card(card: QuestionCard) -> Iterator[Piece]:
    head = " · ".join(map(plain, (card.heading, card.topic, card.difficulty)))
    yield Words(f"-# {head}\n## {markdown(card.question)}")
    yield Line()
    for option in card.options:
        yield Words(f"**{option.letter.upper()}**  {markdown(option.text)}", option.button)
    if card.write:
        yield (card.write,)
    small = [f"-# {markdown(card.note)}"] if card.note else []
    if card.closes:
        small.append(f"-# The answer comes {format_dt(card.closes, 'R')}, {format_dt(card.closes, 'f')}.")
    yield Words("\n".join(small))


def _verdict(verdict: Verdict, pictures: Pictures) -> Iterator[Piece]:
    lines = [f"## {VERDICTS[verdict.right]} {markdown(verdict.headline)}"]
    if verdict.chosen and not verdict.right:
        lines.append(f"You chose {markdown(verdict.chosen)}")
    yield Words("\n".join(lines))
    yield from _rich(verdict.reason, pictures)
    yield Words("\n".join(_points(verdict.points)))
    yield Line()
    if verdict.correct and not verdict.right:
        yield Words(f"The answer is **{markdown(verdict.correct)}**")
    if verdict.reference:
        yield from _rich(verdict.reference, pictures, head="-# The reference")
    yield Line()
    if verdict.score:
        yield Words(f"-# {markdown(verdict.score)}")


def _points(points: tuple[Point, ...]) -> Iterator[str]:
    """Each point, and beneath it in small the sentence that spoke for it, unless that is the one just quoted."""
    quoted = ""
    for point in points:
        yield f"{STATES[point.state]} {markdown(point.claim)}"
        if point.sentence and point.sentence != quoted:
            quoted = point.sentence
            yield f"-# “{plain(short(quoted, QUOTED))}”"


def _explanation(explanation: Explanation, pictures: Pictures) -> Iterator[Piece]:
    why = f" ({plain(explanation.reason)})" if explanation.reason else ""
    head = f"-# {explanation.label}{why}{'' if explanation.done else ' …'}"
    yield from _rich(explanation.text, pictures, head=head, model=explanation.source in ("model", "cache"))
    yield Words("\n".join(f"-# [{cited.number}] {plain(cited.title)}" for cited in explanation.citations))


def _chart(
    block: Standings | Calendar | Mastery, pictures: Pictures, title: str, lines: Iterator[str]
) -> Iterator[Piece]:
    """The picture where one has been drawn, and in words what it shows otherwise."""
    if png := pictures.get(block):
        yield Image(png, alt_of(block))  # which has the title
        return
    yield Words("\n".join((_heading(title), *lines)))


def _table(table: Table) -> str:
    """A row under the other: Discord draws no tables, and columns would wrap on a telephone.

    Two columns are a name and what belongs to it. What stands in any further ones is named, on a small line beneath.
    """
    return "\n".join((_heading(table.title), *(_row(table.columns, *map(_cell, row)) for row in table.rows)))


def _row(columns: tuple[str, ...], first: str, second: str = "", *others: str) -> str:
    small = " · ".join(f"{plain(name)}: {value}" for name, value in zip(columns[2:], others, strict=True))
    if small:
        return f"**{first}** · {second}\n-# {small}"
    return f"- **{first}** · {second}" if second else f"- {first}"


def _cell(value: str | datetime) -> str:
    return format_dt(value, "f") if isinstance(value, datetime) else plain(value)
