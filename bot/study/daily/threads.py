"""Threads: a command in one is about its channel, unless the thread has a daily question of its own."""

from __future__ import annotations

from dataclasses import replace

from bot.context.identity import Actor, RequestContext
from bot.context.study import Study
from bot.study.daily import schedule_queries
from bot.study.members.directory import get_or_create_member


async def in_channel_of_thread(study: Study, context: RequestContext, actor: Actor) -> RequestContext:
    """Return the context in the thread's channel; unchanged if the thread has a schedule."""
    if await study.store.query(schedule_queries.channel_schedules, context.channel_id):
        return context
    location = context.location
    channel = replace(
        location,
        channel=location.parent_channel,
        channel_name=location.parent_name,
        parent_channel="",
        parent_name="",
    )
    return await get_or_create_member(study, channel, actor, request_id=context.request_id, at=context.at)
