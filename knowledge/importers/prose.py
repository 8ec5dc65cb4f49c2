"""Documents of questions and answers, in any of the ways people number them, -> drafts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.importers.draft import Draft, Reading
from knowledge.importers.stripped import fenced
from knowledge.questions import Difficulty

LEVELS = {
    Difficulty.EASY: "easy|beginner|basic|junior",
    Difficulty.MEDIUM: "medium|intermediate",
    Difficulty.HARD: "hard|advanced|expert|senior",
}
DECOR = r"[^\w\s(\[{\"'“‘«$\\*`]*"
"""Emoji and the like."""
LEVEL_MARK = re.compile(rf"[\s(\[]*{DECOR}\s*\b({'|'.join(LEVELS.values())})\b[)\]\s]*$", re.IGNORECASE)
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,})\s*$")
BOLD = re.compile(r"^\*\*(.+?)\*\*:?$")
ANSWER = re.compile(
    r"^\s*(?:\*\*|__)?\s*(?:answer|ans|a)\s*(?:\d+\s*)?[:.)]\s*(?:\*\*|__)?\s*[:]?\s*(.*)$", re.IGNORECASE
)
DEEPER = re.compile(
    r"^\s*#{0,6}\s*(?:\*\*)?\s*(?:in[- ]?depth|deep(?:er)? dive|details|explanation)\s*:?\s*(?:\*\*)?\s*$",
    re.IGNORECASE,
)
TAIL = re.compile(
    r"^[^\w]*(?:.*\bcheat[ -]?sheet\b.*|(?:summary|conclusions?|key takeaways|additional resources|further reading|"
    r"references|appendix)\b.{0,40})$",
    re.IGNORECASE,
)
CONTENTS = re.compile(r"^[#*\s]*(?:table of )?contents\b[*:\s]*$", re.IGNORECASE)
ENTRY = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s+(?:\[)?(.+?)(?:\]\(.*\))?\s*$")
QUOTES = (('"', '"'), ("“", "”"), ("«", "»"))

LONGEST_LINE = 100_000
"""Characters of a line; a longer one is no text that somebody wrote."""
LONGEST_MARK = 1_000
"""Characters of a line that can mark something: a question, a heading, an answer. Looking for marks in longer ones, or
in those with a long gap, could take minutes."""
GAP = re.compile(r"\s{20}")
NAMES = 3
"""Lines after the name of a section in a table of contents that can still be names, of its parts."""

NUMBERED_HEADING = re.compile(r"^#{1,6}\s+(?:Q(?:uestion)?\s*)?\d+\s*[.):]\s*(.+?)\s*#*$", re.IGNORECASE)
LABELLED = re.compile(
    r"^(?:#{1,6}\s+)?(?:\*\*|__)?\s*(?:Q|Question)\s*\d*\s*[:.)]\s*(?:\*\*|__)?\s*(.+?)(?:\*\*|__)?$", re.IGNORECASE
)
NUMBERED_LABEL = re.compile(
    r"^(?:#{1,6}\s+)?(?:\*\*|__)?\s*(?:Q|Question)\s*\d+\s*[:.)]\s*(?:\*\*|__)?\s*(.+?)(?:\*\*|__)?$", re.IGNORECASE
)
NUMBERED_BOLD = re.compile(r"^\d+[.)]\s+\*\*(.+?)\*\*\s*$")
MARKED_LINE = re.compile(
    rf"^(?:\d+[.):]?\s+|[-*]\s+)?(.{{8,300}}?\s+{DECOR}\s*\(?(?:{'|'.join(LEVELS.values())})\)?)\s*$", re.IGNORECASE
)
ASKING_HEADING = re.compile(r"^#{1,6}\s+(.+\?)\s*#*$")
ASKING_BOLD = re.compile(r"^\*\*(.+\?)\*\*\s*$")

STYLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("markdown: numbered headings", NUMBERED_HEADING),
    ("guide: numbered Q", NUMBERED_LABEL),
    ("text: one line a question, with a difficulty", MARKED_LINE),
    ("markdown: Question and Answer", LABELLED),
    ("markdown: numbered and bold", NUMBERED_BOLD),
    ("markdown: headings that ask", ASKING_HEADING),
    ("markdown: bold lines that ask", ASKING_BOLD),
)
"""The ways in which documents mark a question, surest first. One document is read in one way."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a question begins."""

    row: int
    title: str
    section: str


def read(text: str) -> Reading:
    """The questions of a document, each with its section as topic. What belongs to none is told, not kept."""
    reading = Reading("")
    lines = [_line(number, line, reading) for number, line in enumerate(text.split("\n"), 1)]
    loose = _outside_of_code(lines)
    reading.format, style = max(STYLES, key=lambda one: _worth(one, lines, loose))
    # Where no question is marked up, nothing is: what looks like a heading is a comment of some code.
    stripped = not any(map(FENCE.match, lines)) and not any(
        line.startswith(("#", "*", "_")) for line, free in zip(lines, loose, strict=True) if free and style.match(line)
    )
    contents = _contents(lines, loose)
    starts = list(_starts(lines, loose, style, contents, headings=not stripped))
    if not starts:
        reading.note(0, "no question was found in it: number them (### 1. What is …?), or write Q1: and Answer:")
        return reading
    level = _level_of_document(lines[: starts[0].row])
    for start, after in zip(starts, [*starts[1:], None], strict=True):
        end = after.row if after else _end(lines, loose, start.row + 1, reading)
        body = _body(lines, loose, start.row + 1, end, contents)
        draft = _draft(start, body, fenced if stripped else str)
        reading.drafts.append(draft if draft.difficulty else replace(draft, difficulty=level))
        if not draft.answer:
            reading.note(start.row + 1, f"“{draft.title[:60]}” has no answer")
    return reading


def _line(number: int, line: str, reading: Reading) -> str:
    """The line with spaces for the tabs that it begins with, cut where it has no end."""
    if len(line) > LONGEST_LINE:
        reading.note(number, f"has {len(line):,} characters; what comes after {LONGEST_LINE:,} is left out")
        line = line[:LONGEST_LINE]
    inside = line.lstrip("\t")
    return "    " * (len(line) - len(inside)) + inside


def _worth(one: tuple[str, re.Pattern[str]], lines: Sequence[str], loose: Sequence[bool]) -> tuple[int, int]:
    """How well a style fits: two questions or more first, then the surest style; else the number found."""
    found = sum(bool(one[1].match(line)) for line, free in zip(lines, loose, strict=True) if free)
    return (1, len(STYLES) - STYLES.index(one)) if found > 1 else (0, found)


def _outside_of_code(lines: Sequence[str]) -> list[bool]:
    """Of each line, whether it can mark something."""
    found, fence = [], ""
    for line in lines:
        mark = FENCE.match(line)
        found.append(not fence and not mark and len(line) <= LONGEST_MARK and not GAP.search(line.strip()))
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
    return found


def _contents(lines: Sequence[str], loose: Sequence[bool]) -> frozenset[str]:
    """What a table of contents lists, in lower case: the names of the sections, in text that has no headings."""
    for row, line in enumerate(lines):
        if loose[row] and CONTENTS.match(line):
            entries = []
            for entry, free in zip(lines[row + 1 :], loose[row + 1 :], strict=True):
                if not free:
                    break
                if found := ENTRY.match(entry):
                    entries.append(_plain(found[1]).casefold())
                elif entry.strip() and entries:
                    break
            return frozenset(entries)
    return frozenset()


def _starts(
    lines: Sequence[str],
    loose: Sequence[bool],
    style: re.Pattern[str],
    contents: frozenset[str],
    *,
    headings: bool,
) -> Iterator[Start]:
    section, fresh = "", False
    in_contents = False
    for row, line in enumerate(lines):
        if not loose[row] or not line.strip():
            continue
        if CONTENTS.match(line):
            in_contents = True
            continue
        if in_contents and ENTRY.match(line):
            continue
        in_contents = False
        heading = HEADING.match(line) if headings else None
        found = style.match(line)
        if found and style is MARKED_LINE and line.rstrip().endswith((".", ":")):
            found = None
        if found:
            yield Start(row, found[1].strip(), section)
            fresh = False
        elif line.strip().casefold() in contents:
            section, fresh = line.strip(), True
        elif heading and len(heading[1]) <= 3 and not DEEPER.match(line):
            section, fresh = _section(heading[2]) if len(heading[1]) > 1 or section else "", True
        elif fresh and contents and re.match(r"^[A-Z].{5,150}\?$", line.strip()):
            yield Start(row, line.strip(), section)  # the one question of a section that is not numbered
            fresh = False
        else:
            fresh = False


def _section(text: str) -> str:
    """A section's name without numbers, emoji and emphasis."""
    text = _plain(text)
    text = re.sub(r"^\W*\d+\s*[-–—]\s*\d+\s*[:.)]\s*", "", text)
    return re.sub(r"^\W*(?:\d+\s*[.:)]\s*)?", "", text).strip()


def _level_of_document(head: Sequence[str]) -> Difficulty | None:
    """What a title such as "Advanced questions" says of all of them."""
    for line in head:
        if heading := HEADING.match(line):
            return next(
                (level for level, words in LEVELS.items() if re.search(rf"\b(?:{words})\b", heading[2], re.IGNORECASE)),
                None,
            )
    return None


def _end(lines: Sequence[str], loose: Sequence[bool], first: int, reading: Reading) -> int:
    """Where the last answer ends: before a summary, or a rule with nothing but words for all of them after it."""
    headings = [row for row in range(first, len(lines)) if loose[row] and HEADING.match(lines[row])]
    for row in range(first, len(lines)):
        if not loose[row]:
            continue
        if len(lines[row]) < 80 and TAIL.match(lines[row]):
            reading.note(row + 1, f"“{lines[row].strip()[:60]}” and what follows is no question; it is left out")
            return row
        if RULE.match(lines[row]) and (not headings or headings[-1] < row):
            if any(line.strip() for line in lines[row + 1 :]):
                reading.note(row + 2, "the words after the last rule belong to no question; they are left out")
            return row
    return len(lines)


def _body(lines: Sequence[str], loose: Sequence[bool], first: int, end: int, contents: frozenset[str]) -> list[str]:
    """The lines of an answer, without the rule and the headings of the next section that come after it."""
    names, last = 0, end
    for row in range(end - 1, first - 1, -1):
        names += bool(lines[row])
        if names > NAMES:
            break
        if lines[row].strip().casefold() in contents:
            last = row
    end = last
    body = list(lines[first:end])
    while body:
        row = first + len(body) - 1
        line = body[-1]
        section = loose[row] and (found := HEADING.match(line)) and len(found[1]) <= 2
        if not line.strip() or RULE.match(line) or section:
            body.pop()
        else:
            break
    return body


def _draft(start: Start, body: Sequence[str], shape: Callable[[str], str]) -> Draft:
    title, difficulty = _level(start.title)
    deeper = next((row for row, line in enumerate(body) if len(line) < 80 and DEEPER.match(line)), len(body))
    answer, in_depth = list(body[:deeper]), list(body[deeper + 1 :])
    return Draft(
        title=_plain(title),
        answer=shape(_unquoted(_answer(answer))),
        in_depth=shape(_trimmed(in_depth)),
        difficulty=difficulty,
        topic=start.section,
        line=start.row + 1,
    )


def _answer(lines: list[str]) -> str:
    """The lines after the word "Answer", and that word's own rest."""
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        if found := ANSWER.match(line[:80]):  # the mark stands at its beginning, however long the rest is
            lines = [*lines[:row], line[found.start(1) :], *lines[row + 1 :]]
        break
    return _trimmed(lines)


def _trimmed(lines: Sequence[str]) -> str:
    while lines and (not lines[-1].strip() or RULE.match(lines[-1])):
        lines = lines[:-1]
    return "\n".join(lines).strip("\n")


def _unquoted(text: str) -> str:
    text = text.strip()
    for opening, closing in QUOTES:
        inner = text[len(opening) : -len(closing)]
        whole = opening != closing or inner.count(opening) % 2 == 0
        if text.startswith(opening) and text.endswith(closing) and inner and whole:
            return inner.strip()
    return text


def _level(title: str) -> tuple[str, Difficulty | None]:
    found = LEVEL_MARK.search(title)
    if not found or found.start() == 0:
        return title, None
    word = found[1].casefold()
    level = next(level for level, words in LEVELS.items() if word in words.split("|"))
    return title[: found.start()], level


def _plain(text: str) -> str:
    """One line without emphasis and code marks; formulas stay."""
    text = re.sub(r"(\*\*|__|`)", "", text)
    return " ".join(text.split()).strip(" *")
