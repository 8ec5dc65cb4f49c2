"""Lay out components one below the other, in as many messages as it takes, each within Discord's limits."""

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
SHORTENED = "-# Cut short: the rest is too long to post here."
MIN_SPLIT_SIZE = 160
"""If there's room for fewer characters than this, text starts in the next message."""


@dataclass(frozen=True, slots=True)
class Markup:
    """Text in Discord's own markup, already escaped; its `button`, if any, goes next to it."""

    text: str
    button: Button | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture with its alternative text."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to download."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Divider:
    """A thin line between two parts of a message, drawn only if something follows it."""


Piece = Markup | tuple[Button, ...] | Menu | Image | Attachment | Divider


@dataclass(slots=True)
class RenderedMessage:
    """One message to send: its view, and the files that the view refers to.

    The view is stopped so that discord.py doesn't keep it in memory: a button's id holds everything it needs.
    """

    view: ui.LayoutView
    files: list[discord.File] = field(default_factory=list)


class _Page:
    """One message as it fills up: `components`, `characters` and `bytes` are what's left of each."""

    def __init__(self) -> None:
        self.items: list[ui.Item[Any]] = []
        self.files: list[discord.File] = []
        # Room is reserved for the container, and for a note that something was left out.
        self.components = limits.COMPONENTS - 2
        self.characters = limits.TEXT - len(SHORTENED)
        self.bytes = limits.TEXT_BYTES - len(SHORTENED.encode())
        self.ids: set[str] = set()
        self._divider_due = False

    def has_room(self, components: int, text: str = "") -> bool:
        return (
            components + self._divider_due <= self.components
            and len(text) <= self.characters
            and len(text.encode()) <= self.bytes
        )

    def divide(self) -> None:
        """Draw a divider before the next item on this page, if there is one."""
        self._divider_due = bool(self.items)

    def add(self, item: ui.Item[Any], components: int, text: str = "") -> None:
        if self._divider_due:
            self._divider_due = False
            self.items.append(ui.Separator())
            self.components -= 1
        self.items.append(item)
        self.components -= components
        self.characters -= len(text)
        self.bytes -= len(text.encode())


class Layout:
    """`workspace` is the server that the buttons of a direct message belong to, and goes into their ids."""

    def __init__(self, workspace: str = "") -> None:
        self._id_prefix = f"@{workspace} " if workspace else ""
        self._pages = [_Page()]
        self._cut = False

    def add(self, piece: Piece) -> None:
        match piece:
            case Markup(text, Button() as button):
                self._write_with_button(text.strip("\n"), button)
            case Markup(text):
                self._write(text.strip("\n"))
            case Menu():
                self._add_menu(piece)
            case Image(png, alt):
                self._attach(png, f"picture{len(self._page.files)}.png", alt)
            case Attachment(name, content):
                self._attach(content, name[-limits.FILENAME :])
            case Divider():
                self._page.divide()
            case _:
                self._add_buttons(piece)

    @property
    def _page(self) -> _Page:
        return self._pages[-1]

    def _next_page(self) -> bool:
        """Start a new message; False if there are as many as allowed."""
        if len(self._pages) == limits.PAGES:
            self._cut = True
            return False
        self._pages.append(_Page())
        return True

    def _write(self, text: str) -> None:
        while text.strip():
            page = self._page
            enough = page.characters >= min(MIN_SPLIT_SIZE, len(text)) and page.bytes >= min(
                MIN_SPLIT_SIZE, len(text.encode())
            )
            now, later = split(text, page.characters, page.bytes) if enough and page.has_room(1) else ("", text)
            if now.strip():
                page.add(ui.TextDisplay(now), 1, now)
            if later and not self._next_page():
                return
            text = later

    def _write_with_button(self, text: str, button: Button) -> None:
        """Write text with its button next to it, or below it if the text is too long for that."""
        if self._custom_id(button.line) is None or not text.strip() or len(text) > limits.SECTION:
            self._write(text)
            self._add_buttons((button,))
            return
        if not self._page.has_room(3, text) and not self._next_page():
            return
        if accessory := self._button(button):
            self._page.add(ui.Section(ui.TextDisplay(text), accessory=accessory), 3, text)
        else:
            self._write(text)

    def _add_buttons(self, buttons: Sequence[Button]) -> None:
        for start in range(0, len(buttons), limits.ROW):
            row = buttons[start : start + limits.ROW]
            if not self._page.has_room(1 + len(row)) and not self._next_page():
                return
            if drawn := [component for button in row if (component := self._button(button))]:
                self._page.add(ui.ActionRow(*drawn), 1 + len(drawn))

    def _button(self, button: Button) -> ui.Button[Any] | None:
        """Return None for a second button with the same id: Discord refuses it, and it would only do the same thing."""
        custom_id = self._custom_id(button.line)
        if custom_id is None or custom_id in self._page.ids:
            return None
        self._page.ids.add(custom_id)
        return ui.Button(label=_label(button.label), custom_id=custom_id, style=STYLES[button.style])

    def _add_menu(self, menu: Menu) -> None:
        prompt = f"-# {plain(short(menu.prompt, limits.DESCRIPTION))}"
        custom_id = self._custom_id(menu.id)
        if custom_id is None or (not self._page.has_room(3, prompt) and not self._next_page()):
            return
        if custom_id in self._page.ids:
            return
        self._page.ids.add(custom_id)
        self._page.add(ui.TextDisplay(prompt), 1, prompt)
        self._page.add(ui.ActionRow(_select(menu, custom_id)), 2)

    def _attach(self, content: bytes, name: str, alt: str = "") -> None:
        full = len(self._page.files) == limits.FILES or not self._page.has_room(2)
        if full and not self._next_page():
            return
        file = discord.File(io.BytesIO(content), name, description=short(alt, limits.ALT) or None)
        self._page.files.append(file)
        item: ui.Item[Any] = ui.MediaGallery(discord.MediaGalleryItem(file)) if alt else ui.File(file)
        self._page.add(item, 2)

    def _custom_id(self, line: str) -> str | None:
        """Return a button's id; None if it would be too long in a direct message."""
        custom_id = self._id_prefix + line
        return custom_id if len(custom_id) <= limits.CUSTOM_ID else None

    def messages(
        self, *, color: int | None, framed: bool, frame_id: int | None = None, mention: str = ""
    ) -> list[RenderedMessage]:
        """Return the messages. `frame_id` is the id of the first one's frame; `mention` goes above the first one."""
        if self._cut:
            self._page.items.append(ui.TextDisplay(SHORTENED))
        if not any(page.items for page in self._pages):
            self._page.items.append(ui.TextDisplay("…"))
        messages = []
        for number, page in enumerate(page for page in self._pages if page.items):
            view = ui.LayoutView(timeout=None)
            if mention and not number:
                view.add_item(ui.TextDisplay(mention))
            if framed:
                view.add_item(ui.Container(*page.items, accent_colour=color, id=None if number else frame_id))
            else:
                for item in page.items:
                    view.add_item(item)
            view.stop()
            messages.append(RenderedMessage(view, page.files))
        return messages


def _label(text: str) -> str:
    return short(" ".join(text.split()), limits.LABEL) or "…"


def _select(menu: Menu, custom_id: str) -> ui.Item[Any]:
    if menu.kind == "roles":
        chosen = [
            discord.SelectDefaultValue(id=int(option.value), type=discord.SelectDefaultValueType.role)
            for option in menu.options
            if option.chosen and option.value.isdecimal()
        ]
        return ui.RoleSelect(
            custom_id=custom_id, min_values=0, required=False, default_values=chosen, placeholder="none"
        )
    options = [
        discord.SelectOption(label=_label(option.label), value=option.value[: limits.SUGGESTION], default=option.chosen)
        for option in menu.options[: limits.MENU_OPTIONS]
    ]
    if menu.multiple:
        return ui.Select(custom_id=custom_id, options=options, min_values=0, max_values=len(options), required=False)
    return ui.Select(custom_id=custom_id, options=options)
