"""Forms: a command's own parameters asked for together, and what was typed into them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.commands import Command, Parameter, Place
from bot.platforms.slack import limits

FORM = "form"
"""The callback id of every form; what it is for travels in its metadata."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a form carries unseen: the command line that opened it, where that was, and where the reply goes."""

    line: str
    place: Place
    response_url: str = ""

    def dump(self) -> str:
        return json.dumps([self.line, asdict(self.place), self.response_url], ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> Errand:
        line, place, response_url = json.loads(text)
        return cls(line, Place(**place), response_url)


def form(command: Command, fields: tuple[Parameter, ...], errand: Errand) -> dict[str, Any]:
    """The form of a command, to be opened at once. A field's block and value both go by the parameter's name."""
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": errand.dump(),
        "title": _text(_short(command.about, limits.TITLE)),
        "submit": _text("Send"),
        "blocks": [_field(parameter) for parameter in fields],
    }


def _field(parameter: Parameter) -> dict[str, Any]:
    element: dict[str, Any]
    if parameter.choices:
        options = [{"text": _text(choice[: limits.OPTION]), "value": choice} for choice in parameter.choices]
        element = {"type": "static_select", "action_id": parameter.name, "options": options}
    else:
        most = min(parameter.limit, limits.FIELD)
        element = {
            "type": "plain_text_input",
            "action_id": parameter.name,
            "multiline": parameter.long,
            "max_length": most,
        }
    return {
        "type": "input",
        "block_id": parameter.name,
        "optional": not parameter.required,
        "label": _text(_short(parameter.name.capitalize(), limits.LABEL)),
        "hint": _text(_short(parameter.about, limits.HINT)),
        "element": element,
    }


def typed(view: Mapping[str, Any]) -> dict[str, str]:
    """What a sent form holds, by parameter."""
    values: dict[str, str] = {}
    for name, by_action in view["state"]["values"].items():
        element = by_action[name]
        chosen = element.get("selected_option") or {}
        if text := element.get("value") or chosen.get("value"):
            values[name] = text
    return values


def _text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
