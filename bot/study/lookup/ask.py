"""Look questions up: `ask` finds one, and `show` opens a part of it. Each part can be shared with the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Notice, Reply, Text, Tone
from bot.study.practice.open_questions import record_viewing
from bot.text.cleaning import short
from bot.text.writer import bare
from knowledge.questions import Bank, Question

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

MAX_OTHERS = 3
MAX_LABEL = 75
"""Maximum length of a title on a button."""
PARTS = {"answer": "Answer", "depth": "In depth", "points": "Key points", "related": "Related"}
"""The parts of a question, with the labels of the buttons that open them."""
NO_DEPTH = "Nobody has written more about this one yet, so there's only the answer."
NO_POINTS = "Nobody has written key points for this one yet, so go by its answer."
KEYWORDS_ONLY = Notice(
    "Search by meaning isn't ready yet, so I went by keywords. Ask again in a minute for a better match."
)


async def ask(study: Study, context: RequestContext, *, text: str) -> Reply:
    """Find the best match and show its answer."""
    found = await study.library.search(text)
    viewed = await record_viewing(study, context, [found.hits[0].question.id]) if found.answered else None
    return search_reply(found, viewed)


def search_reply(found: SearchResult, viewed: Notice | None = None) -> Reply:
    """Show the best match, with others if it isn't clear, or else nearby topics.

    `viewed` is the notice for a member who hasn't answered the best match, which is open.
    """
    keywords_only = KEYWORDS_ONLY if found.keywords_only else None
    if not found.answered:
        return Reply.of(*nothing_found(found.topics).blocks, keywords_only)
    best = found.hits[0].question
    min_score = found.hits[0].score / 4
    others = [hit.question for hit in found.hits[1 : MAX_OTHERS + 1] if hit.score >= min_score and not found.clear]
    return Reply.of(
        keywords_only,
        Text(best.answer, title=best.title),
        viewed,
        _part_and_share_buttons(best, "answer"),
        Buttons(_title_buttons(others), prompt="Or did you mean:") if others else None,
    )


async def show(study: Study, context: RequestContext, *, question: Question, part: str = "answer") -> Reply:
    """Show one part of a question: its answer, in-depth text, key points or related questions."""
    buttons = _part_and_share_buttons(question, part)
    if part == "related":
        return Reply.of(*related(study.library.bank, question), buttons)
    viewed = await record_viewing(study, context, [question.id])
    return Reply.of(part_text(question, part), viewed, buttons)


def part_text(question: Question, part: str) -> Text:
    """Return the text of a part; any part but "related"."""
    match part:
        case "depth":
            return Text((question.in_depth or NO_DEPTH) + _sources(question), title=f"{question.title} · In depth")
        case "points":
            wrong = "\n".join(f"- {m.claim}: {m.reason}" for m in question.misconceptions)
            points = "\n".join(f"- {point}" for point in question.key_points) or NO_POINTS
            text = f"{points}\n\n**What people get wrong**\n\n{wrong}" if wrong else points
            return Text(text, title=f"{question.title} · Key points")
        case _:
            return Text(question.answer, title=question.title)


def related(bank: Bank, question: Question) -> tuple[Block, ...]:
    """Return what an interviewer might ask next, and the questions related to this one."""
    known = [other for other_id in question.related if (other := bank.get(other_id))]
    follow_ups = "\n".join(f"- {follow_up}" for follow_up in question.follow_ups)
    if not known and not follow_ups:
        return (Notice("This one has no related questions yet. Use `ask` to find similar ones."),)
    return Reply.of(
        Text(follow_ups, title="An interviewer might ask next") if follow_ups else None,
        Buttons(_title_buttons(known), prompt="Related questions:") if known else None,
    ).blocks


def nothing_found(topics: tuple[str, ...]) -> Reply:
    """Say that nothing fits, and offer nearby topics."""
    return Reply.of(
        Notice("I have nothing on that. Try different words, or browse a nearby topic.", Tone.WARNING),
        Buttons(tuple(Button(topic, f"question {topic}") for topic in topics), prompt="Practice a nearby topic:")
        if topics
        else None,
    )


def part_buttons(question: Question, shown: str) -> tuple[Button, ...]:
    """Return a button for each part that the question has, except the one being shown."""
    available = {
        "answer": True,
        "depth": bool(question.in_depth or question.references),
        "points": bool(question.key_points or question.misconceptions),
        "related": bool(question.related or question.follow_ups),
    }
    return tuple(
        Button(label, f"show {question.id} {part}")
        for part, label in PARTS.items()
        if part != shown and available[part]
    )


def _part_and_share_buttons(question: Question, shown: str) -> Buttons:
    return Buttons((*part_buttons(question, shown), Button("Share", f"share question {question.id} {shown}")))


def _title_buttons(questions: list[Question]) -> tuple[Button, ...]:
    return tuple(Button(short(bare(q.title), MAX_LABEL), f"show {q.id}") for q in questions)


def _sources(question: Question) -> str:
    lines = [f"- {r.title} ({r.by}, {r.year}{', ' + r.at if r.at else ''})" for r in question.references]
    as_of = f"\n\nTrue as of {question.as_of:%B %Y}." if question.as_of else ""
    return as_of + ("\n\n**Sources**\n\n" + "\n".join(lines) if lines else "")
