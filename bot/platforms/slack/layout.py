"""Lay out blocks one below the other, in as many messages as it takes, each within Slack's limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from bot.platforms.slack import limits
from bot.platforms.slack.markup import MARKDOWN, MRKDWN, Dialect, as_read, bold, escape, literal_line, plain_line, split
from bot.replies import Button, File, Menu, MenuOption, Picture
from bot.text.cleaning import short

BlockKit = dict[str, Any]

SHORTENED_NOTE = "_The rest is too long to show here._"
FILES_NOTE = "_Pictures and files are in our chat._"
BUTTON_PREFIX, MENU_PREFIX = "press", "pick"
"""What the action ids of buttons and menus begin with. A button's command is its value, a menu's is in its id."""
MIN_TEXT = 160
"""If there's room for fewer characters than this, text starts in the next message."""
NO_TEXT = "…"
"""What notifications say about a message that has no text."""
_NOTES_LENGTH = len(SHORTENED_NOTE) + len(FILES_NOTE)


class Surface(Enum):
    """Where the blocks go. Only posts are known to take Markdown and tables.

    An `ANSWER` goes into an acknowledgment or to a response_url, which may refuse both, as incoming webhooks do.
    """

    POST = auto()
    ANSWER = auto()
    HOME = auto()


@dataclass(frozen=True, slots=True)
class Body:
    """Running text: a block of Markdown in a post, and sections of mrkdwn elsewhere."""

    text: str


@dataclass(frozen=True, slots=True)
class Mrkdwn:
    """Text in mrkdwn, the only dialect with local times; a `button` is shown beside it."""

    text: str
    button: Button | None = None


@dataclass(frozen=True, slots=True)
class SmallText:
    """Small gray text in mrkdwn."""

    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """A header in plain text, without any formatting."""

    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose first row is its header, and a `fallback` that says the same without a table."""

    rows: tuple[tuple[BlockKit, ...], ...]
    columns: tuple[BlockKit, ...]
    fallback: Mrkdwn


@dataclass(frozen=True, slots=True)
class Divider:
    """A thin line between two parts of a message, drawn only if something follows."""


Piece = Body | Mrkdwn | SmallText | Header | Grid | tuple[Button, ...] | Menu | Picture | File | Divider


@dataclass(slots=True)
class RenderedMessage:
    """A message ready to send. `text` is for notifications and screen readers; files go along with it.

    `whole_text` says all that the blocks say, if that's more.
    """

    text: str
    blocks: list[BlockKit]
    files: list[File | Picture] = field(default_factory=list)
    whole_text: str = ""


class _Page:
    """One message or view while it's being filled."""

    def __init__(self, blocks: int, characters: int) -> None:
        self.blocks: list[BlockKit] = []
        self.files: list[File | Picture] = []
        self.texts: list[str] = []
        # Two notes that something was left out must always fit.
        self.blocks_left, self.characters_left = blocks - 2, characters - _NOTES_LENGTH
        self.menu_ids: set[str] = set()
        self.button_count = 0
        self.has_table = False
        self._divider_due = False

    def has_room(self, characters: int, blocks: int = 1) -> bool:
        return blocks <= self.blocks_left and characters <= self.characters_left

    def divide(self) -> None:
        """Draw a line before the next block on this page, if there is one."""
        self._divider_due = bool(self.blocks)

    def add(self, block: BlockKit, text: str = "", size: int | None = None) -> None:
        """Add a block. `text` is what screen readers read for it; `size` is its `text_length`, if that's known."""
        if self._divider_due and self.blocks_left > 1:  # it must not take the block's place
            self.blocks.append({"type": "divider"})
            self.blocks_left -= 1
        self._divider_due = False
        self.blocks.append(block)
        self.blocks_left -= 1
        self.characters_left -= text_length(block) if size is None else size
        if text:
            self.texts.append(text)


class Layout:
    """Fills messages; or the one page of a home, which is longer, but takes no files."""

    def __init__(self, surface: Surface) -> None:
        self._home = surface is Surface.HOME
        self._rich = surface is Surface.POST
        self._pages = [self._empty_page()]
        self._shortened = self._files_left_out = False

    def add(self, piece: Piece) -> None:
        match piece:
            case Body(text):
                if self._rich:
                    self._add_text(text, _markdown, limits.MESSAGE_TEXT, MARKDOWN)
                else:
                    self._add_text(text, section, limits.SECTION)
            case Mrkdwn(text, Button() as button):
                self._add_text_with_button(text, button)
            case Mrkdwn(text):
                self._add_text(text, section, limits.SECTION)
            case SmallText(text):
                self._add_text(text, _context, limits.SECTION)
            case Header(text):
                self._add_header(text)
            case Grid():
                self._add_table(piece)
            case Menu():
                self._add_menu(piece)
            case Picture() | File():
                self._add_file(piece)
            case Divider():
                self._page.divide()
            case _:
                self._add_buttons(piece)

    @property
    def _page(self) -> _Page:
        return self._pages[-1]

    def _empty_page(self) -> _Page:
        if self._home:
            return _Page(limits.HOME_BLOCKS, limits.HOME_TEXT)
        return _Page(limits.BLOCKS, limits.MESSAGE_TEXT)

    def _next_page(self) -> bool:
        """Start a new message; False if there are already as many as allowed."""
        if len(self._pages) == (1 if self._home else limits.PAGES):
            self._shortened = True
            return False
        self._pages.append(self._empty_page())
        return True

    def _make_room(self, characters: int) -> bool:
        """Return whether a block of that many characters fits, on this page or on a new one."""
        return self._page.has_room(characters) or (self._next_page() and self._page.has_room(characters))

    def _add_text(
        self, text: str, block: Callable[[str], BlockKit], max_length: int, dialect: Dialect = MRKDWN
    ) -> None:
        text = text.strip("\n")
        while text.strip():
            page = self._page
            if not page.has_room(min(MIN_TEXT, len(text))):
                if not self._next_page():
                    return
                continue
            part, text = split(text, min(max_length, page.characters_left))
            if part.strip():
                page.add(block(part), as_read(part, dialect))

    def _add_header(self, text: str) -> None:
        text = plain_line(text)
        if len(text) > limits.HEADER:
            self._add_text(bold(literal_line(text)), section, limits.SECTION)
        elif text and self._make_room(len(text) + MIN_TEXT):  # no page ends with a header
            self._page.add({"type": "header", "text": label(text, limits.HEADER)}, text)

    def _add_text_with_button(self, text: str, button: Button) -> None:
        """Add text with a button beside it; below it if the text is too long for that."""
        if not text.strip() or len(text) > limits.TEXT_WITH_BUTTON:
            self._add_text(text, section, limits.SECTION)
            self._add_buttons((button,))
        elif self._make_room(len(text) + limits.BUTTON_LABEL):
            self._page.add({**section(text), "accessory": self._button(button)}, as_read(text))

    def _add_buttons(self, buttons: Sequence[Button]) -> None:
        for start in range(0, len(buttons), limits.BUTTONS):
            row = buttons[start : start + limits.BUTTONS]
            if self._make_room(len(row) * limits.BUTTON_LABEL):
                self._page.add({"type": "actions", "elements": [self._button(button) for button in row]})

    def _button(self, button: Button) -> BlockKit:
        self._page.button_count += 1
        element = {
            "type": "button",
            "action_id": f"{BUTTON_PREFIX}-{self._page.button_count}",
            "text": label(button.label, limits.BUTTON_LABEL),
            "value": button.line,
        }
        return element if button.style == "plain" else {**element, "style": button.style}

    def _add_menu(self, menu: Menu) -> None:
        """Add a menu beside its prompt. Slack has no roles, so menus of roles are left out."""
        if menu.kind == "roles":
            return
        unique = {option.value: option for option in menu.options if 0 < len(option.value) <= limits.OPTION_VALUE}
        options = tuple(unique.values())[: limits.OPTIONS]
        self._shortened = self._shortened or len(options) < len(menu.options)
        prompt = bold(literal_line(short(plain_line(menu.prompt), limits.LABEL)) or "…")
        block = {**section(prompt), "accessory": _select(menu, options)} if options else section(prompt)
        size = text_length(block)
        if self._make_room(size) and menu.id not in self._page.menu_ids:
            self._page.menu_ids.add(menu.id)
            chosen = ", ".join(plain_line(option.label) for option in options if option.chosen)
            self._page.add(block, f"{as_read(prompt)}: {chosen or '–'}", size)

    def _add_table(self, grid: Grid) -> None:
        """Add a table if this message has none yet, since Slack takes one; else its fallback."""
        block = {"type": "table", "rows": [list(row) for row in grid.rows], "column_settings": list(grid.columns)}
        rows, columns, size = len(grid.rows), len(grid.columns), text_length(block)
        fits = 1 < rows <= limits.TABLE_ROWS and 1 <= columns <= limits.TABLE_COLUMNS and size <= limits.TABLE_TEXT
        if not self._rich or self._page.has_table or not fits or not self._page.has_room(size):
            self.add(grid.fallback)
        else:
            self._page.has_table = True
            self._page.add(block, as_read(grid.fallback.text), size)

    def _add_file(self, file: Picture | File) -> None:
        if self._home:
            self._files_left_out = True
        elif isinstance(file, Picture):
            self._page.files.append(Picture(file.png, short(plain_line(file.alt), limits.ALT_TEXT)))
        else:
            self._page.files.append(file)

    def messages(self) -> list[RenderedMessage]:
        """Return the finished messages; the last one says if something was left out."""
        for due, note in ((self._shortened, SHORTENED_NOTE), (self._files_left_out, FILES_NOTE)):
            if due:
                self._page.blocks.append(_context(note))
                self._page.texts.append(as_read(note))
        return [_message(page) for page in self._pages]


def _message(page: _Page) -> RenderedMessage:
    text = " ".join(" ".join(page.texts).split())
    if not text:
        names = (file.alt if isinstance(file, Picture) else plain_line(file.name) for file in page.files)
        text = " ".join(names).strip() or NO_TEXT
    start, rest = split(escape(text), limits.FALLBACK - 2)
    blocks = page.blocks or [section(escape(short(text, MIN_TEXT)))]
    if rest:
        return RenderedMessage(f"{start} …", blocks, page.files, escape("\n\n".join(page.texts)))
    return RenderedMessage(start, blocks, page.files)


def section(mrkdwn: str) -> BlockKit:
    return {"type": "section", "text": _verbatim(mrkdwn)}


def _context(mrkdwn: str) -> BlockKit:
    return {"type": "context", "elements": [_verbatim(mrkdwn)]}


def _markdown(text: str) -> BlockKit:
    return {"type": "markdown", "text": text}


def _verbatim(mrkdwn: str) -> BlockKit:
    """Return text whose addresses and names Slack doesn't turn into links."""
    return {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}


def label(text: str, max_length: int) -> BlockKit:
    return {"type": "plain_text", "text": short(plain_line(text), max_length) or "…", "emoji": True}


def _select(menu: Menu, options: tuple[MenuOption, ...]) -> BlockKit:
    elements = [{"text": label(option.label, limits.OPTION_LABEL), "value": option.value} for option in options]
    chosen = [element for element, option in zip(elements, options, strict=True) if option.chosen]
    select: BlockKit = {
        "type": "multi_static_select" if menu.multiple else "static_select",
        "action_id": f"{MENU_PREFIX} {menu.id}",
        "placeholder": label("Pick some" if menu.multiple else "Pick one", limits.LABEL),
        "options": elements,
    }
    if chosen:
        select["initial_options" if menu.multiple else "initial_option"] = chosen if menu.multiple else chosen[0]
    return select


def text_length(block: Any) -> int:
    """Count the characters of text in a block.

    A loop, because a table has hundreds of nested parts, and this runs for every table.
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
