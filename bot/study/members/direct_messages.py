"""Direct messages on platforms where they belong to no workspace: members choose the one that theirs are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.context.identity import Actor, Location, RequestContext
from bot.context.study import Study
from bot.replies import Notice, Reply, Tone
from bot.study.members import queries
from bot.study.members.directory import get_or_create_member
from bot.text.cleaning import named


@dataclass(frozen=True, slots=True)
class KnownWorkspace:
    """A workspace in which somebody is a member, by the platform's id."""

    id: str
    name: str
    is_chosen: bool


async def known_workspaces(study: Study, platform: str, member: str) -> list[KnownWorkspace]:
    """Return the workspaces where somebody has used the bot, by name; one of them at most is the chosen one.

    `member` is their id on the platform.
    """
    rows = await study.store.query(queries.workspaces_of, platform, member)
    latest = max((chosen_at for _, _, chosen_at in rows if chosen_at is not None), default=None)
    return [
        KnownWorkspace(workspace, name, chosen_at is not None and chosen_at == latest)
        for workspace, name, chosen_at in rows
    ]


async def choose_silently(study: Study, location: Location, actor: Actor, at: datetime) -> None:
    """Make a workspace the one that the member's direct messages are about, without a command."""
    context = await get_or_create_member(study, location, actor, request_id="", at=at)
    await study.store.transaction(queries.set_chosen_at, context.member_id, at)


async def choose(study: Study, context: RequestContext) -> Reply:
    """Make the workspace the one that the member's direct messages are about."""
    await study.store.transaction(queries.set_chosen_at, context.member_id, context.at)
    name = context.location.workspace_name
    where = f"about {named(name)}" if name else "about this server"
    return Reply.of(Notice(f"What you write to me here is {where} from now on. `server` changes that.", Tone.GOOD))
