"""Share what a member looked up or had explained with the channel, under their name."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Button, Buttons, Notice, Reply, Tone
from bot.store.models import Member, StoredExplanation
from bot.study.lookup import queries
from bot.study.lookup.ask import part_buttons, part_text, related
from bot.study.lookup.explain import follow_up_buttons, source_buttons
from bot.study.lookup.explanations import KEY_SIZE, load_thread, require_explanation, restore
from bot.study.members.queries import member_with_zone
from bot.study.practice.open_questions import spoils
from bot.study.practice.rounds import new_key
from bot.study.progress.overview import for_others
from bot.text.cleaning import named
from knowledge.questions import Question

NEEDS = {"question": "a question's id", "explanation": "an explanation's key"}
SPOILER = Notice("That's today's open question. You can share its answer after the reveal.", Tone.WARNING)


async def share(study: Study, context: RequestContext, *, kind: str, target: str = "", part: str = "answer") -> Reply:
    """Show the channel the member's streak, an explanation, or a part of a question, unless it answers an open one."""
    if kind == "streak":
        member, blocks = await for_others(study, context)
        return Reply.of(_shared_by(member), *blocks)
    if not target:
        raise UserError(f"`share {kind}` needs {NEEDS[kind]} after it.")
    if kind == "explanation":
        return await _share_explanation(study, context, target)
    return await _share_question(study, context, study.library.question(target), part)


async def _share_question(study: Study, context: RequestContext, question: Question, part: str) -> Reply:
    member = await study.store.query(_member_unless_spoiled, context, question.id)
    if member is None:
        return Reply.of(SPOILER)
    if part == "related":
        answer = Buttons((Button("Answer", f"show {question.id}"),), prompt=f"All about: {question.title}")
        return Reply.of(_shared_by(member), *related(study.library.bank, question), answer)
    others = part_buttons(question, part)
    return Reply.of(_shared_by(member), part_text(question, part), Buttons(others) if others else None)


def _member_unless_spoiled(connection: Connection, context: RequestContext, question_id: str) -> Member | None:
    """Return the member who's sharing; None if that would give away an open question."""
    if spoils(connection, context, [question_id]):
        return None
    return member_with_zone(connection, context.member_id)[0]


async def _share_explanation(study: Study, context: RequestContext, key: str) -> Reply:
    shared = await study.store.transaction(_copy_to_channel, context, key)
    if shared is None:
        return Reply.of(SPOILER)
    member, copy = shared
    explanation = restore(copy, study.library.bank)
    buttons = follow_up_buttons(copy.explanation_key, share=False)
    return Reply.of(_shared_by(member), explanation, source_buttons(explanation), buttons)


def _copy_to_channel(
    connection: Connection, context: RequestContext, key: str
) -> tuple[Member, StoredExplanation] | None:
    """Store a public copy of an explanation in the channel, once per request; None if that spoils an open question.

    `talk` finds the copy there. It belongs to the member who asked, so `privacy delete` deletes it too.
    """
    original = require_explanation(connection, context, key)
    # What stands before it in its thread may have found its way into its words.
    if spoils(connection, context, load_thread(connection, context, original, public=True).question_ids):
        return None
    member, _ = member_with_zone(connection, context.member_id)
    if before := queries.explanation_of_request(connection, context):
        return member, before
    copy = original.model_copy(
        update={
            "id": None,
            "explanation_key": new_key(KEY_SIZE),
            "request_id": context.request_id,
            "channel_id": context.channel_id,
            "is_public": True,
            "at": context.at,
        }
    )
    queries.add_explanation(connection, copy)
    return member, copy


def _shared_by(member: Member) -> Notice:
    return Notice(f"Shared by {named(member.name)}")
