"""Slack's blocks as an HTML page that looks much like Slack, for pictures and for previews while developing."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt

Blocks = list[dict[str, Any]]

STYLE = (Path(__file__).parent / "slack_preview.css").read_text(encoding="utf-8")
ZONE = ZoneInfo("Europe/Paris")
CHANNEL = "daily-question"
"""The only channel's name."""
_MARKDOWN = MarkdownIt("commonmark", {"breaks": True}).enable("strikethrough")
_DATE = re.compile(r"&lt;!date\^(\d+)\^[^|]*\|[^&]*&gt;|<!date\^(\d+)\^[^|]*\|[^>]*>")
_MARKS = (
    (re.compile(r"```\n?(.*?)\n?```", re.DOTALL), r"<pre>\1</pre>"),
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])"), r"<b>\1</b>"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+)(?<=\S)_(?![\w_])"), r"<i>\1</i>"),
    (re.compile(r"^> (.*)$", re.MULTILINE), r"<blockquote>\1</blockquote>"),
)


def page(messages: Iterable[str]) -> str:
    """Return a page of messages, or of a view."""
    body = "\n".join(messages)
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><main id="all">{body}</main>'


def message(blocks: Blocks, when: datetime, pictures: Iterable[bytes] = (), *, private: bool = False) -> str:
    """Return a message from the app; if it's `private`, only one member sees it."""
    at = f"{when.astimezone(ZONE):%-I:%M %p}"
    only_you = '<p class="only">👁 Only visible to you</p>' if private else ""
    images = "".join(
        f'<img class="file" src="data:image/png;base64,{base64.b64encode(png).decode()}">' for png in pictures
    )
    head = f'<p class="who"><b>Studyhall</b> <span class="app">APP</span> <time>{at}</time></p>'
    return (
        f'<article>{only_you}<div class="row"><span class="face">S</span>'
        f"<div>{head}{''.join(map(_block, blocks))}{images}</div></div></article>"
    )


def view(blocks: Blocks) -> str:
    """Return a Home tab."""
    return f'<article class="home">{"".join(map(_block, blocks))}</article>'


def modal(form: dict[str, Any]) -> str:
    """Return a form as it opens."""
    title, close, submit = (html.escape(form[part]["text"]) for part in ("title", "close", "submit"))
    foot = f'<footer><button>{close}</button><button class="primary">{submit}</button></footer>'
    return f'<article class="modal"><h1>{title} <i>✕</i></h1>{"".join(map(_block, form["blocks"]))}{foot}</article>'


def _block(block: dict[str, Any]) -> str:  # noqa: PLR0911  # one return for each kind of block
    match block["type"]:
        case "header":
            return f"<h2>{html.escape(block['text']['text'])}</h2>"
        case "divider":
            return "<hr>"
        case "context":
            return f'<p class="context">{" ".join(mrkdwn(e["text"]) for e in block["elements"])}</p>'
        case "markdown":
            return f'<div class="markdown">{_MARKDOWN.render(block["text"])}</div>'
        case "section":
            accessory = f"<div>{_element(block['accessory'])}</div>" if "accessory" in block else ""
            return f'<div class="section"><div class="text">{mrkdwn(block["text"]["text"])}</div>{accessory}</div>'
        case "actions":
            return f'<div class="actions">{"".join(map(_element, block["elements"]))}</div>'
        case "input":
            optional = " <small>(optional)</small>" if block.get("optional") else ""
            label = f"<b>{html.escape(block['label']['text'])}</b>{optional}"
            hint = f'<p class="context">{html.escape(block["hint"]["text"])}</p>' if "hint" in block else ""
            return f'<div class="input"><p>{label}</p>{_field(block["element"])}{hint}</div>'
        case "table":
            return _table(block)
        case other:
            raise ValueError(f"no preview of {other} blocks")


def _table(block: dict[str, Any]) -> str:
    rows = []
    columns = [
        f"{column['align']}{'' if column.get('is_wrapped') else ' short'}" for column in block["column_settings"]
    ]
    for row in block["rows"]:
        cells = (
            f'<td class="{looks}">{"".join(map(_part, cell["elements"][0]["elements"]))}</td>'
            for cell, looks in zip(row, columns, strict=True)
        )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _part(part: dict[str, Any]) -> str:
    text = _at(part["timestamp"]) if part["type"] == "date" else html.escape(part["text"])
    return f"<b>{text}</b>" if part.get("style", {}).get("bold") else text


def _element(element: dict[str, Any]) -> str:
    if element["type"] == "button":
        return f'<button class="{element.get("style", "plain")}">{html.escape(element["text"]["text"])}</button>'
    many = element["type"] == "multi_static_select"
    return f'<span class="select{" many" if many else ""}">{_chosen(element)} <i>⌄</i></span>'


def _chosen(element: dict[str, Any]) -> str:
    """Return what's picked in a select, else its placeholder."""
    chosen = element.get("initial_options") or [o for o in (element.get("initial_option"),) if o]
    labels = [html.escape(option["text"]["text"]) for option in chosen]
    if not labels:
        return f"<small>{html.escape(element.get('placeholder', {}).get('text', '')) or '&nbsp;'}</small>"
    return "".join(f"<em>{label} ✕</em>" if element["type"].startswith("multi") else label for label in labels)


def _field(element: dict[str, Any]) -> str:
    kind, icon = element["type"], "" if element["type"] == "plain_text_input" else "<i>⌄</i>"
    if kind == "conversations_select" and "initial_conversation" in element:
        shown = f"# {CHANNEL}"
    elif kind == "timepicker" and "initial_time" in element:
        shown, icon = f"{datetime.strptime(element['initial_time'], '%H:%M'):%-I:%M %p}", "<i>◷</i>"  # noqa: DTZ007
    else:
        shown = html.escape(element.get("initial_value", "")) or _chosen(element)
    large = " large" if element.get("multiline") else ""
    return f'<span class="select whole{large}">{shown} {icon}</span>'


def mrkdwn(text: str) -> str:
    text = _DATE.sub(lambda found: _at(int(found[1] or found[2])), text)
    pieces = re.split(r"(```.*?```|`[^`\n]+`)", text, flags=re.DOTALL)
    for number, piece in enumerate(pieces):
        marked = piece
        for pattern, replacement in _MARKS[:2] if number % 2 else _MARKS[2:]:
            marked = pattern.sub(replacement, marked)
        pieces[number] = marked if "<pre>" in marked else marked.replace("\n", "<br>")
    return "".join(pieces).replace("</blockquote><br>", "</blockquote>")


def _at(timestamp: int) -> str:
    return f"{datetime.fromtimestamp(timestamp, ZONE):%b %-d at %-I:%M %p}"
