"""Components laid down one under the other, on as many messages as it takes, each within Discord's limits."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import discord
from discord import ui

from bot.platforms.discord import limits
from bot.platforms.discord.markup import plain, split
from bot.replies import Button, Menu
from bot.text.cleaning import short

STYLES = {
    "plain": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "danger": discord.ButtonStyle.danger,
}
SHORTENED = "-# Shortened: the rest is longer than I may write here."
SLIVER = 160
"""Characters: text is not begun at the end of a message for less."""


@dataclass(frozen=True, slots=True)
class Words:
    """Text in Discord's own marks, escaped already; with `action`, its button stands beside it."""

    text: str
    action: Button | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture and what it says to those who cannot see it."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file to be taken away."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """A thin line between two parts of a message, drawn only once there is something below it."""


Piece = Words | tuple[Button, ...] | Menu | Image | Attached | Line


@dataclass(slots=True)
class Drawing:
    """One message to be sent: what is seen, and the files that it refers to.

    The view is stopped, so that discord.py keeps nothing of it: a button carries all that pressing it needs.
    """

    view: ui.LayoutView
    files: list[discord.File] = field(default_factory=list)


class _Page:
    """One message as it fills."""

    def __init__(self) -> None:
        self.items: list[ui.Item[Any]] = []
        self.files: list[discord.File] = []
        # The container, and a note that something was left out, have their place kept.
        self.components = limits.COMPONENTS - 2
        self.characters = limits.TEXT - len(SHORTENED)
        self.bytes = limits.TEXT_BYTES - len(SHORTENED.encode())
        self.ids: set[str] = set()
        self._line_due = False

    def has_room(self, components: int, text: str = "") -> bool:
        return (
            components + self._line_due <= self.components
            and len(text) <= self.characters
            and len(text.encode()) <= self.bytes
        )

    def part(self) -> None:
        """A line before whatever comes next on this page, if anything does."""
        self._line_due = bool(self.items)

    def add(self, item: ui.Item[Any], components: int, text: str = "") -> None:
        if self._line_due:
            self._line_due = False
            self.items.append(ui.Separator())
            self.components -= 1
        self.items.append(item)
        self.components -= components
        self.characters -= len(text)
        self.bytes -= len(text.encode())


class Sheet:
    """`home` is the workspace that buttons of a direct message belong to, and goes along in their ids."""

    def __init__(self, home: str = "") -> None:
        self._home = f"@{home} " if home else ""
        self._pages = [_Page()]
        self._cut = False

    def lay(self, piece: Piece) -> None:
        match piece:
            case Words(text, Button() as action):
                self._beside(text.strip("\n"), action)
            case Words(text):
                self._write(text.strip("\n"))
            case Menu():
                self._menu(piece)
            case Image(png, alt):
                self._attach(png, f"picture{len(self._page.files)}.png", alt)
            case Attached(name, content):
                self._attach(content, name[-limits.FILENAME :])
            case Line():
                self._page.part()
            case _:
                self._offer(piece)

    @property
    def _page(self) -> _Page:
        return self._pages[-1]

    def _turn(self) -> bool:
        """On to a new message, if there may be one more."""
        if len(self._pages) == limits.PAGES:
            self._cut = True
            return False
        self._pages.append(_Page())
        return True

    def _write(self, text: str) -> None:
        while text.strip():
            page = self._page
            enough = page.characters >= min(SLIVER, len(text)) and page.bytes >= min(SLIVER, len(text.encode()))
            now, later = split(text, page.characters, page.bytes) if enough and page.has_room(1) else ("", text)
            if now.strip():
                page.add(ui.TextDisplay(now), 1, now)
            if later and not self._turn():
                return
            text = later

    def _beside(self, text: str, action: Button) -> None:
        """Text with its button at its side; one under the other where it is too long for that."""
        if self._id(action.line) is None or not text.strip() or len(text) > limits.BESIDE:
            self._write(text)
            self._offer((action,))
            return
        if not self._page.has_room(3, text) and not self._turn():
            return
        if button := self._button(action):
            self._page.add(ui.Section(ui.TextDisplay(text), accessory=button), 3, text)
        else:
            self._write(text)

    def _offer(self, actions: Sequence[Button]) -> None:
        for start in range(0, len(actions), limits.ROW):
            row = actions[start : start + limits.ROW]
            if not self._page.has_room(1 + len(row)) and not self._turn():
                return
            if buttons := [button for action in row if (button := self._button(action))]:
                self._page.add(ui.ActionRow(*buttons), 1 + len(buttons))

    def _button(self, action: Button) -> ui.Button[Any] | None:
        """None for a second one of the same id, which Discord refuses; it would do the same."""
        id = self._id(action.line)
        if id is None or id in self._page.ids:
            return None
        self._page.ids.add(id)
        return ui.Button(label=_label(action.label), custom_id=id, style=STYLES[action.style])

    def _menu(self, menu: Menu) -> None:
        prompt = f"-# {plain(short(menu.prompt, limits.ABOUT))}"
        id = self._id(menu.id)
        if id is None or (not self._page.has_room(3, prompt) and not self._turn()) or id in self._page.ids:
            return
        self._page.ids.add(id)
        self._page.add(ui.TextDisplay(prompt), 1, prompt)
        self._page.add(ui.ActionRow(_select(menu, id)), 2)

    def _attach(self, content: bytes, name: str, alt: str = "") -> None:
        full = len(self._page.files) == limits.FILES or not self._page.has_room(2)
        if full and not self._turn():
            return
        file = discord.File(io.BytesIO(content), name, description=alt[: limits.ALT] or None)
        self._page.files.append(file)
        item: ui.Item[Any] = ui.MediaGallery(discord.MediaGalleryItem(file)) if alt else ui.File(file)
        self._page.add(item, 2)

    def _id(self, line: str) -> str | None:
        """What a button is known by; None where it would be too long in a direct message."""
        id = self._home + line
        return id if len(id) <= limits.LINE else None

    def finished(self, *, colour: int | None, framed: bool, mark: int | None = None, call: str = "") -> list[Drawing]:
        """The messages; `mark` is a number by which the first is found again, `call` whom it calls."""
        if self._cut:
            self._page.items.append(ui.TextDisplay(SHORTENED))
        if not any(page.items for page in self._pages):
            self._page.items.append(ui.TextDisplay("…"))
        drawings = []
        for number, page in enumerate(page for page in self._pages if page.items):
            view = ui.LayoutView(timeout=None)
            if call and not number:
                view.add_item(ui.TextDisplay(call))
            if framed:
                view.add_item(ui.Container(*page.items, accent_colour=colour, id=None if number else mark))
            else:
                for item in page.items:
                    view.add_item(item)
            view.stop()
            drawings.append(Drawing(view, page.files))
        return drawings


def _label(text: str) -> str:
    text = " ".join(text.split())
    return (text if len(text) <= limits.LABEL else text[: limits.LABEL - 1] + "…") or "…"


def _select(menu: Menu, id: str) -> ui.Item[Any]:
    if menu.kind == "roles":
        chosen = [
            discord.SelectDefaultValue(id=int(entry.value), type=discord.SelectDefaultValueType.role)
            for entry in menu.options
            if entry.chosen and entry.value.isdecimal()
        ]
        return ui.RoleSelect(custom_id=id, min_values=0, max_values=1, default_values=chosen, placeholder="nobody")
    entries = menu.options[: limits.ENTRIES]
    options = [
        discord.SelectOption(label=_label(entry.label), value=entry.value[: limits.SUGGESTION], default=entry.chosen)
        for entry in entries
    ]
    if menu.multiple:
        return ui.Select(custom_id=id, options=options, min_values=0, max_values=len(options))
    return ui.Select(custom_id=id, options=options)
