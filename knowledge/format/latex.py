"""Parse formulas: LaTeX to MathML, the one tree from which both text and pictures of formulas are made.

The parser, latex2mathml, rejects little: it keeps an unknown command as a name, takes unclosed groups as closed, and
expands macros without an end. So what it's given is checked first: the nesting, the size and the commands, of which
only those that come out right are listed here.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

ENVIRONMENTS = frozenset({"aligned", "cases", "matrix", "pmatrix", "bmatrix"})
GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell"
)
RELATIONS = (
    "approx cap cdot circ cup equiv ge geq gg in ge infty le leq ll mid ne neq notin odot oplus otimes parallel perp "
    "pm mp prec propto sim simeq cong subset subseteq supset supseteq succ times to gets top bot setminus mapsto "
    "leftarrow rightarrow Leftarrow Rightarrow leftrightarrow Leftrightarrow longrightarrow implies iff forall exists "
    "neg land lor wedge vee ast star div bullet dagger emptyset varnothing partial nabla prime hbar"
)
SIGNS = "sum prod int bigcup bigcap"
BRACKETS = "lfloor rfloor lceil rceil langle rangle lVert rVert lvert rvert vert Vert"
DELIMITERS = frozenset("()[]|.") | {f"\\{name}" for name in ("{", "}", "|", *BRACKETS.split())}
SPACES = "quad qquad dots ldots cdots vdots ddots"
FUNCTIONS = (
    "arg arccos arcsin arctan cos cosh cot det dim exp gcd inf ker lim ln log max min Pr sec sin sinh sup tan tanh bmod"
)
ACCENTS = "bar hat tilde dot ddot vec check breve widehat widetilde overline underline"
FONTS = "mathbb mathbf mathcal mathrm boldsymbol"
ARGUMENTS = dict.fromkeys(f"sqrt underbrace overbrace {ACCENTS} {FONTS}".split(), 1) | dict.fromkeys(
    ("frac", "dfrac", "tfrac", "binom"), 2
)
"""How many arguments these commands take."""
COMMANDS = (
    frozenset(f"{GREEK} {RELATIONS} {SIGNS} {BRACKETS} {SPACES} {FUNCTIONS}".split())
    | ARGUMENTS.keys()
    | set(",;:!|{}%$_&# ")
)
MAX_LENGTH = 2000
"""Characters."""
MAX_COST = 4000
"""The sum of 2 ** depth over the parts of a formula: drawing takes twice as long with every level of nesting."""

_NAME = r"(?![A-Za-z])"
_TOKEN = re.compile(
    rf"""
    \\(?P<frame>begin|end){_NAME}\s*\{{(?P<environment>[^{{}}\\]*)\}}
    | \\(?P<size>left|right|[Bb]igg?[lr]?){_NAME}\s*(?P<delimiter>\\[A-Za-z]+|\\.|[^\\\s])
    | \\text(?:bf|it|rm)?{_NAME}\s*\{{(?P<text>(?:[^{{}}\\$&\#%~^]|\\[%_&\#$])*)\}}
    | \\operatorname\*?\s*\{{(?P<operator>[A-Za-z\s]+)\}}
    | \\(?P<command>[A-Za-z]+\*?|.)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<space>\s+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_UNIT = re.compile(r"\s*(?:in|mm|cm|pt|em|ex|pc|bp|dd|cc|sp|mu)")
_CHILDREN = {
    "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3
}  # fmt: skip
_CLOSING = {"{": "}", "left": "\\right"}
_WRITTEN = {
    "arg": r"\operatorname{arg}",  # unknown to latex2mathml
    "mathrm": r"\mathrm ",  # without the space, a single letter loses its font
}
_CORRECTED = {
    ("mi", "~"): ("mo", "\N{TILDE OPERATOR}"),  # \sim
    ("mi", "\N{REVERSE SOLIDUS OPERATOR}"): ("mo", "\N{REVERSE SOLIDUS OPERATOR}"),  # \setminus
    **{("mi", sign): ("mo", sign) for sign in "⟂†•"},
    ("mo", "arg"): ("mi", "arg"),  # as log and the other functions without limits
}
"""Elements that latex2mathml chooses badly, and what they should be."""
_REASONS = {
    "DoubleSubscriptsError": "two subscripts follow each other: put braces around them",
    "DoubleSuperscriptsError": "two superscripts follow each other: put braces around them",
}
_NO_ARGUMENT = "a command, ^ or _ lacks what it applies to"


class FormulaError(ValueError):
    """LaTeX would reject the formula, or we can't parse it; the message says why."""


class UnsupportedError(FormulaError):
    """The formula may be good LaTeX, but it's too large or has something that we can't parse."""


def parse(latex: str) -> Element:
    """Return the formula as a `math` element of MathML without namespaces; raise FormulaError if that's impossible.

    Rows with a single element that isn't an operator are replaced by the element. The time is linear in the length.
    """
    # Importing it takes 0.1 s, which a program that shows no formula shouldn't wait for.
    from latex2mathml.converter import convert_to_element

    prepared = _Scan().prepared(latex)
    try:
        tree = convert_to_element(prepared, display="block")
    except Exception as error:  # the library raises anything: StopIteration, IndexError, errors of its own
        raise FormulaError(_REASONS.get(type(error).__name__, _NO_ARGUMENT)) from error
    tree.attrib.pop("xmlns")
    for element in tree.iter():
        _read_text(element)
        expected = _CHILDREN.get(element.tag, len(element))
        if len(element) < expected:
            raise FormulaError(_NO_ARGUMENT)
        if len(element) > expected:
            raise UnsupportedError(r"\binom with a script: put braces around \binom and its arguments")
    _flatten(tree)
    return tree


def unreadable(latex: str) -> str:
    """Return why LaTeX would reject the formula, or "", also for formulas that only we can't parse."""
    try:
        parse(latex)
    except UnsupportedError:
        return ""
    except FormulaError as error:
        return str(error)
    return ""


@dataclass
class _Scan:
    """One pass over a formula that checks it and writes it so that latex2mathml reads it as LaTeX does."""

    out: list[str] = field(default_factory=list)
    groups: list[tuple[str, int]] = field(default_factory=list)
    """What closes each open group, and how many arguments are missing after it."""
    missing: int = 0
    """How many arguments the last command still takes."""
    run: int = 0
    """How many commands with arguments follow each other: each is nested in the one before."""
    has_base: bool = False
    """Whether there's something that a script would belong to."""
    depth: int = 0
    cost: int = 0
    unsupported: dict[str, None] = field(default_factory=dict)
    """Reasons, in order."""

    def prepared(self, latex: str) -> str:
        if len(latex) > MAX_LENGTH:
            raise UnsupportedError(f"it's longer than {MAX_LENGTH:,} characters")
        for token in _TOKEN.finditer(latex):
            self._token(token)
            if self.cost > MAX_COST:
                raise UnsupportedError("it's too long for how deeply it's nested")
        if self.groups:
            raise FormulaError(f"{self.groups[-1][0]} is missing at the end")
        if self.missing:
            raise FormulaError(_NO_ARGUMENT)
        if not latex.strip():
            raise UnsupportedError("it's empty")
        if self.unsupported:
            raise UnsupportedError(
                f"not supported: {', '.join(self.unsupported)} (knowledge/format/latex.py lists what is)"
            )
        return "".join(self.out)

    def _token(self, token: re.Match[str]) -> None:
        text, kind = token[0], token.lastgroup
        if kind == "space":
            self.out.append(" ")
            return
        self.cost += 2 ** (self.depth + self.run)
        match kind:
            case "environment":
                self._environment(token["frame"], token["environment"])
            case "delimiter":
                self._delimiter(token["size"], token["delimiter"])
            case "command":
                self._command(token["command"], token.string, token.end())
            case "number":
                self._number(text, bool(_UNIT.match(token.string, token.end())))
            case "sign":
                self._sign(text)
            case _:
                self._part(text)

    def _part(self, written: str, *, arguments: int = 0) -> None:
        """Add something that can be the argument of what's before it and takes arguments itself."""
        self.run = self.run + 1 if arguments else 0
        self.missing = arguments or max(self.missing - 1, 0)
        self.has_base = True
        self.out.append(written)

    def _open(self, written: str, closing: str) -> None:
        self.out.append(written)
        self.groups.append((closing, max(self.missing - 1, 0)))
        self.depth += _levels(closing)
        self.missing, self.run, self.has_base = 0, 0, False

    def _close(self, written: str, closing: str) -> None:
        expected = self.groups[-1][0] if self.groups else ""
        if closing != expected:
            raise FormulaError(f"{closing} comes before {expected}" if expected else f"{closing} closes nothing")
        if self.missing:
            raise FormulaError(_NO_ARGUMENT)
        self.missing = self.groups.pop()[1]
        self.depth -= _levels(closing)
        self.run, self.has_base = 0, True
        self.out.append(written)

    def _environment(self, frame: str, name: str) -> None:
        written = {"aligned": "align*"}.get(name, name)
        if frame == "begin":
            if name not in ENVIRONMENTS:
                self._refuse(f"the environments are {', '.join(sorted(ENVIRONMENTS))}, not {name}")
            # In a group, the brackets of a matrix stay together when it has a script. Without the empty group, a first
            # cell in braces would be taken for the alignment of the columns.
            self._open(rf"{{\begin{{{written}}}{{}}", rf"\end{{{name}}}")
        else:
            self._close(rf"\end{{{written}}}}}", rf"\end{{{name}}}")

    def _delimiter(self, size: str, delimiter: str) -> None:
        if delimiter not in DELIMITERS or (delimiter == "." and size not in ("left", "right")):
            self._refuse(rf"\{size}{delimiter}")
        written = rf"\{size}{delimiter} "  # the space keeps a dot apart from a digit
        if size == "left":
            self._open(written, _CLOSING[size])
        elif size == "right":
            self._close(written, _CLOSING["left"])
        else:
            self._part(written)

    def _command(self, name: str, latex: str, end: int) -> None:
        if name == "\\":
            self._next_cell("\\\\")
            if latex[end:].lstrip()[:1] == "[":
                self._refuse("\\\\[")
            return
        if name not in COMMANDS:
            self._refuse(rf"\{name}")
        self._part(_WRITTEN.get(name, rf"\{name}"), arguments=ARGUMENTS.get(name, 0))

    def _number(self, text: str, before_unit: bool) -> None:
        # An argument without braces is a single digit, and 2em is two factors, not a length.
        digits = min(self.missing, len(text.partition(".")[0]))
        written = "".join(f"{{{digit}}}" for digit in text[:digits]) + text[digits:]
        self._part(written + "{}" * before_unit)
        self.missing = max(self.missing - digits + 1, 0) if digits else self.missing

    def _sign(self, sign: str) -> None:
        if sign == "{":
            self._open(sign, _CLOSING[sign])
        elif sign == "}":
            self._close(sign, sign)
        elif sign == "&":
            self._next_cell(sign)
        elif sign in "^_'":
            if not self.has_base or self.missing:
                self._refuse(f"{sign} without anything before it")
            self._part(sign, arguments=int(sign != "'"))
        elif sign in "%$#" or not sign.isprintable():
            self._refuse(rf"\{sign} is written with a backslash" if sign in "%$#" else f"U+{ord(sign):04X}")
        else:
            self._part(sign)

    def _next_cell(self, written: str) -> None:
        if self.missing:
            raise FormulaError(_NO_ARGUMENT)
        if not self.groups or not self.groups[-1][0].startswith("\\end"):
            self._refuse(f"{written} outside an environment")
        self.has_base = False
        self.run = 0
        self.out.append(written)

    def _refuse(self, reason: str) -> None:
        self.unsupported[reason] = None


def _levels(closing: str) -> int:
    return 2 if closing.startswith("\\end") else 1  # rows, and cells in them


def _read_text(element: Element) -> None:
    """Replace the entities that latex2mathml writes, and the escapes that it leaves in text."""
    text = element.text or ""
    if element.tag == "mtext":
        element.text = re.sub(r"\\([%_&#$])", r"\1", text.replace("&#x000A0;", "\N{NO-BREAK SPACE}"))
    else:
        element.text = html.unescape(text)
        if "\\" in element.text:
            raise UnsupportedError(element.text)
        element.tag, element.text = _CORRECTED.get((element.tag, element.text), (element.tag, element.text))


def _flatten(element: Element) -> None:
    for index, child in enumerate(element):
        _flatten(child)
        if child.tag == "mrow" and len(child) == 1:
            if child[0].text == ",":
                child[0].tag = "mn"  # 10{,}000 is a number: no space follows
            if child[0].tag != "mo":
                element[index] = child[0]
