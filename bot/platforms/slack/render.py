"""A reply as Slack's blocks: headers, text, buttons, menus and tables, in messages or in a view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import assert_never

from bot.drawing.alt_text import alt_of
from bot.platforms.shared.emoji import STATES, TONES, VERDICTS
from bot.platforms.shared.formulas import formulas_of
from bot.platforms.shared.images import Pictures
from bot.platforms.slack import limits
from bot.platforms.slack.charts import calendar_pieces, mastery_pieces, standings_pieces, table_pieces
from bot.platforms.slack.layout import (
    BUTTON_PREFIX,
    MENU_PREFIX,
    BlockKit,
    Body,
    Divider,
    Header,
    Layout,
    Mrkdwn,
    Piece,
    RenderedMessage,
    SmallText,
    Surface,
)
from bot.platforms.slack.markup import (
    MARKDOWN,
    MRKDWN,
    Dialect,
    convert,
    literal_line,
    local_time,
    mrkdwn,
    own_text,
    slash_commands,
    without_marks,
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

__all__ = ["BUTTON_PREFIX", "MENU_PREFIX", "RenderedMessage", "render", "render_answer", "render_home"]

Divided = Callable[[Block | None, Block], bool]
"""Returns whether a line goes between one block and the next."""
MAX_QUOTE = 200
"""Characters quoted from a sentence."""


def render(reply: Reply, pictures: Pictures | None = None) -> list[RenderedMessage]:
    """Return the whole reply as one or more posts."""
    layout = Layout(Surface.POST)
    _add_reply(layout, reply, pictures or {}, MARKDOWN, _divided_in_message)
    return layout.messages()


def render_answer(reply: Reply, pictures: Pictures | None = None) -> list[RenderedMessage]:
    """Return the whole reply as one or more messages for an acknowledgment or a response_url; posts take them, too."""
    layout = Layout(Surface.ANSWER)
    _add_reply(layout, reply, pictures or {}, MRKDWN, _divided_in_message)
    return layout.messages()


def render_home(replies: Sequence[Reply]) -> list[BlockKit]:
    """Return the replies, one below the other, as the blocks of an App Home view."""
    layout = Layout(Surface.HOME)
    for reply in replies:
        layout.add(Divider())
        _add_reply(layout, reply, {}, MRKDWN, _divided_on_home)
    return layout.messages()[0].blocks


def _add_reply(layout: Layout, reply: Reply, pictures: Pictures, dialect: Dialect, divided: Divided) -> None:
    for above, block in zip((None, *reply.blocks), reply.blocks, strict=False):
        if divided(above, block):
            layout.add(Divider())
        for piece in _pieces(block, dialect):
            layout.add(piece)
        for picture in _pictures_of(block, pictures):
            layout.add(picture)


def _pictures_of(block: Block, pictures: Pictures) -> Iterator[Picture]:
    """Yield what was drawn for a block. The block's text says the same, since a picture is a file below the message."""
    if isinstance(block, Standings | Calendar | Mastery) and (png := pictures.get(block)):
        yield Picture(png, alt_of(block))
    for latex in dict.fromkeys(formulas_of(block)):
        if png := pictures.get(latex):
            yield Picture(png, alt_of(latex))


def _divided_in_message(above: Block | None, below: Block) -> bool:
    """Put lines around longer texts, and between groups of buttons. A table already has a frame."""
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


def _divided_on_home(above: Block | None, below: Block) -> bool:
    """Put a line before each block that has a header, since a home has many of them."""
    return above is not None and not isinstance(below, Buttons | Menu | Notice)


def _pieces(block: Block, dialect: Dialect) -> Iterator[Piece]:
    match block:
        case Text(body, title):
            yield Header(without_marks(slash_commands(title)))
            yield Body(convert(slash_commands(body), dialect))
        case Notice(body, tone, when):
            text = f"{TONES[tone]}{own_text(body)}"
            if when and len(text) < limits.SECTION - limits.BUTTON_LABEL:
                yield Mrkdwn(f"{text} {local_time(when)}.")
            else:
                yield Mrkdwn(text)
                yield Mrkdwn(local_time(when) if when else "")
        case QuestionCard():
            yield from _question(block)
        case Verdict():
            yield from _verdict(block, dialect)
        case Explanation():
            yield from _explanation(block, dialect)
        case Standings() | Calendar() | Mastery() | Table():
            yield Header(block.title)
            yield from _chart(block)
        case Buttons(buttons, prompt):
            yield Mrkdwn(own_text(prompt))
            yield buttons
        case Menu() | Picture() | File():
            yield block
        case _:
            assert_never(block)


def _chart(block: Standings | Calendar | Mastery | Table) -> Iterable[Piece]:
    match block:
        case Standings():
            return standings_pieces(block)
        case Calendar():
            return calendar_pieces(block)
        case Mastery():
            return mastery_pieces(block)
        case Table():
            return table_pieces(block)


def _question(card: QuestionCard) -> Iterator[Piece]:
    yield SmallText(" · ".join(filter(None, map(literal_line, (card.heading, card.topic, card.difficulty)))))
    if len(question := without_marks(card.question)) <= limits.HEADER:
        yield Header(question)
    else:
        yield Mrkdwn(mrkdwn(card.question))
    for option in card.options:
        yield Mrkdwn(f"*{option.letter.upper()}*  {mrkdwn(option.text)}", option.button)
    if card.write:
        yield (card.write,)
    yield SmallText(mrkdwn(card.note))
    if card.closes:
        yield SmallText(f"I'll reveal the answer {local_time(card.closes)}.")


def _verdict(verdict: Verdict, dialect: Dialect) -> Iterator[Piece]:
    yield Header(f"{VERDICTS[verdict.right]} {without_marks(verdict.headline)}")
    yield SmallText(mrkdwn(verdict.question))
    if verdict.chosen and not verdict.right:
        yield Mrkdwn(f"You chose {mrkdwn(verdict.chosen)}")
    yield Body(convert(verdict.reason, dialect))
    if verdict.correct and not verdict.right:
        yield Mrkdwn(mrkdwn(f"The answer is **{verdict.correct}**"))
    yield from map(Mrkdwn, _points(verdict.points))
    if verdict.reference:
        strong = dialect.marks["strong"]
        yield Divider()
        yield Body(f"{strong}The reference{strong}\n\n{convert(verdict.reference, dialect)}")
        yield Divider()
    yield SmallText(mrkdwn(verdict.score))


def _points(points: tuple[Point, ...]) -> Iterator[str]:
    """Yield each point, with the member's sentence that covers it below, unless that was just quoted."""
    quoted = ""
    for point in points:
        text = f"{STATES[point.state]} {mrkdwn(point.claim)}"
        if point.sentence and point.sentence != quoted:
            quoted = point.sentence
            text += f"\n> “{literal_line(short(quoted, MAX_QUOTE))}”"
        yield text


def _explanation(explanation: Explanation, dialect: Dialect) -> Iterator[Piece]:
    reason = f" ({literal_line(explanation.reason)})" if explanation.reason else ""
    yield SmallText(f"{explanation.label}{reason}{'' if explanation.done else ' …'}")
    yield Body(convert(explanation.text, dialect, from_model=explanation.source == "model"))
    yield SmallText("\n".join(f"[{source.number}] {literal_line(source.title)}" for source in explanation.footnotes))
