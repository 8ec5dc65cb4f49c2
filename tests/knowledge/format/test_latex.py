"""LaTeX as MathML."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from types import FrameType
from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.format.latex import (
    ARGUMENTS,
    COMMANDS,
    MAX_LENGTH,
    UnsupportedError,
    parse,
    unreadable,
)


def shape(latex: str) -> str:
    """Return the MathML within `math`, without attributes."""
    tree = parse(latex)
    for element in tree.iter():
        element.attrib.clear()
    return "".join(tostring(child, encoding="unicode") for child in tree)


def texts(tree: Element) -> str:
    return "".join(element.text or "" for element in tree.iter())


@pytest.mark.parametrize(
    ("latex", "mathml"),
    [
        ("x", "<mi>x</mi>"),
        (r"\frac{a}{b}", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
        (r"\frac12", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\frac{a}23", "<mrow><mfrac><mi>a</mi><mn>2</mn></mfrac><mn>3</mn></mrow>"),
        (r"\sqrt 23", "<mrow><msqrt><mn>2</mn></msqrt><mn>3</mn></mrow>"),
        ("x^12", "<mrow><msup><mi>x</mi><mn>1</mn></msup><mn>2</mn></mrow>"),
        ("10{,}000", "<mrow><mn>10</mn><mn>,</mn><mn>000</mn></mrow>"),
        (r"a \sim b", "<mrow><mi>a</mi><mo>∼</mo><mi>b</mi></mrow>"),
        (r"\text{50\%}", "<mtext>50%</mtext>"),
        (r"\arg x", "<mrow><mi>arg</mi><mi>x</mi></mrow>"),
    ],
)
def test_a_formula_is_read_as_latex_reads_it(latex: str, mathml: str) -> None:
    assert shape(latex) == mathml


def test_digits_before_letters_are_not_a_length() -> None:
    assert texts(parse("2em - 3pt")) == "2em−3pt"
    assert [element.text for element in parse("2em").iter("mi")] == ["e", "m"]


def test_a_single_upright_letter_stays_upright() -> None:
    (letter,) = parse(r"\mathrm{d}")

    assert letter.get("mathvariant") == "normal"


def test_no_known_command_is_read_as_its_name_or_lost() -> None:
    for name in COMMANDS:
        tree = parse(f"\\{name} {'{a}' * ARGUMENTS.get(name, 0)}")

        assert "\\" not in texts(tree), name
        assert texts(tree) or tree.find("mspace") is not None, name


@pytest.mark.parametrize(
    ("latex", "reason"),
    [
        (r"\frac{a}{b", "} is missing"),
        ("a}", "} closes nothing"),
        (r"\left( x", r"\right is missing"),
        (r"\left( {x \right)}", r"\right comes before }"),
        (r"x \right)", r"\right closes nothing"),
        (r"\begin{cases} x", r"\end{cases} is missing"),
        (r"\begin{cases} x \end{matrix}", r"\end{matrix} comes before \end{cases}"),
        (r"\frac{a}", "lacks"),
        (r"{\frac{a}} b", "lacks"),
        ("x^", "lacks"),
        (r"\hat", "lacks"),
        ("x^a^b", "two superscripts"),
        ("x_a_b", "two subscripts"),
    ],
)
def test_a_formula_that_latex_rejects_is_unreadable_for_a_reason(latex: str, reason: str) -> None:
    assert reason in unreadable(latex)


@pytest.mark.parametrize(
    "latex",
    [
        r"\DeclareMathOperator{\x}{y} \x",
        r"\newcommand{\x}{y} \x",
        r"\def\x{y} \x",
        r"\input{x}",
        r"\href{https://example.org}{x}",
        r"\class{x}{y}",
        r"\style{x}{y}",
        r"\unicode{x41}",
        r"\not\in",
        r"\operatorname{top-k}",
        r"\text{a $x$ b}",
        r"\text{a {b} c}",
        r"\color{red} x",
        r"\verb|x|",
        r"\begin{array}{l} x \end{array}",
        r"a & b",
        r"a \\ b",
        r"\begin{matrix} a \\[2pt] b \end{matrix}",
        r"\left< x \right>",
        "^2",
        r"\begin{matrix} a & ^2 \end{matrix}",
        "50% of it",
        "a # b",
        "a \u202e b",
        "x" * (MAX_LENGTH + 1),
        "{" * 30 + "x" + "}" * 30,
        r"\hat" * 30 + "x",
    ],
)
def test_what_would_come_out_wrong_is_unsupported_but_readable(latex: str) -> None:
    with pytest.raises(UnsupportedError):
        parse(latex)
    assert unreadable(latex) == ""


@given(
    st.lists(
        st.sampled_from([f"\\{name}" for name in sorted(COMMANDS)] + [r"\left(", r"\right)", r"\left.", r"\right."])
        | st.sampled_from(
            [r"\begin{cases}", r"\end{cases}", r"\\", "&", "{", "}", "^", "_", "'", " ", "12", "x", "[", "]"]
        )
        | st.text(max_size=3),
        max_size=25,
    ).map("".join)
)
def test_any_text_is_a_tree_or_an_error_with_a_reason(latex: str) -> None:
    reason = unreadable(latex)
    with suppress(UnsupportedError):
        assert reason or "\\" not in "".join(e.text or "" for e in parse(latex).iter() if e.tag != "mtext")


HOSTILE: dict[str, Callable[[int], str]] = {
    "scripts nested on both sides": lambda n: "{@}^{" * (n // 7) + "@" + "}" * (n // 7),
    "fractions in fractions": lambda n: r"\frac" * (n // 5) + "12",
    "open braces": lambda n: "{" * n,
    "scripts without a base": lambda n: "^" * n,
    "primes": lambda n: "x" + "'" * (n - 1),
    "brackets left open": lambda n: r"\left(" * (n // 6),
    "text left open": lambda n: r"\text{" * (n // 6),
    "roots left open": lambda n: r"\sqrt[" * (n // 6),
    "a long sum": lambda n: "x+" * (n // 2),
    "many fractions": lambda n: r"\frac{a}{b}" * (n // 11),
    "many rows": lambda n: r"\begin{matrix}" + r"a&b\\" * (n // 6 - 5) + r"\end{matrix}",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_twice_the_length_takes_twice_the_time_up_to_the_limit_and_none_above(hostile: Callable[[int], str]) -> None:
    counts = [calls(hostile(length)) for length in (MAX_LENGTH // 4, MAX_LENGTH // 2, MAX_LENGTH)]

    assert all(more <= 2.2 * less + 100 for less, more in pairwise(counts)), counts
    assert calls(hostile(100_000)) < 50


def calls(latex: str) -> int:
    """Count the function calls that parsing takes, which, unlike seconds, are the same every time."""
    count = 0

    def add(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    outer = sys.getprofile()
    sys.setprofile(add)
    try:
        unreadable(latex)
    finally:
        sys.setprofile(outer)
    return count
