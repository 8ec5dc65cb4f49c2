"""Read the files of a bank. A file with a mistake is left out and its problems are reported; the others load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge.format import parsed
from knowledge.questions import NAME, Bank, Question

BUILT_IN = Path(__file__).parents[1] / "bank"
SIZE_LIMIT = 256 * 1024
JOURNAL = ".importing"
"""In a bank's folder, lists the files of an unfinished import, one per line. They don't count yet."""
NAME_LIMIT = 60
"""Maximum characters in an ID or topic: both must fit into a button's payload of 100."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What's wrong in a line of a file (0: in the whole file), and what would be right."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        path = str(self.path).encode(errors="backslashreplace").decode()  # a name may have bytes that aren't UTF-8
        return f"{path}:{self.line}: {self.reason}" if self.line else f"{path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The questions that could be read, and the problems of the others."""

    bank: Bank
    problems: tuple[Problem, ...]


def load(folder: Path = BUILT_IN, known: Mapping[str, Question] | None = None) -> Loaded:
    """Read all `folder/<topic>/<id>.md`, except names that start with a dot or underscore, and unfinished imports.

    Files that are in `known`, by default the questions shipped with the program, aren't parsed again.
    """
    known = parsed.shipped() if known is None else known
    questions: dict[str, Question] = {}
    problems: list[Problem] = []
    if not folder.is_dir():
        problems.append(Problem(folder, 0, "isn't a folder; a bank is a folder with one folder per topic"))
    for path in _files(folder):
        question = load_file(path, known)
        if not isinstance(question, Question):
            problems.extend(question)
        elif other := questions.get(question.id):
            problems.append(Problem(path, 0, f"the topic {other.topic!r} has a question with this id; ids are unique"))
        elif path.parent.parent != folder:
            problems.append(Problem(path, 0, "belongs in the folder of its topic: bank/<topic>/<id>.md"))
        else:
            questions[question.id] = question
    return Loaded(Bank.of(questions.values()), tuple(sorted(problems)))


def load_file(path: Path, known: Mapping[str, Question] | None = None) -> Question | tuple[Problem, ...]:
    """Return the question in a file `<topic>/<id>.md`, or all its problems in the order of lines."""
    problems: set[tuple[int, str]] = set()
    data = _data(path, problems)
    if known and (question := known.get(parsed.key(path.parent.name, path.stem, data))):
        return question
    question = read(path.parent.name, path.stem, _source(data, problems), problems)
    if problems or not question:
        return tuple(Problem(path, line, reason) for line, reason in sorted(problems))
    return question


def read(topic: str, question_id: str, source: str, problems: set[tuple[int, str]]) -> Question | None:
    """Return the question in a file's text, or None after adding the problems with their lines to `problems`."""
    from knowledge.format import front_matter, sections
    from knowledge.format.markdown import check_hidden_characters

    def note(line: int, reason: str) -> None:
        problems.add((line, reason))

    for what, name in (("id (the file's name)", question_id), ("topic (the folder's name)", topic)):
        if not NAME.fullmatch(name) or len(name) > NAME_LIMIT:
            note(0, f"the {what} is {name!r}; use a-z, 0-9 and single dashes, at most {NAME_LIMIT} characters")
    if not source:
        return None
    check_hidden_characters(source, note)
    toml, markdown, offset = front_matter.split(source, note)
    head = front_matter.read(toml, note)
    body = sections.read(markdown, offset, note) if offset else None
    if problems or not head or not body:
        return None
    return Question(
        id=question_id,
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
    """Count the files that are missing or wrong among the shipped questions, plus one if other code parsed those.

    With `write`, correct them. Parses every file of the bank; files with problems don't count.
    """
    expected: dict[Path, dict[str, Question]] = {path: {} for path in shipped.glob("*.json.gz")}
    for path in _files(folder):
        question = load_file(path)
        if isinstance(question, Question):
            key = parsed.key(question.topic, question.id, path.read_bytes())
            expected.setdefault(shipped / f"{question.topic}.json.gz", {})[key] = question
    count = int(not parsed.is_by_this_code(shipped))
    for path, questions in expected.items():
        saved = parsed.read(path)
        if saved == questions:
            continue
        count += sum(saved.get(key) != question for key, question in questions.items()) or 1
        if write and questions:
            parsed.save(path, questions)
        elif write:
            path.unlink()
    if write and count:
        parsed.sign(shipped)
    return count


def unfinished(folder: Path) -> frozenset[Path]:
    """Return the relative paths of an import that's running or was killed; the next import deletes them."""
    journal = folder / JOURNAL
    try:
        lines = journal.read_text(encoding="utf-8", errors="replace").splitlines() if journal.is_file() else []
    except OSError:
        return frozenset()
    return frozenset(Path(line) for line in lines if line.strip())


def _files(folder: Path) -> Iterator[Path]:
    skipped = unfinished(folder)
    for path in sorted(folder.rglob("*.md")):
        relative = path.relative_to(folder)
        if relative not in skipped and not any(part.startswith((".", "_")) for part in relative.parts):
            yield path


def _data(path: Path, problems: set[tuple[int, str]]) -> bytes:
    """Return the file's bytes, or none and a problem if it can't be read."""
    if path.exists() and not path.is_file():
        problems.add((0, "can't be read: it isn't a file"))  # opening a pipe would wait forever
        return b""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        problems.add((0, f"can't be read: {error.strerror}"))
        return b""
    if len(data) > SIZE_LIMIT:
        problems.add((0, f"is larger than {SIZE_LIMIT // 1024} KiB, too large for one question"))
        return b""
    return data


def _source(data: bytes, problems: set[tuple[int, str]]) -> str:
    r"""Return the text with `\n` as line ends, or "" and a problem if it isn't text."""
    if problems:
        return ""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems.add((line, f"byte 0x{error.object[error.start]:02x} isn't UTF-8: save the file as UTF-8"))
        return ""
    if not text.strip():
        problems.add((0, "is empty"))
        return ""
    return text.replace("\r\n", "\n")
