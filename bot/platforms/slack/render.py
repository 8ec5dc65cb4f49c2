"""A reply as Slack's blocks: headings, text, buttons, menus and tables, in a message or a few, or in a view."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import assert_never

from bot.drawing.alt_text import alt_of
from bot.platforms.shared.emoji import STATES, TONES, VERDICTS
from bot.platforms.shared.formulas import formulas_of
from bot.platforms.shared.images import Pictures
from bot.platforms.slack import limits
from bot.platforms.slack.charts import calendar_pieces, mastery_pieces, standings_pieces, table_pieces
from bot.platforms.slack.layout import PICKED, PRESSED, BlockKit, Drawing, Head, Line, Piece, Said, Sheet, Small, Words
from bot.platforms.slack.markup import (
    MARKDOWN,
    MRKDWN,
    Tongue,
    bare,
    commands,
    moment,
    mrkdwn,
    named,
    spoken,
    written,
)
from bot.replies import (
    Block,
    Buttons,
    Calendar,
    Explanation,
    File,
    Mastery,
    Menu,
    Notice,
    Picture,
    Point,
    QuestionCard,
    Reply,
    Standings,
    Table,
    Text,
    Verdict,
)
from bot.text.cleaning import short
from bot.text.maths import formula

__all__ = ["PICKED", "PRESSED", "Drawing", "draw", "home"]

Parted = Callable[[Block | None, Block], bool]
"""Whether a line stands between one block and the next."""
QUOTED = 200
"""Characters that are quoted of a sentence."""


def draw(reply: Reply, pictures: Pictures | None = None) -> list[Drawing]:
    """The whole reply, in one message or a few."""
    sheet = Sheet()
    _lay(sheet, reply, pictures or {}, MARKDOWN, _parted)
    return sheet.finished()


def home(replies: Sequence[Reply]) -> list[BlockKit]:
    """The replies one under the other, as the blocks of an App Home view."""
    sheet = Sheet(home=True)
    for reply in replies:
        sheet.lay(Line())
        _lay(sheet, reply, {}, MRKDWN, _headed)
    return sheet.finished()[0].blocks


def _lay(sheet: Sheet, reply: Reply, pictures: Pictures, tongue: Tongue, parted: Parted) -> None:
    for above, block in zip((None, *reply.blocks), reply.blocks, strict=False):
        if parted(above, block):
            sheet.lay(Line())
        for piece in _pieces(block, tongue):
            sheet.lay(piece)
        for picture in _drawn(block, pictures):
            sheet.lay(picture)


def _drawn(block: Block, pictures: Pictures) -> Iterator[Picture]:
    """What has been drawn for the block. It says the same in words, since a picture comes as a file beneath."""
    if isinstance(block, Standings | Calendar | Mastery) and (png := pictures.get(block)):
        yield Picture(png, alt_of(block))
    for latex in dict.fromkeys(formulas_of(block)):
        if png := pictures.get(latex):
            yield Picture(png, f"Formula: {formula(latex)}")


def _parted(above: Block | None, below: Block) -> bool:
    """Whether a line stands between them: around what is read at length, and between groups of buttons.

    A table has a frame of its own.
    """
    match above, below:
        case None, _:
            return False
        case (Menu(), Menu()) | (Notice(), Notice()):
            return False
        case (_, Menu()) | (Buttons() | Menu(), Buttons()):
            return True
        case (Text() | Explanation() | Notice(), Text() | Explanation() | Notice()):
            return True
        case _:
            return False


def _headed(above: Block | None, below: Block) -> bool:
    """On a page of many things, a line stands before each that has a heading of its own."""
    return above is not None and not isinstance(below, Buttons | Menu | Notice)


def _pieces(block: Block, tongue: Tongue) -> Iterator[Piece]:
    match block:
        case Text(body, title):
            yield Head(title)
            yield Words(written(commands(body), tongue))
        case Notice(body, tone, when):
            said = f"{TONES[tone]}{spoken(body)}"
            if when and len(said) < limits.SECTION - limits.BUTTON:
                yield Said(f"{said} {moment(when)}")
            else:
                yield Said(said)
                yield Said(moment(when) if when else "")
        case QuestionCard():
            yield from _card(block)
        case Verdict():
            yield from _verdict(block, tongue)
        case Explanation():
            yield from _explanation(block, tongue)
        case Standings(title):
            yield Head(title)
            yield from standings_pieces(block)
        case Calendar(title):
            yield Head(title)
            yield from calendar_pieces(block)
        case Mastery(title):
            yield Head(title)
            yield from mastery_pieces(block)
        case Table():
            yield Head(block.title)
            yield from table_pieces(block)
        case Buttons(actions, prompt):
            yield Said(spoken(prompt))
            yield actions
        case Menu() | Picture() | File():
            yield block
        case _:
            assert_never(block)


def _card(card: QuestionCard) -> Iterator[Piece]:
    yield Small(" · ".join(filter(None, map(named, (card.heading, card.topic, card.difficulty)))))
    if len(question := bare(card.question)) <= limits.HEADER:
        yield Head(question)
    else:
        yield Said(mrkdwn(card.question))
    for option in card.options:
        yield Said(f"*{option.letter.upper()}*  {mrkdwn(option.text)}", option.button)
    if card.write:
        yield (card.write,)
    yield Small(mrkdwn(card.note))
    if card.closes:
        yield Small(f"The answer comes {moment(card.closes)}.")


def _verdict(verdict: Verdict, tongue: Tongue) -> Iterator[Piece]:
    yield Head(f"{VERDICTS[verdict.right]} {bare(verdict.headline)}")
    if verdict.chosen and not verdict.right:
        yield Said(f"You chose {mrkdwn(verdict.chosen)}")
    yield Words(written(verdict.reason, tongue))
    if verdict.correct and not verdict.right:
        yield Said(f"*The answer is* {mrkdwn(verdict.correct)}")
    yield from map(Said, _points(verdict.points))
    if verdict.reference:
        yield Line()
        yield Words(f"{tongue.strong}The reference{tongue.strong}\n\n{written(verdict.reference, tongue)}")
        yield Line()
    yield Small(mrkdwn(verdict.score))


def _points(points: tuple[Point, ...]) -> Iterator[str]:
    """Each point, and beneath it the sentence that spoke for it, unless that is the one just quoted."""
    quoted = ""
    for point in points:
        said = f"{STATES[point.state]} {mrkdwn(point.claim)}"
        if point.sentence and point.sentence != quoted:
            quoted = point.sentence
            said += f"\n> “{named(short(quoted, QUOTED))}”"
        yield said


def _explanation(explanation: Explanation, tongue: Tongue) -> Iterator[Piece]:
    why = f" ({named(explanation.reason)})" if explanation.reason else ""
    yield Small(f"{explanation.label}{why}{'' if explanation.done else ' …'}")
    yield Words(written(explanation.text, tongue, model=explanation.source in ("model", "cache")))
    yield Small("\n".join(f"[{cited.number}] {named(cited.title)}" for cited in explanation.citations))
