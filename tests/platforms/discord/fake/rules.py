"""Limits that Discord's OpenAPI spec doesn't cover, and stricter rules for this bot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.platforms.discord.fake.model import COMPONENTS_V2, Payload, parts

CONTENT, EMBEDS, COMPONENTS, TEXT, TEXT_BYTES = 2000, 6000, 40, 4000, 10_000
ROWS, ROW, LINE, LABEL = 5, 5, 100, 80
FIELDS, TITLE, CHOICES = 5, 45, 25
COMMANDS, COMMAND, ABOUT = 100, 8000, 100
NAME = re.compile(r"[-_a-z0-9]{1,32}")
BUTTON, LINK = 2, 5
MENUS = (3, 5, 6, 7, 8)
CHOOSERS = (*MENUS, 22)
"""Menus and groups of checkboxes."""
SHOWN = ("content", "embeds", "components", "attachments", "poll", "sticker_ids")


class Problem(NamedTuple):
    """What's wrong, in a sentence, and whether Discord itself would refuse it."""

    text: str
    refused: bool = True


def message(body: Payload, files: Mapping[str, bytes], *, new: bool) -> Iterator[Problem]:
    """Yield what's wrong with a message that is sent (`new`) or edited."""
    components = body.get("components") or []
    found = list(parts(components))
    if "allowed_mentions" not in body:
        yield Problem("allowed_mentions is missing: without it a message may call everybody", refused=False)
    if new and not files and not any(body.get(name) for name in SHOWN):
        yield Problem("the message is empty")
    if len(body.get("content") or "") > CONTENT:
        yield Problem(f"content has {len(body['content'])} characters of {CONTENT}")
    if (size := sum(map(_size, body.get("embeds") or ()))) > EMBEDS:
        yield Problem(f"the embeds have {size} characters of {EMBEDS}")
    yield from _ids(found)
    yield from _rows(found)
    modern = [part for part in found if part["type"] >= 9]
    if (body.get("flags") or 0) & COMPONENTS_V2:
        yield from _modern(body, files, found)
    elif modern:
        yield Problem(f"components of type {modern[0]['type']} want the flag for Components V2")
    elif len(components) > ROWS:
        yield Problem(f"{len(components)} rows of {ROWS}")


def _size(embed: Payload) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for field in embed.get("fields") or ():
        texts += [field.get("name"), field.get("value")]
    return sum(len(text or "") for text in texts)


def _modern(body: Payload, files: Mapping[str, bytes], found: list[Payload]) -> Iterator[Problem]:
    if any(body.get(name) for name in ("content", "embeds", "poll", "sticker_ids")):
        yield Problem("Components V2 cannot be mixed with content, embeds, polls or stickers")
    if len(found) > COMPONENTS:
        yield Problem(f"{len(found)} components of {COMPONENTS}")
    words = "".join(str(part["content"]) for part in found if "content" in part)
    if len(words) > TEXT:
        yield Problem(f"the components have {len(words)} characters of {TEXT}")
    if len(words.encode()) > TEXT_BYTES:
        yield Problem(f"the components have {len(words.encode())} bytes, with more than {TEXT_BYTES} Discord fails")
    if any(part["type"] == 10 and not str(part["content"]).strip() for part in found):
        yield Problem("a text is empty")
    named = {*files, *(a["filename"] for a in body.get("attachments") or () if a.get("filename"))}
    shown = set(_shown(found))
    for name in sorted(shown - named):
        yield Problem(f"a component shows {name}, which is not attached")
    for name in sorted(set(files) - shown):
        yield Problem(f"no component shows {name}, so nobody sees it", refused=False)


def _shown(found: list[Payload]) -> Iterator[str]:
    for part in found:
        for medium in [part.get("file"), part.get("media"), *(item.get("media") for item in part.get("items") or ())]:
            url = str((medium or {}).get("url", ""))
            if url.startswith("attachment://"):
                yield url.removeprefix("attachment://")


def _ids(found: list[Payload]) -> Iterator[Problem]:
    ids = [part["custom_id"] for part in found if part.get("custom_id") is not None]
    for custom_id, times in Counter(ids).items():
        if times > 1:
            yield Problem(f"{times} components have the custom_id {custom_id!r}")
        if not 1 <= len(custom_id) <= LINE:
            yield Problem(f"a custom_id has {len(custom_id)} characters of {LINE}")


def _rows(found: list[Payload]) -> Iterator[Problem]:
    for part in found:
        # SELECT_COMPONENT_REQUIRED_ZERO_MIN_VALUES: what's required is the default, and it wants at least one.
        if part["type"] in CHOOSERS and part.get("min_values") == 0 and part.get("required", True):
            yield Problem("what may be left empty says required: false")
        if part["type"] == 1:
            kinds = [inner["type"] for inner in part["components"]]
            if not kinds or len(kinds) > ROW or (len(kinds) > 1 and any(kind in MENUS for kind in kinds)):
                yield Problem(f"a row holds {len(kinds)} components: it may be 1 to {ROW} buttons, or one menu")
        elif part["type"] == BUTTON:
            if not part.get("label") and not part.get("emoji"):
                yield Problem("a button has neither label nor emoji")
            if (part.get("style") == LINK) is not bool(part.get("url")) or bool(part.get("url")) is bool(
                part.get("custom_id")
            ):
                yield Problem("a button has either a custom_id or, as a link, an address")
        elif part["type"] == MENUS[0]:
            values = [option["value"] for option in part.get("options") or ()]
            if not 1 <= len(values) <= CHOICES or len(set(values)) < len(values):
                yield Problem(
                    f"a menu has {len(values)} values, {len(set(values))} of them different, of 1 to {CHOICES}"
                )


def callback(body: Payload, files: Mapping[str, bytes]) -> Iterator[Problem]:
    """Yield what's wrong with the response to an interaction."""
    data: Payload = body.get("data") or {}
    match body.get("type"):
        case 4 | 7:
            yield from message(data, files, new=body["type"] == 4)
        case 8:
            choices = data.get("choices") or []
            if len(choices) > CHOICES:
                yield Problem(f"{len(choices)} suggestions of {CHOICES}")
            for choice in choices:
                if not 1 <= len(str(choice["name"])) <= 100 or not 1 <= len(str(choice["value"])) <= 100:
                    yield Problem("the name and the value of a suggestion have 1 to 100 characters")
        case 9:
            fields = [part for part in parts(data.get("components")) if "custom_id" in part]
            if not 1 <= len(data.get("components") or ()) <= FIELDS:
                yield Problem(f"a form has {len(data.get('components') or ())} parts of 1 to {FIELDS}")
            if not 1 <= len(data.get("title") or "") <= TITLE:
                yield Problem(f"a form's title has {len(data.get('title') or '')} characters of {TITLE}")
            yield from _ids([data])
            yield from _ids(fields)
            yield from _rows(fields)


def commands(body: list[Payload]) -> Iterator[Problem]:
    """Yield what's wrong with a set of commands registered together."""
    kinds = Counter(command.get("type") or 1 for command in body)
    if kinds[1] > COMMANDS:
        yield Problem(f"{kinds[1]} commands of {COMMANDS}")
    for (name, _), times in Counter((command["name"], command.get("type") or 1) for command in body).items():
        if times > 1:
            yield Problem(f"/{name} is there {times} times")
    for each in body:
        yield from command(each)


def command(body: Payload) -> Iterator[Problem]:
    """Yield what's wrong with one command and its options."""
    if (body.get("type") or 1) != 1:
        return
    if (size := _letters(body)) > COMMAND:
        yield Problem(f"/{body['name']} has {size} characters of {COMMAND} in its names, descriptions and values")
    yield from _named(body, body["name"])


def _named(node: Payload, path: str) -> Iterator[Problem]:
    if not NAME.fullmatch(node["name"]):
        yield Problem(f"/{path} has a name that Discord does not take")
    if not 1 <= len(node.get("description") or "") <= ABOUT:
        yield Problem(f"/{path} has a description of {len(node.get('description') or '')} characters of 1 to {ABOUT}")
    options = node.get("options") or []
    required = [bool(option.get("required")) for option in options]
    if len(options) > CHOICES or required != sorted(required, reverse=True):
        yield Problem(f"/{path} has {len(options)} options of {CHOICES}, and required ones come first")
    for name, times in Counter(option["name"] for option in options).items():
        if times > 1:
            yield Problem(f"/{path} has {times} options called {name}")
    for option in options:
        if option.get("choices") and option.get("autocomplete"):
            yield Problem(f"/{path} {option['name']} has both choices and suggestions")
        yield from _named(option, f"{path} {option['name']}")


def _letters(node: Payload) -> int:
    own = len(node["name"]) + len(node.get("description") or "")
    values = sum(len(str(c["name"])) + len(str(c["value"])) for c in node.get("choices") or ())
    return own + values + sum(map(_letters, node.get("options") or ()))
