"""The first minute: what is said once when the bot comes to a workspace, and what happens when it is put out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, text
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import Location
from bot.context.study import Study
from bot.replies import Button, Buttons, Notice, Reply, Text
from bot.store.models import OPEN_DELIVERY, DeliveryState, ScheduleState
from bot.store.orm import Channel, Delivery, Schedule, Workspace
from bot.store.upsert import insert

GONE = "I was removed from here."
FIRST = """I post an interview question on generative AI, grade answers in private, and keep everyone's streak.

**Try now**: `question` for one of your own, `ask what is LoRA` to look something up, `help` for the rest."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What to say on coming to a workspace: in a channel, where a button can set a question up, or to one person."""

    here: Reply
    alone: Reply


async def active_workspaces(study: Study, platform: str) -> list[str]:
    """The workspaces that were greeted and have not put the bot out since."""
    query = select(Workspace.external_id).where(Workspace.platform == platform, col(Workspace.left_at).is_(None))
    async with study.store.read() as session:
        return list((await session.exec(query)).all())


async def on_joined(study: Study, location: Location) -> Greeting | None:
    """The greeting, for whichever process gets to know of it first; None where the workspace has had it."""
    now = study.clock()
    async with study.store.write() as session:
        new = await session.exec(
            insert(session, Workspace)
            .values(
                platform=location.platform,
                external_id=location.workspace,
                name=location.workspace_name or location.workspace,
                zone=study.rules.zone,
                created_at=now,
            )
            .on_conflict_do_nothing()
            .returning(col(Workspace.id))
        )
        if new.first() is not None:
            return Greeting(_greeting(study, here=True), _greeting(study, here=False))
        back = await session.exec(
            update(Workspace)
            .where(*_is(location), col(Workspace.left_at).is_not(None))
            .values(left_at=None)
            .returning(col(Workspace.id))
        )
        if (found := back.first()) is None:
            return None
        waiting = await _schedules(session, found[0])
    return Greeting(_back(waiting), _back(waiting))


def _greeting(study: Study, *, here: bool) -> Reply:
    if not here:
        return Reply.of(
            Text(FIRST, title="Hello! Studyhall is there"),
            Notice("A daily question: `schedule setup` in the channel that is to have it."),
        )
    return Reply.of(
        Text(FIRST, title="Hello! Let's study together"),
        Buttons(
            (Button("A question here every weekday at 09:00", "schedule setup 09:00", "primary"),),
            prompt=f"A daily question, by a manager (09:00 is {study.rules.zone} until you change it):",
        ),
    )


def _back(waiting: int) -> Reply:
    kept = "Points and streaks are as they were."
    if waiting:
        some = "1 schedule waits" if waiting == 1 else f"{waiting} schedules wait"
        kept += f" {some}: `schedule resume` in the channel goes on."
    return Reply.of(Text(kept, title="Back again!"))


async def on_left(study: Study, location: Location) -> None:
    """Nothing is posted any more; answers and schedules stay, for the day the bot comes back."""
    now: datetime = study.clock()
    async with study.store.write() as session:
        found = (await session.exec(select(Workspace.id).where(*_is(location)))).first()
        if found is None:
            return
        channels = select(Channel.id).where(Channel.workspace_id == found)
        await session.exec(update(Workspace).where(col(Workspace.id) == found).values(left_at=now))
        # Deliveries first, as a post that fails does it: else each could wait for what the other holds.
        await session.exec(
            update(Delivery)
            .where(text(OPEN_DELIVERY), col(Delivery.channel_id).in_(channels))
            .values(state=DeliveryState.FAILED, problem=GONE, lease_until=None)
        )
        await session.exec(
            update(Schedule)
            .where(col(Schedule.channel_id).in_(channels), col(Schedule.state) == ScheduleState.ACTIVE)
            .values(state=ScheduleState.FAILED, problem=GONE)
        )


def _is(location: Location) -> tuple[ColumnElement[bool], ...]:
    return col(Workspace.platform) == location.platform, col(Workspace.external_id) == location.workspace


async def _schedules(session: AsyncSession, workspace_id: int) -> int:
    """How many wait to be resumed."""
    query = (
        select(Schedule.id)
        .join(Channel, col(Channel.id) == Schedule.channel_id)
        .where(Channel.workspace_id == workspace_id, Schedule.state == ScheduleState.FAILED)
    )
    return len((await session.exec(query)).all())
