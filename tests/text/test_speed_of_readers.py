"""Importers, exporters, lint, search, grading and commands take time in proportion to the text, as parsing does."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.dispatch.catalog import registry
from bot.errors import UserError
from bot.logs import _shorten_library_event
from bot.platforms.discord.render import draw
from bot.platforms.shared.typed_commands import command_pattern
from bot.platforms.slack.interaction import unescape, without_mentions
from bot.platforms.slack.render import render
from bot.replies import Explanation, Notice, Reply, Text
from bot.study.lookup.prompts import validate
from knowledge import lint
from knowledge.coverage import points_of, sentences
from knowledge.exporters import anki, jsonl
from knowledge.exporters.csv import lines
from knowledge.format.reader import load
from knowledge.format.writer import markdown
from knowledge.importers.normalize import normalized
from knowledge.importers.read import read
from knowledge.questions import Bank
from knowledge.retrieval.passages import Passages, passages_of
from knowledge.retrieval.search import KeywordSearch
from knowledge.retrieval.suggest import suggest
from tests.text.test_speed import PIECES, is_linear

Work = Callable[[str], object]
BANK = Bank.of([*load().bank][:30])
QUESTION = replace(next(iter(BANK)), in_depth="", key_points=())
SEARCH = KeywordSearch(Passages.of(BANK))
MADE = datetime(2026, 1, 1, tzinfo=UTC)


def table(*cells: str) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([("question", "answer"), cells])
    return written.getvalue()


FILES: dict[str, tuple[str, Callable[[str], str]]] = {
    "document": (".md", lambda text: f"### 1. What is it?\n{text}\n### 2. What is that?\nIt."),
    "document without markup": (".txt", lambda text: f"Q1: What is it?\nAnswer: {text}\n\nQ2: What is that?\nIt.\n"),
    "headings": (".md", lambda text: "\n".join(f"### 1. {text[at : at + 900]}" for at in range(0, len(text), 900))),
    "table": (".csv", lambda text: table("What?", text)),
    "broken table": (".csv", lambda text: f"question,answer\n{text}"),
    "JSON": (".jsonl", lambda text: json.dumps({"question": "What?", "answer": text, "tags": text})),
    "broken JSON": (".jsonl", lambda text: f'{{"question": "What?", "answer": {text}'),
    "page": (".jsonl", lambda text: json.dumps({"question": "What?", "answer": f"<div>{text}"})),
    "bank": (".md", lambda text: markdown(replace(QUESTION, answer=text))),
    "front matter": (".md", lambda text: f"+++\n{text}\n+++\n# What?\n\nIt."),
}


def commands(text: str) -> None:
    for name in ("ask", "me", "schedule setup", "nothing"):
        with suppress(UserError):
            registry().find(name + text)
    command_pattern().sub("", text)
    without_mentions(unescape(text))


def exports(text: str) -> None:
    question = replace(QUESTION, answer=text)
    list(jsonl.lines([question]))
    list(lines([question]))
    passages_of(question)


def checks(text: str) -> None:
    question = replace(QUESTION, answer=text)
    lint.check(Bank.of([question]))
    sentences(text)
    points_of(question)


def searches(text: str) -> None:
    SEARCH.search(text)
    suggest(BANK, text)


def replies(text: str) -> None:
    reply = Reply.of(Text(text), Explanation(text, "model"), Notice(text))
    draw(reply)
    render(reply)
    validate(text, (QUESTION,))


def log(text: str) -> None:
    record = logging.makeLogRecord({"name": "library"})
    _shorten_library_event(logging.getLogger(), "", {"_record": record, "event": text})


TEXTS: dict[str, Work] = {work.__name__: work for work in (commands, exports, checks, searches, replies, log)}


def imported(path: Path) -> None:
    for draft in read(path).drafts[:20]:
        normalized(draft, lambda _line, _reason: None)


def work(name: str, folder: Path) -> Work:
    """Return what reads a text that's within a file of that kind, or what has that name."""

    def import_file(text: str) -> None:
        suffix, written = FILES[name]
        path = folder / f"file{suffix}"
        path.write_text(written(text), errors="replace")
        imported(path)

    def import_cards(text: str) -> None:
        anki.write(folder / "cards.apkg", [replace(QUESTION, answer=text)], MADE)
        imported(folder / "cards.apkg")

    return import_cards if name == "cards" else import_file if name in FILES else TEXTS[name]


SUSPECTS = {
    "document": ("\n", "--", "- a\n", "$a|b$ |"),
    "document without markup": ("A ", "a(", "A b, c. "),
    "headings": (" ", "\t", "](a)"),
    "table": ('"', "<a ", "&#"),
    "broken table": ('"', ',"', '"a",\n'),
    "JSON": ("\\u0061", "<li>", "a,"),
    "broken JSON": ("[", '{"a":', "9"),
    "page": ("\t", "<ol><li>", "<tr><td>a", "<!--", "<script>"),
    "bank": ("- a\n", "> "),
    "front matter": ("x = [", '"""'),
    "cards": ("[a](", "![", "&lt;"),
    "commands": ("<@U1|", "<https://a", "`ask ", "'"),
    "exports": ("a\n", ","),
    "checks": ("`", "$$", ".'", "\n", "a and "),
    "searches": ("a ", "a\u0301", "9", "_"),
    "replies": ("**a**b ", "[1", "a_", "```\n", "- a\n"),
    "log": ("a", "a://", "?"),
}
"""What each of them, or a similar program, once took time with the square of."""
MORE = (
    *PIECES, "<p>", "<li>", "<ol><li>", "<td>", "<tr><td>a", "<table>", "<ul><li>a</li></ul>", "<div>", "</div>",
    "<script>", '<img alt="', "&lt;", "&#", "&", '"', "'", ",", '"",', '"a",\n', "a\tb\n", ";", "[", '{"a":', "\\u0061",
    "\\n", "0", "9.", "a,", "\n\n", "\n", "\r\n", " ", "  \n", "\u0301", "\u00a0", "Ã©", "â€™", "A b.",
    "A b c d e f g h ", "a(", "f(x) = ", "a.b(", "a: ", "Answer: ", "Q1: ", "1. a?\n", "### 1. a?\nb\n", "**a?**\n",
    "## a\n", "---\n", "contents\n", "+++\n", '"""', "'''", 'x = "', "[a]\n", "<@U1|", "<http://a", "<b><i>", "{{c1::",
    "[sound:", "`ask ", "e.g. ", "a, ", "a and ", "$a|b$ ", "|$", "\\begin{cases}", "{}", "^", "_", "x_", "A ", "===\n",
    "~~~a\n", "> - ",
)  # fmt: skip


@pytest.mark.parametrize("name", SUSPECTS)
@pytest.mark.parametrize(
    "pieces", [SUSPECTS, pytest.param(dict.fromkeys(SUSPECTS, MORE), marks=pytest.mark.soak)], ids=["suspects", "all"]
)
def test_what_people_write_is_read_in_time_in_proportion_to_it(
    name: str, pieces: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    read_text = work(name, tmp_path)
    assert [piece for piece in pieces[name] if not is_linear(read_text, piece)] == []
