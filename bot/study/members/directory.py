"""Find members: who sent a request, or whom somebody typed. New members are stored on first contact."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bot.context.identity import Actor, Location, RequestContext
from bot.context.outbox import PostError
from bot.context.study import Study
from bot.errors import NotFoundError, UserError
from bot.replies import Notice
from bot.store.models import Member
from bot.study.members import queries
from bot.text.cleaning import named

_ID = re.compile(r"<@!?([A-Z0-9]+)(?:\|[^>]*)?>|([0-9]{15,20}|[UW][A-Z0-9]{7,20})")
"""A mention on Discord or Slack, or the bare id that either of them sends for a picked member."""


NOT_YET = "hasn't studied here yet"


async def get_or_create_member(
    study: Study, location: Location, actor: Actor, *, request_id: str, at: datetime
) -> RequestContext:
    """Return the context of a request, after storing workspace, channel and member if any of them is new or renamed."""
    known = await study.store.query(queries.known_member, location, actor)
    names = (location.workspace_name, location.channel_name, actor.name)
    if known is None or any(new and new != old for old, new in zip(known.names, names, strict=True)):
        known = await study.store.transaction(_create_or_rename, location, actor, study.rules.zone, at)
    return RequestContext(
        location=replace(location, channel_name=location.channel_name or known.names[1]),
        workspace_id=known.workspace_id,
        channel_id=known.channel_id,
        member_id=known.member_id,
        manager=actor.manager or known.manager,
        request_id=request_id,
        at=at,
        custom_questions_version=known.custom_questions_version,
        channels=actor.channels,
    )


def _create_or_rename(
    connection: Connection, location: Location, actor: Actor, zone: str, at: datetime
) -> queries.KnownMember:
    queries.create_or_rename(connection, location, actor, zone=zone, at=at)
    known = queries.known_member(connection, location, actor)
    assert known is not None  # noqa: S101  # stored one line above
    return known


async def meet(study: Study, context: RequestContext, name: str) -> None:
    """Store a member who's mentioned or picked and has never used Studyhall, if the platform knows them there."""
    outbox, member_id = study.outboxes.get(context.location.platform), _mentioned(name)
    if outbox is None or not member_id:
        return
    if await study.store.query(queries.member_by_external_id, context.workspace_id, member_id) is not None:
        return
    try:
        called = picked_name(context, name) or await outbox.member_name(context.location, member_id)
    except PostError as problem:
        raise UserError(f"I couldn't look that member up: {problem}") from problem
    if called:
        met = Actor(member_id, called)
        await study.store.transaction(_create_or_rename, context.location, met, study.rules.zone, context.at)


async def is_manager(study: Study, location: Location, actor: Actor) -> bool:
    """Return whether the platform or a command makes them a manager there."""
    return actor.manager or await study.store.query(queries.is_named_manager, location, actor.id)


def require_member(connection: Connection, context: RequestContext, name: str) -> Member:
    """Like `find_member`, but also raise NotFoundError for somebody unknown."""
    if (found := find_member(connection, context, name)) is not None:
        return found
    if picked := picked_name(context, name):
        raise NotFoundError(f"{named(picked)} {NOT_YET}.")
    if _mentioned(name):
        raise NotFoundError("That member hasn't used Studyhall here yet. I get to know people when they use a command.")
    wanted = name.strip().lstrip("@")
    raise NotFoundError(f"I don't know a member called “{wanted}” here. I get to know people when they use a command.")


def picked_name(context: RequestContext, name: str) -> str:
    """Return the name of somebody who was picked from the platform's list, else "". Raises NotFoundError for a bot."""
    picked = context.picked.get(_mentioned(name))
    if picked == "":
        raise NotFoundError("That's a bot. Only people take part here.")
    return picked or ""


def find_member(connection: Connection, context: RequestContext, name: str) -> Member | None:
    """Find a member of the workspace by mention, by id on the platform or by name; None for somebody unknown.

    Raises NotFoundError if several have the name. A mention's id is never taken for a name: members choose their names,
    and one could choose somebody else's id.
    """
    mentioned = _mentioned(name)
    wanted = mentioned or name.strip().lstrip("@").strip()
    found = queries.member_by_external_id(connection, context.workspace_id, wanted)
    if found is not None or mentioned:
        return found
    called = queries.members_by_name(connection, context.workspace_id, wanted)
    if len(called) > 1:
        raise NotFoundError(f"There are {len(called)} members called {wanted}. Mention the one you mean.")
    return called[0] if called else None


def _mentioned(name: str) -> str:
    """Return the platform's id of somebody mentioned or picked; empty for a name."""
    found = _ID.fullmatch(name.strip())
    return (found[1] or found[2]) if found else ""


def hidden_notice(context: RequestContext, whose: Member) -> Notice | None:
    """Return the notice for a member who hides their standing, unless they're the one asking."""
    if whose.listed or whose.id == context.member_id:
        return None
    return Notice(f"{named(whose.name)} keeps their standing private.")
