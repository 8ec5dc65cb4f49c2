"""Files -> `Bank`. A file with a mistake is left out and its problems are told; all others load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge import front, sections
from knowledge.questions import Bank, Question
from knowledge.text import no_hidden_characters

BUILT_IN = Path(__file__).parent / "bank"
SIZE_LIMIT = 256 * 1024
NAME_LIMIT = 60
"""Longest id or topic: both travel in a button's line of 100 characters."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at a line of a file (0: with the file as a whole), in words that say what would be right."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}" if self.line else f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The questions that could be read, and why the others could not."""

    bank: Bank
    problems: tuple[Problem, ...]


def load(folder: Path = BUILT_IN) -> Loaded:
    """Read `folder/<topic>/<id>.md`. Names that start with a dot or an underscore are passed over."""
    questions: dict[str, Question] = {}
    problems: list[Problem] = []
    if not folder.is_dir():
        problems.append(Problem(folder, 0, "is not a folder; the bank is a folder with a folder per topic"))
    for path in _files(folder):
        read = load_file(path)
        if not isinstance(read, Question):
            problems.extend(read)
        elif twin := questions.get(read.id):
            problems.append(Problem(path, 0, f"the topic {twin.topic!r} has a question of this id: ids are unique"))
        elif path.parent.parent != folder:
            problems.append(Problem(path, 0, "belongs in the folder of its topic: bank/<topic>/<id>.md"))
        else:
            questions[read.id] = read
    return Loaded(Bank.of(questions.values()), tuple(sorted(problems)))


def load_file(path: Path) -> Question | tuple[Problem, ...]:
    """The question of a file `<topic>/<id>.md`, or everything that is wrong with it, in order of lines."""
    found: set[tuple[int, str]] = set()

    def note(line: int, reason: str) -> None:
        found.add((line, reason))

    for what, word in (("id (the file's name)", path.stem), ("topic (the folder's name)", path.parent.name)):
        if not front.NAME.fullmatch(word) or len(word) > NAME_LIMIT:
            note(0, f"the {what} is {word!r}; it is made of a-z, 0-9 and single dashes, at most {NAME_LIMIT} of them")
    question = None
    if source := _source(path, found):
        no_hidden_characters(source, note)
        toml, markdown, offset = front.split(source, note)
        head = front.read(toml, note)
        body = sections.read(markdown, offset, note) if offset else None
        if head and body:
            question = Question(
                id=path.stem,
                topic=path.parent.name,
                title=body.title,
                difficulty=head.difficulty,
                answer=body.answer,
                in_depth=body.in_depth,
                key_points=body.key_points,
                misconceptions=body.misconceptions,
                choices=body.choices,
                follow_ups=body.follow_ups,
                aliases=head.aliases,
                related=head.related,
                references=head.references,
                tags=head.tags,
                as_of=head.as_of,
            )
    if found or not question:
        return tuple(Problem(path, line, reason) for line, reason in sorted(found))
    return question


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.md")):
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts):
            yield path


def _source(path: Path, found: set[tuple[int, str]]) -> str:
    """The file's text with newlines alone as line ends; "" with a problem where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        found.add((0, f"cannot be read: {error.strerror}"))
        return ""
    if len(data) > SIZE_LIMIT:
        found.add((0, f"is larger than {SIZE_LIMIT // 1024} KiB, too large for one question"))
        return ""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found.add((line, f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"))
        return ""
    if not text.strip():
        found.add((0, "is empty"))
        return ""
    return text.replace("\r\n", "\n")
