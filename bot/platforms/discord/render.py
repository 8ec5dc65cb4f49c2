"""A reply as a Discord message of components: text, buttons, pictures and files, all within the limits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

import discord
from discord import ui
from discord.utils import escape_markdown, escape_mentions, format_dt

from bot.maths import readable
from bot.platforms.discord import limits
from bot.platforms.signs import MARKS, STATES, TONES, VERDICTS
from bot.replies import (
    Action,
    Block,
    Calendar,
    Choices,
    Explanation,
    File,
    Notice,
    Picture,
    Point,
    QuestionCard,
    Rank,
    Reply,
    Standings,
    Table,
    Text,
    Verdict,
)

STYLES = {
    "plain": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "danger": discord.ButtonStyle.danger,
}
SHORTENED = "\n-# Shortened: Discord takes no longer message."

Piece = str | tuple[Action, ...] | Picture | File


@dataclass(slots=True)
class Drawing:
    """A message to be sent: what is seen, and the files that it refers to.

    The view is stopped, so that discord.py keeps nothing of it: a button carries all that pressing it needs.
    """

    view: ui.LayoutView
    files: list[discord.File] = field(default_factory=list)


def draw(reply: Reply) -> Drawing:
    """The whole reply; what goes beyond Discord's limits is left out, and the message says so."""
    sheet = _Sheet()
    for block in reply.blocks:
        for piece in _pieces(block):
            match piece:
                case str():
                    sheet.write(piece)
                case tuple():
                    sheet.offer(piece)
                case Picture(png, alt):
                    sheet.attach(png, f"picture{len(sheet.files)}.png", alt)
                case File(name, content):
                    sheet.attach(content.encode(), name[-limits.FILENAME :])
                case _:
                    assert_never(piece)
    return sheet.finished()


class _Sheet:
    """Components as they are laid down one under the other, and the room that is left."""

    def __init__(self) -> None:
        self.files: list[discord.File] = []
        self._items: list[ui.Item[Any]] = []
        self._components = limits.COMPONENTS
        self._characters = limits.TEXT - len(SHORTENED)
        self._bytes = limits.TEXT_BYTES - len(SHORTENED.encode())
        self._lines: set[str] = set()
        self._cut = False

    def write(self, text: str) -> None:
        text = text.strip("\n")
        short = shorten(text, self._characters, self._bytes)
        self._cut = self._cut or short != text
        if short.strip() and self._fits(1):
            self._items.append(ui.TextDisplay(short))
            self._characters -= len(short)
            self._bytes -= len(short.encode())

    def offer(self, actions: tuple[Action, ...]) -> None:
        # Discord refuses two buttons of one id in a message; they would do the same.
        fresh = [a for a in {a.line: a for a in actions}.values() if a.line not in self._lines]
        for start in range(0, len(fresh), limits.ROW):
            row = fresh[start : start + limits.ROW]
            if not self._fits(1 + len(row)):
                return
            self._lines.update(action.line for action in row)
            self._items.append(ui.ActionRow(*map(_button, row)))

    def attach(self, content: bytes, name: str, alt: str = "") -> None:
        if not self._fits(2):
            return
        file = discord.File(io.BytesIO(content), name, description=alt[:1024] or None)
        self.files.append(file)
        item: ui.Item[Any] = ui.MediaGallery(discord.MediaGalleryItem(file)) if alt else ui.File(file)
        self._items.append(item)

    def _fits(self, components: int) -> bool:
        # One place is kept for the note that something was left out.
        if components >= self._components:
            self._cut = True
            return False
        self._components -= components
        return True

    def finished(self) -> Drawing:
        view = ui.LayoutView(timeout=None)
        for item in self._items:
            view.add_item(item)
        if self._cut or not self._items:
            view.add_item(ui.TextDisplay(SHORTENED.strip() if self._cut else "…"))
        view.stop()
        return Drawing(view, self.files)


def shorten(text: str, characters: int, size: int) -> str:
    """At most so many characters and bytes, cut at a line or a word where there is one; a code block stays closed."""
    if len(text) <= characters and len(text.encode()) <= size:
        return text
    keep = text[: max(0, characters - 5)].encode()[: max(0, size - 8)].decode(errors="ignore")
    for mark in ("\n", " "):
        if (end := keep.rfind(mark)) > len(keep) // 2:
            keep = keep[:end]
            break
    if not keep.strip():
        return ""
    return keep + ("\n```" if keep.count("```") % 2 else " …")


def _button(action: Action) -> ui.Button[Any]:
    return ui.Button(label=action.label[: limits.LABEL] or "…", custom_id=action.line, style=STYLES[action.style])


def _markdown(text: str) -> str:
    return escape_mentions(readable(text))


def _plain(text: str) -> str:
    """Names and the like, in which nothing is formatting."""
    return escape_mentions(escape_markdown(text))


def _pieces(block: Block) -> Iterator[Piece]:
    match block:
        case Text(body, title):
            yield f"### {_plain(title)}\n{_markdown(body)}" if title else _markdown(body)
        case Notice(body, tone, when):
            yield TONES[tone] + _markdown(body) + (f" {format_dt(when, 'F')}" if when else "")
        case QuestionCard():
            yield _card(block)
            yield (*(option.action for option in block.options), *([block.write] if block.write else []))
        case Verdict():
            yield "\n".join(_verdict(block))
        case Explanation():
            yield "\n".join(_explanation(block))
        case Standings():
            yield "\n".join(_standings(block))
        case Calendar():
            yield "\n".join(_calendar(block))
        case Table():
            yield _table(block)
        case Choices(actions, prompt):
            if prompt:
                yield _markdown(prompt)
            yield actions
        case Picture() | File():
            yield block
        case _:
            assert_never(block)


def _card(card: QuestionCard) -> str:
    lines = [f"-# {_plain(card.heading)} · {_plain(card.topic)} · {_plain(card.difficulty)}"]
    lines.append(f"### {_markdown(card.question)}")
    lines += [f"**{option.letter.upper()}** {_markdown(option.text)}" for option in card.options]
    if card.note:
        lines.append(f"-# {_markdown(card.note)}")
    if card.closes:
        lines.append(f"-# The answer comes {format_dt(card.closes, 'R')}, {format_dt(card.closes, 'f')}.")
    return "\n".join(lines)


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield f"### {VERDICTS[verdict.right]} {_markdown(verdict.headline)}"
    if verdict.chosen and not verdict.right:
        yield f"You chose {_markdown(verdict.chosen)}"
    if verdict.reason:
        yield _markdown(verdict.reason)
    if verdict.correct and not verdict.right:
        yield f"The answer is **{_markdown(verdict.correct)}**"
    yield from map(_point, verdict.points)
    if verdict.reference:
        yield f"**The reference**\n{_markdown(verdict.reference)}"
    if verdict.score:
        yield f"-# {_markdown(verdict.score)}"


def _point(point: Point) -> str:
    by = f" ← “{_plain(point.sentence)}”" if point.sentence else ""
    return f"{STATES[point.state]} {_markdown(point.claim)}{by}"


def _explanation(explanation: Explanation) -> Iterator[str]:
    why = f" ({_plain(explanation.why)})" if explanation.why else ""
    yield f"-# {explanation.label}{why}{'' if explanation.done else ' …'}"
    yield _markdown(explanation.text)
    yield from (f"-# [{cited.number}] {_plain(cited.title)}" for cited in explanation.citations)


def _standings(standings: Standings) -> Iterator[str]:
    def line(rank: Rank) -> str:
        text = f"{rank.place}. {_plain(rank.name)} · {_plain(rank.points)} {_plain(rank.detail)}".rstrip()
        # The dot is escaped so that Discord does not number the places anew, ties and all.
        text = text.replace(".", "\\.", 1)
        return f"**{text}**" if rank.mine else text

    yield f"### {_plain(standings.title)}"
    yield from map(line, standings.rows)
    if standings.mine:
        yield f"…\n{line(standings.mine)}"
    if standings.footnote:
        yield f"-# {_markdown(standings.footnote)}"


def _calendar(calendar: Calendar) -> Iterator[str]:
    yield f"### {_plain(calendar.title)}"
    yield f"Now {calendar.current}, longest {calendar.longest}, freezes {calendar.freezes}"
    marks = [MARKS[mark] for _, mark in calendar.days]
    yield from ("".join(marks[week : week + 7]) for week in range(0, len(marks), 7))


def _table(table: Table) -> str:
    """One line a row: Discord draws no tables, and columns would wrap on a telephone."""

    def cell(value: str | datetime) -> str:
        return format_dt(value, "f") if isinstance(value, datetime) else _plain(value)

    lines = [f"### {_plain(table.title)}"] if table.title else []
    for first, *rest in table.rows:
        lines.append(f"- **{cell(first)}** {' · '.join(cell(value) for value in rest)}".rstrip())
    return "\n".join(lines)
