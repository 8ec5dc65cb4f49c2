"""Read the Markdown of a question's file: the title, the sections in their order, and their bullets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it.token import Token

from knowledge.format.markdown import Note, check_formulas, markdown
from knowledge.questions import Choice, Misconception

SECTIONS = ("In depth", "Key points", "Misconceptions", "Choices", "Follow-ups")
"""In this order. Each is optional: other people's questions often have only an answer."""
DASH = " — "
SENTENCE_ENDS = ("?", ".", "!", "？", "。", "．", "！", "؟", "۔", "।")
"""What the titles of questions end in, in all scripts of which we know it."""
CHOICE_COUNT = 4


@dataclass(frozen=True, slots=True)
class Sections:
    """The contents of a file's Markdown; the texts are still Markdown."""

    title: str
    answer: str
    in_depth: str
    key_points: tuple[str, ...]
    misconceptions: tuple[Misconception, ...]
    choices: tuple[Choice, ...]
    follow_ups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and the text under it; `line` is the heading's, from 1."""

    level: int
    heading: str
    line: int
    body: str
    tokens: tuple[Token, ...]


def read(source: str, offset: int, note: Note) -> Sections | None:
    """Return the sections, or None if the title is missing or a section is out of order. Problems are noted.

    `offset` is the number of lines before the Markdown.
    """
    tokens = markdown().parse(source)
    check_formulas(tokens, offset, note)
    parts = list(_parts(source, tokens, offset))
    if not _in_order(parts, offset, note):
        return None
    answer, *others = parts
    by_heading = {part.heading: part for part in others}
    in_depth = by_heading.get("In depth")
    for part in filter(None, (answer, in_depth)):
        if not part.body:
            note(part.line, f"there's no text under {part.heading!r}")
    if not answer.heading.endswith(SENTENCE_ENDS) or "\n" in answer.heading:
        note(answer.line, "the title is one line that ends like a sentence")
    return Sections(
        title=answer.heading,
        answer=answer.body,
        in_depth=in_depth.body if in_depth else "",
        key_points=tuple(text for _, text in _bullets(by_heading.get("Key points"), offset, note)),
        misconceptions=tuple(_misconceptions(by_heading.get("Misconceptions"), offset, note)),
        choices=tuple(_choices(by_heading.get("Choices"), offset, note)),
        follow_ups=tuple(text for _, text in _bullets(by_heading.get("Follow-ups"), offset, note)),
    )


def _parts(source: str, tokens: list[Token], offset: int) -> Iterator[Part]:
    lines = source.split("\n")
    starts = [
        i for i, t in enumerate(tokens) if t.type == "heading_open" and t.level == 0 and t.tag in ("h1", "h2") and t.map
    ]
    for start, stop in pairwise([*starts, len(tokens)]):
        first, body = tokens[start].map or [0, 0]
        end = (tokens[stop].map or [0])[0] if stop < len(tokens) else len(lines)
        level, heading = int(tokens[start].tag[1]), tokens[start + 1].content.strip()
        yield Part(level, heading, offset + first + 1, "\n".join(lines[body:end]).strip(), tuple(tokens[start:stop]))


def _in_order(parts: list[Part], offset: int, note: Note) -> bool:
    if not parts or parts[0].level != 1:
        note(offset + 1, "the text starts with the question as a heading: # What is ...?")
        return False
    allowed = list(SECTIONS)
    for part in parts[1:]:
        if part.level != 2 or part.heading not in allowed:
            order = ", ".join(f"## {name}" for name in SECTIONS)
            note(part.line, f"{part.heading!r} doesn't belong here: after the answer come, in this order, {order}")
            return False
        del allowed[: allowed.index(part.heading) + 1]
    return True


def _bullets(part: Part | None, offset: int, note: Note) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each bullet. Anything in the section that isn't a plain bullet is noted."""
    if part is None:
        return
    tokens = part.tokens[3:]  # after the heading
    blocks = [token for token in tokens if token.level == 0]
    if [token.type for token in blocks] != ["bullet_list_open", "bullet_list_close"]:
        others = [token for token in blocks if token.map and token.type != "bullet_list_open"] or blocks[2:]
        line = offset + others[0].map[0] + 1 if others and others[0].map else part.line
        note(line, f"under {part.heading!r} there's one list of bullets, each starting with a dash, and nothing else")
        return
    starts = [i for i, token in enumerate(tokens) if token.type == "list_item_open" and token.level == 1]
    for start, stop in pairwise([*starts, len(tokens)]):
        item = tokens[start:stop]
        line = offset + (item[0].map or [0])[0] + 1
        if [token.type for token in item if token.level == 2] != ["paragraph_open", "paragraph_close"]:
            note(line, f"a bullet under {part.heading!r} is one paragraph of plain text")
            continue
        yield line, " ".join(item[2].content.split())


def _misconceptions(part: Part | None, offset: int, note: Note) -> Iterator[Misconception]:
    for line, text in _bullets(part, offset, note):
        claim, reason = _split_at_dash(text)
        if not claim or not reason:
            note(line, f"a misconception is the wrong claim, one dash ({DASH!r}), then why it's wrong")
        yield Misconception(claim, reason)


def _choices(part: Part | None, offset: int, note: Note) -> Iterator[Choice]:
    right = count = 0
    seen = set()
    for line, bullet in _bullets(part, offset, note):
        count += 1
        mark, text = bullet[:4], bullet[4:]
        if mark not in ("[x] ", "[X] ", "[ ] "):
            note(line, "a choice starts with [x] if it's right and with [ ] if it's wrong")
            continue
        right += mark != "[ ] "
        claim, reason = _split_at_dash(text) if DASH in text else (text, "")
        if not claim or (mark == "[ ] " and not reason):
            note(line, f"a wrong choice is its text, one dash ({DASH!r}), then why it's wrong")
        if claim.casefold() in seen:
            note(line, "two choices say the same thing")
        seen.add(claim.casefold())
        yield Choice(claim, mark != "[ ] ", reason)
    if part and (count != CHOICE_COUNT or right != 1):
        note(part.line, f"there must be {CHOICE_COUNT} choices, one of them [x], not {count} with {right}")


def _split_at_dash(text: str) -> tuple[str, str]:
    """Return the text before and after the only dash; ("", "") if there's none or more than one."""
    before, _, after = text.partition(DASH)
    return ("", "") if DASH in after else (before.strip(), after.strip())
