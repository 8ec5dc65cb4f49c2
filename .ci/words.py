"""List every sentence that a person can see, for whoever reads them all in one go: `make words`.

- `text`: strings and f-strings of bot, knowledge and migrations that look like something said: they have a word of two
  letters and a space, or are one word with a capital ("Share", "Saved."), or are passed by a name that is for words
  (`title=`, `help=`). Left out are keys of one word, what is compared or matched, what is passed to
  SQLAlchemy, Alembic or typing, what is sought in a string, patterns, SQL, and markup without words.
- `log`: the first argument of `log.info` and the like, in the same folders.
- `docstring`: docstrings of all Python files, those under assignments too.
- `docs`: headings, paragraphs, list items and table rows of the documents, and comments of config.example.toml.
- `tests`: the names of test functions.

A string in several parts counts once, a string in a placeholder of another by itself. The bank's own text is not here.
"""

import argparse
import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = ("text", "log", "docstring", "docs", "tests")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SPEAKING = ("bot", "knowledge", "migrations")
CODE = [f"{folder}/**/*.py" for folder in (*SPEAKING, "tests", "benchmarks", "docs", ".ci", ".slack")]
PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "config.example.toml"]
TITLES = re.compile("about|description|example|head|help|label|note|placeholder|prompt|title|typed|unset|why")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
UNSPOKEN = ("alembic", "contextvars", "sqlalchemy", "sqlmodel", "typing")
# Methods whose first argument is looked for or run.
SOUGHT = re.compile(r"r?(partition|split)|(remove|starts|ends)(prefix|suffix|with)|[lr]?strip|replace|get|exec\w*")
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA|BEGIN|COMMIT|CREATE|ALTER|DROP|NULL)\b|\bIN \(")
# Placeholders, tags, attributes, parts of a date, commands of TeX and fences.
SILENT = re.compile(r"\{[^{}]*\}|<[^<>]*>|[\w:-]+=\"[^\"]*\"|%[-\w]|\\\w+|```\w*")
# How a line of Markdown begins that does not continue the paragraph above it.
BLOCK = re.compile(r"\s*(#+ |[-*+] |\d+\. |\||!\[|<)")


def string(node: ast.AST | None) -> str | None:
    """Read a literal or an f-string; None for any other expression."""
    if isinstance(node, ast.JoinedStr):
        return "".join("{…}" if (part := string(value)) is None else part for value in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def strings(*nodes: ast.AST | None) -> Iterator[ast.AST]:
    """Find the literals and f-strings that these expressions are, choose from or hold."""
    for node in nodes:
        match node:
            case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
                yield from strings(one, other)
            case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
                yield from strings(*parts)
            case ast.AST() if string(node) is not None:
                yield node


def spoken(words: str, title: bool) -> bool:
    bare = SILENT.sub("", words)
    if SQL.search(words) or not re.search(r"[^\W\d_]{2}", bare):
        return False
    return title or bool(re.search(r"\s", words) or re.fullmatch(r"[A-Z][a-z]+(-[a-z]+)?[.:?!…]?", bare))


def of_code(path: Path, source: str) -> Iterator[tuple[int, str, str]]:
    """Give line, kind and words of what is said in a Python file."""
    nodes = sorted(ast.walk(ast.parse(source)), key=lambda it: (getattr(it, "lineno", 0), getattr(it, "col_offset", 0)))
    kinds = kinds_of(nodes)
    for node in nodes:
        if isinstance(node, FUNCTIONS) and node.name.startswith("test_") and path.parts[0] == "tests":
            yield node.lineno, "tests", node.name[len("test_") :].replace("_", " ")
        kind, words = kinds.get(node, "text"), string(node)
        if words is None or not (kind == "docstring" or (kind and path.parts[0] in SPEAKING)):
            continue
        if kind in ("docstring", "log") or spoken(words, title=kind == "title"):
            yield getattr(node, "lineno", 1), kind.replace("title", "text"), words


def kinds_of(nodes: Sequence[ast.AST]) -> dict[ast.AST, str]:
    """Tell the kinds of a module's strings, as far as their places show them; "" is for what nobody sees."""
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {it.asname or it.name: getattr(node, "module", "") or it.name for node in imports for it in node.names}
    unspoken = {name for name, module in modules.items() if module.split(".")[0] in UNSPOKEN}
    kinds = dict[ast.AST, str]()
    for node in nodes:
        silent: Sequence[ast.AST] = ()
        match node:
            case ast.Expr(value=ast.Constant() as value):
                kinds[value] = "docstring"
            case ast.JoinedStr(values=parts):
                silent = [*strings(*parts, *(part.format_spec for part in parts if hasattr(part, "format_spec")))]
            case ast.Dict() | ast.Subscript():
                keys = node.keys if isinstance(node, ast.Dict) else [node.slice]
                silent = [key for key in strings(*keys) if " " not in (string(key) or "")]
            case ast.Compare(left=left, comparators=others):
                silent = [*strings(left, *others)]
            case ast.MatchValue() | ast.Assign(targets=[ast.Name(id="__all__")]):
                silent = [node]
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id=name))) if name in unspoken:
                silent = [node]
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=name), args=[first, *_]) if name in LEVELS:
                kinds |= dict.fromkeys(strings(first), "log")
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=[first, *_]):
                silent = [*strings(first)] if SOUGHT.fullmatch(name) else [first] if ast.unparse(owner) == "re" else []
            case ast.keyword(arg=str(name), value=value) if TITLES.fullmatch(name):
                kinds |= {it: kinds.get(it, "title") for it in strings(value)}
        kinds |= {inner: "" for outer in silent for inner in ast.walk(outer)}
    return kinds


def of_page(path: Path, source: str) -> Iterator[tuple[int, str, str]]:
    """Give the blocks of Markdown, or of the comments of a TOML file, in the same way."""
    parts, code = list[str](), False
    for number, line in enumerate([*source.splitlines(), ""], 1):
        words = line if path.suffix == ".md" else line[1:] if line.startswith("#") else ""
        fence = words.lstrip().startswith("```")
        code ^= fence
        if parts and (fence or not words.strip() or BLOCK.match(words)):
            yield number - len(parts), "docs", "\n".join(parts)
            parts = []
        if not fence and not code and re.search(r"\w", words) and not words.startswith("<!--"):
            parts.append(words)


def table(counts: Counter[tuple[str, str]], kinds: Sequence[str]) -> Iterator[str]:
    """Write how much there is of each kind in each package, and in all, as Markdown."""
    yield f"| package | {' | '.join(kinds)} |"
    yield f"| --- |{' ---: |' * len(kinds)}"
    for package in (*sorted({package for package, _ in counts} - {"all"}), "all"):
        yield f"| {package} | {' | '.join(str(counts[package, kind]) for kind in kinds)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="List every sentence that a person can see.")
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=KINDS, help="only these kinds")
    parser.add_argument("--counts", action="store_true", help="only count, as a Markdown table")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of the project")
    asked = parser.parse_args()
    packages, counts = defaultdict[str, list[str]](list), Counter[tuple[str, str]]()
    for path in sorted(file.relative_to(asked.root) for pattern in CODE + PAGES for file in asked.root.glob(pattern)):
        package = ".".join(path.parent.parts) or "(root)"
        found = (of_code if path.suffix == ".py" else of_page)(path, (asked.root / path).read_text("utf-8"))
        for line, kind, words in found:
            if kind in asked.kind:
                one_line = " ".join(re.sub(r"\n\s*\n", " ¶ ", words.strip()).split())
                packages[package].append(f"{path}:{line}  {one_line}")
                counts.update([(package, kind), ("all", kind)])
    for package in () if asked.counts else sorted(packages):
        print(package, "", *packages[package], "", sep="\n")
    print(*table(counts, asked.kind), sep="\n")


if __name__ == "__main__":
    main()
