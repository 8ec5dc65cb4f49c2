"""The Markdown of a question's file: its title, its sections in their order, and what their bullets say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it.token import Token

from knowledge.format.markdown import Note, markdown, readable_formulas
from knowledge.questions import Choice, Misconception

SECTIONS = ("In depth", "Key points", "Misconceptions", "Choices", "Follow-ups")
"""In this order. Each may be missing: other people's questions often have an answer alone."""
DASH = " — "
CHOICES = 4


@dataclass(frozen=True, slots=True)
class Sections:
    """What the Markdown of a file says; texts keep their Markdown."""

    title: str
    answer: str
    in_depth: str
    key_points: tuple[str, ...]
    misconceptions: tuple[Misconception, ...]
    choices: tuple[Choice, ...]
    follow_ups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and what comes under it; `line` is the heading's, from 1."""

    level: int
    heading: str
    line: int
    body: str
    tokens: tuple[Token, ...]


def read(source: str, offset: int, note: Note) -> Sections | None:
    """The sections, or None where there is no title or one is in the wrong place. What is wrong is noted.

    `offset` is the number of lines of the file that come before the Markdown.
    """
    tokens = markdown().parse(source)
    readable_formulas(tokens, offset, note)
    parts = list(_parts(source, tokens, offset))
    if not _in_order(parts, offset, note):
        return None
    answer, *rest = parts
    named = {part.heading: part for part in rest}
    in_depth = named.get("In depth")
    for part in filter(None, (answer, in_depth)):
        if not part.body:
            note(part.line, f"there is no text under {part.heading!r}")
    if not answer.heading.endswith(("?", ".")) or "\n" in answer.heading:
        note(answer.line, "the title is one line that ends in a question mark or a full stop")
    return Sections(
        title=answer.heading,
        answer=answer.body,
        in_depth=in_depth.body if in_depth else "",
        key_points=tuple(text for _, text in _bullets(named.get("Key points"), offset, note)),
        misconceptions=tuple(_misconceptions(named.get("Misconceptions"), offset, note)),
        choices=tuple(_choices(named.get("Choices"), offset, note)),
        follow_ups=tuple(text for _, text in _bullets(named.get("Follow-ups"), offset, note)),
    )


def _parts(source: str, tokens: list[Token], offset: int) -> Iterator[Part]:
    lines = source.split("\n")
    starts = [
        i for i, t in enumerate(tokens) if t.type == "heading_open" and t.level == 0 and t.tag in ("h1", "h2") and t.map
    ]
    for start, stop in zip(starts, [*starts[1:], len(tokens)], strict=True):
        first, body = tokens[start].map or [0, 0]
        end = (tokens[stop].map or [0])[0] if stop < len(tokens) else len(lines)
        level, heading = int(tokens[start].tag[1]), tokens[start + 1].content.strip()
        yield Part(level, heading, offset + first + 1, "\n".join(lines[body:end]).strip(), tuple(tokens[start:stop]))


def _in_order(parts: list[Part], offset: int, note: Note) -> bool:
    if not parts or parts[0].level != 1:
        note(offset + 1, "the text starts with its question as a heading: # What is ...?")
        return False
    left = list(SECTIONS)
    for part in parts[1:]:
        if part.level != 2 or part.heading not in left:
            order = ", ".join(f"## {name}" for name in SECTIONS)
            note(part.line, f"{part.heading!r} does not belong here: after the answer come, in this order, {order}")
            return False
        del left[: left.index(part.heading) + 1]
    return True


def _bullets(part: Part | None, offset: int, note: Note) -> Iterator[tuple[int, str]]:
    """Each bullet's line and text. Anything in the section that is no plain bullet is noted."""
    if part is None:
        return
    tokens = part.tokens[3:]  # after the heading
    top = [token for token in tokens if token.level == 0]
    if [token.type for token in top] != ["bullet_list_open", "bullet_list_close"]:
        strange = [token for token in top if token.map and token.type != "bullet_list_open"] or top[2:]
        line = offset + strange[0].map[0] + 1 if strange and strange[0].map else part.line
        note(line, f"under {part.heading!r} comes one list of bullets, each starting with a dash, and nothing else")
        return
    starts = [i for i, token in enumerate(tokens) if token.type == "list_item_open" and token.level == 1]
    for start, stop in zip(starts, [*starts[1:], len(tokens)], strict=True):
        item = tokens[start:stop]
        line = offset + (item[0].map or [0])[0] + 1
        if [token.type for token in item if token.level == 2] != ["paragraph_open", "paragraph_close"]:
            note(line, f"a bullet under {part.heading!r} is one paragraph of plain text")
            continue
        yield line, " ".join(item[2].content.split())


def _misconceptions(part: Part | None, offset: int, note: Note) -> Iterator[Misconception]:
    for line, text in _bullets(part, offset, note):
        claim, reason = _at_the_dash(text)
        if not claim or not reason:
            note(line, f"a misconception is the wrong claim, one dash ({DASH!r}), then why it is wrong")
        yield Misconception(claim, reason)


def _choices(part: Part | None, offset: int, note: Note) -> Iterator[Choice]:
    right = count = 0
    seen = set()
    for line, bullet in _bullets(part, offset, note):
        count += 1
        mark, text = bullet[:4], bullet[4:]
        if mark not in ("[x] ", "[X] ", "[ ] "):
            note(line, "a choice starts with [x] where it is right and with [ ] where it is wrong")
            continue
        right += mark != "[ ] "
        claim, reason = _at_the_dash(text) if DASH in text else (text, "")
        if not claim or (mark == "[ ] " and not reason):
            note(line, f"a wrong choice is its text, one dash ({DASH!r}), then why it is wrong")
        if claim.casefold() in seen:
            note(line, "two choices say the same")
        seen.add(claim.casefold())
        yield Choice(claim, mark != "[ ] ", reason)
    if part and (count != CHOICES or right != 1):
        note(part.line, f"there are {CHOICES} choices, one of them [x], not {count} with {right}")


def _at_the_dash(text: str) -> tuple[str, str]:
    """What comes before and after the one dash; ("", "") where there is none or another."""
    before, _, after = text.partition(DASH)
    return ("", "") if DASH in after else (before.strip(), after.strip())
