"""Slack accepts the messages of any reply, and nothing is lost without a note."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from markdown_it import MarkdownIt
from slack_sdk.models.blocks import Block, RichTextBlock

from bot.drawing.renderer import Renderer
from bot.platforms.shared.emoji import WEEKDAY_LETTERS
from bot.platforms.slack import limits
from bot.platforms.slack.layout import SHORTENED_NOTE, RenderedMessage
from bot.platforms.slack.markup import (
    MARKDOWN,
    MRKDWN,
    as_read,
    convert,
    escape,
    literal_line,
    local_time,
    plain_line,
    slash_commands,
    split,
)
from bot.platforms.slack.render import render, render_home
from bot.platforms.slack.render_images import render_with_images
from bot.replies import (
    Button,
    Buttons,
    Calendar,
    Citation,
    DayMark,
    Explanation,
    File,
    Mastery,
    Menu,
    MenuOption,
    Notice,
    Option,
    Picture,
    Point,
    QuestionCard,
    Rank,
    Reply,
    Standings,
    Table,
    Text,
    Tone,
    TopicMastery,
    Verdict,
)
from tests.platforms.replies import any_reply, texts

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MAX_ELEMENT_ID = 255
"""Slack's limit, in characters, for the ids of actions and blocks."""
MESSAGE = {"section", "context", "header", "markdown", "table", "actions", "divider"}
VIEW = MESSAGE - {"markdown", "table"}
"""Views take neither Markdown nor tables."""


def dictionaries(part: Any) -> Iterator[dict[str, Any]]:
    """Yield all dictionaries in some blocks."""
    if isinstance(part, list):
        for item in part:
            yield from dictionaries(item)
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from dictionaries(value)


def written_in(blocks: Any) -> list[str]:
    return [str(part["text"]) for part in dictionaries(blocks) if isinstance(part.get("text"), str)]


def everything(reply: Reply) -> str:
    return "\n".join(text for drawing in render(reply) for text in written_in(drawing.blocks))


def only(reply: Reply) -> RenderedMessage:
    [drawing] = render(reply)
    return drawing


def of_type(blocks: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [part for part in dictionaries(blocks) if part.get("type") == kind]


def checked(blocks: list[dict[str, Any]], *, most: int, types: set[str]) -> None:
    """Check that Slack takes the blocks: by its own models, which drop what they don't know, and by its limits."""
    assert 1 <= len(blocks) <= most
    for block in blocks:
        model = Block.parse(block)
        assert model is not None
        model.validate_json()
        assert model.to_dict() == block
        assert block["type"] in types
        if block["type"] == "table":
            table_checked(block)
    ids = [part["action_id"] for part in dictionaries(blocks) if "action_id" in part]
    ids += [part["block_id"] for part in dictionaries(blocks) if "block_id" in part]
    assert len(ids) == len(set(ids))
    assert all(1 <= len(element_id) <= MAX_ELEMENT_ID for element_id in ids)
    assert len(of_type(blocks, "table")) <= 1
    for part in dictionaries(blocks):
        element_checked(part)
    assert all(text.strip() for text in written_in(blocks))


def table_checked(table: dict[str, Any]) -> None:
    """Check what the models don't: to them a table's cells are plain data."""
    rows = table["rows"]
    assert 1 <= len(rows) <= limits.TABLE_ROWS
    assert len({len(row) for row in rows}) == 1
    assert 1 <= len(rows[0]) == len(table["column_settings"]) <= limits.TABLE_COLUMNS
    assert sum(map(len, written_in(rows))) <= limits.TABLE_TEXT
    for cell in (cell for row in rows for cell in row):
        model = RichTextBlock(**cell)
        model.validate_json()
        assert model.to_dict() == cell


def element_checked(part: dict[str, Any]) -> None:
    match part:
        case {"type": "mrkdwn", "text": text}:
            assert len(text) <= limits.SECTION
        case {"type": "markdown", "text": text}:
            assert len(text) <= limits.MESSAGE_TEXT
        case {"type": "header", "text": {"text": text}}:
            assert len(text) <= limits.HEADER
        case {"type": "actions", "elements": elements}:
            assert 1 <= len(elements) <= limits.BUTTONS
        case {"type": "button"}:
            assert part["action_id"].startswith("press-")
            assert 1 <= len(part["text"]["text"]) <= limits.BUTTON_LABEL
            assert 1 <= len(part["value"]) <= limits.BUTTON_VALUE
        case {"type": "static_select" | "multi_static_select", "options": options}:
            assert part["action_id"].startswith("pick ")
            assert part["action_id"].endswith("=")
            assert 1 <= len(options) <= limits.OPTIONS
            assert all(1 <= len(option["value"]) <= limits.OPTION_VALUE for option in options)
            assert all(1 <= len(option["text"]["text"]) <= limits.OPTION_LABEL for option in options)
            chosen = part.get("initial_options", [])
            assert all(option in options for option in chosen)
            assert "initial_options" not in part or chosen
            assert part.get("initial_option", options[0]) in options


@given(any_reply)
def test_every_message_keeps_slacks_limits(reply: Reply) -> None:
    drawn = render(reply)

    assert 1 <= len(drawn) <= limits.PAGES
    for drawing in drawn:
        checked(drawing.blocks, most=limits.BLOCKS, types=MESSAGE)
        assert sum(map(len, written_in(drawing.blocks))) <= limits.MESSAGE_TEXT
        assert 1 <= len(drawing.text) <= limits.FALLBACK


@given(any_reply)
def test_a_home_keeps_the_limits_of_views(reply: Reply) -> None:
    blocks = render_home([reply, Reply.of(Notice("And once more:")), reply])

    checked(blocks, most=limits.HOME_BLOCKS, types=VIEW)
    assert sum(map(len, written_in(blocks))) <= limits.HOME_TEXT


@given(any_reply)
def test_nobody_is_mentioned_and_no_character_reverses_the_text(reply: Reply) -> None:
    drawn = render(reply)
    found = "\n".join([text for drawing in drawn for text in (drawing.text, *written_in(drawing.blocks))])
    parts = [part for drawing in drawn for part in dictionaries(drawing.blocks)]
    marked = [part["text"] for part in parts if part.get("type") in ("mrkdwn", "markdown")]

    assert not re.search(r"<[!@#](?!date\^)", found)
    assert not any(re.search(r"<(?!!date\^\d+\^[^|<>]+\|[^<>]+>)", text) for text in marked)
    isolated = re.sub("\u2068[^\u2066-\u2069\n]*(?:\u2069|$)", "", found, flags=re.MULTILINE)  # ours
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", isolated)


@given(st.lists(st.text("abcdefghij ", min_size=1, max_size=8000), min_size=1, max_size=12))
def test_every_word_is_in_a_message_or_a_note_says_some_are_missing(bodies: list[str]) -> None:
    drawn = everything(Reply.of(*map(Text, bodies)))

    if SHORTENED_NOTE not in drawn:
        assert "".join(drawn.split()).replace("…", "") == "".join("".join(bodies).split())


@given(any_reply)
def test_every_button_and_file_is_there_or_a_note_says_some_are_missing(reply: Reply) -> None:
    drawn = render(reply)
    asked = [action.line for block in reply.blocks for action in actions_of(block)]
    buttons = [part["value"] for drawing in drawn for part in of_type(drawing.blocks, "button")]
    files = [block for block in reply.blocks if isinstance(block, Picture | File)]

    assert buttons == asked or SHORTENED_NOTE in str([drawing.blocks for drawing in drawn])
    assert len(files) == sum(len(drawing.files) for drawing in drawn)


def actions_of(block: object) -> tuple[Button, ...]:
    match block:
        case Buttons(actions):
            return actions
        case QuestionCard(options=options, write=write):
            return tuple(filter(None, (*(option.button for option in options), write)))
        case _:
            return ()


@given(texts, st.integers(160, 4000))
def test_splitting_loses_only_whitespace(body: str, characters: int) -> None:
    text = escape(body)
    now, later = split(text, characters)

    assert len(now) <= characters
    assert not re.search(r"&[a-z]{0,3}\Z", now)
    if "```" not in body:
        assert "".join((now + later).split()) == "".join(text.split())


SIGNS = (*"*_~`[]()!<>&#-|\\\n a", "1.", "```", "&lt;", "&#x202e;", "&#10;", "$x_1$", "<!here>")
ADDRESSES = ("https://evil.example", "[a]: https://evil.example", "www.evil.example")
marks: SearchStrategy[str] = st.lists(st.sampled_from((*SIGNS, *ADDRESSES)), max_size=25).map("".join)


@given(marks)
def test_no_markdown_hides_a_link_a_heading_or_a_character(body: str) -> None:
    drawn = convert(body, MARKDOWN)
    seen = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(drawn)
    kinds = {token.type for block in seen for token in (block, *(block.children or ()))}

    assert not kinds & {"link_open", "image", "heading_open", "html_block", "html_inline", "table_open", "hr"}
    for dialect in (MARKDOWN, MRKDWN):
        found = convert(body, dialect)
        assert not re.search(r"<|\u202e", found)
        assert convert(body, dialect, from_model=True).count("https://") == found.count("https://")


@given(st.lists(st.sampled_from((*"*_~`<>#-|:!\n ab", "1. ", "|-|\n", "- ")), max_size=40).map("".join))
def test_no_markdown_removes_a_word(body: str) -> None:
    body = re.sub(r"`{3,}|~{3,}", "", body)  # what follows them names a language
    for dialect in (MARKDOWN, MRKDWN):
        assert re.findall("[ab]", as_read(convert(body, dialect))) == re.findall("[ab]", body)


@given(marks)
def test_a_name_has_no_formatting(name: str) -> None:
    in_markdown, in_mrkdwn = literal_line(name, MARKDOWN), literal_line(name)
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(in_markdown)
    kinds = {token.type for block in tokens for token in (block, *(block.children or ()))}

    assert kinds <= {"paragraph_open", "inline", "paragraph_close", "text", "text_special"}
    assert not re.search(r"(?<!\w)([*_~`])\S(.*\S)?\1", in_mrkdwn)
    assert not in_mrkdwn.startswith("&gt;")
    assert not re.search(r"\n|://|<", in_markdown + in_mrkdwn)
    assert not re.search(r"<[!@#]", plain_line(name))


@pytest.mark.parametrize(
    ("text", "max_length", "parts"),
    [
        (f"```\n{'b' * 30}\n{'c' * 30}\n```", 44, (f"```\n{'b' * 30}\n```", f"```\n{'c' * 30}\n```")),
        (f"```\n{'b' * 30}\n```\nThe end.", 41, (f"```\n{'b' * 30}\n```", "The end.")),
        (f"{'a' * 30}\n```\n{'b' * 30}\n```", 40, ("a" * 30, f"```\n{'b' * 30}\n```")),
    ],
    ids=["within the code", "before its end", "after its beginning"],
)
def test_split_code_stays_code(text: str, max_length: int, parts: tuple[str, str]) -> None:
    assert split(text, max_length) == parts


def test_a_long_text_continues_in_further_messages_and_code_stays_code() -> None:
    reply = Reply.of(Text("Look:\n\n```python\n" + "x = 1  # a line of code\n" * 900 + "```"), Notice("The end."))
    drawn = ["\n".join(written_in(drawing.blocks)) for drawing in render(reply)]

    assert len(drawn) == 2
    assert all(page.count("```") == 2 for page in drawn)
    assert drawn[1].startswith("```\nx = 1")
    assert drawn[1].endswith("The end.")
    assert sum(page.count("x = 1") for page in drawn) == 900


def test_a_text_too_long_for_all_messages_says_so() -> None:
    assert everything(Reply.of(Text("word " * 12_000))).endswith(SHORTENED_NOTE)


def test_an_escaped_character_is_not_cut_in_half() -> None:
    drawn = everything(Reply.of(Text("&" * 5000)))

    assert "".join(drawn.split()) == "&amp;" * 5000


def test_a_question_has_a_button_beside_each_choice_and_says_when_the_reveal_is() -> None:
    options = tuple(Option(letter, f"The *{letter}*", Button(letter.upper(), f"answer k {letter}")) for letter in "ab")
    card = QuestionCard(
        "Daily question",
        "What is `x`?",
        "gan",
        "easy",
        options,
        write=Button("In my own words", "write k"),
        note="3 have answered.",
        closes=NOON,
    )
    blocks = only(Reply.of(card)).blocks

    assert [block["type"] for block in blocks] == ["context", "header", *["section"] * 2, "actions", *["context"] * 2]
    assert blocks[1]["text"]["text"] == "What is x?"
    assert blocks[2]["text"]["text"] == "*A*  The _a_"
    assert blocks[2]["accessory"]["value"] == "answer k a"
    assert blocks[-1]["elements"][0]["text"] == f"I'll reveal the answer {local_time(NOON)}."
    assert local_time(NOON) == "<!date^1795003200^{date_short_pretty} {time}|Nov 18, 2026 12:00 UTC>"


def test_notifications_and_screen_readers_get_text_without_formatting() -> None:
    drawing = only(Reply.of(Notice("**Done**, see `team list` & *more* of snake_case", Tone.GOOD, NOON)))

    assert drawing.text == "✅ Done, see /study team list &amp; more of snake_case Nov 18, 2026 12:00 UTC."


def test_standings_are_a_table_with_the_readers_row_in_bold() -> None:
    rows = (Rank(1, "a_b", "12", "3 answers"), Rank(4, "bob", "3"), Rank(4, "cy <!here>", "3", mine=True))
    drawing = only(Reply.of(Standings("Week", rows)))
    [table] = of_type(drawing.blocks, "table")

    cells = [[written_in(cell)[0] for cell in row] for row in table["rows"]]
    assert cells[0] == ["Place", "Name", "Points", "From"]
    assert cells[1] == ["🥇", "a_b", "12", "3 answers"]
    assert [row[0] for row in cells[2:]] == ["4", "4"]
    assert ["bold" in str(row) for row in table["rows"]] == [True, False, False, True]
    assert "4. cy &lt;!here&gt; · 3" in drawing.text


def test_a_second_table_in_a_message_becomes_a_list() -> None:
    table = Table(("When", "What"), ((NOON, "*this*"),), title="Plan")
    blocks = only(Reply.of(table, table)).blocks

    assert [block["type"] for block in blocks] == ["header", "table", "header", "section"]
    assert of_type(blocks, "date")[0]["fallback"] == "Nov 18, 2026 12:00 UTC"
    assert blocks[-1]["text"]["text"] == f"• *{local_time(NOON)}*  ∗this*"


def test_a_table_too_large_for_slack_becomes_a_list() -> None:
    wide = Table(tuple(f"c{n}" for n in range(21)), (tuple(f"v{n}" for n in range(21)),))
    high = Table(("One",), tuple((f"row {n}",) for n in range(120)))

    for table in (wide, high):
        assert not of_type(only(Reply.of(table)).blocks, "table")
    assert "c20: v20" in everything(Reply.of(wide))
    assert "row 119" in everything(Reply.of(high))


def test_a_calendars_weeks_start_on_monday_and_its_legend_names_only_marks_in_use() -> None:
    first = date(2026, 11, 18)  # a Wednesday
    marks = (DayMark.STUDIED, DayMark.FREEZE, DayMark.STUDIED, DayMark.REST, DayMark.REST, DayMark.OPEN)
    days = tuple((first + timedelta(days=n), mark) for n, mark in enumerate(marks))
    head, weeks, legend = only(Reply.of(Calendar("Your streak", 1, 2, 0, days))).blocks

    assert head["text"]["text"] == "Your streak"
    assert weeks["text"]["text"].splitlines()[0] == "🔥 *1 day* · longest 2 · 🧊 0 of 2 freezes"
    assert weeks["text"]["text"].splitlines()[1:3] == [WEEKDAY_LETTERS, "▫️▫️🟩🧊🟩💤💤  Nov 16"]
    assert legend["elements"][0]["text"] == "🟩 studied · 🧊 freeze · 💤 rest · 🟨 open"


def test_topics_have_bars() -> None:
    topics = (TopicMastery("gan", 12, 10, 0.6), TopicMastery("vae", 9), TopicMastery("rag", 9))
    drawn = everything(Reply.of(Mastery("Topics", topics)))

    assert "▰▰▰▰▰▰▱▱▱▱  *gan* · 60% of 10" in drawn
    assert "*Not tried yet:* vae, rag" in drawn


def test_a_menu_shows_what_is_picked_and_its_id_names_the_missing_value() -> None:
    entries = (MenuOption("Monday", "monday", True), MenuOption("Friday", "friday"))
    reply = Reply.of(
        Menu("Days", "schedule change s1", "days", entries, multiple=True),
        Menu("Thread", "schedule change s1", "thread", (MenuOption("yes", "on"), MenuOption("no", "off", True))),
        Menu("Who", "schedule change s1", "role", (MenuOption("hosts", "5", True),), kind="roles"),
    )
    blocks = only(reply).blocks
    [many], [one] = of_type(blocks, "multi_static_select"), of_type(blocks, "static_select")

    assert many["action_id"] == "pick schedule change s1 days="
    assert [option["value"] for option in many["initial_options"]] == ["monday"]
    assert one["initial_option"]["value"] == "off"
    assert len(blocks) == 2


def test_a_menu_with_too_many_options_for_slack_says_so() -> None:
    entries = tuple(MenuOption(f"entry {n}", f"e{n}") for n in range(101))

    assert SHORTENED_NOTE in everything(Reply.of(Menu("Topics", "schedule change s1", "topics", entries)))


def test_a_verdict_quotes_a_sentence_once_and_gives_the_reference() -> None:
    points = (Point("One", "mentioned", "I said so."), Point("Two", "missing"), Point("Three", "perhaps", "I said so."))
    drawn = everything(Reply.of(Verdict(None, "You mentioned 1 of 3.", points=points, reference="**Because** 2 < 3")))

    assert drawn.startswith("🔹 You mentioned 1 of 3.")
    assert drawn.count("> “I said so.”") == 1
    assert "**The reference**\n\n**Because** 2 &lt; 3" in drawn


def test_a_question_in_a_header_has_no_markup() -> None:
    blocks = only(Reply.of(Text("Yes.", r"Is `x` in $\mathbb{R}^2$ **or** not?"))).blocks

    assert blocks[0]["text"]["text"] == "Is x in ℝ² or not?"


def test_text_from_a_model_cannot_pass_for_the_apps_own() -> None:
    text = "# Right!\nSee https://evil.example/x or [this](https://evil.example/y)\n\n> The bank's own text\n\n***"
    blocks = only(Reply.of(Explanation(text, "model", (Citation(1, "lora", "What is *LoRA*?"),)))).blocks
    label, body, sources = blocks

    assert label["elements"][0]["text"] == "Written by a model from the bank's sources"
    assert body["text"] == (
        "**Right!**\n\nSee `https://evil.example/x` or this (`https://evil.example/y`)\n\n> The bank's own text"
    )
    assert sources["elements"][0]["text"] == "[1] What is ∗LoRA*?"


@pytest.mark.parametrize(
    ("markdown", "in_markdown", "in_mrkdwn"),
    [
        ("**bold** *soft* ~~no~~ `a*b`", "**bold** *soft* ~~no~~ `a*b`", "*bold* _soft_ ~no~ `a*b`"),
        ("[a bank](https://a.b/x)", "a bank (https://a.b/x)", "a bank (https://a.b/x)"),
        ("[write](mailto:ada@a.example)", "write", "write"),
        ("[click](javascript:alert)", "[click\\](javascript:alert)", "[click](javascript:alert)"),
        ("![pixel](https://a.b/x.png)", "pixel", "pixel"),
        ("- one\n- two\n  1. deep", "- one\n- two\n   1. deep", "• one\n• two\n   1. deep"),
        ("1. one", "1. one", "1. one"),
        ("2 * 3 and snake_case, \\*as is\\*", "2 * 3 and snake\\_case, \\*as is\\*", "2 * 3 and snake_case, ∗as is*"),
        ("a < b & c", "a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("\\> 5 of them", "&gt; 5 of them", "\u200b&gt; 5 of them"),
        ("a \u202eright-to-left\u202c b", "a right-to-left b", "a right-to-left b"),
        ("| a | b |\n|---|---|\n| 1 | 22 |\n", "```\na  b\n1  22\n```", "```\na  b\n1  22\n```"),
        ("Look:\na | b\n-|-\n*c* | d | e", "Look:\n\n```\na  b\nc  d  e\n```", "Look:\n\n```\na  b\nc  d  e\n```"),
        ("$\\frac{a}{b}$ of $x_1$", "a/b of x₁", "a/b of x₁"),
    ],
)
def test_text_is_converted_to_both_dialects(markdown: str, in_markdown: str, in_mrkdwn: str) -> None:
    assert convert(markdown, MARKDOWN) == in_markdown
    assert convert(markdown, MRKDWN) == in_mrkdwn


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Say `question hard`.", "Say `/study question hard`."),
        ("`me zone=Europe/Paris`", "`/study me zone=Europe/Paris`"),
        ("`schedule` and `schedule setup 09:00`", "`/study schedule` and `/study schedule setup 09:00`"),
        ("`softmax` is none", "`softmax` is none"),
    ],
)
def test_commands_are_shown_as_slash_commands(said: str, typed: str) -> None:
    assert slash_commands(said) == typed


@given(marks)
def test_text_for_screen_readers_has_no_markup(body: str) -> None:
    assert "<" not in escape(as_read(convert(body, MRKDWN)))


async def test_formulas_and_charts_come_as_pictures_and_as_text(renderer: Renderer) -> None:
    body = "\n\n".join(f"$$x_{n} = \\frac{{a}}{{{n}}} < b$$" for n in range(1, 6))
    reply = Reply.of(Text(body), Mastery("Topics", (TopicMastery("gan", 12, 10, 0.6),), as_picture=True))
    [drawing] = await render_with_images(renderer, reply)

    assert [isinstance(file, Picture) for file in drawing.files] == [True] * 6
    assert next(file.alt for file in drawing.files if isinstance(file, Picture)) == "Formula: x₁ = a/1 < b"
    assert "x₅ = a/5" in str(drawing.blocks)
    assert "*gan* · 60% of 10" in str(drawing.blocks)


def test_a_view_says_that_files_are_in_the_chat() -> None:
    [note] = render_home([Reply.of(File("export.json", "{}"))])

    assert "in our chat" in note["elements"][0]["text"]
