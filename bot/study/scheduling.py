"""Schedules: when a channel gets its daily question. For managers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.errors import NotFound, UserError
from bot.replies import Action, Choices, Notice, Reply, Table, Tone
from bot.store.tables import Channel, Member, RoundKind, Schedule, ScheduleState, Workspace
from bot.study import daily
from bot.study.context import Asker, CannotPost, Study
from bot.study.days import WEEKDAYS, local_day
from bot.study.due import activate
from bot.study.rounds import new_round
from knowledge.questions import Difficulty

PER_CHANNEL = 10


async def setup(
    study: Study,
    asker: Asker,
    *,
    time: time,
    zone: ZoneInfo | None = None,
    days: str = "01234",
    topics: tuple[str, ...] = (),
    difficulty: Difficulty | None = None,
    reveal: time | None = None,
) -> Reply:
    """A new schedule for this channel; the first one of a workspace also settles the workspace's zone."""
    async with study.store.write() as session:
        workspace = await session.get_one(Workspace, asker.workspace_id, with_for_update=True)
        there = await _of_channel(session, asker)
        if repeated := await _set_up_by(session, asker):
            return Reply.of(_set_up(repeated), _card(there, asker))
        if len(there) >= PER_CHANNEL:
            raise UserError(
                f"This channel has {PER_CHANNEL} schedules, which is the most. `schedule remove` one first."
            )
        if zone is None:
            member = await session.get_one(Member, asker.member_id)
            zone = ZoneInfo(member.zone or workspace.zone)
        if await _first_of(session, workspace):
            workspace.zone = zone.key
        schedule = Schedule(
            channel_id=asker.channel_id,
            request_id=asker.request_id,
            at=time,
            zone=zone.key,
            weekdays=days,
            topics=list(topics),
            difficulty=difficulty,
            reveal=reveal or _default_reveal(study, time),
            created_at=asker.at,
        )
        if schedule.reveal == schedule.at:
            raise UserError("The reveal cannot be at the very time of the question; give it a later `reveal`.")
        if await daily.choose(session, study.library.bank, schedule) is None:
            raise UserError(
                "No question of the bank fits these topics and this difficulty. `topics` shows what there is."
            )
        if twin := next((n for n, other in enumerate(there, 1) if _alike(other, schedule)), 0):
            raise UserError(f"This channel has one like that already, no. {twin} in `schedule list`.")
        activate(schedule, after=asker.at)
        session.add(schedule)
        await session.flush()
        there = await _of_channel(session, asker)
    return Reply.of(_set_up(schedule), _card(there, asker), _next_steps())


def _alike(one: Schedule, other: Schedule) -> bool:
    """Whether both would ask from the same selection at the same time."""
    return all(
        getattr(one, name) == getattr(other, name) for name in ("at", "zone", "weekdays", "topics", "difficulty")
    )


def _default_reveal(study: Study, at: time) -> time:
    """The operator's time, or eight hours after a question that leaves less than an hour until then."""
    asked, told = (datetime.combine(date.min, moment) for moment in (at, study.rules.reveal))
    return told.time() if told - asked >= timedelta(hours=1) else (asked + timedelta(hours=8)).time()


async def show(study: Study, asker: Asker) -> Reply:
    """This channel's schedules, numbered as the other commands count them."""
    async with study.store.read() as session:
        there = await _of_channel(session, asker)
    if not there:
        return Reply.of(
            Notice("This channel has no daily question yet."),
            Choices((Action("Every weekday at 09:00", "schedule setup 09:00"),)),
        )
    return Reply.of(_card(there, asker), _next_steps())


async def pause(study: Study, asker: Asker, *, which: int | None = None, until: date | None = None) -> Reply:
    """No posts until a date in the schedule's zone, or until `resume`."""
    async with study.store.write() as session:
        schedule = await _the_one(session, asker, which)
        if until is not None and until <= local_day(asker.at, schedule.zone):
            raise UserError(f"{until} is not in the future. Name a later day, as in `schedule pause until 2027-01-07`.")
        schedule.state, schedule.paused_until = ScheduleState.PAUSED, until
        session.add(schedule)
    end = f"until {until:%A, %d %B %Y}" if until else "until `schedule resume`"
    return Reply.of(Notice(f"Paused {end}. Nothing is lost, and paused days break nobody's streak by themselves."))


async def resume(study: Study, asker: Asker, *, which: int | None = None) -> Reply:
    """Post again, from the next of its times on."""
    async with study.store.write() as session:
        schedule = await _the_one(session, asker, which)
        activate(schedule, after=study.clock())  # the platform's clock may be behind the one that sweeps
        session.add(schedule)
    return Reply.of(Notice("Back on. The next question comes", Tone.GOOD, when=schedule.next_due))


async def remove(study: Study, asker: Asker, *, which: int | None = None) -> Reply:
    """No more posts; an open question still gets its reveal, and answers keep their points."""
    async with study.store.write() as session:
        schedule = await _the_one(session, asker, which)
        schedule.state = ScheduleState.REMOVED
        schedule.next_day = schedule.next_due = None
        session.add(schedule)
    return Reply.of(Notice("Removed. Points and streaks stay; a question still open gets its reveal."))


async def try_out(study: Study, asker: Asker, *, which: int | None = None) -> Reply:
    """Post a question here now, as the schedule would; answers to it earn nothing."""
    async with study.store.write() as session:
        schedule = await _the_one(session, asker, which)
        question = await daily.choose(session, study.library.bank, schedule)
        if question is None:
            raise UserError("No question fits this schedule any more. `schedule list` shows its topics.")
        round = new_round(
            question,
            workspace_id=asker.workspace_id,
            channel_id=asker.channel_id,
            kind=RoundKind.TEST,
            at=asker.at,
        )
        session.add(round)
    outbox = study.outboxes.get(asker.place.platform)
    if outbox is None:
        raise UserError(f"This program does not post to {asker.place.platform}; the one that does can test it.")
    try:
        await outbox.post(asker.place, daily.post(round, question, "A test question"), f"test-{asker.request_id}")
    except CannotPost as refusal:
        raise UserError(f"The post did not get through: {refusal}") from refusal
    return Reply.of(Notice("Posted. Answers to a test earn no points.", Tone.GOOD))


async def _set_up_by(session: AsyncSession, asker: Asker) -> Schedule | None:
    """The schedule this very request has made already, when it is delivered again."""
    query = select(Schedule).where(Schedule.channel_id == asker.channel_id, Schedule.request_id == asker.request_id)
    return (await session.exec(query)).first()


async def _first_of(session: AsyncSession, workspace: Workspace) -> bool:
    """Whether the workspace has had no schedule yet, removed ones included."""
    query = select(Schedule.id).join(Channel, col(Channel.id) == Schedule.channel_id)
    return (await session.exec(query.where(Channel.workspace_id == workspace.id).limit(1))).first() is None


async def _of_channel(session: AsyncSession, asker: Asker, *, lock: bool = False) -> list[Schedule]:
    query = (
        select(Schedule)
        .where(Schedule.channel_id == asker.channel_id, col(Schedule.state) != ScheduleState.REMOVED)
        .order_by(col(Schedule.id))
    )
    return list((await session.exec(query.with_for_update() if lock else query)).all())


async def _the_one(session: AsyncSession, asker: Asker, which: int | None) -> Schedule:
    """The schedule of that number in the channel's list; the only one where no number is given. To be changed: the
    sweep waits meanwhile.
    """
    there = await _of_channel(session, asker, lock=True)
    if not there:
        raise NotFound("This channel has no schedule yet. `schedule setup 09:00` makes one.")
    if which is None and len(there) > 1:
        raise UserError(f"This channel has {len(there)} schedules: say which by its number in `schedule list`.")
    if which is not None and not 1 <= which <= len(there):
        raise NotFound(f"There is no schedule {which} here; `schedule list` shows 1 to {len(there)}.")
    return there[(which or 1) - 1]


def _set_up(schedule: Schedule) -> Notice:
    return Notice(
        f"Done: {_days(schedule.weekdays)} at {schedule.at:%H:%M} ({schedule.zone}). The first question comes",
        Tone.GOOD,
        when=schedule.next_due,
    )


def _card(schedules: list[Schedule], asker: Asker) -> Table:
    return Table(
        ("No.", "When", "Zone", "Questions", "Reveal", "Next"),
        tuple(
            (
                str(number),
                f"{_days(s.weekdays)} {s.at:%H:%M}",
                s.zone,
                f"{', '.join(s.topics) or 'all topics'}{f', {s.difficulty}' if s.difficulty else ''}",
                f"{s.reveal:%H:%M}{'' if s.reveal > s.at else ' next day'}",
                _state(s),
            )
            for number, s in enumerate(schedules, 1)
        ),
        title=f"Daily questions in {asker.place.channel_name or asker.place.channel}",
    )


def _state(schedule: Schedule) -> str | datetime:
    match schedule.state:
        case ScheduleState.PAUSED:
            return f"paused until {schedule.paused_until}" if schedule.paused_until else "paused"
        case ScheduleState.FAILED:
            return f"stopped: {schedule.problem}"
        case _:
            return schedule.next_due or "none"


def _days(weekdays: str) -> str:
    """The weekdays in words: "every day", "weekdays", else their short names."""
    match weekdays:
        case "0123456":
            return "every day"
        case "01234":
            return "weekdays"
        case "56":
            return "weekends"
        case _:
            return ", ".join(WEEKDAYS[int(d)] for d in weekdays)


def _next_steps() -> Choices:
    return Choices((Action("Post a test now", "schedule test"), Action("All schedules here", "schedule list")))
