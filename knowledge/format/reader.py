"""Files -> `Bank`. A file with a mistake is left out and its problems are told; all others load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge.format import parsed
from knowledge.questions import NAME, Bank, Question

BUILT_IN = Path(__file__).parents[1] / "bank"
SIZE_LIMIT = 256 * 1024
UNFINISHED = ".importing"
"""In a bank's folder: the files, a line each, of an import that has not come to its end. They are not there yet."""
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


def load(folder: Path = BUILT_IN, known: Mapping[str, Question] | None = None) -> Loaded:
    """Read `folder/<topic>/<id>.md`. Names that start with a dot or an underscore are passed over, and files of an
    import that was cut off.

    Files in `known`, by default those that came with the program, were read before and are not parsed again.
    """
    known = parsed.shipped() if known is None else known
    questions: dict[str, Question] = {}
    problems: list[Problem] = []
    if not folder.is_dir():
        problems.append(Problem(folder, 0, "is not a folder; the bank is a folder with a folder per topic"))
    for path in _files(folder):
        read = load_file(path, known)
        if not isinstance(read, Question):
            problems.extend(read)
        elif twin := questions.get(read.id):
            problems.append(Problem(path, 0, f"the topic {twin.topic!r} has a question of this id: ids are unique"))
        elif path.parent.parent != folder:
            problems.append(Problem(path, 0, "belongs in the folder of its topic: bank/<topic>/<id>.md"))
        else:
            questions[read.id] = read
    return Loaded(Bank.of(questions.values()), tuple(sorted(problems)))


def load_file(path: Path, known: Mapping[str, Question] | None = None) -> Question | tuple[Problem, ...]:
    """The question of a file `<topic>/<id>.md`, or everything that is wrong with it, in order of lines."""
    found: set[tuple[int, str]] = set()
    data = _data(path, found)
    if known and (there := known.get(parsed.key(path.parent.name, path.stem, data))):
        return there
    question = read(path.parent.name, path.stem, _source(data, found), found)
    if found or not question:
        return tuple(Problem(path, line, reason) for line, reason in sorted(found))
    return question


def read(topic: str, id: str, source: str, found: set[tuple[int, str]]) -> Question | None:
    """The question of a file's text; what is wrong goes into `found` with its line, and then the question is none."""

    from knowledge.format import front_matter, sections
    from knowledge.format.markdown import no_hidden_characters

    def note(line: int, reason: str) -> None:
        found.add((line, reason))

    for what, word in (("id (the file's name)", id), ("topic (the folder's name)", topic)):
        if not NAME.fullmatch(word) or len(word) > NAME_LIMIT:
            note(0, f"the {what} is {word!r}; it is made of a-z, 0-9 and single dashes, at most {NAME_LIMIT} of them")
    if not source:
        return None
    no_hidden_characters(source, note)
    toml, markdown, offset = front_matter.split(source, note)
    head = front_matter.read(toml, note)
    body = sections.read(markdown, offset, note) if offset else None
    if found or not head or not body:
        return None
    return Question(
        id=id,
        topic=topic,
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


def outdated(folder: Path = BUILT_IN, shipped: Path = parsed.SHIPPED, *, write: bool = False) -> int:
    """How many files of the bank are not, or not rightly, among the questions that come with the program, and one more
    where other code has read them; `write` puts that right. Parses every file. Sound files alone are counted.
    """
    wanted: dict[Path, dict[str, Question]] = {path: {} for path in shipped.glob("*.json.gz")}
    for path in _files(folder):
        question = load_file(path)
        if isinstance(question, Question):
            known = parsed.key(question.topic, question.id, path.read_bytes())
            wanted.setdefault(shipped / f"{question.topic}.json.gz", {})[known] = question
    wrong = int(not parsed.is_by_this_code(shipped))
    for path, questions in wanted.items():
        there = parsed.read(path)
        if there == questions:
            continue
        wrong += sum(there.get(name) != question for name, question in questions.items()) or 1
        if write and questions:
            parsed.save(path, questions)
        elif write:
            path.unlink()
    if write and wrong:
        parsed.sign(shipped)
    return wrong


def unfinished(folder: Path) -> frozenset[Path]:
    """The paths, relative to the folder, of an import that is under way or was cut off; the next one removes them."""
    try:
        lines = (folder / UNFINISHED).read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(Path(line) for line in lines if line.strip())


def _files(folder: Path) -> Iterator[Path]:
    half_done = unfinished(folder)
    for path in sorted(folder.rglob("*.md")):
        inside = path.relative_to(folder)
        if inside not in half_done and not any(part.startswith((".", "_")) for part in inside.parts):
            yield path


def _data(path: Path, found: set[tuple[int, str]]) -> bytes:
    """The file's bytes; none with a problem where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        found.add((0, f"cannot be read: {error.strerror}"))
        return b""
    if len(data) > SIZE_LIMIT:
        found.add((0, f"is larger than {SIZE_LIMIT // 1024} KiB, too large for one question"))
        return b""
    return data


def _source(data: bytes, found: set[tuple[int, str]]) -> str:
    """The text with newlines alone as line ends; "" with a problem where it is none."""
    if found:
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
