"""What people see in blocks: text, buttons and menus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

Payload = dict[str, Any]

BUTTONS = ("button", "icon_button", "workflow_button")


class Place(NamedTuple):
    """An element and its block."""

    block: Payload
    element: Payload


def elements(blocks: Sequence[Payload]) -> Iterator[Place]:
    """Yield everything that can be pressed, picked or filled in."""
    for block in blocks:
        inner = [*(block.get("elements") or ()), *(block.get("actions") or ())]
        inner += [block[name] for name in ("accessory", "element") if name in block]
        yield from (Place(block, element) for element in inner if "action_id" in element)
        yield from elements(block.get("child_blocks") or ())
        yield from elements([element for element in inner if element.get("type") == "card"])


def words(part: Any) -> Iterator[str]:
    """Return every text except those of buttons and menus."""
    if isinstance(part, list):
        for item in part:
            yield from words(item)
    elif isinstance(part, dict) and "action_id" not in part:
        for name in ("title", "subtitle", "label", "text", "body", "alt_text", "details", "output"):
            if isinstance(part.get(name), str):
                yield part[name]
            else:
                yield from words(part.get(name))
        for name in ("fields", "elements", "rows", "hint", "child_blocks", "tasks", "accessory"):
            yield from words(part.get(name))


def text(part: Payload | None) -> str:
    return str((part or {}).get("text", ""))


class Shown:
    """Something with blocks: a message or a view."""

    __slots__ = ()

    if TYPE_CHECKING:  # an inherited property would be a dataclass's default

        @property
        def blocks(self) -> list[Payload]: ...

    @property
    def words(self) -> str:
        """All the text of its blocks."""
        return "\n".join(words(self.blocks))

    @property
    def buttons(self) -> list[str]:
        """The labels, top to bottom."""
        return [label for _, _, label in self._buttons()]

    @property
    def menus(self) -> list[str]:
        """The action ids of everything that can be picked or filled in."""
        return [element["action_id"] for _, element in elements(self.blocks) if element["type"] not in BUTTONS]

    def button(self, label: str) -> Payload:
        """Return the element of the button with that label."""
        return self.pressed(label).element

    def pressed(self, label: str) -> Place:
        found = [Place(block, element) for block, element, shown in self._buttons() if shown == label]
        assert found, f"there is no button {label!r}, but {self.buttons}"
        return found[0]

    def menu(self, name: str) -> Payload:
        """Find a menu by its action id, its block's id, its label or placeholder, or the text beside it."""
        return self.picked(name).element

    def picked(self, name: str) -> Place:
        for block, element in elements(self.blocks):
            named = (element["action_id"], block.get("block_id"), text(block.get("label")))
            beside = (text(element.get("placeholder")), text(block.get("text")) if block["type"] == "section" else "")
            if element["type"] not in BUTTONS and name in (*named, *beside):
                return Place(block, element)
        raise AssertionError(f"there is no menu {name!r}, but {self.menus}")

    def _buttons(self) -> Iterator[tuple[Payload, Payload, str]]:
        for block, element in elements(self.blocks):
            if element["type"] in BUTTONS:
                yield block, element, text(element["text"])
            elif element["type"] == "feedback_buttons":
                for name in ("positive_button", "negative_button"):
                    side = element[name]
                    said = {"type": element["type"], "action_id": element["action_id"]}
                    yield block, said | {"text": side["text"], "value": side["value"]}, text(side["text"])
