"""Forms: a command's own parameters asked for together, and what was typed into them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.commands import Command, Parameter, Place
from bot.platforms.slack import limits
from bot.text import short

FORM = "form"
"""The callback id of every form; what it is for travels in its metadata."""
WHERE = "where"
"""The field for the channel, in forms of commands that are about one."""
MORNING = "09:00"


@dataclass(frozen=True, slots=True)
class Errand:
    """What a form carries unseen: the command line that opened it, where that was, and where the reply goes."""

    line: str
    place: Place
    response_url: str = ""
    thread: str = ""

    def dump(self) -> str:
        return json.dumps([self.line, asdict(self.place), self.response_url, self.thread], ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> Errand:
        line, place, response_url, thread = json.loads(text)
        return cls(line, Place(**place), response_url, thread)

    def at(self, channel: str) -> Errand:
        """The same about another channel, whose name is not known yet."""
        if not channel or channel == self.place.channel:
            return self
        return replace(self, place=replace(self.place, channel=channel, channel_name=""))


def form(
    command: Command, fields: tuple[Parameter, ...], errand: Errand, given: Mapping[str, str], zone: str = ""
) -> dict[str, Any]:
    """The form of a command, to be opened at once, with what is `given` filled in; `zone` is the member's on Slack.

    A field's block and value both go by the parameter's name.
    """
    presets = {"time": MORNING, "zone": zone, **given}
    where = [_where(errand.place)] if command.managers else []
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": errand.dump(),
        "title": _text(short(command.about, limits.TITLE)),
        "submit": _text("Send"),
        "close": _text("Cancel"),
        "blocks": where + [_field(parameter, presets.get(parameter.name, "")) for parameter in fields],
    }


def _where(place: Place) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "conversations_select",
        "action_id": WHERE,
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    if place.channel.startswith(("C", "G")):
        element["initial_conversation"] = place.channel.partition("/")[0]
    return {"type": "input", "block_id": WHERE, "label": _text("Channel"), "element": element}


def _field(parameter: Parameter, preset: str) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": parameter.name,
        "optional": not parameter.required,
        "label": _text(short(parameter.name.capitalize(), limits.LABEL)),
        "hint": _text(short(parameter.about, limits.HINT)),
        "element": {"action_id": parameter.name, **_element(parameter, preset)},
    }


def _element(parameter: Parameter, preset: str) -> dict[str, Any]:
    if parameter.choices:
        options = [{"text": _text(choice[: limits.OPTION]), "value": choice} for choice in parameter.choices]
        chosen = next((option for option in options if option["value"] == preset), None)
        return {"type": "static_select", "options": options} | ({"initial_option": chosen} if chosen else {})
    if parameter.of == "times":
        return {"type": "timepicker"} | ({"initial_time": preset} if preset else {})
    if parameter.of == "members":
        return {"type": "users_select"}
    most = min(parameter.limit, limits.FIELD)
    text = {"type": "plain_text_input", "multiline": parameter.long, "max_length": most}
    return text | ({"initial_value": preset[:most]} if preset else {})


def typed(view: Mapping[str, Any]) -> dict[str, str]:
    """What a sent form holds, by parameter."""
    values: dict[str, str] = {}
    for name, by_action in view["state"]["values"].items():
        element = by_action[name]
        option = element.get("selected_option") or {}
        found = (element.get(key) for key in ("value", "selected_time", "selected_user", "selected_conversation"))
        if text := next(filter(None, found), None) or option.get("value"):
            values[name] = text
    return values


def _text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
