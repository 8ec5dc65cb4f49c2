"""Sharing: what one member looked up or had explained, shown to the channel under their name."""

from __future__ import annotations

from bot.context.identity import Asker, Study
from bot.errors import UserError
from bot.replies import Action, Block, Choices, Notice, Reply, Tone
from bot.store.models import Explained, Member
from bot.study.lookup.ask import body, related
from bot.study.lookup.ask import opening as parts
from bot.study.lookup.explain import going_on, opening
from bot.study.lookup.explanations import by_token, new_token, of_request, spoiled, thread_of, told_again
from bot.study.progress.overview import for_others
from bot.text.cleaning import named
from knowledge.questions import Question

SPOILER = Notice("That is today's open question: its answer comes at the reveal.", Tone.WARNING)


async def share(study: Study, asker: Asker, *, kind: str, id: str = "", part: str = "answer") -> Reply:
    """Show the asker's streak to the channel; or an explanation or a part of a question that answers no open one."""
    if kind == "streak":
        whose, blocks = await for_others(study, asker)
        return Reply.of(_shared_by(whose), *blocks)
    if not id:
        raise UserError("`share` needs a question's id, or the mark of an explanation, after that.")
    if kind == "explanation":
        return await _explanation(study, asker, id)
    return await _question(study, asker, study.library.question(id), part)


async def _question(study: Study, asker: Asker, question: Question, part: str) -> Reply:
    async with study.store.read() as session:
        if await spoiled(session, asker, [question.id]):
            return Reply.of(SPOILER)
        by = _shared_by(await session.get_one(Member, asker.member_id))
    if part == "related":
        to_it = Action("Answer", f"show {question.id}")
        return Reply.of(by, *related(study, question), Choices((to_it,), prompt=f"All about: {question.title}"))
    blocks: tuple[Block | None, ...] = (by, body(question, part))
    return Reply.of(*blocks, Choices(there) if (there := parts(question, part)) else None)


async def _explanation(study: Study, asker: Asker, token: str) -> Reply:
    """It is given anew, to the channel: there `talk` finds it, and it stays its own where it was shared from.

    The copy belongs to whoever had asked, so that it goes when everything about them does.
    """
    async with study.store.write() as session:
        given = await by_token(session, asker, token)
        shared = await of_request(session, asker)
        # What stood before it in its thread may have found its way into its words.
        if await spoiled(session, asker, (await thread_of(session, asker, given, public=True)).rests_on):
            return Reply.of(SPOILER)
        by = _shared_by(await session.get_one(Member, asker.member_id))
        if shared is None:
            shared = Explained(**given.model_dump(exclude={"id", "token", "request_id", "channel_id", "public", "at"}))
            shared.token, shared.request_id, shared.public = new_token(), asker.request_id, True
            shared.channel_id, shared.at = asker.channel_id, asker.at
            session.add(shared)
    told = told_again(shared, study.library.bank)
    return Reply.of(by, told, opening(told), going_on(shared.token, share=False))


def _shared_by(member: Member) -> Notice:
    return Notice(f"Shared by {named(member.name)}")
