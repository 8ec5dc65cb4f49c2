"""What is written is read as Discord reads it: nothing in it addresses anybody or hides a link."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.dispatch.handler import _code_block
from bot.platforms.discord.markup import markdown, plain, split, spoken
from tests.platforms.discord.reader import BLOCK, live


def hidden(text: str) -> list[tuple[str, str]]:
    return [found for found in live(text) if found[0] != "address"]


EMPHASIS = ["*", "**", "_", "__", "~~", "||", "~~~"]
PIECES = [
    *("`", "``", "```", "````", "\n```", "\n```py\n", "\n", " ", "\\", "\n| ", "|\n", "# ", "> ", "- "),
    *("$", "$$", "\\hat{", "}", "\\text{", "\\textbackslash ", "a", "b c", "[", "]", "(", ")", "](", "!", "<", ">"),
    *("[a](https://evil.gg)", "[a](https:evil.gg)", "](\\https\\://evil.gg)", "https://evil.gg/x", "https://"),
    *("<https://evil.gg>", "HTTPS://e.gg/a_-b", "<discord://x>", "<#123>", "<@123456789012345678>", "<t:1:R>"),
    *("<:e:12>", "<a:e:12>", "</ask me:12>", "<id:customize>", "@everyone", "\ue000", "\u200b"),
]
hostile = st.lists(st.sampled_from(PIECES + EMPHASIS), max_size=25).map("".join)
upright = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


def test_the_discord_parser_finds_mentions_and_links() -> None:
    for text in ("[a [b] c](https:x)", "[a\nb](https://x.y)", r"\\<#1>", "```\n<#1>", r"\`<#1>\`", "**a `** <#1> `"):
        assert hidden(text)
    for text in (r"\<#1>", "`<#1>`", "```\n<#1>\n```", "[a](b)", r"\[a](b)", "`a` <\u200b#1>"):
        assert not hidden(text)
    assert list(live("see https://x.y")) == [("address", "https://x.y")]
    assert list(live(r"https://x.y/\<#1>")) == [("address", "https://x.y/\\"), ("token", "<#1>")]


@given(st.one_of(hostile, st.text()), st.booleans())
@example("**a `** <#123> `", True)
@example("https://x.y/` <#123> `", False)
@example("[a `](https://evil.gg)`", True)
def test_no_text_mentions_anybody_or_hides_a_link(text: str, model: bool) -> None:
    assert hidden(markdown(text, model=model)) == []


@given(upright)
@example("https://x.y` a ` https://x.y`a`")
@example("[\n```](https://x.y")
@example("<\n```[a](https://x.y)<https://x.y>")
@example("<```a```<https://x.y>")
@example("<<https://x.y><discord://x>")
@example("\\https://x.y`a`")
def test_no_url_that_a_model_writes_is_a_link(text: str) -> None:
    """Next to italics and the like it could be one, where these end within code; it is in the open even then."""
    assert list(live(markdown(text, model=True))) == []


@given(hostile)
def test_a_name_contains_no_mentions_or_links(name: str) -> None:
    assert list(live(plain(name))) == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[claim [free] nitro](https://evil.gg)", "claim [free] nitro (`https://evil.gg`)"),
        ("[claim\nnitro](https://evil.gg)", "claim\nnitro (`https://evil.gg`)"),
        ("[a [b [c]]](https://evil.gg)", "a [b [c]] (`https://evil.gg`)"),
        (r"\`[claim](https://evil.gg)\`", r"\`claim (`https://evil.gg`)\`"),
        ("```\n[claim](https://evil.gg)", "```\n[claim]\u200b(https://evil.gg)\n```"),
        ("```py\nx = 1", "```py\nx = 1\n```"),
        ("```python", ""),
        ("A ``` by itself", r"A \`\`\` by itself"),
        ("a `tick and <#123>", "a \\`tick and \\<\u200b#123>"),
        ("````md\n```py\nx\n```\n````", "```md\n`\u200b``py\nx\n`\u200b``\n```"),
        ("so ```x = 1``` it is", "so `x = 1` it is"),
        ("``a`b``", "`aˋb`"),
        (r"\<#123> \\<#123>", "\\<\u200b#123> \\\\\\<\u200b#123>"),
        ("```\n| a | b |\n| c | d |\n```", "```\n| a | b |\n| c | d |\n```"),
        ("| `a` | b |\n|---|---|\n| 1 | 2 |", "```text\na  b\n1  2\n```"),
        ("the rate `lr`\n#### The `lr` rate", "the rate `lr`\n\n**The `lr` rate**"),
        ("**https://evil.gg/a_b**", "**`https://evil.gg/a_b`**"),
        ("> # Right!\n - -# ours\n # So", "> **Right!**\n\n- \\-# ours\n\n**So**"),
        ("`</s>`, `a[i](x)` and <b>", r"`</s>`, `a[i](x)` and \<b>"),
    ],
)
def test_text_from_a_model_cannot_pass_for_the_bots_own(written: str, shown: str) -> None:
    assert markdown(written, model=True).strip() == shown


@pytest.mark.parametrize("text", ["$`$", r"$\text{`}$ $\text{``}$", "$$```$$", r"$$\textasciigrave\textasciigrave$$"])
def test_a_formula_does_not_end_a_code_block(text: str) -> None:
    assert hidden(markdown(f"{text} <#123> `[a](https://x.y)`")) == []


@given(st.one_of(hostile, st.text()))
@example("```\n$x$\n```\n<#123> `a`")
def test_typed_text_comes_back_as_one_code_block(typed: str) -> None:
    drawn = spoken(_code_block(f"so: {typed}"))

    assert BLOCK.fullmatch(drawn)
    assert drawn.count("```") == 2
    assert "$x$" not in typed or "$x$" in drawn


@given(upright, st.integers(40, 80))
def test_code_stays_code_where_text_is_split(text: str, room: int) -> None:
    rest = markdown(text, model=True)
    for _ in range(len(rest)):
        page, rest = split(rest, room, 4 * room)
        assert list(live(page)) == []
        assert "```" not in BLOCK.sub("", page)
        if not rest:
            break
    assert not rest


def test_a_code_line_longer_than_a_page_is_split_into_full_pages() -> None:
    pages, rest = [], markdown("```" + "a" * 6000)
    while rest:
        page, rest = split(rest, 2000, 8000)
        pages.append(page)

    assert sum(page.count("a") for page in pages) == 6000
    assert all(len(page) > 1900 for page in pages[:-1])
    assert all(BLOCK.fullmatch(page) for page in pages)


def test_a_code_block_does_not_start_where_none_of_it_fits() -> None:
    page, rest = split("x" * 80 + "\n```py\n" + "y = 1\n" * 30 + "```\nend", 92, 400)

    assert page == "x" * 80
    assert rest.startswith("```py\ny = 1\n")


@pytest.mark.parametrize("mark", ["# Right!", "-# small", "> said"])
def test_words_from_the_middle_of_a_line_do_not_become_a_heading(mark: str) -> None:
    page, rest = split("word " * 10 + mark + " word" * 20, 54, 400)

    assert page == " ".join(["word"] * 10)
    assert rest.startswith(f"\\{mark}")
