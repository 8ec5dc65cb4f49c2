"""Forms: a command's own parameters asked for together, and what was typed into them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.app import App
from bot.commands.command import Command
from bot.commands.parameters import Parameter, Suggestion
from bot.context.identity import Actor, Location
from bot.platforms.slack import limits
from bot.platforms.slack.outbox import SlackOutbox
from bot.text.cleaning import short

FORM = "form"
"""The callback id of every form; what it is for travels in its metadata."""
WHERE = "where"
"""The field for the channel, in forms of commands that are about one."""
TIME = re.compile(r"[0-2][0-9]:[0-5][0-9]")
MEMBER = re.compile(r"[UW][A-Z0-9]{2,20}")


@dataclass(frozen=True, slots=True)
class Errand:
    """What a form carries unseen: the command line that opened it, where that was, and where the reply goes."""

    line: str
    location: Location
    response_url: str = ""
    thread: str = ""

    def dump(self) -> str:
        return json.dumps([self.line, asdict(self.location), self.response_url, self.thread], ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> Errand:
        line, place, response_url, thread = json.loads(text)
        return cls(line, Location(**place), response_url, thread)

    def at(self, channel: str) -> Errand:
        """The same about another channel, whose name is not known yet."""
        if not channel or channel == self.location.channel:
            return self
        there = replace(self.location, channel=channel, channel_name="")
        return replace(self, location=there, thread="")


def lacking(command: Command, values: Mapping[str, str]) -> tuple[Parameter, ...]:
    """What a form asks for: a command that lacks something opens one here, with all that is still open."""
    if not command.missing(values):
        return ()
    here = command.for_capabilities(SlackOutbox.capabilities)
    return tuple(p for p in here.parameters if not values.get(p.name, "").strip())


def form(
    app: App,
    command: Command,
    fields: tuple[Parameter, ...],
    errand: Errand,
    given: Mapping[str, str],
    actor: Actor,
) -> dict[str, Any]:
    """The form of a command, to be opened at once for somebody, with what is `given` filled in.

    A field's block and value both go by the parameter's name.
    """
    presets = {**{p.name: p.initial(actor) for p in fields if p.initial}, **given}
    channel = given.get(WHERE) or errand.location.channel
    where = [_where(channel, answers=command.posts_publicly)] if command.needs_channel or command.posts_publicly else []
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": errand.dump(),
        "title": _text(command.description if len(command.description) <= limits.TITLE else command.name.capitalize()),
        "submit": _text("Send"),
        "close": _text("Cancel"),
        "blocks": where + [_field(app, parameter, presets.get(parameter.name, "")) for parameter in fields],
    }


def _where(channel: str, *, answers: bool) -> dict[str, Any]:
    """`answers`: with the form comes a way to speak there, whether the app is a member or not."""
    element: dict[str, Any] = {
        "type": "conversations_select",
        "action_id": WHERE,
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    if answers:
        element["response_url_enabled"] = True
    if channel.startswith(("C", "G")):
        element["initial_conversation"] = channel
    return {"type": "input", "block_id": WHERE, "label": _text("Channel"), "element": element}


def _field(app: App, parameter: Parameter, preset: str) -> dict[str, Any]:
    element = _element(app, parameter, preset)
    hint = parameter.hint(picked=element["type"] != "plain_text_input")
    if parameter.placeholder:
        element["placeholder"] = _text(
            short(parameter.placeholder[0].upper() + parameter.placeholder[1:], limits.PLACEHOLDER)
        )
    return {
        "type": "input",
        "block_id": parameter.name,
        "optional": not parameter.required,
        "label": _text(short(parameter.label, limits.LABEL)),
        **({"hint": _text(short(hint, limits.HINT))} if hint else {}),
        "element": {"action_id": parameter.name, **element},
    }


def _element(app: App, parameter: Parameter, preset: str) -> dict[str, Any]:
    if parameter.choices:
        options = _options(Suggestion(choice, choice) for choice in parameter.choices)
        return {"type": "static_select", "options": options, **_initial(options, preset)}
    if parameter.options and 0 < len(parts := _options(app.options(parameter))) <= limits.ENTRIES:
        chosen = [option for option in parts if option["value"] in preset.split(",")]
        return {"type": "multi_static_select", "options": parts} | ({"initial_options": chosen} if chosen else {})
    if parameter.strict and parameter.autocomplete:
        known = _options(one for one in app.suggestions(parameter, preset) if one.value == preset) if preset else []
        return {"type": "external_select", "min_query_length": 1, **_initial(known, preset)}
    if parameter.kind == "times":
        return {"type": "timepicker"} | ({"initial_time": preset} if TIME.fullmatch(preset) else {})
    if parameter.kind == "members":
        return {"type": "users_select"} | ({"initial_user": preset} if MEMBER.fullmatch(preset) else {})
    most = min(parameter.max_length, limits.FIELD)
    text = {"type": "plain_text_input", "multiline": parameter.multiline, "max_length": most}
    return text | ({"initial_value": preset[:most]} if preset else {})


def suggested(app: App, command: Command, name: str, begun: str) -> list[dict[str, Any]]:
    """What a field offers for what was typed of it."""
    found = next((p for p in command.parameters if p.name == name and p.strict), None)
    return _options(app.suggestions(found, begun)) if found else []


def _options(suggestions: Iterable[Suggestion]) -> list[dict[str, Any]]:
    fitting = (one for one in suggestions if len(one.value) <= limits.VALUE)
    return [{"text": _text(short(one.label, limits.OPTION)), "value": one.value} for one in fitting]


def _initial(options: list[dict[str, Any]], preset: str) -> dict[str, Any]:
    chosen = next((option for option in options if option["value"] == preset), None)
    return {"initial_option": chosen} if chosen else {}


def typed(view: Mapping[str, Any]) -> dict[str, str]:
    """What a sent form holds, by parameter."""
    read = {name: _value(by_action[name]) for name, by_action in view["state"]["values"].items()}
    return {name: text for name, text in read.items() if text}


def _value(element: Mapping[str, Any]) -> str:
    picked = element.get("selected_options") or [element.get("selected_option") or {}]
    found = (element.get(key) for key in ("value", "selected_time", "selected_user", "selected_conversation"))
    return next(filter(None, found), "") or ",".join(option.get("value", "") for option in picked)


def _text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
