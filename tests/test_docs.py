"""The docs match the program: generated pages, names of commands and settings, links, and the README's tour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.main import get_command

from bot.__main__ import app
from bot.cli import docs
from bot.config.loader import settings
from bot.context.library import Library
from bot.dispatch.catalog import registry
from bot.replies import Notice, Tone
from bot.store.engine import Store
from tests.chat import Chat, plain

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PICTURES = sorted((ROOT / "docs" / "images").glob("*.svg"))
PATH = r"^(?:bot|knowledge|tests|benchmarks|migrations|docs|\.ci|\.slack|\.github)/[\w./-]*$"

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def code(page: Path) -> Iterator[str]:
    """Yield every line of a fenced block, and every piece of code in running text."""
    fenced = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield line.partition("#")[0].strip().removeprefix("$ ")
        else:
            yield from re.findall(r"`([^`]+)`", line)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def words_after(program: str, page: Path) -> Iterator[list[str]]:
    """Yield the words after the program's name wherever it's run."""
    for line in code(page):
        if found := re.search(rf"(?:^|[|;&] |=\S+ ){program} (.+)", line):
            yield found[1].split()


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(line.lstrip("# ")) for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")}


@pytest.mark.parametrize("name", docs.pages())
def test_a_generated_page_is_up_to_date(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")

    assert written == docs.pages()[name], "`make docs` updates it"


def test_the_docs_list_every_command() -> None:
    headings = [line for line in docs.pages()["commands.md"].splitlines() if line.startswith("### ")]

    assert sorted(headings) == sorted(f"### `{command.usage}`" for command in registry())


@pages
def test_paths_in_a_page_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        pytest.skip("it also names what earlier versions had")
    paths = [path for line in code(page) for path in re.findall(PATH, line)]

    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_docs_list_every_setting() -> None:
    written = docs.pages()["settings.md"]

    assert [setting.variable for setting in settings() if f"| `{setting.variable}` |" not in written] == []


@pages
def test_every_studyhall_command_in_the_docs_exists(page: Path) -> None:
    for words in words_after("studyhall", page):
        command = get_command(app)
        while isinstance(command, typer.core.TyperGroup) and words and not words[0].startswith("-"):
            assert words[0] in command.commands, f"`studyhall {' '.join(words)}`"
            command = command.commands[words.pop(0)]
        known = {"--help", *(option for parameter in command.params for option in parameter.opts)}
        assert {word for word in words if word.startswith("--")} <= known


@pages
def test_every_make_target_in_the_docs_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    for words in words_after("make", page):
        named = {word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)}
        assert named <= targets


@pages
def test_every_variable_in_the_docs_exists(page: Path) -> None:
    known = {setting.variable for setting in settings()}
    named = re.findall(r"\b(?:STUDYHALL|INFERENCE|DISCORD|SLACK|DATABASE)_[A-Z_]+\b", page.read_text(encoding="utf-8"))

    assert set(named) <= known


@pages
def test_every_link_has_a_target(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'src="([^"]+)"', text)]:
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_loads_nothing_from_elsewhere(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")

    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert re.findall(r"(?:href|src)=|url\((?!#)|@import", text) == []


def test_every_path_in_the_readmes_tree_exists() -> None:
    (tree,) = blocks(ROOT / "README.md", "text")
    folders: list[Path] = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        folders[depth:] = [(folders[depth - 1] if depth else ROOT) / line.split()[0]]
        assert folders[depth].exists(), line


async def test_the_readmes_tour_works_as_described(sqlite_store: Store, library: Library) -> None:
    chat = Chat(sqlite_store, library)
    heard = ""
    for line in "".join(blocks(ROOT / "README.md", "console")).splitlines():
        if line.startswith("› "):
            replies = [reply async for reply in chat.room.hear(line.removeprefix("› "))]
            complaints = [
                b for b in replies[-1].blocks if isinstance(b, Notice) and b.tone in (Tone.WARNING, Tone.PROBLEM)
            ]
            assert complaints == [], line
            heard = " ".join(plain(replies[-1]).split())
        else:
            assert " ".join(line.partition("…")[0].split()) in heard
