"""Schedules: when a channel gets its daily question. For managers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.identity import RequestContext
from bot.context.local_time import local_day
from bot.context.outbox import PostError, PostExtras
from bot.context.study import Study
from bot.errors import NotFound, UserError
from bot.replies import Button, Buttons, Notice, Reply, Tone
from bot.store.models import RoundKind, ScheduleState
from bot.store.orm import Channel, Member, Schedule, Workspace
from bot.study.daily import questions
from bot.study.daily.planner import activate
from bot.study.daily.schedule_card import card, in_words, mark, next_steps, settings, wants_of
from bot.study.practice.rounds import new_round
from knowledge.questions import Difficulty

PER_CHANNEL = 10


async def setup(
    study: Study,
    context: RequestContext,
    *,
    time: time,
    zone: ZoneInfo | None = None,
    days: str = "01234",
    topics: tuple[str, ...] = (),
    difficulty: Difficulty | None = None,
    reveal: time | None = None,
    thread: bool = False,
    pin: bool = False,
    role: str = "",
) -> Reply:
    """A new schedule for this channel; the first one of a workspace also settles the workspace's zone."""
    await _possible(study, context, PostExtras(thread, pin, role))
    async with study.store.write() as session:
        workspace = await session.get_one(Workspace, context.workspace_id, with_for_update=True)
        there = await _of_channel(session, context)
        if repeated := await _set_up_by(session, context):
            return Reply.of(_set_up(repeated), *settings(study, context, repeated))
        if len(there) >= PER_CHANNEL:
            raise UserError(
                f"This channel has {PER_CHANNEL} schedules, which is the most. `schedule remove` one first."
            )
        if zone is None:
            member = await session.get_one(Member, context.member_id)
            zone = ZoneInfo(member.zone or workspace.zone)
        if await _first_of(session, workspace):
            workspace.zone = zone.key
        schedule = Schedule(
            channel_id=context.channel_id,
            request_id=context.request_id,
            at=time,
            zone=zone.key,
            weekdays=days,
            topics=list(topics),
            difficulty=difficulty,
            reveal=reveal or _default_reveal(study, time),
            thread=thread,
            pin=pin,
            role=role or None,
            made_by=context.member_id,
            created_at=context.at,
        )
        await _sound(session, study, schedule, there)
        activate(schedule, after=context.at)
        session.add(schedule)
    return Reply.of(_set_up(schedule), *settings(study, context, schedule))


async def _possible(study: Study, context: RequestContext, wants: PostExtras) -> None:
    """Raises UserError with what the platform does not let us do in this channel, before anything is promised."""
    outbox = study.outboxes.get(context.location.platform)
    if outbox is None:
        return
    asked = {"thread": wants.thread, "pin": wants.pin, "role": bool(wants.role)}
    if strange := [name for name, wanted in asked.items() if wanted and name not in outbox.capabilities]:
        raise UserError(f"Daily questions have no {' and no '.join(strange)} on this platform.")
    try:
        lack = await outbox.missing_permissions(context.location, wants)
    except PostError as refusal:
        lack = str(refusal)
    if lack:
        raise UserError(lack)


async def _sound(session: AsyncSession, study: Study, schedule: Schedule, there: Sequence[Schedule]) -> None:
    """Raises UserError where a schedule could not work, or the channel has one like it."""
    if schedule.reveal == schedule.at:
        raise UserError("The reveal cannot be at the very time of the question; give it a later `reveal`.")
    if await questions.choose(session, study.library.bank, schedule) is None:
        raise UserError("No question of the bank fits these topics and this difficulty. `topics` shows what there is.")
    others = ((number, other) for number, other in enumerate(there, 1) if other.id != schedule.id)
    if twin := next((number for number, other in others if _alike(other, schedule)), 0):
        raise UserError(f"This channel has one like that already, no. {twin} in `schedule list`.")


async def change(
    study: Study,
    context: RequestContext,
    *,
    which: int | str | None = None,
    time: time | None = None,
    zone: ZoneInfo | None = None,
    days: str | None = None,
    topics: tuple[str, ...] | None = None,
    difficulty: Difficulty | str | None = None,
    reveal: time | None = None,
    thread: bool | None = None,
    pin: bool | None = None,
    role: str | None = None,
) -> Reply:
    """Change what was given and show the settings; each change is kept at once."""
    asked = {
        "at": time,
        "zone": zone.key if zone else None,
        "weekdays": days,
        "topics": None if topics is None else list(topics),
        "difficulty": difficulty,
        "reveal": reveal,
        "thread": thread,
        "pin": pin,
        "role": role,
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    await _possible(study, context, PostExtras(bool(thread), bool(pin), role or ""))
    async with study.store.write() as session:
        schedule = await _the_one(session, context, which)
        for name, value in changes.items():
            # "" stands for none in particular.
            setattr(schedule, name, None if value == "" else value)
        if changes:
            await _sound(session, study, schedule, await _of_channel(session, context))
        if changes.keys() & {"at", "zone", "weekdays"} and schedule.state is ScheduleState.ACTIVE:
            activate(schedule, after=study.clock())
        session.add(schedule)
    said = Notice("Saved.", Tone.GOOD) if changes else None
    return Reply.of(said, *settings(study, context, schedule))


async def move(
    study: Study,
    context: RequestContext,
    *,
    which: int | str | None = None,
    time: time,
    zone: ZoneInfo | None = None,
    reveal: time | None = None,
) -> Reply:
    """Another time, as a form asks for it; what is left open stays."""
    return await change(study, context, which=which, time=time, zone=zone, reveal=reveal)


def _alike(one: Schedule, other: Schedule) -> bool:
    """Whether both would ask from the same selection at the same time."""
    return all(
        getattr(one, name) == getattr(other, name) for name in ("at", "zone", "weekdays", "topics", "difficulty")
    )


def _default_reveal(study: Study, at: time) -> time:
    """The operator's time, or eight hours after a question that leaves less than an hour until then."""
    asked, told = (datetime.combine(date.min, moment) for moment in (at, study.rules.reveal))
    return told.time() if told - asked >= timedelta(hours=1) else (asked + timedelta(hours=8)).time()


async def show(study: Study, context: RequestContext) -> Reply:
    """This channel's schedules, numbered as the other commands count them."""
    async with study.store.read() as session:
        there = await _of_channel(session, context)
    if not there:
        return Reply.of(
            Notice("This channel has no daily question yet."),
            Buttons((Button("Every weekday at 09:00", "schedule setup 09:00"),)),
        )
    return Reply.of(card(there, context), next_steps())


async def pause(
    study: Study, context: RequestContext, *, which: int | str | None = None, until: date | None = None
) -> Reply:
    """No posts until a date in the schedule's zone, or until `resume`."""
    async with study.store.write() as session:
        schedule = await _the_one(session, context, which)
        if until is not None and until <= local_day(context.at, schedule.zone):
            raise UserError(f"{until} is not in the future. Name a later day, as in `schedule pause until 2027-01-07`.")
        schedule.state, schedule.paused_until = ScheduleState.PAUSED, until
        session.add(schedule)
    end = f"until {until:%A, %d %B %Y}" if until else "until `schedule resume`"
    return Reply.of(Notice(f"Paused {end}. Nothing is lost, and paused days break nobody's streak by themselves."))


async def resume(study: Study, context: RequestContext, *, which: int | str | None = None) -> Reply:
    """Post again, from the next of its times on; what stopped it must have been mended."""
    async with study.store.read() as session:
        stopped = await _the_one(session, context, which, lock=False)
    await _possible(study, context, wants_of(stopped))
    async with study.store.write() as session:
        schedule = await _the_one(session, context, which)
        activate(schedule, after=study.clock())  # the platform's clock may be behind the one that sweeps
        session.add(schedule)
    return Reply.of(Notice("Back on. The next question comes", Tone.GOOD, when=schedule.next_due))


async def remove(study: Study, context: RequestContext, *, which: int | str | None = None) -> Reply:
    """No more posts; an open question still gets its reveal, and answers keep their points."""
    async with study.store.write() as session:
        schedule = await _the_one(session, context, which)
        schedule.state = ScheduleState.REMOVED
        schedule.next_day = schedule.next_due = None
        session.add(schedule)
    return Reply.of(Notice("Removed. Points and streaks stay; a question still open gets its reveal."))


async def try_out(study: Study, context: RequestContext, *, which: int | str | None = None) -> Reply:
    """Post a question here now, as the schedule would; answers to it earn nothing."""
    outbox = study.outboxes.get(context.location.platform)
    if outbox is None:
        raise UserError(f"This program does not post to {context.location.platform}; the one that does can test it.")
    async with study.store.read() as session:
        tested = await _the_one(session, context, which, lock=False)
    await _possible(study, context, wants_of(tested))
    async with study.store.write() as session:
        schedule = await _the_one(session, context, which)
        question = await questions.choose(session, study.library.bank, schedule)
        if question is None:
            raise UserError("No question fits this schedule any more. `schedule list` shows its topics.")
        round = new_round(
            question,
            workspace_id=context.workspace_id,
            channel_id=context.channel_id,
            kind=RoundKind.TEST,
            at=context.at,
        )
        session.add(round)
    try:
        await outbox.post(
            context.location, questions.post(round, question, "A test question"), f"test-{context.request_id}"
        )
    except PostError as refusal:
        raise UserError(f"The post did not get through: {refusal}") from refusal
    return Reply.of(Notice("Posted. Answers to a test earn no points.", Tone.GOOD))


async def _set_up_by(session: AsyncSession, context: RequestContext) -> Schedule | None:
    """The schedule this very request has made already, when it is delivered again."""
    query = select(Schedule).where(Schedule.channel_id == context.channel_id, Schedule.request_id == context.request_id)
    return (await session.exec(query)).first()


async def _first_of(session: AsyncSession, workspace: Workspace) -> bool:
    """Whether the workspace has had no schedule yet, removed ones included."""
    query = select(Schedule.id).join(Channel, col(Channel.id) == Schedule.channel_id)
    return (await session.exec(query.where(Channel.workspace_id == workspace.id).limit(1))).first() is None


async def _of_channel(session: AsyncSession, context: RequestContext, *, lock: bool = False) -> list[Schedule]:
    query = (
        select(Schedule)
        .where(Schedule.channel_id == context.channel_id, col(Schedule.state) != ScheduleState.REMOVED)
        .order_by(col(Schedule.id))
    )
    return list((await session.exec(query.with_for_update() if lock else query)).all())


async def _the_one(
    session: AsyncSession, context: RequestContext, which: int | str | None, *, lock: bool = True
) -> Schedule:
    """The schedule of that number in the channel's list, or of that mark; the only one where neither is given.

    Locked to be changed: the sweep waits meanwhile.
    """
    there = await _of_channel(session, context, lock=lock)
    if not there:
        raise NotFound("This channel has no schedule yet. `schedule setup 09:00` makes one.")
    if isinstance(which, str):
        marked = next((schedule for schedule in there if mark(schedule) == which), None)
        if marked is None:
            raise NotFound(
                "That schedule has been removed, or belongs to another channel. `schedule list` shows these."
            )
        return marked
    if which is None and len(there) > 1:
        raise UserError(f"This channel has {len(there)} schedules: say which by its number in `schedule list`.")
    if which is not None and not 1 <= which <= len(there):
        raise NotFound(f"There is no schedule {which} here; `schedule list` shows 1 to {len(there)}.")
    return there[(which or 1) - 1]


def _set_up(schedule: Schedule) -> Notice:
    return Notice(
        f"Done: {in_words(schedule.weekdays)} at {schedule.at:%H:%M} ({schedule.zone}). The first question comes",
        Tone.GOOD,
        when=schedule.next_due,
    )
