"""Formulas as Unicode text.

What's written is read back here with tables of its own, which know nothing of MathML or of the writer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from bot.text.formulas import unicode_text
from knowledge.format.markdown import formulas_of
from knowledge.format.reader import load

SIGN_TABLE = (
    r"alpha:α beta:β gamma:γ delta:δ epsilon:ϵ varepsilon:ε zeta:ζ eta:η theta:θ vartheta:ϑ iota:ι kappa:κ "
    r"lambda:λ mu:μ nu:ν xi:ξ pi:π rho:ρ sigma:σ tau:τ upsilon:υ phi:ϕ varphi:φ chi:χ psi:ψ omega:ω Gamma:Γ "
    r"Delta:Δ Theta:Θ Lambda:Λ Xi:Ξ Pi:Π Sigma:Σ Upsilon:Υ Phi:Φ Psi:Ψ Omega:Ω ell:ℓ hbar:ℏ approx:≈ cap:∩ "
    r"cdot:· circ:∘ cup:∪ equiv:≡ ge:≥ geq:≥ gg:≫ in:∈ infty:∞ le:≤ leq:≤ ll:≪ mid:| ne:≠ neq:≠ notin:∉ odot:⊙ "
    r"oplus:⊕ otimes:⊗ parallel:∥ perp:⟂ pm:± mp:∓ prec:≺ propto:∝ sim:∼ simeq:≃ cong:≅ subset:⊂ subseteq:⊆ "
    r"supset:⊃ supseteq:⊇ succ:≻ times:× to:→ gets:← top:⊤ bot:⊥ setminus:∖ mapsto:↦ leftarrow:← rightarrow:→ "
    r"Leftarrow:⇐ Rightarrow:⇒ leftrightarrow:↔ Leftrightarrow:⇔ longrightarrow:⟶ implies:⟹ iff:⟺ forall:∀ "
    r"exists:∃ neg:¬ land:∧ lor:∨ wedge:∧ vee:∨ ast:* star:⋆ div:÷ bullet:• dagger:† emptyset:∅ varnothing:∅ "
    r"partial:∂ nabla:∇ prime:′ sum:∑ prod:∏ int:∫ bigcup:⋃ bigcap:⋂ lfloor:⌊ rfloor:⌋ lceil:⌈ rceil:⌉ langle:⟨ "
    r"rangle:⟩ lVert:‖ rVert:‖ lvert:| rvert:| vert:| Vert:‖ dots:… ldots:… cdots:⋯ vdots:⋮ ddots:⋱"
)
SIGNS = dict(pair.split(":") for pair in SIGN_TABLE.split()) | {c: c for c in "{}%$&#"} | {"|": "‖", "bmod": "mod"}
NAME_LIST = (
    "arg arccos arcsin arctan cos cosh cot det dim exp gcd inf ker lim ln log max min Pr sec sin sinh sup tan tanh"
)
NAMES = frozenset(NAME_LIST.split())
MARKS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303",
    "widetilde": "\u0303", "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7", "check": "\u030c", "breve": "\u0306",
    "underline": "\u0332",
}  # fmt: skip
LAYOUT = "quad qquad left right big Big bigl bigr Bigl Bigr , ; : ! mathbb mathbf mathcal mathrm boldsymbol sqrt"
SILENT = {*LAYOUT.split(), " ", "\\"}
ROOTS = {"∛": "3√", "∜": "4√"}
"""What NFKD leaves of what the writer may choose."""
SAME = str.maketrans({"−": "-", "⊤": "T", "°": "∘", "\u0305": "\u0304"} | ROOTS)
BRACKETS = frozenset("()[]{}/√_^ ⎛⎜⎝⎞⎟⎠⎡⎢⎣⎤⎥⎦⎧⎪⎨⎩")
"""What the writer may add."""
TOKEN = re.compile(
    r"\\text\{([^}]*)\}|\\operatorname\*?\{([^}]*)\}|\\(?:begin|end)\{\w+\}|\\([A-Za-z]+|.)|\s|(.)", re.DOTALL
)


def parts_of_latex(latex: str) -> Counter[str]:
    """Count the letters, digits, signs and accents that LaTeX would show."""
    shown = ""
    for text, operator, command, sign in TOKEN.findall(latex):
        if text or operator:
            shown += re.sub(r"\\(?=[%_&#$])", "", text) + operator
        elif command in ("frac", "binom", "dfrac", "tfrac"):
            shown += "choose" * (command == "binom")
        elif command in MARKS:
            shown += MARKS[command]
        elif command in NAMES:
            shown += command
        elif command and command not in SILENT:
            shown += SIGNS[command]
        elif sign and sign not in "{}^_&~":
            shown += "′" if sign == "'" else sign
    return parts(shown)


def parts(text: str) -> Counter[str]:
    characters = unicodedata.normalize("NFKD", text.translate(SAME)).translate(SAME)
    return Counter(c for c in characters if not c.isspace() and c not in BRACKETS)


def without_scripts(latex: str) -> str:
    """Return what stands on the line, without subscripts and superscripts, which may change places."""
    result, depth, start = "", 0, -1
    for index, sign in enumerate(latex):
        depth += (sign == "{" and latex[index - 1 : index] != "\\") - (sign == "}" and latex[index - 1 : index] != "\\")
        if start < 0 and sign in "^_" and latex[index - 1 : index] != "\\":
            start = depth
        elif start < 0:
            result += sign
        elif depth == start and not sign.isspace():
            following = latex[index + 1 : index + 2]
            start = (
                start
                if sign == "\\" or (re.search(r"\\[A-Za-z]*$", latex[: index + 1]) and following.isalpha())
                else -1
            )
    return result


def line_of_latex(latex: str) -> list[str]:
    shown = ""
    for text, operator, command, sign in TOKEN.findall(without_scripts(re.sub(r"(\\sqrt)\[.*?\]", r"\1", latex))):
        shown += text + operator + (command if command in NAMES else SIGNS.get(command, "")) + sign
    return order(shown)


def line_of_text(text: str) -> list[str]:
    while (shorter := re.sub(r"[_^]\{[^{}]*\}", "", text)) != text:
        text = shorter
    text = re.sub(r"[_^]\w+|[_^]\S", "", text)
    text = "".join(c for c in text if not unicodedata.decomposition(c).startswith(("<super>", "<sub>")))
    return order(text.replace(" choose ", " "))


def order(text: str) -> list[str]:
    return [c for c in unicodedata.normalize("NFKD", text) if c.isalnum()]


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        ("x_i", "xᵢ"),
        ("x_i^2", "xᵢ²"),
        (r"x_{\max}", "x_max"),
        ("x_{i,j}^2", "x_{i,j}²"),
        (r"\|V\|_F^2", "‖V‖²_F"),
        (r"\theta_{\text{old}} x", "θ_old x"),
        (r"x^* y", "x* y"),
        ("{x^2}^3", "(x²)³"),
        ("{a + b}^2", "(a + b)²"),
        ("f''_i", "f″ᵢ"),
        (r"W_0 + \frac{\alpha}{r} B A", "W₀ + (α/r) BA"),
        (r"\frac{\frac{a}{b}}{c}", "(a/b)/c"),
        (r"\frac{a + b}{2c}", "(a + b)/(2c)"),
        (r"\frac{\partial L}{\partial x}", "∂L/∂x"),
        (r"2\frac{1}{3}", "2 (1/3)"),
        (r"\log\frac{p}{q}", "log(p/q)"),
        (r"\frac{1}{n} \sum_{i=1}^{n} x_i", "(1/n) ∑ᵢ₌₁ⁿ xᵢ"),
        (r"\frac{50\%}{\{a\}}", "50%/{a}"),
        (r"\sqrt{d_k}", "√(dₖ)"),
        (r"\sqrt[3]{x}", "∛(x)"),
        (r"\sum_\to x", "∑_→ x"),
        (r"\hat{h} \bar{x} \tilde{x} \dot{a} \vec{v}", "ĥx̄x̃ȧv⃗"),
        (r"\hat{\bar{x}}_i", "x̄̂ᵢ"),
        (r"\overline{AB}", "A̅B̅"),
        (r"\mathbb{E}_{x \sim p}[\mathbf{x}]", "𝔼_{x∼p}[𝐱]"),
        (r"\log x", "log x"),
        (r"\det A", "det A"),
        (r"a \bmod b", "a mod b"),
        (r"\Pr(x)", "Pr(x)"),
        (r"\arg\max_x D(x)", "arg maxₓ D(x)"),
        (r"\binom{n}{k} p", "(n choose k)p"),
        (r"\Delta W", "ΔW"),
        (r"r \ll d", "r ≪ d"),
        ("f(x)=2", "f(x) = 2"),
        ("-x-(-1)", "-x - (-1)"),
        (r"P(A | B)", "P(A | B)"),
        (r"\mathrm{KL}(p \| q)", "KL(p ‖ q)"),
        ("2|x||y|", "2|x||y|"),
        (r"\left.f\right|_{x=0}", "f|ₓ₌₀"),
        ("10{,}000", "10,000"),
        (r"\hat{AB}", None),
        (r"\underbrace{a}_{b}", None),
        (r"\foo", None),
        ("{", None),
        ("", None),
    ],
)
def test_a_formula_reads_as_people_write_it(latex: str, text: str | None) -> None:
    assert unicode_text(latex) == text


@pytest.mark.parametrize(
    ("latex", "lines"),
    [
        (
            r"f(x) = \begin{cases} x & \text{if } x > 0 \\ 10 & \text{otherwise} \end{cases}",
            ["f(x) = ⎧x   if x > 0", "       ⎩10  otherwise"],
        ),
        (r"\begin{pmatrix} a & -b \\ c & d \end{pmatrix}^\top x", ["⎛a  -b⎞ᵀx", "⎝c  d ⎠"]),
        (r"\begin{aligned} a + b &= c \\ d &= -e \end{aligned}", ["a + b = c", "    d = -e"]),
        (r"\begin{bmatrix} 1 \\ 2 \\ 3 \end{bmatrix} + x", ["⎡1⎤", "⎢2⎥ + x", "⎣3⎦"]),
    ],
)
def test_rows_align(latex: str, lines: list[str]) -> None:
    text = unicode_text(latex)

    assert text is not None
    assert text.split("\n") == lines


def test_every_sign_is_written_as_itself() -> None:
    assert {name: unicode_text(f"\\{name}") for name in SIGNS} == SIGNS


def test_nothing_is_lost_from_the_formulas_of_the_bank() -> None:
    formulas = dict.fromkeys(latex for question in load().bank for latex in formulas_of(question))
    written = {latex: text for latex in formulas if (text := unicode_text(latex))}
    print(f"{len(written):,} of {len(formulas):,} formulas are written in Unicode")

    assert len(written) >= 0.95 * len(formulas)
    for latex, text in written.items():
        assert parts(text) == parts_of_latex(latex), (latex, text)
        if "\\begin" not in latex:
            assert line_of_text(text) == line_of_latex(latex), (latex, text)


LETTERS = st.sampled_from(["a", "k", "q", "x", "A", "T", "W", "7", "12", r"\alpha", r"\theta", r"\Omega", r"\ell"])
OPERATORS = st.sampled_from(
    [" + ", " - ", r" \cdot ", " = ", r" \le ", r" \in ", " | ", r" \| ", ", ", " ", " / ", r" \mid "]
)


def composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    accents, fonts = st.sampled_from(sorted(MARKS)), st.sampled_from(["mathbb", "mathbf", "mathcal", "mathrm"])
    return st.one_of(
        st.builds(r"{{{}}}_{{{}}}".format, inner, inner),
        st.builds(r"{{{}}}^{{{}}}".format, inner, inner),
        st.builds(r"{{{}}}_{{{}}}^{{{}}}".format, inner, inner, inner),
        st.builds(r"\frac{{{}}}{{{}}}".format, inner, inner),
        st.builds(r"\binom{{{}}}{{{}}}".format, inner, inner),
        st.builds(r"\sqrt{{{}}}".format, inner),
        st.builds(r"\sqrt[{}]{{{}}}".format, LETTERS, inner),
        st.builds(r"\left({}\right)".format, inner),
        st.builds(r"\left|{}\right|".format, inner),
        st.builds(r"\{}{{{}}}".format, accents, inner),
        st.builds(r"\{}{{{}}}".format, fonts, st.sampled_from("AxB")),
        st.builds(r"\{} {}".format, st.sampled_from(sorted(NAMES)), inner),
        st.builds(r"\sum_{{{}}}^{{{}}} {}".format, inner, inner, inner),
        st.builds(r"\text{{{}}} {}".format, st.sampled_from(["if ", "max", " is right "]), inner),
        st.builds("{}{}{}".format, inner, OPERATORS, inner),
        st.builds("{} {}".format, inner, inner),
        st.builds("{}'".format, LETTERS),
    )


FORMULAS = st.recursive(LETTERS | st.sampled_from(sorted(SIGNS)).map(r"\{} ".format), composed, max_leaves=8)


@given(FORMULAS)
def test_nothing_is_lost_from_any_formula(latex: str) -> None:
    text = unicode_text(latex)
    event("written" if text else "stays LaTeX")
    if text:
        written, expected = parts(text), parts_of_latex(latex)
        for line in ("\u0304", "\u0332"):  # one is written for each letter
            if written[line] > expected[line] > 0:
                written[line] = expected[line]
        assert written == expected, text
        assert line_of_text(text) == line_of_latex(latex), text


SIMPLE = st.recursive(
    LETTERS, lambda inner: st.builds("{}{}{}".format, inner, st.sampled_from([" + ", " "]), inner), max_leaves=3
)


@given(SIMPLE, SIMPLE, SIMPLE)
def test_formulas_that_mean_something_else_are_written_differently(a: str, b: str, c: str) -> None:
    different = [
        rf"{{{a}}}^{{{b} {c}}}",
        rf"{{{a}}}^{{{b}}} {c}",
        rf"{{{a} {b}}}^{{{c}}}",
        rf"{{{a}}}_{{{b} {c}}}",
        rf"{{{a}}}_{{{b}}} {c}",
        rf"{{{a}}}_{{{b}}}^{{{c}}}",
        rf"{{{a}}}_{{{b}^{{{c}}}}}",
        rf"\frac{{{a}}}{{{b}}} {c}",
        rf"\frac{{{a}}}{{{b} {c}}}",
        rf"\frac{{{a} {b}}}{{{c}}}",
        rf"\frac{{{a}}}{{\frac{{{b}}}{{{c}}}}}",
        rf"\frac{{\frac{{{a}}}{{{b}}}}}{{{c}}}",
        rf"\sqrt{{{a} {b}}} {c}",
        rf"\sqrt{{{a}}} {b} {c}",
        rf"\sqrt{{{a} {b} {c}}}",
        rf"\log \frac{{{a}}}{{{b}}} + {c}",
        rf"\frac{{\log {a}}}{{{b}}} + {c}",
    ]
    written = [text for latex in different if (text := unicode_text(latex))]

    assert len(written) == len(different)
    assert len(set(written)) == len(written), written
