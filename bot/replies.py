"""What the bot says: a `Reply` made of domain blocks, which know nothing of how a platform draws them.

Texts are Markdown (CommonMark with `$...$` and `$$...$$` maths). Escaping, clipping, splitting and maths are the
business of each platform's renderer, which matches on `Block` and ends in `assert_never`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

LINE_LIMIT = 100
"""Characters a button's line may have: Discord's limit for a button's id."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button: pressing it is the same as sending `line`. A form command without its values opens its form."""

    label: str
    line: str
    style: Literal["plain", "primary", "danger"] = "plain"

    def __post_init__(self) -> None:
        if len(self.line) > LINE_LIMIT:
            raise ValueError(f"a button's line holds {LINE_LIMIT} characters: {self.line!r}")


@dataclass(frozen=True, slots=True)
class Text:
    """Running Markdown, with a heading where `title` is set."""

    body: str
    title: str = ""


class Tone(StrEnum):
    """How a notice is meant."""

    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Notice:
    """One short message; `when` is a moment it speaks of, drawn in the reader's own zone where a platform can."""

    body: str
    tone: Tone = Tone.INFO
    when: datetime | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen; `letter` is what a member types for it."""

    letter: str
    text: str
    button: Button


@dataclass(frozen=True, slots=True)
class QuestionCard:
    """A question put to a member or a channel. `write` opens the form for an answer in one's own words."""

    heading: str
    question: str
    topic: str
    difficulty: str
    options: tuple[Option, ...] = ()
    write: Button | None = None
    note: str = ""
    closes: datetime | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A key point of the reference and whether the member mentioned it, by which of their sentences."""

    claim: str
    state: Literal["mentioned", "perhaps", "missing"]
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an answer. `right` is None where only the member can judge (free text)."""

    right: bool | None
    headline: str
    chosen: str = ""
    reason: str = ""
    correct: str = ""
    points: tuple[Point, ...] = ()
    reference: str = ""
    score: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered source of an explanation: a question of the bank."""

    number: int
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation and where it comes from; not `done` while it is still being written."""

    text: str
    source: Literal["model", "cache", "bank", "refused"]
    citations: tuple[Citation, ...] = ()
    reason: str = ""
    done: bool = True

    @property
    def label(self) -> str:
        """Whose words these are, which every platform says."""
        return {
            "model": "Written by a model from the bank's sources",
            "cache": "Written earlier by a model from the bank's sources",
            "bank": "The bank's own text",
            "refused": "Not in the bank",
        }[self.source]


@dataclass(frozen=True, slots=True)
class Rank:
    """One line of the standings; `points` is drawn as it is (an integer, or points per head)."""

    rank: int
    name: str
    points: str
    detail: str = ""
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Standings:
    """The top ranks, and my own place below them where it is not among them. `drawn`: wanted as a picture."""

    title: str
    rows: tuple[Rank, ...]
    mine: Rank | None = None
    footnote: str = ""
    as_picture: bool = False


class DayMark(StrEnum):
    """What a day was for a streak."""

    STUDIED = "studied"
    FREEZE = "freeze"
    REST = "rest"
    EXCUSED = "excused"
    BRIDGED = "bridged"
    MISSED = "missed"
    OPEN = "open"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Calendar:
    """A streak and its days, oldest first, one entry a day. `drawn`: wanted as a picture."""

    title: str
    current: int
    longest: int
    freezes: int
    days: tuple[tuple[date, DayMark], ...]
    as_picture: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; a moment is drawn in the reader's own zone where a platform can."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | datetime, ...], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Buttons:
    """What one can do next."""

    buttons: tuple[Button, ...]
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class MenuOption:
    """One thing that a menu holds; `value` is what it stands for."""

    label: str
    value: str
    chosen: bool = False


def menu_options(named: Iterable[tuple[str, str]], chosen: Collection[str]) -> tuple[MenuOption, ...]:
    """Of labels and the values they stand for, with those marked whose values are chosen."""
    return tuple(MenuOption(label, value, value in chosen) for label, value in named)


@dataclass(frozen=True, slots=True)
class Menu:
    """A setting that is kept as soon as it is picked: the same as sending `line` with the picked value as `parameter`.

    `many`: several may be picked, and commas stand between their values. `of` roles, the platform knows what there is,
    and `entries` are those picked now.
    """

    prompt: str
    line: str
    parameter: str
    options: tuple[MenuOption, ...]
    multiple: bool = False
    kind: Literal["entries", "roles"] = "entries"

    def __post_init__(self) -> None:
        if len(self.id) > LINE_LIMIT:
            raise ValueError(f"a menu's line and parameter hold {LINE_LIMIT} characters: {self.id!r}")

    @property
    def id(self) -> str:
        """The line with the parameter that is still to get its value at the end: `schedule change s3 days=`."""
        return f"{self.line} {self.parameter}="


@dataclass(frozen=True, slots=True)
class TopicMastery:
    """How well a topic is known: the share right of the last `tried` answers, None where there are none."""

    topic: str
    questions: int
    tried: int = 0
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Mastery:
    """The topics, and how well a member knows them. `drawn`: wanted as a picture."""

    title: str
    topics: tuple[TopicMastery, ...]
    as_picture: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, and what it shows in words."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class File:
    """A file handed to the member."""

    name: str
    content: str


Block = (
    Text
    | Notice
    | QuestionCard
    | Verdict
    | Explanation
    | Standings
    | Calendar
    | Mastery
    | Table
    | Buttons
    | Menu
    | Picture
    | File
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said in answer to one request, or posted unasked: blocks from top to bottom."""

    blocks: tuple[Block, ...]

    @property
    def refused(self) -> bool:
        """Whether it says that nothing came of the request, which concerns nobody but whoever asked."""
        return any(
            isinstance(block, Notice) and block.tone in (Tone.WARNING, Tone.PROBLEM) for block in self.blocks[:1]
        )

    @property
    def streaming(self) -> bool:
        """Whether another reply follows that says the same and more."""
        return any(isinstance(block, Explanation) and not block.done for block in self.blocks)

    @classmethod
    def of(cls, *blocks: Block | None) -> Reply:
        """Make a reply of the blocks that are there."""
        return cls(tuple(block for block in blocks if block is not None))
