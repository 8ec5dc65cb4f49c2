"""Check that a schedule can work before we confirm it, and find the one that a manager means."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.outbox import PostError, PostExtras
from bot.context.study import Study
from bot.errors import NotFoundError, UserError
from bot.store.models import Schedule
from bot.study.daily.schedule_card import schedule_key
from bot.study.daily.selection import pick_question
from knowledge.questions import Bank


async def check_platform(study: Study, context: RequestContext, extras: PostExtras) -> None:
    """Raise UserError with what the platform doesn't support or doesn't allow us in this channel."""
    outbox = study.outboxes.get(context.location.platform)
    if outbox is None:
        return
    names = {"thread": "a thread", "pin": "a pin", "role": "a role", "silent": "a silent answer"}
    if unsupported := [
        name for field, name in names.items() if getattr(extras, field) and field not in outbox.capabilities
    ]:
        raise UserError(f"Daily questions can't have {' or '.join(unsupported)} on this platform.")
    try:
        missing = await outbox.missing_permissions(context.location, extras)
    except PostError as refusal:
        missing = str(refusal)
    if missing:
        raise UserError(missing)


def check_schedule(connection: Connection, bank: Bank, schedule: Schedule, in_channel: Sequence[Schedule]) -> None:
    """Raise UserError if a schedule couldn't work, or the channel has one like it."""
    if schedule.reveal == schedule.at:
        raise UserError("The answer can't be posted at the same time as the question. Pick a later `reveal`.")
    if pick_question(connection, bank, schedule) is None:
        raise UserError("No question in the bank matches these topics and this difficulty. `topics` shows them all.")
    for number, other in enumerate(in_channel, 1):
        if other.id != schedule.id and _same_questions_and_times(other, schedule):
            raise UserError(f"This channel already has a schedule like that: no. {number} in `schedule list`.")


def _same_questions_and_times(schedule: Schedule, other: Schedule) -> bool:
    fields = ("at", "zone", "weekdays", "topics", "difficulty")
    return all(getattr(schedule, name) == getattr(other, name) for name in fields)


def find_schedule(in_channel: Sequence[Schedule], which: int | str | None) -> Schedule:
    """Find a schedule by its number in the channel's list, by its key, or as the only one if neither is given.

    Raises NotFoundError, or UserError if it could be any of several.
    """
    if not in_channel:
        raise NotFoundError("This channel doesn't have a schedule yet. `schedule setup 09:00` creates one.")
    if isinstance(which, str):
        by_key = {schedule_key(schedule): schedule for schedule in in_channel}
        if which not in by_key:
            raise NotFoundError(
                "That schedule was removed, or it's in another channel. `schedule list` shows what's here."
            )
        return by_key[which]
    if which is None and len(in_channel) > 1:
        raise UserError(f"This channel has {len(in_channel)} schedules. Add the number of yours in `schedule list`.")
    if which is not None and not 1 <= which <= len(in_channel):
        raise NotFoundError(f"There's no schedule {which} here. `schedule list` shows 1 to {len(in_channel)}.")
    return in_channel[(which or 1) - 1]
