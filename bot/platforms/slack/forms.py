"""Forms: a command's parameters asked for together, and what was typed into them."""

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
"""The callback id of every form; what it's for travels in its metadata."""
CHANNEL_FIELD = "where"
"""The field for the channel, in forms of commands that are about one."""
TIME = re.compile(r"[0-2][0-9]:[0-5][0-9]")
MEMBER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command line, where it was given, and where the reply goes. A form carries it as private metadata."""

    line: str
    location: Location
    response_url: str = ""
    thread: str = ""

    def dump(self) -> str:
        return json.dumps([self.line, asdict(self.location), self.response_url, self.thread], ensure_ascii=False)

    @classmethod
    def load(cls, text: str) -> Invocation:
        line, location, response_url, thread = json.loads(text)
        return cls(line, Location(**location), response_url, thread)

    def in_channel(self, channel: str) -> Invocation:
        """Return the same command about another channel, whose name isn't known yet."""
        if not channel or channel == self.location.channel:
            return self
        location = replace(self.location, channel=channel, channel_name="")
        return replace(self, location=location, thread="")


def missing_fields(command: Command, values: Mapping[str, str]) -> tuple[Parameter, ...]:
    """Return the parameters to ask for in a form: all that have no value, if a required one is among them."""
    if not command.missing(values):
        return ()
    on_slack = command.for_capabilities(SlackOutbox.capabilities)
    return tuple(p for p in on_slack.parameters if not values.get(p.name, "").strip())


def form_view(
    app: App,
    command: Command,
    fields: tuple[Parameter, ...],
    invocation: Invocation,
    values: Mapping[str, str],
    *,
    actor: Actor,
) -> dict[str, Any]:
    """Return a command's form as a modal view, with `values` filled in.

    A field's block and value both have the parameter's name.
    """
    presets = {**{p.name: p.initial(actor) for p in fields if p.initial}, **values}
    channel = values.get(CHANNEL_FIELD) or invocation.location.channel
    asks_channel = command.needs_channel or command.posts_publicly
    channel_field = [_channel_field(channel, posts=command.posts_publicly)] if asks_channel else []
    return {
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": invocation.dump(),
        "title": _text(
            command.description if len(command.description) <= limits.FORM_TITLE else command.name.capitalize()
        ),
        "submit": _text(command.submit),
        "close": _text("Cancel"),
        "blocks": channel_field + [_field(app, parameter, presets.get(parameter.name, "")) for parameter in fields],
    }


def _channel_field(channel: str, *, posts: bool) -> dict[str, Any]:
    """Ask for a channel.

    `posts`: the form brings a response_url for the channel, which works even where the app isn't a member.
    """
    element: dict[str, Any] = {
        "type": "conversations_select",
        "action_id": CHANNEL_FIELD,
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    if posts:
        element["response_url_enabled"] = True
    if channel.startswith(("C", "G")):
        element["initial_conversation"] = channel
    return {"type": "input", "block_id": CHANNEL_FIELD, "label": _text("Channel"), "element": element}


def _field(app: App, parameter: Parameter, preset: str) -> dict[str, Any]:
    element = _element(app, parameter, preset)
    hint = parameter.format_hint if element["type"] == "plain_text_input" else ""
    if parameter.placeholder:
        element["placeholder"] = _text(
            short(parameter.placeholder[0].upper() + parameter.placeholder[1:], limits.PLACEHOLDER)
        )
    return {
        "type": "input",
        "block_id": parameter.name,
        "optional": not parameter.required,
        "label": _text(short(parameter.label, limits.LABEL)),
        **({"hint": _text(hint[0].upper() + hint[1:])} if hint else {}),
        "element": {"action_id": parameter.name, **element},
    }


def _element(app: App, parameter: Parameter, preset: str) -> dict[str, Any]:
    if parameter.choices:
        options = _options(Suggestion(choice, choice) for choice in parameter.choices)
        return {"type": "static_select", "options": options, **_initial(options, preset)}
    if parameter.options and 0 < len(options := _options(app.options(parameter))) <= limits.OPTIONS:
        chosen = [option for option in options if option["value"] in preset.split(",")]
        return {"type": "multi_static_select", "options": options} | ({"initial_options": chosen} if chosen else {})
    if parameter.strict and parameter.autocomplete:
        suggestions = app.suggestions(parameter, preset) if preset else ()
        known = _options(suggestion for suggestion in suggestions if suggestion.value == preset)
        return {"type": "external_select", "min_query_length": 1, **_initial(known, preset)}
    if parameter.kind == "times":
        return {"type": "timepicker"} | ({"initial_time": preset} if TIME.fullmatch(preset) else {})
    if parameter.kind == "members":
        return {"type": "users_select"} | ({"initial_user": preset} if MEMBER_ID.fullmatch(preset) else {})
    max_length = min(parameter.max_length, limits.INPUT_TEXT)
    text = {"type": "plain_text_input", "multiline": parameter.multiline, "max_length": max_length}
    return text | ({"initial_value": preset[:max_length]} if preset else {})


def suggestions(app: App, command: Command, name: str, typed: str) -> list[dict[str, Any]]:
    """Return the options that a field offers for what was typed so far."""
    parameter = next((p for p in command.parameters if p.name == name and p.strict), None)
    return _options(app.suggestions(parameter, typed)) if parameter and parameter.autocomplete else []


def _options(suggestions: Iterable[Suggestion]) -> list[dict[str, Any]]:
    return [
        {"text": _text(short(suggestion.label, limits.OPTION_LABEL)), "value": suggestion.value}
        for suggestion in suggestions
        if len(suggestion.value) <= limits.OPTION_VALUE
    ]


def _initial(options: list[dict[str, Any]], preset: str) -> dict[str, Any]:
    chosen = next((option for option in options if option["value"] == preset), None)
    return {"initial_option": chosen} if chosen else {}


def submitted_values(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what a submitted form holds, by parameter, without the empty fields."""
    values = {name: _value(by_action[name]) for name, by_action in view["state"]["values"].items()}
    return {name: value for name, value in values.items() if value}


def _value(element: Mapping[str, Any]) -> str:
    options = element.get("selected_options") or [element.get("selected_option") or {}]
    values = (element.get(key) for key in ("value", "selected_time", "selected_user", "selected_conversation"))
    return next(filter(None, values), "") or ",".join(option.get("value", "") for option in options)


def _text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
