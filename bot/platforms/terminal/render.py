"""Render a reply in the terminal with Rich, which writes plain text into pipes and honors NO_COLOR."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Column
from rich.table import Table as Grid
from rich.text import Text as Line

from bot.platforms.terminal.markup import INDENT, TerminalMarkdown, line
from bot.replies import (
    Block,
    Button,
    Buttons,
    Calendar,
    DayMark,
    Explanation,
    File,
    Mastery,
    Menu,
    Notice,
    Picture,
    Point,
    QuestionCard,
    Rank,
    Reply,
    Standings,
    Table,
    Text,
    Tone,
    TopicMastery,
    Verdict,
)
from bot.text.cleaning import short
from bot.text.plural import plural

TONES = {
    Tone.INFO: ("·", "cyan"),
    Tone.GOOD: ("✓", "green"),
    Tone.WARNING: ("!", "yellow"),
    Tone.PROBLEM: ("✗", "red"),
}
MAX_QUOTE = 200
"""Characters quoted from a sentence."""
ISOLATES = "\u2066\u2067\u2068\u2069"
STATES = {"mentioned": ("✓", "green"), "perhaps": ("~", "yellow"), "missing": ("○", "dim")}
MARKS = {
    DayMark.STUDIED: ("■", "green"),
    DayMark.FREEZE: ("❄", "cyan"),
    DayMark.REST: ("–", "blue"),
    DayMark.EXCUSED: ("e", "blue"),
    DayMark.BRIDGED: ("»", "blue"),
    DayMark.MISSED: ("×", "red"),
    DayMark.OPEN: ("□", "yellow"),
    DayMark.BLANK: (" ", "dim"),
}


def shortcuts(reply: Reply) -> dict[str, Button]:
    """Return what can be typed to press each button: an option's letter, `w` to write an answer, else a number."""
    keys: dict[str, Button] = {}
    number = 0
    for block in reply.blocks:
        if isinstance(block, QuestionCard):
            keys.update({option.letter: option.button for option in block.options if option.button})
            if block.write:
                keys["w"] = block.write
        elif isinstance(block, Buttons):
            for button in block.buttons:
                number += 1
                keys[str(number)] = button
    return keys


def draw(reply: Reply) -> RenderableType:
    """Render the whole reply."""
    keys = {id(button): key for key, button in shortcuts(reply).items()}
    shown: list[RenderableType] = []
    for above, block in zip((None, *reply.blocks), reply.blocks, strict=False):
        if above is not None and _spaced(above, block):
            shown.append(Line())
        shown += _block(block, keys)
    return Group(*shown)


def _spaced(above: Block, below: Block) -> bool:
    """Return whether an empty line goes between two blocks."""
    match above, below:
        case (_, Picture() | File()) | (Notice() | Verdict(), Notice()) | (Menu(), Menu()):
            return False
        case (Notice() | Buttons(), Buttons(prompt="")):
            return False
        case _:
            return True


def safe(text: str) -> str:
    """Remove control characters, and isolates, which terminals ignore or draw as a cell of their own.

    What a model or a member wrote must not control the terminal.
    """
    return "".join(
        c for c in text if c in "\n\t" or (unicodedata.category(c) not in {"Cc", "Cs"} and c not in ISOLATES)
    )


def _block(block: Block, keys: dict[int, str]) -> Iterator[RenderableType]:
    match block:
        case Text():
            yield from _text(block)
        case Notice(body, tone, when):
            sign, color = TONES[tone]
            time = Line.assemble((f" {_local_time(when)}", "bold"), ".") if when else Line()
            yield _signed(Line(sign, style=color), line(body).append_text(time))
        case QuestionCard():
            yield _card(block)
        case Verdict():
            yield from _verdict(block)
        case Explanation():
            yield from _explanation(block)
        case Standings() | Calendar() | Mastery() | Table():
            yield _chart(block)
        case Buttons():
            yield from _buttons(block, keys)
        case Menu(prompt, _, _, options):
            chosen = ", ".join(option.label for option in options if option.chosen) or "none"
            grid = Grid.grid(Column(overflow="fold"), Column(no_wrap=True), padding=(0, 3, 0, 0))
            shown = Line.assemble((f"{safe(prompt)}: ", "dim"), safe(chosen))
            grid.add_row(shown, Line(f"`{block.id}…`", style="dim"))
            yield grid
        case Picture(_, alt):
            yield Line(f"[picture: {safe(alt)}]", style="dim")
        case File(name, content):
            yield Line(f"--- {safe(name)} ---", style="dim")
            yield Line(safe(content))
        case _:
            assert_never(block)


def _text(block: Text) -> Iterator[RenderableType]:
    if block.title:
        yield line(block.title, "bold")
        yield Line()
    yield TerminalMarkdown(block.body)


def _signed(sign: Line, text: Line) -> RenderableType:
    """Put a sign before a text, whose further lines are indented below its first."""
    grid = Grid.grid("", Column(overflow="fold"), padding=(0, 1, 0, 0))
    grid.add_row(sign, text)
    return grid


@dataclass(frozen=True)
class _Row:
    """Short texts next to each other, as many as fit on a line."""

    items: Sequence[Line]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        gap = Line("   ")
        on_line: list[Line] = []
        for item in self.items:
            if on_line and gap.join([*on_line, item]).cell_len > options.max_width:
                yield gap.join(on_line)
                on_line = []
            on_line.append(item)
        yield gap.join(on_line)


def _buttons(block: Buttons, keys: dict[int, str]) -> Iterator[RenderableType]:
    if block.prompt:
        yield line(block.prompt, "dim")
    yield _Row([Line.assemble((f"[{keys[id(button)]}]", "cyan"), f" {safe(button.label)}") for button in block.buttons])


def _chart(block: Standings | Calendar | Mastery | Table) -> RenderableType:
    match block:
        case Standings():
            return _standings(block)
        case Calendar():
            return _calendar(block)
        case Mastery(title, topics):
            return _table(Table(("Topic", "Questions", "Mastery"), tuple(map(_topic_row, topics)), title=title))
        case Table():
            return _table(block)


def _local_time(when: datetime) -> str:
    """Format a time in this computer's zone, which is the reader's."""
    local = when.astimezone()
    return f"{local:%A, %B} {local.day} at {local:%H:%M %Z}"


def _card(card: QuestionCard) -> RenderableType:
    lines: list[RenderableType] = [line(card.question, "bold")]
    if card.options:
        lines.append(Line())
    for option in card.options:
        grid = Grid.grid(padding=(0, 1))
        grid.add_row(Line(f"{option.letter})", style="cyan"), TerminalMarkdown(option.text))
        lines.append(grid)
    lettered = any(option.button for option in card.options)
    ways = " or ".join(filter(None, ["a letter" if lettered else "", "`w` for your own words" if card.write else ""]))
    if ways:
        lines += [Line(), Line(f"Answer with {ways}.", style="dim")]
    if card.note:
        lines.append(line(card.note, "dim"))
    if card.closes:
        lines.append(Line(f"I'll reveal the answer {_local_time(card.closes)}.", style="dim"))
    title = Line(safe(f"{card.heading} · {card.topic} · {card.difficulty}"))
    return Panel(Group(*lines), title=title, title_align="left", box=box.ROUNDED, padding=(1, 2))


def _verdict(verdict: Verdict) -> Iterator[RenderableType]:
    sign, color = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "cyan")}[verdict.right]
    yield _signed(Line(sign, style=f"bold {color}"), line(verdict.headline, f"bold {color}"))
    if verdict.question:
        yield line(verdict.question, "dim")
    if verdict.chosen and not verdict.right:
        yield Line.assemble("You chose ", line(verdict.chosen, "italic"))
    if verdict.reason:
        yield Padding(TerminalMarkdown(verdict.reason), (0, 0, 0, 2))
    if verdict.correct and not verdict.right:
        yield Line.assemble("The answer is ", line(verdict.correct, "bold"))
    yield from _points(verdict.points)
    if verdict.reference:
        yield Line("\nThe reference", style="bold")
        yield TerminalMarkdown(verdict.reference)
    if verdict.score:
        yield Line("\n").append(line(verdict.score, "cyan"))


def _points(points: tuple[Point, ...]) -> Iterator[RenderableType]:
    """Yield each point, and below it the sentence that mentioned it, unless that was quoted just before."""
    quoted = ""
    for point in points:
        sign, color = STATES[point.state]
        yield _signed(Line(sign, style=color), line(point.claim))
        if point.sentence and point.sentence != quoted:
            quoted = point.sentence
            yield Padding(Line(f"“{safe(short(quoted, MAX_QUOTE))}”", style="dim"), (0, 0, 0, INDENT))


def _explanation(explanation: Explanation) -> Iterator[RenderableType]:
    reason = f" ({safe(explanation.reason)})" if explanation.reason else ""
    yield Line(f"{explanation.label}{reason}{'' if explanation.done else ' …'}\n", style="dim")
    yield TerminalMarkdown(explanation.text)


def _standings(standings: Standings) -> RenderableType:
    grid = Grid.grid(padding=(0, 3, 0, 0))
    for justify in ("right", "left", "right", "left"):
        grid.add_column(justify=justify, overflow="fold")

    def row(rank: Rank) -> None:
        # As `Line`s: Rich would interpret its markup in plain strings, and a name may hold some.
        cells = (f"{rank.rank}.", rank.name, rank.points, rank.detail)
        grid.add_row(*(Line(safe(cell)) for cell in cells), style="bold" if rank.mine else "")

    for rank in standings.rows:
        row(rank)
    if standings.mine:
        grid.add_row("…")
        row(standings.mine)
    parts: list[RenderableType] = [Line(safe(standings.title), style="bold"), grid]
    if standings.footnote:
        parts.append(line(standings.footnote, "dim"))
    return Group(*parts)


def _calendar(calendar: Calendar) -> RenderableType:
    current, longest = (plural(n, "day") for n in (calendar.current, calendar.longest))
    head = Line.assemble(
        (f"{safe(calendar.title)}: ", "bold"),
        (current, "bold green"),
        f", longest {longest}, {calendar.freezes} of 2 freezes",
    )
    if not calendar.days:
        return head
    grid = Grid.grid(padding=(0, 1))
    grid.add_row("", *(Line(d, style="dim") for d in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")))
    for monday, week in calendar.weeks().items():
        grid.add_row(Line(f"{monday:%b %d}", style="dim"), *(Line(*MARKS[mark]) for mark in week))
    legend = Line("  ").join(Line.assemble(MARKS[mark], f" {mark.value}") for mark in calendar.legend())
    return Group(head, Line(), grid, Line(), legend)


def _topic_row(topic: TopicMastery) -> tuple[str, str, str]:
    share = "not tried yet" if topic.share is None else f"{topic.share:.0%} of {topic.tried}"
    return topic.topic, str(topic.questions), share


def _table(table: Table) -> RenderableType:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in table.columns:
        grid.add_column(Line(safe(column)), overflow="fold")
    for row in table.rows:
        grid.add_row(*(Line(_short_time(cell) if isinstance(cell, datetime) else safe(cell)) for cell in row))
    return Group(Line(safe(table.title), style="bold"), grid) if table.title else grid


def _short_time(when: datetime) -> str:
    """Format a time in this computer's zone, briefly enough for a table."""
    local = when.astimezone()
    return f"{local:%a, %b} {local.day}, {local:%H:%M}"
