"""Whatever a reply holds, Discord takes the messages made of it, and nothing is lost without a word."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import discord
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from simcord.components import validate_components, walk_components

from bot.platforms.discord import limits
from bot.platforms.discord.layout import SHORTENED, Divider, Layout, Markup, Piece, RenderedMessage
from bot.platforms.discord.markup import markdown, plain, split
from bot.platforms.discord.render import draw, frame_id
from bot.replies import (
    Button,
    Buttons,
    Calendar,
    DayMark,
    Explanation,
    Menu,
    MenuOption,
    Notice,
    Option,
    Point,
    QuestionCard,
    Rank,
    Reply,
    Standings,
    Table,
    Text,
    Tone,
    Verdict,
)
from tests.platforms.replies import any_reply, texts

SEPARATOR = 14
"""Discord's number for the kind of component that a line is."""


def sent(drawings: list[RenderedMessage]) -> list[list[dict[str, Any]]]:
    """Return the components of each message, as they are sent."""
    flags = discord.MessageFlags(components_v2=True).value
    drawn = (drawing.view.to_components() for drawing in drawings)  # type: ignore[no-untyped-call]
    return [validate_components(found, flags=flags) for found in drawn]


def messages(reply: Reply, **options: Any) -> list[list[dict[str, Any]]]:
    return sent(draw(reply, **options))


def inside(message: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what stands one under the other, in the frame where the message has one."""
    return message[-1].get("components", message) if message[-1]["type"] == 17 else message


def looks(reply: Reply) -> list[str]:
    """Write the first message from top to bottom: texts, `---` for a line, the labels of buttons in brackets."""
    found = []
    for part in walk_components(inside(messages(reply)[0])):
        if part["type"] == SEPARATOR:
            found.append("---")
        elif said := part.get("content") or (f"[{part['label']}]" if "label" in part else ""):
            found.append(said)
    return found


def parts(reply: Reply, **options: Any) -> list[dict[str, Any]]:
    return [part for message in messages(reply, **options) for part in walk_components(message)]


def text(reply: Reply, **options: Any) -> str:
    return "\n".join(part["content"] for part in parts(reply, **options) if "content" in part)


@given(any_reply)
async def test_no_limit_is_broken(reply: Reply) -> None:
    drawn = messages(reply, key="delivery-1", role="123")

    assert 1 <= len(drawn) <= limits.PAGES
    for message in drawn:
        found = list(walk_components(message))
        words = "".join(part.get("content", "") for part in found)
        ids = [part["custom_id"] for part in found if "custom_id" in part]
        assert 1 <= len(found) <= limits.COMPONENTS + 1  # whom it calls stands before the frame
        assert len(words) <= limits.TEXT
        assert len(words.encode()) <= limits.TEXT_BYTES
        assert len(ids) == len(set(ids))
        assert all(part["content"].strip() for part in found if "content" in part)
        assert all(1 <= len(part["label"]) <= limits.LABEL for part in found if "label" in part)
        assert all(len(part["options"]) <= limits.MENU_OPTIONS for part in found if "options" in part)


def lines_part(message: list[dict[str, Any]]) -> bool:
    """No line at the beginning or the end, and never two in a row."""
    lines = [part["type"] == SEPARATOR for part in inside(message)]
    return not (lines[0] or lines[-1] or any(above and below for above, below in pairwise(lines)))


@given(any_reply)
async def test_dividers_only_stand_between_two_parts(reply: Reply) -> None:
    assert all(map(lines_part, messages(reply)))


pieces = st.one_of(
    st.just(Divider()),
    st.builds(Markup, st.sampled_from(["", "a", "word " * 100, "word " * 900])),
    st.integers(1, 60).map(lambda n: tuple(Button(f"{n} {i}", f"go {n} {i}") for i in range(n))),
    st.integers(1, 60).map(lambda n: Menu("Days", f"go {n}", "days", (MenuOption("Monday", "monday"),))),
)


@given(st.lists(pieces, max_size=60))
@example([*(Markup("a") for _ in range(35)), Divider(), Menu("Days", "go", "days", (MenuOption("Monday", "monday"),))])
async def test_dividers_do_not_change_anything_else(laid: list[Piece]) -> None:
    def drawn(pieces: list[Piece]) -> list[list[dict[str, Any]]]:
        layout = Layout()
        for piece in pieces:
            layout.add(piece)
        return sent(layout.messages(color=None, framed=True))

    def said(messages: list[list[dict[str, Any]]]) -> tuple[str, set[str]]:
        """All the words and controls, ignoring repeats of a control or menu label, because each page draws it once."""
        found = [part for message in messages for part in walk_components(message)]
        words = "".join(part["content"] for part in found if "content" in part and part["content"] != "-# Days")
        return "".join(words.split()), {part["custom_id"] for part in found if "custom_id" in part}

    with_lines, without = drawn(laid), drawn([piece for piece in laid if not isinstance(piece, Divider)])

    assert all(map(lines_part, with_lines))
    assert all(len(list(walk_components(message))) < limits.COMPONENTS for message in with_lines[:-1])
    assert len(list(walk_components(with_lines[-1]))) <= limits.COMPONENTS
    if len(with_lines) < limits.PAGES:  # the last page may be full a little sooner, and says so
        assert said(with_lines) == said(without)


@given(any_reply)
async def test_nobody_is_mentioned_and_no_text_is_reversed(reply: Reply) -> None:
    drawn = text(reply)

    assert not re.search(r"@everyone|@here|(?<!\\)<[@#][!&]?\d+>", drawn)
    isolated = re.sub("\u2068[^\u2066-\u2069\n]*(?:\u2069|$)", "", drawn, flags=re.MULTILINE)  # ours
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", isolated)


@given(st.lists(st.text("abcdefghij ", min_size=1, max_size=4000), min_size=1, max_size=12))
async def test_every_word_is_shown_or_the_messages_say_they_are_cut_short(bodies: list[str]) -> None:
    drawn = text(Reply.of(*map(Text, bodies)))

    if SHORTENED not in drawn:
        assert "".join(drawn.split()).replace("…", "") == "".join("".join(bodies).split())


@given(texts, st.integers(1, 4000), st.integers(1, 10_000))
def test_splitting_loses_nothing_but_whitespace(body: str, characters: int, size: int) -> None:
    now, later = split(body, characters, size)

    assert len(now) <= max(characters, 4)
    assert len(now.encode()) <= max(size, 4)
    if "`" not in body:  # a heading's mark that comes to stand first is escaped
        assert "".join((now + later).split()).replace("\\", "") == "".join(body.split()).replace("\\", "")


async def test_a_long_text_continues_in_further_messages_and_code_stays_code() -> None:
    reply = Reply.of(Text("Look:\n\n```python\n" + "x = 1  # a line of code\n" * 300 + "```"), Notice("The end."))
    drawn = ["\n".join(p["content"] for p in walk_components(m) if "content" in p) for m in messages(reply)]

    assert len(drawn) == 2
    assert all(page.count("```") == 2 for page in drawn)
    assert drawn[1].startswith("```python\n")
    assert drawn[1].endswith("The end.")
    assert sum(page.count("x = 1") for page in drawn) == 300


@pytest.mark.parametrize("opening", ["```", "``` ", "Look:\n```python ", "Look:\n``` ", "```x```\n\n"])
async def test_code_on_one_long_line_is_split_too(opening: str) -> None:
    drawn = messages(Reply.of(Text(opening + "x" * 9000 + "\n```")))

    assert len(drawn) == 3
    assert sum(part.get("content", "").count("x") for m in drawn for part in walk_components(m)) >= 9000


async def test_text_too_long_for_all_messages_says_so() -> None:
    assert text(Reply.of(Text("word " * 8000))).endswith(SHORTENED)


async def test_tied_ranks_keep_their_numbers() -> None:
    rows = (Rank(4, "a_b", "3"), Rank(4, "bob", "3"), Rank(6, "cy", "1"))
    drawn = text(Reply.of(Standings("Week", rows)))

    assert [line[:3] for line in drawn.splitlines()[1:]] == ["4\\.", "4\\.", "6\\."]
    assert "a\\_b" in drawn


async def test_a_card_has_a_divider_between_question_and_options() -> None:
    card = QuestionCard(
        "Practice", "Why?", "gan", "hard", (Option("a", "So.", Button("A", "answer k a")),), note="No points."
    )

    assert looks(Reply.of(card)) == ["-# Practice · gan · hard\n## Why?", "---", "**A**  So.", "[A]", "-# No points."]


async def test_a_verdict_shows_the_answer_the_right_one_and_the_score() -> None:
    verdict = Verdict(False, "No.", "Which one?", "A. This", "Because.", "B. That", reference="All of it.", score="+0")
    streak = Notice("Streak: 3 days.", Tone.GOOD)
    next_ = Buttons((Button("Another one", "question"),))

    assert looks(Reply.of(verdict, streak, next_)) == [
        "## ❌ No.\n-# Which one?\nYou chose A. This",
        "Because.",
        "The answer is **B. That**",
        "---",
        "-# The reference\nAll of it.",
        "---",
        "-# +0",
        "✅ Streak: 3 days.",
        "[Another one]",
    ]


async def test_a_question_in_a_title_is_shown_as_markdown() -> None:
    title = r"Is `x` in $\mathbb{R}^2$ **or** not?"

    assert looks(Reply.of(Text("Yes.", title))) == ["## Is `x` in ℝ² **or** not?\nYes."]
    assert looks(Reply.of(Text("כן.", "מה זה LoRA?"))) == ["## \u2068מה זה LoRA?\u2069\nכן."]


async def test_a_sentence_stands_below_its_point_and_is_not_repeated() -> None:
    points = (
        Point("One", "mentioned", "I *said* this."),
        Point("Two", "missing"),
        Point("Three", "perhaps", "I *said* this."),
        Point("Four", "mentioned", "And " + "that " * 100),
        Point("Five", "mentioned", "I *said* this."),
    )
    lines = looks(Reply.of(Verdict(None, "You mentioned 3.", points=points)))[1].splitlines()

    quote = "-# “I \\*said\\* this.”"
    assert lines[:2] == ["✅ One", quote]
    assert lines[2:5] == ["⬜ Two", "🔸 Three", "✅ Four"]
    assert re.fullmatch("-# “And (that )+t?h?a?…”", lines[5])
    assert lines[6:] == ["✅ Five", quote]


async def test_buttons_with_a_prompt_are_set_apart() -> None:
    parts, near = Buttons((Button("In depth", "a"),)), Buttons((Button("That", "b"),), prompt="Or did you mean:")
    drawn = looks(Reply.of(Text("It is so.", title="Why?"), parts, near, parts))

    assert drawn == ["## Why?\nIt is so.", "[In depth]", "---", "Or did you mean:", "[That]"]
    assert "---" not in looks(Reply.of(parts, Buttons((Button("Share", "c"),))))


async def test_a_table_is_a_list_with_further_columns_named_below() -> None:
    two = Table(("Setting", "Value"), (("Zone", "Europe/Paris"), ("Team", "none")), title="You")
    more = Table(("No.", "When", "Zone", "Next"), (("1", "weekdays", "Paris", datetime(2026, 1, 1, tzinfo=UTC)),))

    assert looks(Reply.of(two)) == ["## You\n- **Zone** · Europe/Paris\n- **Team** · none"]
    assert looks(Reply.of(more)) == ["**1** · weekdays\n-# Zone: Paris · Next: <t:1767225600:f>"]
    assert looks(Reply.of(Table(("Manager",), (("maya",),)))) == ["- maya"]


async def test_weeks_of_a_streak_are_labeled_by_their_mondays() -> None:
    days = ((date(2026, 1, 1), DayMark.STUDIED), (date(2026, 1, 5), DayMark.MISSED))
    [drawn] = looks(Reply.of(Calendar("Your streak", 1, 4, 0, days)))

    assert drawn.splitlines()[2:4] == ["`Dec 29` ▪️▪️▪️🟩▪️▪️▪️", "`Jan 05` 🟥▪️▪️▪️▪️▪️▪️"]


async def test_formulas_are_pictures_that_say_them_and_those_not_drawn_are_written_in_words() -> None:
    reply = Reply.of(Text("Take $$x_1 < y$$ and $$z^2$$"))
    [message] = draw(reply, {"x_1 < y": b"png"})

    assert [file.description for file in message.files] == ["Formula: x₁ < y"]
    assert "z²" in text(reply, pictures={"x_1 < y": b"png"})
    assert "x₁" not in text(reply, pictures={"x_1 < y": b"png"})


async def test_no_message_ends_with_the_title_of_the_next() -> None:
    long = "word " * 780
    drawn = messages(Reply.of(Text(long), Text("x " * 300, title="Next")))

    assert len(drawn) == 2
    assert inside(drawn[1])[0]["content"].startswith("## Next\nx ")


async def test_two_buttons_with_the_same_command_become_one() -> None:
    reply = Reply.of(Buttons((Button("One", "help"), Button("Two", "help"), Button("Three", "daily"))))

    assert [part["label"] for part in parts(reply) if "label" in part] == ["One", "Three"]


async def test_a_menu_shows_the_selection_and_its_id_lacks_only_the_value() -> None:
    menu = Menu(
        "Days",
        "schedule change s1",
        "days",
        (MenuOption("Monday", "monday", True), MenuOption("Friday", "friday")),
        True,
    )
    [found] = [part for part in parts(Reply.of(menu)) if "options" in part]

    assert found["custom_id"] == "schedule change s1 days="
    assert [option.get("default", False) for option in found["options"]] == [True, False]
    assert found["max_values"] == 2


async def test_a_post_carries_its_frame_id_and_mentions_only_the_given_role() -> None:
    [frame] = messages(Reply.of(Text("Hello <@&5>")), key="delivery-7")[0]
    called = messages(Reply.of(Text("Hello")), key="delivery-7", role="5")[0]

    assert frame["id"] == frame_id("delivery-7")
    assert not re.search(r"(?<!\\)<@", text(Reply.of(Text("Hello <@&5>")), key="delivery-7"))
    assert called[0]["content"] == "<@&5>"


async def test_buttons_in_a_direct_message_carry_their_server() -> None:
    reply = Reply.of(Buttons((Button("Now", "question"), Button("Long", "x" * 100))))

    assert [part["custom_id"] for part in parts(reply, workspace="42") if "custom_id" in part] == ["@42 question"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[a bank](https://evil.example/login)", "a bank (https://evil.example/login)"),
        ("[click](javascript:alert)", "[click]\u200b(javascript:alert)"),
        ("![pixel](https://evil.example/x.png)", "pixel"),
        ("<#123> and </ask:1>, <t:1>, <:e:1>", "<\u200b#123> and <\u200b/ask:1>, <\u200bt:1>, <\u200b:e:1>"),
        ("`</s>` and <s> stay", "`</s>` and <s> stay"),
        ("#### Small print", "**Small print**"),
        ("a \u202eright-to-left\u202c b", "a right-to-left b"),
        ("| a | b |\n|---|---|\n| 1 | 22 |\n", "```text\na  b\n1  22\n```"),
    ],
)
def test_text_of_a_bank_hides_no_links(written: str, shown: str) -> None:
    assert markdown(written).strip() == shown


async def test_what_a_model_writes_cannot_pass_for_the_bots_own_text() -> None:
    written = "# Right!\n-# The bank's own text\nSee https://evil.example/x or [this](https://evil.example/y)"
    drawn = text(Reply.of(Explanation(written, "model")))

    assert "\n# " not in drawn
    assert "\n-# The bank" not in drawn
    assert "`https://evil.example/x`" in drawn
    assert "`https://evil.example/y`" in drawn


@pytest.mark.parametrize(
    "name", ["# Boss", "-# small", "> quote", "1. first", "[x](https://a.b)", "a\nb", "https://a.b"]
)
def test_a_name_is_never_formatting(name: str) -> None:
    drawn = plain(name)

    assert "\n" not in drawn
    assert not re.match(r"#|-#|>|\d+\.", drawn)
    assert "://" not in drawn
