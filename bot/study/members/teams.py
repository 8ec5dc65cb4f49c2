"""Teams: a member is in at most one, and points stay with the team they were earned for."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.errors import NotFoundError, UserError
from bot.replies import Button, Buttons, Notice, Reply, Table, Tone
from bot.store.models import Team
from bot.study.members import queries
from bot.text.cleaning import named

MAX_TEAMS = 200
"""Per workspace."""


async def create(study: Study, context: RequestContext, *, name: str) -> Reply:
    """Start a team and join it."""
    shown = " ".join(name.split())
    if await study.store.transaction(_create, context, shown):
        others = f"Others can {_command('join', shown)}."
        return Reply.of(Notice(f"Team {named(shown)} is set up, and you're in it. {others}", Tone.GOOD))
    return Reply.of(Notice(f"You're already in {named(shown)}."))


def _create(connection: Connection, context: RequestContext, name: str) -> bool:
    """Store the team and its first member; False if they're already in it."""
    member = queries.lock_member(connection, context.member_id)
    if existing := queries.team_by_key(connection, context.workspace_id, _key(name)):
        if existing.id == member.team_id:
            return False
        raise _taken(existing.name)
    if queries.count_teams(connection, context.workspace_id) >= MAX_TEAMS:
        raise UserError(f"This workspace already has {MAX_TEAMS} teams, and that's the maximum.")
    new = Team(workspace_id=context.workspace_id, name=name, name_key=_key(name), created_at=context.at)
    team_id = queries.add_team(connection, new)
    if team_id is None:  # somebody else was a moment faster
        raise _taken(name)
    queries.set_team(connection, member.id, team_id)
    return True


async def join(study: Study, context: RequestContext, *, name: str) -> Reply:
    """Join a team and leave the previous one, which keeps the points earned so far."""
    before, team = await study.store.transaction(_join, context, name)
    if before == team.id:
        return Reply.of(Notice(f"You're already in {named(team.name)}."))
    stay = " The points you earned before stay with your old team." if before else ""
    return Reply.of(Notice(f"Welcome to {named(team.name)}.{stay}", Tone.GOOD))


def _join(connection: Connection, context: RequestContext, name: str) -> tuple[int | None, Team]:
    """Return the id of the previous team, and the new team."""
    team = queries.team_by_key(connection, context.workspace_id, _key(name))
    if team is None:
        raise NotFoundError(
            f"There's no team “{named(name)}”. `team list` shows all teams, and {_command('create', name)} starts it."
        )
    member = queries.lock_member(connection, context.member_id)
    queries.set_team(connection, member.id, team.id)
    return member.team_id, team


async def leave(study: Study, context: RequestContext) -> Reply:
    """Leave the team."""
    team = await study.store.transaction(_leave, context)
    return Reply.of(Notice(f"You've left {named(team.name)}. The points you earned stay with the team."))


def _leave(connection: Connection, context: RequestContext) -> Team:
    member = queries.lock_member(connection, context.member_id)
    if member.team_id is None:
        raise UserError("You aren't in a team. `team list` shows the teams you can join.")
    queries.set_team(connection, member.id, None)
    return queries.team(connection, member.team_id)


async def show(study: Study, context: RequestContext) -> Reply:
    """List the teams with their number of members."""
    sizes = await study.store.query(queries.team_sizes, context.workspace_id)
    if not sizes:
        return Reply.of(Notice("There are no teams yet. `team create NAME` starts one."))
    return Reply.of(
        Table(("Team", "Members"), tuple((name, str(size)) for name, size in sizes), title="Teams"),
        Buttons((Button("Team leaderboard", "leaderboard week teams"),)),
    )


def _command(verb: str, name: str) -> str:
    """Return a command as code, which a backtick in the name would end."""
    return f"`team {verb} {'NAME' if '`' in name else name}`"


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _taken(name: str) -> UserError:
    return UserError(f"There's already a team called {named(name)}. {_command('join', name)} joins it.")
