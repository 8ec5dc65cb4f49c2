"""What the bot says: a `Reply` made of blocks, which don't know how a platform draws them.

Texts are Markdown (CommonMark with `$...$` and `$$...$$` math). Each platform's renderer does the escaping,
clipping, splitting and math; it matches on `Block` and ends in `assert_never`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

LINE_LIMIT = 100
"""Maximum length of a button's line: Discord's limit for a button's id."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button: pressing it is the same as sending `line`. A form command without its values opens its form."""

    label: str
    line: str
    style: Literal["plain", "primary", "danger"] = "plain"

    def __post_init__(self) -> None:
        if len(self.line) > LINE_LIMIT:
            raise ValueError(f"a button's line can have at most {LINE_LIMIT} characters: {self.line!r}")


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown text, with a heading if `title` is set."""

    body: str
    title: str = ""


class Tone(StrEnum):
    """The tone of a notice."""

    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Notice:
    """One short message; `when` is a time it mentions, shown in the reader's time zone if the platform can."""

    body: str
    tone: Tone = Tone.INFO
    when: datetime | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """An answer to choose from; `letter` is what a member types to pick it. Without a button, it's only to read."""

    letter: str
    text: str
    button: Button | None


@dataclass(frozen=True, slots=True)
class QuestionCard:
    """A question for a member or a channel. `write` opens the form for a written answer."""

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
    """A key point of the reference answer: whether the member mentioned it, and in which sentence."""

    claim: str
    state: Literal["mentioned", "perhaps", "missing"]
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an answer to a question, given by its title.

    `right` is None if only the member can judge it (a written answer).
    """

    right: bool | None
    headline: str
    question: str = ""
    chosen: str = ""
    reason: str = ""
    correct: str = ""
    points: tuple[Point, ...] = ()
    reference: str = ""
    score: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered source of an explanation: a question from the bank."""

    number: int
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation and where it comes from; `done` is False while it's still being written."""

    text: str
    source: Literal["model", "bank", "refused"]
    citations: tuple[Citation, ...] = ()
    reason: str = ""
    done: bool = True

    @property
    def footnotes(self) -> tuple[Citation, ...]:
        """The sources that the text refers to by number; the bank's own text refers to none."""
        return self.citations if self.source == "model" else ()

    @property
    def label(self) -> str:
        """Who wrote the text; every platform shows this."""
        return {
            "model": "Written by a model from the bank's sources",
            "bank": "From the question bank",
            "refused": "Not in the bank",
        }[self.source]


@dataclass(frozen=True, slots=True)
class Rank:
    """One line of the standings; `points` is shown unchanged (an integer, or points per member)."""

    rank: int
    name: str
    points: str
    detail: str = ""
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Standings:
    """The top ranks, and the reader's own below them if it isn't one of them. `as_picture`: draw it."""

    title: str
    rows: tuple[Rank, ...]
    mine: Rank | None = None
    footnote: str = ""
    as_picture: bool = False


class DayMark(StrEnum):
    """How a day counts for a streak."""

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
    """A streak and its days, oldest first, one entry per day. `as_picture`: draw it."""

    title: str
    current: int
    longest: int
    freezes: int
    days: tuple[tuple[date, DayMark], ...]
    as_picture: bool = False

    def weeks(self) -> dict[date, list[DayMark]]:
        """Return the marks of each week from Monday on, by its Monday; days that aren't known are blank."""
        weeks: dict[date, list[DayMark]] = {}
        for day, mark in self.days:
            week = weeks.setdefault(day - timedelta(days=day.weekday()), [DayMark.BLANK] * 7)
            week[day.weekday()] = mark
        return weeks

    def legend(self) -> list[DayMark]:
        """Return the marks that the calendar has, in their order."""
        used = {mark for _, mark in self.days}
        return [mark for mark in DayMark if mark in used and mark is not DayMark.BLANK]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; times are shown in the reader's time zone if the platform can."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | datetime, ...], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Buttons:
    """What the reader can do next."""

    buttons: tuple[Button, ...]
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class MenuOption:
    """One option of a menu, with the value it stands for."""

    label: str
    value: str
    chosen: bool = False


def menu_options(named: Iterable[tuple[str, str]], chosen: Collection[str]) -> tuple[MenuOption, ...]:
    """Make options from labels and their values, and mark the chosen ones."""
    return tuple(MenuOption(label, value, value in chosen) for label, value in named)


@dataclass(frozen=True, slots=True)
class Menu:
    """A setting that's saved as soon as it's picked: the same as sending `line` with the picked value as `parameter`.

    `multiple`: several can be picked, separated by commas. If `kind` is "roles", the platform lists the roles, and
    `options` are the ones picked now.
    """

    prompt: str
    line: str
    parameter: str
    options: tuple[MenuOption, ...]
    multiple: bool = False
    kind: Literal["entries", "roles"] = "entries"

    def __post_init__(self) -> None:
        if len(self.id) > LINE_LIMIT:
            raise ValueError(f"a menu's line and parameter can have at most {LINE_LIMIT} characters: {self.id!r}")

    @property
    def id(self) -> str:
        """The line, ending with the parameter that still needs a value: `schedule change s3 days=`."""
        return f"{self.line} {self.parameter}="


@dataclass(frozen=True, slots=True)
class TopicMastery:
    """How well a member knows a topic: the share of right answers among the last `tried`, None if there are none."""

    topic: str
    questions: int
    tried: int = 0
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Mastery:
    """The topics, and how well a member knows them. `as_picture`: draw it."""

    title: str
    topics: tuple[TopicMastery, ...]
    as_picture: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, and a description of what it shows."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class File:
    """A file for the member."""

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
    """The answer to one request, or a post: blocks from top to bottom."""

    blocks: tuple[Block, ...]

    @property
    def refused(self) -> bool:
        """Whether it says that the request failed, which only concerns the person who asked."""
        return any(
            isinstance(block, Notice) and block.tone in (Tone.WARNING, Tone.PROBLEM) for block in self.blocks[:1]
        )

    @property
    def streaming(self) -> bool:
        """Whether a longer version of the same reply follows."""
        return any(isinstance(block, Explanation) and not block.done for block in self.blocks)

    @classmethod
    def of(cls, *blocks: Block | None) -> Reply:
        """Make a reply from the blocks that aren't None."""
        return cls(tuple(block for block in blocks if block is not None))
