"""Read documents of questions and answers, in any of the styles that people write them in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.importers.draft import ParsedFile, QuestionDraft
from knowledge.importers.stripped import fenced
from knowledge.questions import Difficulty

LEVELS = {
    Difficulty.EASY: "easy|beginner|basic|junior",
    Difficulty.MEDIUM: "medium|intermediate",
    Difficulty.HARD: "hard|advanced|expert|senior",
}
DIFFICULTY_BY_WORD = {word: difficulty for difficulty, words in LEVELS.items() for word in words.split("|")}
DECORATION = r"[^\w\s(\[{\"'“‘«$\\*`]*"
"""Emoji and the like."""
LEVEL_MARK = re.compile(rf"[\s(\[]*{DECORATION}\s*\b({'|'.join(LEVELS.values())})\b[)\]\s]*$", re.IGNORECASE)
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,})\s*$")
ANSWER = re.compile(
    r"^\s*(?:\*\*|__)?\s*(?:answer|ans|a)\s*(?:\d+\s*)?[:.)]\s*(?:\*\*|__)?\s*[:]?\s*(.*)$", re.IGNORECASE
)
DEEPER = re.compile(
    r"^\s*#{0,6}\s*(?:\*\*)?\s*(?:in[- ]?depth|deep(?:er)? dive|details|explanation)\s*:?\s*(?:\*\*)?\s*$",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"^[^\w]*(?:.*\bcheat[ -]?sheet\b.*|(?:summary|conclusions?|key takeaways|additional resources|further reading|"
    r"references|appendix)\b.{0,40})$",
    re.IGNORECASE,
)
CONTENTS = re.compile(r"^[#*\s]*(?:table of )?contents\b[*:\s]*$", re.IGNORECASE)
ENTRY = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s+(?:\[)?(.+?)(?:\]\(.*\))?\s*$")
QUOTES = (('"', '"'), ("“", "”"), ("«", "»"))

MAX_LINE_LENGTH = 100_000
"""Maximum characters in a line; nobody writes longer ones."""
MAX_MARKER_LENGTH = 1_000
"""Maximum characters in a line that can be a marker: a question, a heading, an answer. Matching the patterns against
longer lines, or lines with a long gap, could take minutes."""
GAP = re.compile(r"\s{20}")
MAX_TITLE_LINES = 3
"""Nonempty lines at the end of an answer among which the next section's title is looked for."""

NUMBERED_HEADING = re.compile(r"^#{1,6}\s+(?:Q(?:uestion)?\s*)?\d+\s*[.):]\s*(.+?)\s*#*$", re.IGNORECASE)
LABELLED = re.compile(
    r"^(?:#{1,6}\s+)?(?:\*\*|__)?\s*(?:Q|Question)\s*\d*\s*[:.)]\s*(?:\*\*|__)?\s*(.+?)(?:\*\*|__)?$", re.IGNORECASE
)
NUMBERED_LABEL = re.compile(
    r"^(?:#{1,6}\s+)?(?:\*\*|__)?\s*(?:Q|Question)\s*\d+\s*[:.)]\s*(?:\*\*|__)?\s*(.+?)(?:\*\*|__)?$", re.IGNORECASE
)
NUMBERED_BOLD = re.compile(r"^\d+[.)]\s+\*\*(.+?)\*\*\s*$")
MARKED_LINE = re.compile(
    rf"^(?:\d+[.):]?\s+|[-*]\s+)?(.{{8,300}}?\s+{DECORATION}\s*\(?(?:{'|'.join(LEVELS.values())})\)?)\s*$",
    re.IGNORECASE,
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
"""The styles in which documents mark questions, most certain first. A document has one style."""


@dataclass(frozen=True, slots=True)
class Start:
    """The line where a question starts, counted from 0, with its title and section."""

    row: int
    title: str
    section: str


def read(text: str) -> ParsedFile:
    """Return the questions of a document, each with its section as topic. Text that belongs to none is noted."""
    parsed = ParsedFile("")
    lines = [_line(number, line, parsed) for number, line in enumerate(text.split("\n"), 1)]
    markable = _markable(lines)
    parsed.format_name, style = max(STYLES, key=lambda candidate: _fit(candidate, lines, markable))
    # If no question has markup, nothing does: what looks like a heading is a comment in code.
    stripped = not any(map(FENCE.match, lines)) and not any(
        line.startswith(("#", "*", "_"))
        for line, is_markable in zip(lines, markable, strict=True)
        if is_markable and style.match(line)
    )
    contents = _contents(lines, markable)
    starts = list(_starts(lines, markable, style, contents, headings=not stripped))
    if not starts:
        parsed.note(0, "no questions found: number them (### 1. What is …?), or write Q1: and Answer:")
        return parsed
    level = _level_of_document(lines[: starts[0].row])
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        end = following.row if following else _end(lines, markable, start.row + 1, parsed)
        body = _body(lines, markable, start.row + 1, end, contents)
        draft = _draft(start, body, fenced if stripped else str)
        parsed.drafts.append(draft if draft.difficulty else replace(draft, difficulty=level))
        if not draft.answer:
            parsed.note(start.row + 1, f"“{draft.title[:60]}” has no answer")
    return parsed


def _line(number: int, line: str, parsed: ParsedFile) -> str:
    """Replace tabs at the start of a line by spaces, and cut an overlong one, and more than two spaces at its end."""
    if len(line) > MAX_LINE_LENGTH:
        parsed.note(number, f"has {len(line):,} characters; those after {MAX_LINE_LENGTH:,} were left out")
        line = line[:MAX_LINE_LENGTH]
    line = line[: len(line.rstrip()) + 2]
    unindented = line.lstrip("\t")
    return "    " * (len(line) - len(unindented)) + unindented


def _fit(style: tuple[str, re.Pattern[str]], lines: Sequence[str], markable: Sequence[bool]) -> tuple[int, int]:
    """Rate a style: with at least two questions by its certainty, and above all others; else by their number."""
    count = sum(bool(style[1].match(line)) for line, can_mark in zip(lines, markable, strict=True) if can_mark)
    return (1, len(STYLES) - STYLES.index(style)) if count > 1 else (0, count)


def _markable(lines: Sequence[str]) -> list[bool]:
    """Return for each line whether it can be a marker: it's outside code, and short enough to match patterns."""
    result, fence = [], ""
    for line in lines:
        mark = FENCE.match(line)
        result.append(not fence and not mark and len(line) <= MAX_MARKER_LENGTH and not GAP.search(line.strip()))
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
    return result


def _contents(lines: Sequence[str], markable: Sequence[bool]) -> frozenset[str]:
    """Return the entries of a table of contents in lower case: the section titles of a text without headings."""
    for row, line in enumerate(lines):
        if markable[row] and CONTENTS.match(line):
            entries = []
            for entry, can_mark in zip(lines[row + 1 :], markable[row + 1 :], strict=True):
                if not can_mark:
                    break
                if match := ENTRY.match(entry):
                    entries.append(_plain(match[1]).casefold())
                elif entry.strip() and entries:
                    break
            return frozenset(entries)
    return frozenset()


def _starts(
    lines: Sequence[str],
    markable: Sequence[bool],
    style: re.Pattern[str],
    contents: frozenset[str],
    *,
    headings: bool,
) -> Iterator[Start]:
    section, fresh = "", False
    in_contents = False
    for row, line in enumerate(lines):
        if not markable[row] or not line.strip():
            continue
        if CONTENTS.match(line):
            in_contents = True
            continue
        if in_contents and ENTRY.match(line):
            continue
        in_contents = False
        heading = HEADING.match(line) if headings else None
        question = style.match(line)
        if question and style is MARKED_LINE and line.rstrip().endswith((".", ":")):
            question = None
        if question:
            yield Start(row, question[1].strip(), section)
            fresh = False
        elif line.strip().casefold() in contents:
            section, fresh = line.strip(), True
        elif heading and len(heading[1]) <= 3 and not DEEPER.match(line):
            section, fresh = _section(heading[2]) if len(heading[1]) > 1 or section else "", True
        elif fresh and contents and re.match(r"^[A-Z].{5,150}\?$", line.strip()):
            yield Start(row, line.strip(), section)  # a section's only question may have no number
            fresh = False
        else:
            fresh = False


def _section(text: str) -> str:
    """Return a section's title without numbers, emoji, and emphasis."""
    text = _plain(text)
    text = re.sub(r"^\W*\d+\s*[-–—]\s*\d+\s*[:.)]\s*", "", text)
    return re.sub(r"^\W*(?:\d+\s*[.:)]\s*)?", "", text).strip()


def _level_of_document(head: Sequence[str]) -> Difficulty | None:
    """Return the difficulty that a document's title, such as "Advanced questions", gives to all of them."""
    for line in head:
        if heading := HEADING.match(line):
            return next(
                (level for level, words in LEVELS.items() if re.search(rf"\b(?:{words})\b", heading[2], re.IGNORECASE)),
                None,
            )
    return None


def _end(lines: Sequence[str], markable: Sequence[bool], first: int, parsed: ParsedFile) -> int:
    """Find where the last answer ends: at a summary, or at a horizontal rule that no heading follows."""
    headings = [row for row in range(first, len(lines)) if markable[row] and HEADING.match(lines[row])]
    for row in range(first, len(lines)):
        if not markable[row]:
            continue
        if len(lines[row]) < 80 and CLOSING.match(lines[row]):
            parsed.note(row + 1, f"“{lines[row].strip()[:60]}” and what follows isn't a question and was left out")
            return row
        if RULE.match(lines[row]) and (not headings or headings[-1] < row):
            if any(line.strip() for line in lines[row + 1 :]):
                parsed.note(row + 2, "the text after the last rule doesn't belong to a question and was left out")
            return row
    return len(lines)


def _body(lines: Sequence[str], markable: Sequence[bool], first: int, end: int, contents: frozenset[str]) -> list[str]:
    """Return the lines of an answer, without a rule and the next section's headings at its end."""
    nonempty, last = 0, end
    for row in range(end - 1, first - 1, -1):
        nonempty += bool(lines[row])
        if nonempty > MAX_TITLE_LINES:
            break
        if lines[row].strip().casefold() in contents:
            last = row
    end = last
    body = list(lines[first:end])
    while body:
        row = first + len(body) - 1
        line = body[-1]
        is_section = markable[row] and (heading := HEADING.match(line)) and len(heading[1]) <= 2
        if not line.strip() or RULE.match(line) or is_section:
            body.pop()
        else:
            break
    return body


def _draft(start: Start, body: Sequence[str], format_text: Callable[[str], str]) -> QuestionDraft:
    title, difficulty = _level(start.title)
    deeper = next((row for row, line in enumerate(body) if len(line) < 80 and DEEPER.match(line)), len(body))
    answer, in_depth = list(body[:deeper]), list(body[deeper + 1 :])
    return QuestionDraft(
        title=_plain(title),
        answer=format_text(_unquoted(_answer(answer))),
        in_depth=format_text(_trimmed(in_depth)),
        difficulty=difficulty,
        topic=start.section,
        line=start.row + 1,
    )


def _answer(lines: list[str]) -> str:
    """Return the answer without the word "Answer" at its start."""
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        if label := ANSWER.match(line[:80]):  # the label is at the start, however long the line is
            lines = [*lines[:row], line[label.start(1) :], *lines[row + 1 :]]
        break
    return _trimmed(lines)


def _trimmed(lines: Sequence[str]) -> str:
    end = len(lines)
    while end and (not lines[end - 1].strip() or RULE.match(lines[end - 1])):
        end -= 1
    return "\n".join(lines[:end]).strip("\n")


def _unquoted(text: str) -> str:
    text = text.strip()
    for opening, closing in QUOTES:
        inner = text[len(opening) : -len(closing)]
        is_one_quote = opening != closing or inner.count(opening) % 2 == 0
        if text.startswith(opening) and text.endswith(closing) and inner and is_one_quote:
            return inner.strip()
    return text


def _level(title: str) -> tuple[str, Difficulty | None]:
    mark = LEVEL_MARK.search(title)
    if not mark or mark.start() == 0:
        return title, None
    return title[: mark.start()], DIFFICULTY_BY_WORD[mark[1].casefold()]


def _plain(text: str) -> str:
    """Return one line without emphasis and backticks; formulas stay."""
    text = re.sub(r"(\*\*|__|`)", "", text)
    return " ".join(text.split()).strip(" *")
