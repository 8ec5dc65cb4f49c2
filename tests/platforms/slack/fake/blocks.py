"""Check blocks and views: by slack_sdk's models, and by the limits that those don't know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from tests.platforms.slack.fake.elements import EXTERNAL, preset
from tests.platforms.slack.fake.shown import Payload, elements, text

MESSAGE, VIEW = 50, 100
TEXT, MARKDOWN, PLAIN = 13_200, 12_000, 40_000
SECTION, FIELD, HEADER, ID = 3000, 2000, 150, 255
LABEL, VALUE, URL = 75, 2000, 3000
OPTIONS, OPTION, CHOICE, HELD = 100, 75, 150, 150
ROWS, COLUMNS = 100, 20
METADATA, TITLE = 3000, 24
ONLY_MESSAGES = ("table", "markdown", "context_actions", "task_card", "plan")
"""Blocks that neither modals nor homes take."""
ONLY_POSTS = ("table", "markdown", "context_actions", "task_card", "plan")
"""Blocks that only chat.postMessage, chat.postEphemeral and chat.update take.

Nothing says that acknowledgments and response_urls take them, and incoming webhooks, which work alike, were seen to
refuse `markdown` with `invalid_blocks`.
"""
CALLS = re.compile(r"<!(channel|here|everyone)\b")


class Problem(NamedTuple):
    """A sentence, and Slack's error code; the code is empty where Slack allows it but this bot shouldn't send it."""

    text: str
    error: str = "invalid_blocks"


def message(blocks: Any, said: str, *, posted: bool = True) -> Iterator[Problem]:
    """Yield what's wrong with a message's blocks and notification text; not `posted`: it's an answer through a hook."""
    if len(said) > PLAIN:
        yield Problem(f"the text has {len(said)} characters of {PLAIN}", "msg_too_long")
    if CALLS.search(said):
        yield Problem("the text calls everybody in the channel", "")
    if blocks is None:
        return
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        yield Problem("blocks is no list of blocks", "invalid_blocks_format")
        return
    for kind in sorted({str(block.get("type")) for block in blocks} & set(() if posted else ONLY_POSTS)):
        yield Problem(f"an acknowledgment or a response_url takes no {kind} block")
    if blocks and not said:
        yield Problem("blocks come without a text, which notifications and screen readers want", "")
    if len(blocks) > MESSAGE:
        yield Problem(f"{len(blocks)} blocks of {MESSAGE}")
    if (size := sum(map(len, texts(blocks)))) > TEXT:
        yield Problem(f"the blocks have {size} characters of {TEXT}", "msg_blocks_too_long")
    if (size := sum(len(text(block)) for block in blocks if block.get("type") == "markdown")) > MARKDOWN:
        yield Problem(f"the Markdown has {size} characters of {MARKDOWN}", "msg_too_long")
    if (tables := sum(block.get("type") == "table" for block in blocks)) > 1:
        yield Problem(f"{tables} tables of one", "invalid_attachments")
    yield from each(blocks)


def view(given: Any) -> Iterator[Problem]:
    """Yield what's wrong with a modal or a home."""
    if not isinstance(given, dict) or not isinstance(given.get("blocks"), list):
        yield Problem("a view has a list of blocks", "invalid_arguments")
        return
    blocks = given["blocks"]
    if not 1 <= len(blocks) <= VIEW:
        yield Problem(f"{len(blocks)} blocks of 1 to {VIEW}", "invalid_arguments")
    if len(given.get("private_metadata") or "") > METADATA:
        yield Problem(f"private_metadata has {len(given['private_metadata'])} characters", "invalid_arguments")
    if given.get("type") not in ("modal", "home"):
        yield Problem(f"type is {given.get('type')!r}", "invalid_arguments")
    if given.get("type") == "modal":
        if not 1 <= len(text(given.get("title"))) <= TITLE:
            yield Problem(f"the title has {len(text(given.get('title')))} characters of {TITLE}", "invalid_arguments")
        if not given.get("submit") and any(block.get("type") == "input" for block in blocks):
            yield Problem("a modal that asks for something has a button to submit it", "invalid_arguments")
    for kind in {block.get("type") for block in blocks} & set(ONLY_MESSAGES):
        yield Problem(f"a view takes no {kind} block", "invalid_arguments")
    yield from (Problem(found.text, found.error and "invalid_arguments") for found in each(blocks))
    yield from (Problem(said, "invalid_arguments") for said in _modelled(given, lambda: View(**given)))


def suggestions(given: Any) -> Iterator[str]:
    """Yield what's wrong with an app's suggestions for a menu without fixed options."""
    names = set(given) if isinstance(given, dict) else set()
    if names not in ({"options"}, {"option_groups"}):
        yield f"a menu wants either options or option_groups, and gets {sorted(names)}"
        return
    groups = given.get("option_groups", [given])
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        yield "option_groups is no list of groups"
        return
    lists = [group.get("options") for group in groups]
    if not all(isinstance(options, list) and all(map(_plain, options)) for options in lists):
        yield "an option has a text of the type plain_text, and a value"
        return
    if len(groups) > OPTIONS:
        yield f"a menu has {len(groups)} groups of {OPTIONS}"
    for group, options in zip(groups, lists, strict=True):
        if group is not given and not 1 <= len(text(group.get("label"))) <= OPTION:
            yield f"a group's label has {len(text(group.get('label')))} characters of 1 to {OPTION}"
        if len(options) > OPTIONS:
            yield f"a menu has {len(options)} options of {OPTIONS}"
        yield from _options(options)


def each(blocks: list[Payload]) -> Iterator[Problem]:
    """Yield what's wrong with blocks anywhere."""
    for place, block in enumerate(blocks):
        yield from (Problem(f"block {place}: {said}") for said in _modelled(block, lambda b=block: Block.parse(b)))
        yield from (Problem(f"block {place}: {said}") for said in _block(block))
        if any(CALLS.search(said) for said in _marked(block)):
            yield Problem(f"block {place} calls everybody in the channel", "")
    for what, ids in {
        "block_id": [block.get("block_id") for block in blocks],
        "action_id": [element["action_id"] for _, element in elements(blocks)],
    }.items():
        for element_id, times in Counter(ids).items():
            if element_id is not None and times > 1:
                yield Problem(f"{times} have the {what} {element_id!r}")
            if element_id is not None and not 1 <= len(element_id) <= ID:
                yield Problem(f"{what} has {len(element_id)} characters of {ID}")
    for _, element in elements(blocks):
        yield from map(Problem, _element(element))


def _modelled(given: Payload, model: Any) -> Iterator[str]:
    """slack_sdk silently drops unknown keys, so a model must return exactly what it parsed."""
    try:
        made = model()
        if made is None:
            yield f"there is no block of the type {given.get('type')!r}"
            return
        made.validate_json()
        back = made.to_dict()
    except Exception as problem:
        yield f"{type(problem).__name__}: {problem}"
        return
    if back != given:
        lost = {name for name in {*given, *back} if given.get(name) != back.get(name)}
        yield f"slack_sdk understands {', '.join(sorted(lost))} otherwise: {back}"


def _block(block: Payload) -> Iterator[str]:
    match block.get("type"):
        case "section":
            if len(text(block.get("text"))) > SECTION:
                yield f"the text has {len(text(block['text']))} characters of {SECTION}"
            if "text" in block and not text(block["text"]):
                yield "the text is empty"
            if (longest := max((len(text(field)) for field in block.get("fields") or ()), default=0)) > FIELD:
                yield f"a field has {longest} characters of {FIELD}"
        case "header":
            if not 1 <= len(text(block["text"])) <= HEADER:
                yield f"the header has {len(text(block['text']))} characters of 1 to {HEADER}"
        case "markdown":
            if not block.get("text"):
                yield "the text is empty"
        case "actions" | "context":
            if not block.get("elements"):
                yield "there is nothing in it"
        case "table":
            yield from _table(block)


def _table(block: Payload) -> Iterator[str]:
    widest = max((len(row) for row in block["rows"]), default=0)
    if len(block["rows"]) > ROWS or widest > COLUMNS:
        yield f"a table of {len(block['rows'])} x {widest}, of {ROWS} x {COLUMNS}"
    if len(block.get("column_settings") or ()) > COLUMNS:
        yield f"column_settings has more than {COLUMNS} entries"
    for cell in (cell for row in block["rows"] for cell in row):
        if cell.get("type") not in ("raw_text", "raw_number", "rich_text"):
            yield f"a cell has the type {cell.get('type')!r}"
        elif cell["type"] == "raw_text" and not cell.get("text"):
            yield "a cell is empty"


def _element(element: Payload) -> Iterator[str]:
    if element["type"] == "button":
        if not 1 <= len(text(element.get("text"))) <= LABEL:
            yield f"a button has {len(text(element.get('text')))} characters of 1 to {LABEL}"
        if len(element.get("value") or "") > VALUE:
            yield f"a button's value has {len(element['value'])} characters of {VALUE}"
        if len(element.get("url") or "") > URL:
            yield f"a button's address has {len(element['url'])} characters of {URL}"
    if len(text(element.get("placeholder"))) > HELD:
        yield f"a placeholder has {len(text(element['placeholder']))} characters of {HELD}"
    groups = element.get("option_groups") or ()
    for options in [group["options"] for group in groups] or [element.get("options")]:
        if options is None:
            continue
        if not 1 <= len(options) <= (5 if element["type"] == "overflow" else OPTIONS):
            yield f"a menu has {len(options)} options"
        if element["type"] in ("radio_buttons", "checkboxes") and len(options) > 10:
            yield f"{element['type']} has {len(options)} options of 10"
        yield from _options(options)
        if not groups and any(option not in options for option in preset(element)):
            yield "what is chosen at first is none of the options"
    if element["type"] in EXTERNAL:
        yield from _options(preset(element))
    if element.get("max_selected_items", 1) < 1:
        yield f"a menu takes {element['max_selected_items']} options"


def _options(options: list[Payload]) -> Iterator[str]:
    if len({option["value"] for option in options}) < len(options):
        yield "a menu has a value twice"
    for option in options:
        if not 1 <= len(text(option["text"])) <= OPTION:
            yield f"an option has {len(text(option['text']))} characters of {OPTION}"
        if not 1 <= len(option["value"]) <= CHOICE:
            yield f"an option's value has {len(option['value'])} characters of {CHOICE}"


def _plain(option: Any) -> bool:
    if not isinstance(option, dict) or not isinstance(option.get("value"), str):
        return False
    said = option.get("text")
    return isinstance(said, dict) and said.get("type") == "plain_text" and isinstance(said.get("text"), str)


def texts(part: Any) -> Iterator[str]:
    """Yield every text in blocks, including buttons and menus."""
    if isinstance(part, list):
        for item in part:
            yield from texts(item)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts(value)


def _marked(part: Any) -> Iterator[str]:
    """Yield texts in which `<!channel>` would notify people."""
    if isinstance(part, list):
        for item in part:
            yield from _marked(item)
    elif isinstance(part, dict):
        if part.get("type") in ("mrkdwn", "markdown") and isinstance(part.get("text"), str):
            yield part["text"]
        for value in part.values():
            yield from _marked(value)
