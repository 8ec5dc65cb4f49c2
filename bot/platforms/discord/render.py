"""Render a reply as Discord messages made of components: a colored frame with text, buttons and pictures."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from discord.utils import format_dt

from bot.drawing.alt_text import alt_of
from bot.platforms.discord.charts import calendar_lines, mastery_lines, standings_lines
from bot.platforms.discord.layout import Attachment, Divider, Image, Layout, Markup, Piece, RenderedMessage
from bot.platforms.discord.markup import commands, markdown, plain, spoken, write
from bot.platforms.shared.emoji import STATES, TONES, VERDICTS
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
from bot.text.cleaning import isolated, short
from bot.text.markdown import parts

BLUE, GREEN, RED, GOLD, TEAL = 0x5865F2, 0x3BA55D, 0xD83C3E, 0xF1C40F, 0x1ABC9C
_COLORS: dict[type[Block], int] = {
    QuestionCard: BLUE,
    Menu: BLUE,
    Standings: GOLD,
    Calendar: GREEN,
    Mastery: TEAL,
    Explanation: TEAL,
}
_TONES = {Tone.INFO: None, Tone.GOOD: GREEN, Tone.WARNING: GOLD, Tone.PROBLEM: RED}
MAX_QUOTE = 200
"""Characters."""


def draw(
    reply: Reply, pictures: Pictures | None = None, *, key: str = "", role: str = "", workspace: str = ""
) -> list[RenderedMessage]:
    """Render the whole reply, in one message or a few.

    The first message has a `frame_id` made from `key`, for finding it again, and mentions `role`. In a direct message,
    `workspace` is the server that its buttons belong to.
    """
    layout = Layout(workspace)
    for number, block in enumerate(reply.blocks):
        if number and _divided(reply.blocks[number - 1], block):
            layout.add(Divider())
        for piece in _pieces(block, pictures or {}):
            layout.add(piece)
    colors = (color for block in reply.blocks if (color := _color(block)) is not None)
    return layout.messages(
        color=next(colors, None),
        framed=bool(key) or any(map(_framed, reply.blocks)),
        frame_id=frame_id(key) if key else None,
        mention=f"<@&{role}>" if role else "",
    )


def frame_id(key: str) -> int:
    """Turn a post's key into its frame's component id, which history includes; ids that Discord picks are small."""
    return zlib.crc32(key.encode()) & 0x3FFF_FFFF | 0x4000_0000


def _color(block: Block) -> int | None:
    match block:
        case Verdict(right):
            return {True: GREEN, False: RED, None: BLUE}[right]
        case Notice(_, tone):
            return _TONES[tone]
        case _:
            return _COLORS.get(type(block))


def _framed(block: Block) -> bool:
    """Return whether a block needs a frame; short notices and files alone don't."""
    match block:
        case Notice(_, tone):
            return tone in (Tone.WARNING, Tone.PROBLEM)
        case Buttons() | Picture() | File():
            return False
        case _:
            return True


def _divided(above: Block, below: Block) -> bool:
    """Return whether a divider goes between two blocks: around long texts, and around questions."""
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
            yield from _rich(commands(body), pictures, head=_question_heading(commands(title)))
        case Notice(body, tone, when):
            timestamp = f" {format_dt(when, 'F')} ({format_dt(when, 'R')})." if when else ""
            yield Markup(f"{TONES[tone]}{spoken(body)}{timestamp}")
        case QuestionCard():
            yield from _card(block)
        case Verdict():
            yield from _verdict(block, pictures)
        case Explanation():
            yield from _explanation(block, pictures)
        case Standings() | Calendar() | Mastery():
            yield from _chart(block, pictures)
        case Table():
            yield Markup(_table(block))
        case Buttons():
            yield from _buttons(block)
        case Menu():
            yield block
        case Picture(png, alt):
            yield Image(png, alt)
        case File(name, content):
            yield Attachment(name, content.encode())
        case _:
            assert_never(block)


def _buttons(block: Buttons) -> Iterator[Piece]:
    if block.prompt:
        yield Markup(spoken(block.prompt))
    yield block.buttons


def _question_heading(text: str) -> str:
    """Write Markdown as a heading, whose words keep their order if they're written right to left."""
    return f"## {isolated(markdown(text))}" if text else ""


def _heading(title: str) -> str:
    escaped = plain(title)
    return f"## {escaped}" if escaped else ""


def _rich(text: str, pictures: Pictures, *, head: str = "", model: bool = False) -> Iterator[Piece]:
    """Split Markdown around the display formulas that are drawn; the others become readable Unicode.

    The head stays with the start of the text, so that no message ends with a head.
    """
    for part in parts(text, pictures):
        if isinstance(part, str):
            yield Image(pictures[part], alt_of(part))
        else:
            yield Markup(f"{head}\n{write(part, model=model)}")
            head = ""
    if head:
        yield Markup(head)


def _card(card: QuestionCard) -> Iterator[Piece]:
    head = " · ".join(map(plain, (card.heading, card.topic, card.difficulty)))
    yield Markup(f"-# {head}\n{_question_heading(card.question)}")
    yield Divider()
    for option in card.options:
        yield Markup(f"**{option.letter.upper()}**  {markdown(option.text)}", option.button)
    if card.write:
        yield (card.write,)
    notes = [f"-# {markdown(card.note)}"] if card.note else []
    if card.closes:
        notes.append(f"-# I'll reveal the answer {format_dt(card.closes, 'R')}, {format_dt(card.closes, 'f')}.")
    yield Markup("\n".join(notes))


def _verdict(verdict: Verdict, pictures: Pictures) -> Iterator[Piece]:
    lines = [f"## {VERDICTS[verdict.right]} {markdown(verdict.headline)}"]
    if verdict.question:
        lines.append(f"-# {markdown(verdict.question)}")
    if verdict.chosen and not verdict.right:
        lines.append(f"You chose {markdown(verdict.chosen)}")
    yield Markup("\n".join(lines))
    yield from _rich(verdict.reason, pictures)
    if verdict.correct and not verdict.right:
        yield Markup(markdown(f"The answer is **{verdict.correct}**"))
    yield Markup("\n".join(_points(verdict.points)))
    yield Divider()
    if verdict.reference:
        yield from _rich(verdict.reference, pictures, head="-# The reference")
    yield Divider()
    if verdict.score:
        yield Markup(f"-# {markdown(verdict.score)}")


def _points(points: tuple[Point, ...]) -> Iterator[str]:
    """Yield each point, and below it the sentence that mentioned it, unless that was quoted just before."""
    quoted = ""
    for point in points:
        yield f"{STATES[point.state]} {markdown(point.claim)}"
        if point.sentence and point.sentence != quoted:
            quoted = point.sentence
            yield f"-# “{plain(short(quoted, MAX_QUOTE))}”"


def _explanation(explanation: Explanation, pictures: Pictures) -> Iterator[Piece]:
    reason = f" ({plain(explanation.reason)})" if explanation.reason else ""
    head = f"-# {explanation.label}{reason}{'' if explanation.done else ' …'}"
    yield from _rich(explanation.text, pictures, head=head, model=explanation.source == "model")
    yield Markup("\n".join(f"-# [{source.number}] {plain(source.title)}" for source in explanation.footnotes))


def _chart(block: Standings | Calendar | Mastery, pictures: Pictures) -> Iterator[Piece]:
    """Yield the picture if it was drawn, else the block as text."""
    if png := pictures.get(block):
        yield Image(png, alt_of(block))  # the picture has the title
        return
    yield Markup("\n".join((_heading(block.title), *_chart_lines(block))))


def _chart_lines(block: Standings | Calendar | Mastery) -> Iterator[str]:
    match block:
        case Standings():
            return standings_lines(block)
        case Calendar():
            return calendar_lines(block)
        case Mastery():
            return mastery_lines(block)


def _table(table: Table) -> str:
    """Write rows one below the other: Discord has no tables, and aligned columns would wrap on a phone.

    The first two columns are a name and its value. Further columns follow on a small line, each with its name.
    """
    return "\n".join((_heading(table.title), *(_row(table.columns, *map(_cell, row)) for row in table.rows)))


def _row(columns: tuple[str, ...], first: str, second: str = "", *others: str) -> str:
    details = " · ".join(f"{plain(name)}: {value}" for name, value in zip(columns[2:], others, strict=True))
    if details:
        return f"**{first}** · {second}\n-# {details}"
    return f"- **{first}** · {second}" if second else f"- {first}"


def _cell(value: str | datetime) -> str:
    return format_dt(value, "f") if isinstance(value, datetime) else plain(value)
