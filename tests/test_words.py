"""`make words` lists what people read, and skips what only programs read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = '''"""What the module is."""

import re
import sqlalchemy as sa
from sqlalchemy import text
import structlog

__all__ = ["Card"]
log = structlog.get_logger()

LIMIT = 5
"""What the attribute is."""
PATTERN = re.compile("a pattern (with|without) words")
QUERY = text("seen_at is unknown") if LIMIT else sa.Index("an index name")
STORED = "SELECT words FROM table"
DRAWN = f'<g transform="scale {LIMIT}">{LIMIT}</g>'
LABELS = {"one": "Key value", "no key of one word": 2}


class Card:
    """What the class is."""

    title = "a lone name", "Share", "share", "%d %B", "two_words"


def say(name: str, count: int) -> str:
    """What the function is.

    And when.
    """
    log.info("said" if count else "left unsaid", name="given beside it")
    if name == "compared with this" or name.startswith("begins like this"):
        return Button(label="go", id="go").named("the button")
    return (
        f"Hello, {name}: {'one thing' if count == 1 else f'{count:03d} things'} "
        "in two parts."
    )
'''
TEST = '''async def test_a_card_is_dealt() -> None:
    """What it means."""
    say("nothing that a person reads")
'''
SETTINGS = """# What the table is,
# and why.

[table]
# What the key is.
key = "a value here"
"""
PAGE = """# A heading

A paragraph
on two lines.

- an item
  that goes on
- another

| column | other |
| --- | --- |
| cell | `code` |

```sh
not a sentence
```
"""


def words(*options: str, root: Path = ROOT) -> str:
    command = [sys.executable, str(ROOT / ".ci" / "words.py"), "--root", str(root), *options]
    return subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout


def listed(kind: str, root: Path) -> dict[str, list[str]]:
    """Return the line and words of everything listed of a kind, by file."""
    files = dict[str, list[str]]()
    for path, said in re.findall(r"^(\S+?):(\d+  .+)$", words("--kind", kind, root=root), re.MULTILINE):
        files.setdefault(path, []).append(said)
    return files


@pytest.fixture(scope="module")
def here() -> str:
    """List everything in this project."""
    return words()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, written in {
        "bot/study/card.py": CODE,
        "tests/test_card.py": TEST,
        "README.md": PAGE,
        "docs/more.md": "More of it.\n",
        "config.example.toml": SETTINGS,
        "knowledge/bank/topic/card.md": "# Not here\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(written, encoding="utf-8")
    return tmp_path


def test_text_for_people_is_listed_but_names_patterns_and_queries_are_not(project: Path) -> None:
    assert listed("text", project) == {
        "bot/study/card.py": [
            "17  Key value",
            "17  no key of one word",
            "23  a lone name",
            "23  Share",
            "31  given beside it",
            "33  go",
            "33  the button",
            "35  Hello, {…}: {…} in two parts.",
            "35  one thing",
            "35  {…} things",
        ]
    }


def test_log_events_are_a_kind_of_their_own_even_in_a_condition(project: Path) -> None:
    assert listed("log", project) == {"bot/study/card.py": ["31  said", "31  left unsaid"]}


def test_docstrings_of_modules_attributes_classes_and_functions_are_listed_in_tests_too(project: Path) -> None:
    assert listed("docstring", project) == {
        "bot/study/card.py": [
            "1  What the module is.",
            "12  What the attribute is.",
            "21  What the class is.",
            "27  What the function is. ¶ And when.",
        ],
        "tests/test_card.py": ["2  What it means."],
    }


def test_documents_are_listed_by_block_without_code_and_settings_by_comment(project: Path) -> None:
    assert listed("docs", project) == {
        "README.md": [
            "1  # A heading",
            "3  A paragraph on two lines.",
            "6  - an item that goes on",
            "8  - another",
            "10  | column | other |",
            "12  | cell | `code` |",
        ],
        "config.example.toml": ["1  What the table is, and why.", "5  What the key is."],
        "docs/more.md": ["1  More of it."],
    }


def test_names_of_tests_are_listed_as_sentences(project: Path) -> None:
    assert listed("tests", project) == {"tests/test_card.py": ["1  a card is dealt"]}


def test_each_package_has_a_heading_and_the_counts_come_last(project: Path) -> None:
    assert words("--kind", "log", "tests", root=project).splitlines() == [
        "bot.study",
        "",
        "bot/study/card.py:31  said",
        "bot/study/card.py:31  left unsaid",
        "",
        "tests",
        "",
        "tests/test_card.py:1  a card is dealt",
        "",
        "| package | log | tests |",
        "| --- | ---: | ---: |",
        "| bot.study | 2 | 0 |",
        "| tests | 0 | 1 |",
        "| all | 2 | 1 |",
    ]


def test_counts_can_be_printed_alone(project: Path) -> None:
    everything, counts = words(root=project), words("--counts", root=project)

    assert counts.startswith("| package | text | log | docstring | docs | tests |\n")
    assert everything.endswith(f"\n\n{counts}")


def test_every_sentence_of_this_project_is_counted_and_has_an_existing_line(here: str) -> None:
    places = re.findall(r"^(\S+?):(\d+)  \S", here, re.MULTILINE)
    ends = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path, _ in places}
    counts = re.findall(r"\d+", here.splitlines()[-1])

    assert [(path, line) for path, line in places if not 1 <= int(line) <= ends[path]] == []
    assert sum(map(int, counts)) == len(places)
    assert "0" not in counts


def test_sentences_for_members_and_operators_of_this_project_are_listed(here: str) -> None:
    lines = {line.partition("  ")[2] for line in here.splitlines()}

    assert {"Question of the day", "Right!", "Check the settings."} - lines == set()


def test_queries_and_the_bank_of_this_project_are_not_listed(here: str) -> None:
    assert not re.search(r"^\S+  (PRAGMA|SELECT|\w+ IS NOT NULL)", here, re.MULTILINE)
    assert "\nknowledge/bank/" not in here
