"""Sharing: what one member looked up or had explained, shown to the channel under their name."""

from __future__ import annotations

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Block, Button, Buttons, Notice, Reply, Tone
from bot.store.orm import Member, StoredExplanation
from bot.study.lookup.ask import body, related
from bot.study.lookup.ask import opening as parts
from bot.study.lookup.explain import going_on, opening
from bot.study.lookup.explanations import by_token, new_token, of_request, spoiled, thread_of, told_again
from bot.study.progress.overview import for_others
from bot.text.cleaning import named
from knowledge.questions import Question

SPOILER = Notice("That is today's open question: its answer comes at the reveal.", Tone.WARNING)


async def share(study: Study, context: RequestContext, *, kind: str, id: str = "", part: str = "answer") -> Reply:
    """Show the asker's streak to the channel; or an explanation or a part of a question that answers no open one."""
    if kind == "streak":
        whose, blocks = await for_others(study, context)
        return Reply.of(_shared_by(whose), *blocks)
    if not id:
        raise UserError("`share` needs a question's id, or the mark of an explanation, after that.")
    if kind == "explanation":
        return await _explanation(study, context, id)
    return await _question(study, context, study.library.question(id), part)


async def _question(study: Study, context: RequestContext, question: Question, part: str) -> Reply:
    async with study.store.read() as session:
        if await spoiled(session, context, [question.id]):
            return Reply.of(SPOILER)
        by = _shared_by(await session.get_one(Member, context.member_id))
    if part == "related":
        to_it = Button("Answer", f"show {question.id}")
        return Reply.of(by, *related(study, question), Buttons((to_it,), prompt=f"All about: {question.title}"))
    blocks: tuple[Block | None, ...] = (by, body(question, part))
    return Reply.of(*blocks, Buttons(there) if (there := parts(question, part)) else None)


async def _explanation(study: Study, context: RequestContext, token: str) -> Reply:
    """It is given anew, to the channel: there `talk` finds it, and it stays its own where it was shared from.

    The copy belongs to whoever had asked, so that it goes when everything about them does.
    """
    async with study.store.write() as session:
        given = await by_token(session, context, token)
        shared = await of_request(session, context)
        # What stood before it in its thread may have found its way into its words.
        if await spoiled(session, context, (await thread_of(session, context, given, public=True)).rests_on):
            return Reply.of(SPOILER)
        by = _shared_by(await session.get_one(Member, context.member_id))
        if shared is None:
            shared = StoredExplanation(
                **given.model_dump(exclude={"id", "token", "request_id", "channel_id", "public", "at"})
            )
            shared.explanation_key, shared.request_id, shared.is_public = new_token(), context.request_id, True
            shared.channel_id, shared.at = context.channel_id, context.at
            session.add(shared)
    told = told_again(shared, study.library.bank)
    return Reply.of(by, told, opening(told), going_on(shared.explanation_key, share=False))


def _shared_by(member: Member) -> Notice:
    return Notice(f"Shared by {named(member.name)}")
