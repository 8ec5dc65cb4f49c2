"""Blocks laid down one under the other, on as many messages as it takes, each within Slack's limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.platforms.slack import limits
from bot.platforms.slack.markup import LIKE, escape, plain, split, stripped
from bot.replies import Button, File, Menu, MenuOption, Picture
from bot.text.cleaning import short

BlockKit = dict[str, Any]

SHORTENED = "_Shortened: the rest is longer than I may write here._"
ELSEWHERE = "_Pictures and files come in the chat._"
PRESSED, PICKED = "press", "pick"
"""What the ids of buttons and of menus begin with. What a button does is its value, what a menu does is its id."""
SLIVER = 160
"""Characters: text is not begun at the end of a message for less."""
_RESERVED = len(SHORTENED) + len(ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Words:
    """Running text: in a message a block of Markdown, and sections of mrkdwn in a view, which takes no Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """Text in mrkdwn, which alone knows moments; with `action`, its button stands beside it."""

    text: str
    action: Button | None = None


@dataclass(frozen=True, slots=True)
class Small:
    """Small grey text in mrkdwn."""

    text: str


@dataclass(frozen=True, slots=True)
class Head:
    """A heading, in which nothing is a mark."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its rows of cells, the first of them its head, or else what says the same without one."""

    rows: tuple[tuple[BlockKit, ...], ...]
    columns: tuple[BlockKit, ...]
    otherwise: Said


@dataclass(frozen=True, slots=True)
class Line:
    """A thin line between two parts of a message, drawn only once there is something below it."""


Piece = Words | Said | Small | Head | Grid | tuple[Button, ...] | Menu | Picture | File | Line


@dataclass(slots=True)
class Drawing:
    """A message to be sent. `text` is what notifications show and screen readers read; files go along with it."""

    text: str
    blocks: list[BlockKit]
    files: list[File | Picture] = field(default_factory=list)


class _Page:
    """One message, or view, as it fills."""

    def __init__(self, blocks: int, characters: int) -> None:
        self.blocks: list[BlockKit] = []
        self.files: list[File | Picture] = []
        self.words: list[str] = []
        # Notes that something was left out have their place kept.
        self.left, self.characters = blocks - 2, characters - _RESERVED
        self.lines: set[str] = set()
        self.buttons = 0
        self.grid = False
        self._line_due = False

    def has_room(self, characters: int, blocks: int = 1) -> bool:
        return blocks <= self.left and characters <= self.characters

    def part(self) -> None:
        """A line before whatever comes next on this page, if anything does."""
        self._line_due = bool(self.blocks)

    def add(self, block: BlockKit, said: str = "", size: int | None = None) -> None:
        """`size` is its weight, where that is known already."""
        if self._line_due and self.left > 1:  # it takes no room that the block needs
            self.blocks.append({"type": "divider"})
            self.left -= 1
        self._line_due = False
        self.blocks.append(block)
        self.left -= 1
        self.characters -= weight(block) if size is None else size
        if said:
            self.words.append(said)


class Sheet:
    """`home`: the one page of a view, which is longer, and takes neither Markdown nor tables nor files."""

    def __init__(self, *, home: bool = False) -> None:
        self._home = home
        self._pages = [self._blank()]
        self._cut = self._elsewhere = False

    def lay(self, piece: Piece) -> None:
        match piece:
            case Words(text):
                if self._home:
                    self._write(text, section, limits.SECTION)
                else:
                    self._write(text, _markdown, limits.TEXT)
            case Said(text, Button() as action):
                self._beside(text, action)
            case Said(text):
                self._write(text, section, limits.SECTION)
            case Small(text):
                self._write(text, _context, limits.SECTION)
            case Head(text):
                self._head(text)
            case Grid():
                self._grid(piece)
            case Menu():
                self._menu(piece)
            case Picture() | File():
                self._attach(piece)
            case Line():
                self._page.part()
            case _:
                self._offer(piece)

    @property
    def _page(self) -> _Page:
        return self._pages[-1]

    def _blank(self) -> _Page:
        return _Page(limits.HOME, limits.HOME_TEXT) if self._home else _Page(limits.BLOCKS, limits.TEXT)

    def _turn(self) -> bool:
        """On to a new message, if there may be one more."""
        if len(self._pages) == (1 if self._home else limits.PAGES):
            self._cut = True
            return False
        self._pages.append(self._blank())
        return True

    def _roomy(self, characters: int) -> bool:
        """Whether a block of so many characters has its place, here or on the next page."""
        return self._page.has_room(characters) or (self._turn() and self._page.has_room(characters))

    def _write(self, text: str, block: Callable[[str], BlockKit], most: int) -> None:
        text = text.strip("\n")
        while text.strip():
            page = self._page
            if not page.has_room(min(SLIVER, len(text))):
                if not self._turn():
                    return
                continue
            now, text = split(text, min(most, page.characters))
            if now.strip():
                page.add(block(now), stripped(now))

    def _head(self, text: str) -> None:
        text = plain(text)
        if len(text) > limits.HEADER:
            self._write(f"*{escape(text.translate(LIKE))}*", section, limits.SECTION)
        elif text and self._roomy(len(text) + SLIVER):  # no page ends with a heading
            self._page.add({"type": "header", "text": label(text, limits.HEADER)}, text)

    def _beside(self, text: str, action: Button) -> None:
        """Text with its button at its side; one under the other where it is too long for that."""
        if not text.strip() or len(text) > limits.BESIDE:
            self._write(text, section, limits.SECTION)
            self._offer((action,))
        elif self._roomy(len(text) + limits.BUTTON):
            self._page.add({**section(text), "accessory": self._button(action)}, stripped(text))

    def _offer(self, actions: Sequence[Button]) -> None:
        for start in range(0, len(actions), limits.BUTTONS):
            row = actions[start : start + limits.BUTTONS]
            if self._roomy(len(row) * limits.BUTTON):
                self._page.add({"type": "actions", "elements": [self._button(action) for action in row]})

    def _button(self, action: Button) -> BlockKit:
        self._page.buttons += 1
        button = {
            "type": "button",
            "action_id": f"{PRESSED}-{self._page.buttons}",
            "text": label(action.label, limits.BUTTON),
            "value": action.line,
        }
        return button if action.style == "plain" else {**button, "style": action.style}

    def _menu(self, menu: Menu) -> None:
        """The menu beside its prompt. Slack has no roles."""
        if menu.kind == "roles":
            return
        fitting = {entry.value: entry for entry in menu.options if 0 < len(entry.value) <= limits.VALUE}
        entries = tuple(fitting.values())[: limits.ENTRIES]
        self._cut = self._cut or len(entries) < len(menu.options)
        prompt = f"*{escape(short(plain(menu.prompt), limits.LABEL).translate(LIKE)) or '…'}*"
        block = {**section(prompt), "accessory": _select(menu, entries)} if entries else section(prompt)
        size = weight(block)
        if self._roomy(size) and menu.id not in self._page.lines:
            self._page.lines.add(menu.id)
            chosen = ", ".join(plain(entry.label) for entry in entries if entry.chosen)
            self._page.add(block, f"{stripped(prompt)}: {chosen or '–'}", size)

    def _grid(self, grid: Grid) -> None:
        """A table, where this message has none yet: Slack takes one."""
        block = {"type": "table", "rows": [list(row) for row in grid.rows], "column_settings": list(grid.columns)}
        rows, columns, size = len(grid.rows), len(grid.columns), weight(block)
        fits = 1 < rows <= limits.ROWS and 1 <= columns <= limits.COLUMNS and size <= limits.CELLS
        if self._home or self._page.grid or not fits or not self._page.has_room(size):
            self.lay(grid.otherwise)
        else:
            self._page.grid = True
            self._page.add(block, stripped(grid.otherwise.text), size)

    def _attach(self, file: Picture | File) -> None:
        if self._home:
            self._elsewhere = True
        elif isinstance(file, Picture):
            self._page.files.append(Picture(file.png, short(plain(file.alt), limits.ALT)))
        else:
            self._page.files.append(file)

    def finished(self) -> list[Drawing]:
        for due, note in ((self._cut, SHORTENED), (self._elsewhere, ELSEWHERE)):
            if due:
                self._page.blocks.append(_context(note))
                self._page.words.append(stripped(note))
        return [_drawn(page) for page in self._pages]


def _drawn(page: _Page) -> Drawing:
    words = " ".join(" ".join(page.words).split())
    if not words:
        words = (
            " ".join(file.alt if isinstance(file, Picture) else plain(file.name) for file in page.files).strip() or "…"
        )
    text, more = split(escape(words), limits.FALLBACK - 2)
    return Drawing(f"{text} …" if more else text, page.blocks or [section(escape(short(words, SLIVER)))], page.files)


def section(mrkdwn: str) -> BlockKit:
    return {"type": "section", "text": _verbatim(mrkdwn)}


def _context(mrkdwn: str) -> BlockKit:
    return {"type": "context", "elements": [_verbatim(mrkdwn)]}


def _markdown(text: str) -> BlockKit:
    return {"type": "markdown", "text": text}


def _verbatim(mrkdwn: str) -> BlockKit:
    """Text in which Slack looks for no addresses or names to make links of."""
    return {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}


def label(text: str, limit: int) -> BlockKit:
    return {"type": "plain_text", "text": short(plain(text), limit) or "…", "emoji": True}


def _select(menu: Menu, entries: tuple[MenuOption, ...]) -> BlockKit:
    options = [{"text": label(entry.label, limits.OPTION), "value": entry.value} for entry in entries]
    chosen = [option for option, entry in zip(options, entries, strict=True) if entry.chosen]
    select: BlockKit = {
        "type": "multi_static_select" if menu.multiple else "static_select",
        "action_id": f"{PICKED} {menu.id}",
        "placeholder": label("Pick some" if menu.multiple else "Pick one", limits.LABEL),
        "options": options,
    }
    if chosen:
        select["initial_options" if menu.multiple else "initial_option"] = chosen if menu.multiple else chosen[0]
    return select


def weight(block: Any) -> int:
    """The characters that are text in a block.

    A loop, since a table is hundreds of parts deep within each other, and this is asked of each table.
    """
    characters, parts = 0, [block]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            for key, value in part.items():
                if isinstance(value, str):
                    characters += len(value) if key in ("text", "fallback") else 0
                else:
                    parts.append(value)
    return characters
