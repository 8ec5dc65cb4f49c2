"""Lines of a formula that's too wide. Here, every character is one wide, and so is the indent, which is shown as >."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from bot.drawing.lines import Row, broken

QUAD = "_"


def element(character: str) -> Element:
    if character == QUAD:
        return Element("mspace", width="2em")
    made = Element("mi" if character.isalpha() else "mo")
    made.text = character
    return made


def shown(row: Row) -> str:
    return "".join({"1em": ">", "2em": QUAD}.get(element.get("width", ""), element.text or "") for element in row)


@pytest.mark.parametrize(
    ("formula", "max_width", "lines"),
    [
        pytest.param("a=b+c", 5, "a=b+c", id="it fits"),
        pytest.param("a=b+c=d", 6, "a=b+c >=d", id="relations before sums"),
        pytest.param("a=b+c+d", 6, "a=b+c >+d", id="sums, after as much as fits"),
        pytest.param("a=b_c=d", 6, "a=b c=d", id="parts before relations, without the space between them"),
        pytest.param("a=b_c=d+e", 7, "a=b c=d+e", id="a part that fits stays whole"),
        pytest.param("a=b_c=d_e=f", 8, "a=b_c=d e=f", id="parts that fit together stay together"),
        pytest.param("f(a=b)=c", 7, "f(a=b) >=c", id="never in brackets"),
        pytest.param("f(a_b)=c", 7, "f(a_b) >=c", id="not even at a space"),
        pytest.param("a=-b-c", 5, "a=-b >-c", id="never before a sign"),
        pytest.param("a+b)+c", 4, "a+b) >+c", id="a bracket that isn't opened"),
        pytest.param("abcdef", 4, "abcdef", id="nowhere"),
    ],
)
def test_a_formula_is_broken_at_the_best_place(formula: str, max_width: int, lines: str) -> None:
    assert " ".join(map(shown, broken([*map(element, formula)], len, max_width))) == lines
