"""What people pick and type, in the form in which Slack passes it on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.platforms.slack.fake.shown import BUTTONS, Payload, elements, text

Given = str | Sequence[str]

EXTERNAL = ("external_select", "multi_external_select")
"""Menus whose options the app suggests while someone types."""

KINDS = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
}
"""The key under which each kind of element has its value."""


def value(element: Payload, given: Given, suggested: Sequence[Payload] = ()) -> Payload:
    """Return the state of an element in which this was picked or typed; options by value or label.

    `suggested` are those that the app has suggested so far, where the element has none of its own.
    """
    kind = KINDS[element["type"]]
    several = kind.endswith("s")
    wanted = [given] if isinstance(given, str) else list(given)
    assert several or len(wanted) == 1, f"{element['action_id']} takes one value"
    assert len(set(wanted)) == len(wanted), f"{element['action_id']} takes a value once"
    if most := element.get("max_selected_items"):
        assert len(wanted) <= most, f"{element['action_id']} takes {most} values"
    if "option" in kind:
        chosen: list[Any] = [_option(element, one, suggested) for one in wanted]
    elif kind == "value":
        length, least, most = len(wanted[0]), element.get("min_length", 0), element.get("max_length", 3000)
        assert least <= length <= most, f"{element['action_id']} takes {least} to {most} characters, not {length}"
        chosen = [one or None for one in wanted]
    else:
        chosen = [int(one) if kind == "selected_date_time" else one for one in wanted]
    zone = {"timezone": element["timezone"]} if "timezone" in element else {}
    return {"type": element["type"], kind: chosen if several else chosen[0], **zone}


def initial(element: Payload) -> Payload:
    """Return an element's state before anyone touched it."""
    kind = KINDS[element["type"]]
    given = element.get("initial_" + kind.removeprefix("selected_"))
    return {"type": element["type"], kind: given if given is not None else [] if kind.endswith("s") else None}


def empty(picked: Payload) -> bool:
    return picked[KINDS[picked["type"]]] in (None, "", [])


def state(blocks: Sequence[Payload], touched: Mapping[str, Payload]) -> dict[str, Payload]:
    """Return `state.values`: everything except buttons, by block and action."""
    found: dict[str, Payload] = {}
    for block, element in elements(blocks):
        if element["type"] not in (*BUTTONS, "feedback_buttons", "overflow"):
            before = touched.get(block["block_id"], {}).get(element["action_id"])
            found.setdefault(block["block_id"], {})[element["action_id"]] = before or initial(element)
    return found


def preset(element: Payload) -> list[Payload]:
    """Return the options that are picked at first."""
    return [*(element.get("initial_options") or ()), *filter(None, [element.get("initial_option")])]


def _option(element: Payload, wanted: str, suggested: Sequence[Payload]) -> Payload:
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    options: list[Payload] = [option for group in groups for option in group["options"]]
    if element["type"] in EXTERNAL:
        options = [*preset(element), *suggested]
    for option in options:
        if wanted in (option["value"], text(option["text"])):
            return option
    raise AssertionError(f"{wanted!r} is none of {[option['value'] for option in options]}")
