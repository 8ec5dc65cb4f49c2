"""Render a reply in the terminal with Rich, which writes plain text into pipes and honors NO_COLOR."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text as Line

from bot.platforms.terminal.markup import TerminalMarkdown, line
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
from bot.text.plural import plural

TONES = {
    Tone.INFO: ("·", "cyan"),
    Tone.GOOD: ("✓", "green"),
    Tone.WARNING: ("!", "yellow"),
    Tone.PROBLEM: ("✗", "red"),
}
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
            keys.update({option.letter: option.button for option in block.options})
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
    return Group(*(part for block in reply.blocks for part in _block(block, keys)))


def safe(text: str) -> str:
    """Remove control characters: what a model or a member wrote must not control the terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})


def _block(block: Block, keys: dict[int, str]) -> Iterator[RenderableType]:
    match block:
        case Text():
            yield from _text(block)
        case Notice(body, tone, when):
            sign, color = TONES[tone]
            time = Line(f" {_local_time(when)}", style="bold") if when else Line()
            yield Line.assemble((f"{sign} ", color), line(body), time)
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
            yield Line.assemble((f"{safe(prompt)}: ", "dim"), safe(chosen), (f"   `{block.id}…`", "dim"))
        case Picture(_, alt):
            yield Line(f"[picture: {safe(alt)}]", style="dim")
        case File(name, content):
            yield Line(f"--- {safe(name)} ---", style="dim")
            yield Line(safe(content))
        case _:
            assert_never(block)


def _text(block: Text) -> Iterator[RenderableType]:
    if block.title:
        yield Line("\n").append(line(block.title, "bold"))
        yield Line()
    yield TerminalMarkdown(block.body)


def _buttons(block: Buttons, keys: dict[int, str]) -> Iterator[RenderableType]:
    if block.prompt:
        yield Line("\n").append(line(block.prompt, "dim"))
    labels = [Line.assemble((f"[{keys[id(button)]}]", "cyan"), f" {safe(button.label)}") for button in block.buttons]
    yield Line("   ").join(labels)


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
    lines: list[RenderableType] = [line(card.question, "bold"), Line()]
    for option in card.options:
        grid = Grid.grid(padding=(0, 1))
        grid.add_row(Line(f"{option.letter})", style="cyan"), TerminalMarkdown(option.text))
        lines.append(grid)
    ways = " or ".join(
        filter(None, ["a letter" if card.options else "", "`w` for your own words" if card.write else ""])
    )
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
    yield Line(f"{sign} ", style=f"bold {color}").append(line(verdict.headline))
    if verdict.chosen and not verdict.right:
        yield Line.assemble("You chose ", line(verdict.chosen, "italic"))
    if verdict.reason:
        yield Padding(TerminalMarkdown(verdict.reason), (0, 0, 0, 2))
    if verdict.correct and not verdict.right:
        yield Line.assemble("The answer is ", line(verdict.correct, "bold"))
    for point in verdict.points:
        yield _point(point)
    if verdict.reference:
        yield Line("\nThe reference", style="bold")
        yield TerminalMarkdown(verdict.reference)
    if verdict.score:
        yield Line("\n").append(line(verdict.score, "cyan"))


def _point(point: Point) -> Line:
    sign, color = STATES[point.state]
    shown = Line.assemble((f"{sign} ", color), line(point.claim))
    if point.sentence:
        shown.append(f"  ← “{safe(point.sentence)}”", style="dim")
    return shown


def _explanation(explanation: Explanation) -> Iterator[RenderableType]:
    reason = f" ({safe(explanation.reason)})" if explanation.reason else ""
    yield Line(f"{explanation.label}{reason}{'' if explanation.done else ' …'}\n", style="dim")
    yield TerminalMarkdown(explanation.text)


def _standings(standings: Standings) -> RenderableType:
    grid = Grid(
        title=Line(safe(standings.title)),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_header=False,
    )
    for justify in ("right", "left", "right", "left"):
        grid.add_column(justify=justify)

    def row(rank: Rank) -> None:
        # As `Line`s: Rich would interpret its markup in plain strings, and a name may hold some.
        cells = (f"{rank.rank}.", rank.name, rank.points, rank.detail)
        grid.add_row(*(Line(safe(cell)) for cell in cells), style="bold" if rank.mine else "")

    for rank in standings.rows:
        row(rank)
    if standings.mine:
        grid.add_row("…")
        row(standings.mine)
    return Group(grid, Line(safe(standings.footnote), style="dim"))


def _calendar(calendar: Calendar) -> RenderableType:
    current, longest = (plural(n, "day") for n in (calendar.current, calendar.longest))
    head = Line.assemble(
        (f"{safe(calendar.title)}: ", "bold"),
        (current, "bold green"),
        f", longest {longest}, freezes {calendar.freezes}/2",
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
    grid = Grid(
        title=Line(safe(table.title)) if table.title else None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
    )
    for column in table.columns:
        grid.add_column(Line(safe(column)))
    for row in table.rows:
        grid.add_row(*(Line(_local_time(cell) if isinstance(cell, datetime) else safe(cell)) for cell in row))
    return grid
