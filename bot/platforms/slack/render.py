"""A reply as Slack's blocks: Markdown, sections and buttons, all escaped and within the limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from bot.maths import readable
from bot.platforms.signs import MARKS, STATES, TONES, VERDICTS
from bot.platforms.slack import limits
from bot.replies import (
    Action,
    Block,
    Calendar,
    Choices,
    Explanation,
    File,
    Mastered,
    Mastery,
    Menu,
    Notice,
    Picture,
    Point,
    QuestionCard,
    Rank,
    Reply,
    Standings,
    Table,
    Text,
    Verdict,
)

SHORTENED = "_Shortened: Slack takes no longer message._"
PRESSED = "press"
"""What the ids of buttons begin with; what a button does is its value."""


@dataclass(frozen=True, slots=True)
class Short:
    """Text in Slack's own marks rather than in Markdown: the only kind that knows moments. Escaped already."""

    body: str


Piece = str | Short | tuple[Action, ...] | Picture | File


@dataclass(slots=True)
class Drawing:
    """A message to be sent. `text` is what notifications show."""

    text: str
    blocks: list[dict[str, Any]]
    files: list[File | Picture] = field(default_factory=list)


def draw(reply: Reply) -> Drawing:
    """The whole reply; what goes beyond Slack's limits is left out, and the message says so."""
    sheet = _Sheet()
    for block in reply.blocks:
        for piece in _pieces(block):
            match piece:
                case str():
                    sheet.write(piece)
                case Short(body):
                    sheet.note(body)
                case tuple():
                    sheet.offer(piece)
                case Picture() | File():
                    sheet.files.append(piece)
                case _:
                    assert_never(piece)
    return sheet.finished()


class _Sheet:
    """Blocks as they are laid down one under the other, and the room that is left."""

    def __init__(self) -> None:
        self.files: list[File | Picture] = []
        self._blocks: list[dict[str, Any]] = []
        self._left = limits.TEXT - limits.ROOM
        self._words: list[str] = []
        self._pressed = 0
        self._cut = False

    def write(self, markdown: str) -> None:
        if text := self._room(markdown, self._left):
            self._add({"type": "markdown", "text": text})

    def note(self, body: str) -> None:
        if text := self._room(body, min(self._left, limits.SECTION)):
            self._add({"type": "section", "text": {"type": "mrkdwn", "text": text}})

    def offer(self, actions: tuple[Action, ...]) -> None:
        for start in range(0, len(actions), limits.BUTTONS):
            buttons = []
            for action in actions[start : start + limits.BUTTONS]:
                self._pressed += 1
                buttons.append(_button(action, f"{PRESSED}-{self._pressed}"))
            self._add({"type": "actions", "elements": buttons})

    def _room(self, text: str, room: int) -> str:
        text = text.strip("\n")
        short = shorten(text, room)
        self._cut = self._cut or short != text
        self._left -= len(short)
        if short.strip():
            self._words.append(short)
        return short if short.strip() else ""

    def _add(self, block: dict[str, Any]) -> None:
        # One place is kept for the note that something was left out.
        if len(self._blocks) < limits.BLOCKS - 1:
            self._blocks.append(block)
        else:
            self._cut = True

    def finished(self) -> Drawing:
        blocks = self._blocks
        if self._cut:
            blocks = [*blocks, {"type": "context", "elements": [{"type": "mrkdwn", "text": SHORTENED}]}]
        # Without emphasis and the like, which notifications show as they are.
        words = re.sub(r"[*_`#]+", "", " ".join(" ".join(self._words).split()))
        return Drawing(shorten(words, limits.FALLBACK) or "…", blocks, self.files)


def shorten(text: str, room: int) -> str:
    """At most so many characters, cut at a line or a word where there is one; a code block stays closed."""
    if len(text) <= room:
        return text
    keep = text[: max(0, room - 5)]
    for mark in ("\n", " "):
        if (end := keep.rfind(mark)) > len(keep) // 2:
            keep = keep[:end]
            break
    # Half an escaped character would show as it is.
    keep = re.sub(r"&[a-z]{0,3}$", "", keep)
    if not keep.strip():
        return ""
    return keep + ("\n```" if keep.count("```") % 2 else " …")


def escape(text: str) -> str:
    """So that nothing in the text addresses anybody: `<!channel>` is seven letters between two marks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _button(action: Action, id: str) -> dict[str, Any]:
    label = {"type": "plain_text", "text": action.label[: limits.BUTTON] or "…", "emoji": True}
    button = {"type": "button", "action_id": id, "text": label, "value": action.line}
    return button if action.style == "plain" else {**button, "style": action.style}


def _markdown(text: str) -> str:
    return escape(readable(text))


def _plain(text: str) -> str:
    """Names and the like, in which nothing is formatting."""
    return re.sub(r"([*_`~#\[\]\\])", r"\\\1", escape(text))


def _moment(when: datetime) -> str:
    fallback = f"{when:%d %b %Y %H:%M} UTC"
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def _pieces(block: Block) -> Iterator[Piece]:
    match block:
        case Text(body, title):
            yield f"### {_plain(title)}\n\n{_markdown(body)}" if title else _markdown(body)
        case Notice(body, tone, when):
            yield Short(TONES[tone] + _markdown(body) + (f" {_moment(when)}" if when else ""))
        case QuestionCard():
            yield _card(block)
            yield (*(option.action for option in block.options), *([block.write] if block.write else []))
            if block.closes:
                yield Short(f"The answer comes {_moment(block.closes)}.")
        case Verdict():
            yield "\n\n".join(_verdict(block))
        case Explanation():
            yield "\n\n".join(_explanation(block))
        case Standings():
            yield "\n".join(_standings(block))
        case Calendar():
            yield "\n".join(_calendar(block))
        case Table():
            yield Short("\n".join(_table(block)))
        case Choices(actions, prompt):
            if prompt:
                yield _markdown(prompt)
            yield actions
        case Mastery(title, topics):
            yield Short("\n".join(_table(Table(("Topic", "Known"), tuple(map(_mastered, topics)), title=title))))
        case Menu(prompt, line, _, entries):
            chosen = ", ".join(e.label for e in entries if e.chosen) or "any"
            yield Short(f"{escape(prompt)}: *{escape(chosen)}*, kept with `{escape(line)} …`")
        case Picture() | File():
            yield block
        case _:
            assert_never(block)


def _mastered(topic: Mastered) -> tuple[str, str]:
    return topic.topic, "not tried yet" if topic.share is None else f"{topic.share:.0%} of the last {topic.tried}"


def _card(card: QuestionCard) -> str:
    lines = [f"_{_plain(card.heading)} · {_plain(card.topic)} · {_plain(card.difficulty)}_"]
    lines.append(f"### {_markdown(card.question)}")
    lines += [f"**{option.letter.upper()}** {_markdown(option.text)}" for option in card.options]
    if card.note:
        lines.append(f"_{_markdown(card.note)}_")
    return "\n\n".join(lines)


def _verdict(verdict: Verdict) -> Iterator[str]:
    yield f"### {VERDICTS[verdict.right]} {_markdown(verdict.headline)}"
    if verdict.chosen and not verdict.right:
        yield f"You chose {_markdown(verdict.chosen)}"
    if verdict.reason:
        yield _markdown(verdict.reason)
    if verdict.correct and not verdict.right:
        yield f"The answer is **{_markdown(verdict.correct)}**"
    yield from map(_point, verdict.points)
    if verdict.reference:
        yield f"**The reference**\n\n{_markdown(verdict.reference)}"
    if verdict.score:
        yield f"_{_markdown(verdict.score)}_"


def _point(point: Point) -> str:
    by = f" ← “{_plain(point.sentence)}”" if point.sentence else ""
    return f"{STATES[point.state]} {_markdown(point.claim)}{by}"


def _explanation(explanation: Explanation) -> Iterator[str]:
    why = f" ({_plain(explanation.why)})" if explanation.why else ""
    yield f"_{explanation.label}{why}{'' if explanation.done else ' …'}_"
    yield _markdown(explanation.text)
    yield from (f"\\[{cited.number}\\] {_plain(cited.title)}" for cited in explanation.citations)


def _standings(standings: Standings) -> Iterator[str]:
    def line(rank: Rank) -> str:
        # The dot is escaped so that Slack does not number the places anew, ties and all.
        text = f"{rank.place}\\. {_plain(rank.name)} · {_plain(rank.points)} {_plain(rank.detail)}".rstrip()
        return f"**{text}**  " if rank.mine else f"{text}  "

    yield f"### {_plain(standings.title)}"
    yield from map(line, standings.rows)
    if standings.mine:
        yield f"…  \n{line(standings.mine)}"
    if standings.footnote:
        yield f"_{_markdown(standings.footnote)}_"


def _calendar(calendar: Calendar) -> Iterator[str]:
    yield f"### {_plain(calendar.title)}"
    yield f"Now {calendar.current}, longest {calendar.longest}, freezes {calendar.freezes}  "
    marks = [MARKS[mark] for _, mark in calendar.days]
    yield from (f"{''.join(marks[week : week + 7])}  " for week in range(0, len(marks), 7))


def _table(table: Table) -> Iterator[str]:
    def cell(value: str | datetime) -> str:
        return _moment(value) if isinstance(value, datetime) else escape(value)

    if table.title:
        yield f"*{escape(table.title)}*"
    for first, *rest in table.rows:
        yield f"• *{cell(first)}* {' · '.join(map(cell, rest))}".rstrip()
