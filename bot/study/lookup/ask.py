"""Looking questions up: `ask` finds, `show` opens a part of one. Each can be shared with the channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Block, Button, Buttons, Notice, Reply, Text, Tone
from bot.study.practice.rounds import record_viewed, unanswered_open_rounds
from bot.text.cleaning import short
from knowledge.questions import Question

if TYPE_CHECKING:
    from knowledge.retrieval.search import SearchResult

OTHERS = 3
LABEL = 75
"""Characters of a title on a button."""
PARTS = ("answer", "depth", "points", "related")
NO_DEPTH = "Nobody has written more about this one yet; the answer is all there is."
NO_POINTS = "Nobody has written key points for this one yet; go by its answer."
BY_WORDS = Notice("Search by meaning isn't ready yet, so I went by keywords. Ask again in a minute for a better match.")
LABELS = {"answer": "Answer", "depth": "In depth", "points": "Key points", "related": "Related"}


async def ask(study: Study, context: RequestContext, *, text: str) -> Reply:
    """The best match with its answer; other candidates where it is not clear; the nearest topics where none fits."""
    found = await study.library.search(text)
    peeked = await peeked_at(study, context, [found.hits[0].question.id]) if found.answered else None
    return found_reply(found, peeked)


def found_reply(found: SearchResult, peeked: Notice | None = None) -> Reply:
    """What a search found, or that nothing fits; `peeked` is what follows from having seen it."""
    by_words = BY_WORDS if found.keywords_only else None
    if not found.answered:
        return Reply.of(*nothing(found.topics).blocks, by_words)
    best = found.hits[0].question
    near = found.hits[0].score / 4
    others = [hit.question for hit in found.hits[1 : OTHERS + 1] if hit.score >= near and not found.clear]
    return Reply.of(
        by_words,
        Text(best.answer, title=best.title),
        peeked,
        _parts(best, but="answer"),
        Buttons(tuple(Button(short(q.title, LABEL), f"show {q.id}") for q in others), prompt="Or did you mean:")
        if others
        else None,
    )


async def show(study: Study, context: RequestContext, *, question: Question, part: str = "answer") -> Reply:
    """One part of one question: its answer, in-depth text, key points or related questions."""
    if part == "related":
        return Reply.of(*related(study, question), Buttons((*opening(question, part), _share(question, part))))
    return Reply.of(body(question, part), await peeked_at(study, context, [question.id]), _parts(question, but=part))


def body(question: Question, part: str) -> Text:
    """The text of a part that has one."""
    it = question
    match part:
        case "depth":
            return Text((it.in_depth or NO_DEPTH) + _sources(it), title=f"{it.title} · In depth")
        case "points":
            wrong = "\n".join(f"- {m.claim}: {m.reason}" for m in it.misconceptions)
            points = "\n".join(f"- {point}" for point in it.key_points) or NO_POINTS
            said = f"{points}\n\n**What people get wrong**\n\n{wrong}" if wrong else points
            return Text(said, title=f"{it.title} · Key points")
        case _:
            return Text(it.answer, title=it.title)


def related(study: Study, question: Question) -> tuple[Block, ...]:
    """What an interviewer may ask next, and the questions near this one."""
    near = [found for id in question.related if (found := study.library.bank.get(id))]
    asked_next = "\n".join(f"- {follow_up}" for follow_up in question.follow_ups)
    others = tuple(Button(short(q.title, LABEL), f"show {q.id}") for q in near)
    return Reply.of(
        Text(asked_next, title="An interviewer may ask next") if asked_next else None,
        Buttons(others, prompt="Related questions:") if others else None,
        None if asked_next or others else Notice("Nothing is linked to this one yet. `ask` finds what is near it."),
    ).blocks


def nothing(topics: tuple[str, ...]) -> Reply:
    """Nothing fits, and what is near."""
    return Reply.of(
        Notice("Nothing in the bank fits that. Try other words, or look around a topic near it.", Tone.WARNING),
        Buttons(tuple(Button(topic, f"question {topic}") for topic in topics), prompt="Practise a topic near it:")
        if topics
        else None,
    )


def _parts(question: Question, but: str) -> Buttons:
    """A button for each other part that the question has, and one that shares this part."""
    return Buttons((*opening(question, but), _share(question, but)))


def opening(question: Question, but: str) -> tuple[Button, ...]:
    """A button for each other part that the question has."""
    there = {
        "answer": True,
        "depth": bool(question.in_depth or question.references),
        "points": bool(question.key_points or question.misconceptions),
        "related": bool(question.related or question.follow_ups),
    }
    return tuple(Button(LABELS[p], f"show {question.id} {p}") for p in PARTS if p != but and there[p])


def _share(question: Question, part: str) -> Button:
    return Button("Share", f"share question {question.id} {part}")


def _sources(question: Question) -> str:
    lines = [f"- {r.title} ({r.by}, {r.year}{', ' + r.at if r.at else ''})" for r in question.references]
    as_of = f"\n\nTrue as of {question.as_of:%B %Y}." if question.as_of else ""
    return as_of + ("\n\n**Sources**\n\n" + "\n".join(lines) if lines else "")


async def peeked_at(study: Study, context: RequestContext, questions: Sequence[str]) -> Notice | None:
    """Note that the member is shown the answers of daily questions still open, and say what follows from it."""
    async with study.store.read() as session:
        rounds = await unanswered_open_rounds(session, context, questions)
    if not rounds:
        return None
    async with study.store.write() as session:
        return await (await session.connection()).run_sync(record_viewed, context, rounds)
