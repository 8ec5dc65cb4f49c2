"""Greet a workspace when the bot joins it, and stop its posts when the bot is removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bot.context.identity import Location
from bot.context.study import Study
from bot.replies import Button, Buttons, Notice, Reply, Text
from bot.store.models import Workspace
from bot.study.workspaces import queries

REMOVED = "I was removed from here."
INTRODUCTION = """I post an interview question on generative AI, grade answers in private, and keep everyone's streak.

**Try it**: `question` gives you one right away, `ask what is LoRA` looks something up, and `help` shows the rest."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What to say on joining a workspace: in a channel, or in a direct message if no channel is suitable."""

    in_channel: Reply
    direct: Reply


async def active_workspaces(study: Study, platform: str) -> list[str]:
    """Return the external ids of the platform's workspaces that the bot is a member of."""
    return await study.store.query(queries.active_workspaces, platform)


async def on_joined(study: Study, location: Location) -> Greeting | None:
    """Return the greeting to the first process that asks; None if the workspace was already known."""
    new = Workspace(
        platform=location.platform,
        external_id=location.workspace,
        name=location.workspace_name or location.workspace,
        zone=study.rules.zone,
        created_at=study.clock(),
    )
    joined = await study.store.transaction(_join, new, location)
    if joined is None:
        return None
    if joined.first_time:
        return Greeting(_channel_greeting(study.rules.zone), _direct_greeting())
    back = _return_greeting(joined.stopped_schedules)
    return Greeting(back, back)


async def first_greeting(study: Study, location: Location) -> Reply | None:
    """Return what to tell the first member who opens the bot; None if the workspace has a schedule already."""
    has_schedules = await study.store.query(queries.has_schedules, location)
    return None if has_schedules else _direct_greeting()


@dataclass(frozen=True, slots=True)
class _Joined:
    first_time: bool
    stopped_schedules: int = 0


def _join(connection: Connection, new: Workspace, location: Location) -> _Joined | None:
    """Store that the bot has joined; None if it was already a member."""
    if queries.add_workspace(connection, new):
        return _Joined(first_time=True)
    workspace_id = queries.record_return(connection, location)
    if workspace_id is None:
        return None
    return _Joined(first_time=False, stopped_schedules=queries.count_stopped_schedules(connection, workspace_id))


def _channel_greeting(zone: str) -> Reply:
    return Reply.of(
        Text(INTRODUCTION, title="Hello! Let's study together"),
        Buttons(
            (Button("A question here every weekday at 09:00", "schedule setup 09:00", "primary"),),
            prompt=f"Managers can turn on a daily question (09:00 is {zone} until you change it):",
        ),
    )


def _direct_greeting() -> Reply:
    return Reply.of(
        Text(INTRODUCTION, title="Hello! Studyhall is ready"),
        Notice("For a daily question, run `schedule setup` in the channel that should get it."),
    )


def _return_greeting(stopped_schedules: int) -> Reply:
    kept = "Everyone's points and streaks are still here."
    if stopped_schedules:
        waiting = "1 schedule is" if stopped_schedules == 1 else f"{stopped_schedules} schedules are"
        kept += f" {waiting} on hold: run `schedule resume` in the channel to start again."
    return Reply.of(Text(kept, title="I'm back!"))


async def on_left(study: Study, location: Location) -> None:
    """Stop all posts to a workspace. Answers and schedules are kept, in case the bot comes back."""
    await study.store.transaction(_leave, location, study.clock())


def _leave(connection: Connection, location: Location, now: datetime) -> None:
    workspace_id = queries.record_removal(connection, location, at=now)
    if workspace_id is not None:
        # Deliveries first, in the order of a post that fails: otherwise the two transactions could deadlock.
        queries.fail_open_deliveries(connection, workspace_id, REMOVED)
        queries.stop_schedules(connection, workspace_id, REMOVED)
