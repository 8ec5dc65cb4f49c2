"""Manage schedules: when a channel gets its daily question."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot.context.identity import RequestContext
from bot.context.local_time import local_day
from bot.context.outbox import PostError, PostExtras
from bot.context.study import Study
from bot.errors import UserError
from bot.replies import Button, Buttons, Notice, Reply, Tone
from bot.store.models import Round, RoundKind, Schedule, ScheduleState
from bot.study.daily import schedule_queries
from bot.study.daily.deliveries import extras_of
from bot.study.daily.planner import activated, moved_on
from bot.study.daily.posts import question_post
from bot.study.daily.schedule_card import next_steps, schedule_id_of, schedule_table, settings_card, weekdays_in_words
from bot.study.daily.schedule_checks import check_platform, check_schedule, find_schedule
from bot.study.daily.selection import pick_question
from bot.study.members.queries import member_with_zone
from bot.study.practice import queries as practice_queries
from bot.study.practice.rounds import new_round
from bot.study.workspaces import queries as workspace_queries
from knowledge.questions import Difficulty, Question

MAX_SCHEDULES = 10
"""Per channel."""


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
    silent: bool = False,
    role: str = "",
) -> Reply:
    """Create a schedule for this channel; a workspace's first one also sets the workspace's zone."""
    await check_platform(study, context, PostExtras(thread, pin, role, silent))
    draft = Schedule(
        channel_id=context.channel_id,
        request_id=context.request_id,
        at=time,
        zone=zone.key if zone else "",
        weekdays=days,
        topics=list(topics),
        difficulty=difficulty,
        reveal=reveal or _default_reveal(study.rules.reveal, time),
        thread=thread,
        pin=pin,
        silent=silent,
        role=role or None,
        made_by=context.member_id,
        created_at=context.at,
    )
    schedule = await study.store.transaction(_create, study, context, draft)
    return Reply.of(_created_notice(schedule), *settings_card(study, context, schedule))


def _create(connection: Connection, study: Study, context: RequestContext, draft: Schedule) -> Schedule:
    """Store the schedule, in the member's zone if the draft has none. For a repeated request, return the first one."""
    workspace_queries.lock_workspace(connection, context.workspace_id)
    in_channel = schedule_queries.channel_schedules(connection, context.channel_id)
    if existing := schedule_queries.schedule_by_request(connection, context.channel_id, context.request_id):
        return existing
    if len(in_channel) >= MAX_SCHEDULES:
        raise UserError(
            f"This channel already has {MAX_SCHEDULES} schedules, and that's the maximum. `schedule remove` one first."
        )
    if not draft.zone:
        member, workspace_zone = member_with_zone(connection, context.member_id)
        draft = draft.model_copy(update={"zone": member.zone or workspace_zone})
    if not schedule_queries.has_had_schedules(connection, context.workspace_id):
        schedule_queries.set_workspace_zone(connection, context.workspace_id, draft.zone)
    check_schedule(connection, study.library.bank, draft, in_channel)
    schedule = activated(draft, after=context.at)
    return schedule.model_copy(update={"id": schedule_queries.add_schedule(connection, schedule)})


def _created_notice(schedule: Schedule) -> Notice:
    when = f"{weekdays_in_words(schedule.weekdays)} at {schedule.at:%H:%M} ({schedule.zone})"
    return Notice(f"You're all set: {when}. The first question comes", Tone.GOOD, when=schedule.next_due)


def _default_reveal(usual: time, at: time) -> time:
    """Return the operator's usual time, or eight hours after a question that has less than an hour until then."""
    asked, revealed = (datetime.combine(date.min, moment) for moment in (at, usual))
    return usual if revealed - asked >= timedelta(hours=1) else (asked + timedelta(hours=8)).time()


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
    silent: bool | None = None,
    role: str | None = None,
) -> Reply:
    """Apply the settings that were passed, and show all of them. An empty difficulty or role means none."""
    context = await _in_its_channel(study, context, which)
    await check_platform(study, context, PostExtras(bool(thread), bool(pin), role or "", bool(silent)))
    settings = {
        "at": time,
        "zone": zone.key if zone else None,
        "weekdays": days,
        "topics": None if topics is None else list(topics),
        "difficulty": difficulty,
        "reveal": reveal,
        "thread": thread,
        "pin": pin,
        "silent": silent,
        "role": role,
    }
    changes = {name: None if value == "" else value for name, value in settings.items() if value is not None}
    schedule = await study.store.transaction(_change, study, context, which, changes)
    notice = Notice("Saved.", Tone.GOOD) if changes else None
    return Reply.of(notice, *settings_card(study, context, schedule))


def _change(
    connection: Connection, study: Study, context: RequestContext, which: int | str | None, changes: dict[str, Any]
) -> Schedule:
    in_channel = schedule_queries.channel_schedules(connection, context.channel_id, lock=True)
    schedule = find_schedule(in_channel, which).model_copy(update=changes)
    if changes:
        check_schedule(connection, study.library.bank, schedule, in_channel)
        if changes.keys() & {"at", "zone", "weekdays"}:  # of a paused one too: its pause ends by itself
            schedule = moved_on(schedule, after=study.clock())
        if schedule.state is ScheduleState.ACTIVE:  # what was wrong with the old settings may be right now
            schedule = schedule.model_copy(update={"problem": None})
        schedule_queries.save_schedule(connection, schedule)
    return schedule


async def _in_its_channel(study: Study, context: RequestContext, which: int | str | None) -> RequestContext:
    """Return the context in the channel of a schedule that's named by its key.

    A form can set one up in another channel, and the card that's shown to whoever did that stays here.
    """
    if not isinstance(which, str):
        return context
    channel = await study.store.query(schedule_queries.channel_of_schedule, schedule_id_of(which), context.member_id)
    if channel is None or channel.id == context.channel_id:
        return context
    location = replace(context.location, channel=channel.external_id, channel_name=channel.name, parent_channel="")
    return replace(context, channel_id=channel.id, location=location)


async def move(
    study: Study,
    context: RequestContext,
    *,
    which: int | str | None = None,
    time: time,
    zone: ZoneInfo | None = None,
    reveal: time | None = None,
) -> Reply:
    """Set another time, from a form; fields left blank don't change."""
    return await change(study, context, which=which, time=time, zone=zone, reveal=reveal)


async def show(study: Study, context: RequestContext) -> Reply:
    """List this channel's schedules with the numbers that the other commands take."""
    in_channel = await study.store.query(schedule_queries.channel_schedules, context.channel_id)
    if not in_channel:
        return Reply.of(
            Notice("This channel doesn't have a daily question yet."),
            Buttons((Button("Every weekday at 09:00", "schedule setup 09:00"),)),
        )
    return Reply.of(schedule_table(in_channel, context), next_steps())


async def pause(
    study: Study, context: RequestContext, *, which: int | str | None = None, until: date | None = None
) -> Reply:
    """Stop posting until a date in the schedule's zone, or until `resume`."""
    context = await _in_its_channel(study, context, which)
    await study.store.transaction(_pause, context, which, until)
    end = f"until {until:%A, %B} {until.day}, {until.year}" if until else "until `schedule resume`"
    return Reply.of(Notice(f"Paused {end}. Nothing gets lost, and paused days alone don't break anyone's streak."))


def _pause(connection: Connection, context: RequestContext, which: int | str | None, until: date | None) -> None:
    schedule = _lock_schedule(connection, context, which)
    if until is not None and until <= local_day(context.at, schedule.zone):
        raise UserError(f"{until} isn't in the future. Pick a later day, like `schedule pause until 2027-01-07`.")
    paused = schedule.model_copy(update={"state": ScheduleState.PAUSED, "paused_until": until})
    schedule_queries.save_schedule(connection, paused)


async def resume(study: Study, context: RequestContext, *, which: int | str | None = None) -> Reply:
    """Resume posting at the schedule's next time, if the platform now allows it."""
    context = await _in_its_channel(study, context, which)
    stopped = find_schedule(await study.store.query(schedule_queries.channel_schedules, context.channel_id), which)
    await check_platform(study, context, extras_of(stopped))
    # By our clock: the platform's may be behind the one by which questions are enqueued.
    schedule = await study.store.transaction(_resume, context, which, study.clock())
    return Reply.of(Notice("Back on. The next question comes", Tone.GOOD, when=schedule.next_due))


def _resume(connection: Connection, context: RequestContext, which: int | str | None, now: datetime) -> Schedule:
    schedule = activated(_lock_schedule(connection, context, which), after=now)
    schedule_queries.save_schedule(connection, schedule)
    return schedule


async def remove(study: Study, context: RequestContext, *, which: int | str | None = None) -> Reply:
    """Stop posting for good; an open question still gets its reveal, and answers keep their points."""
    context = await _in_its_channel(study, context, which)
    await study.store.transaction(_remove, context, which)
    text = "Removed. Everyone keeps their points and streaks, and a question that's still open gets its answer."
    return Reply.of(Notice(text))


def _remove(connection: Connection, context: RequestContext, which: int | str | None) -> None:
    removed = {"state": ScheduleState.REMOVED, "next_day": None, "next_due": None}
    schedule = _lock_schedule(connection, context, which).model_copy(update=removed)
    schedule_queries.save_schedule(connection, schedule)


async def post_test(study: Study, context: RequestContext, *, which: int | str | None = None) -> Reply:
    """Post a question here now, as the schedule would; answers to it earn nothing."""
    outbox = study.outboxes.get(context.location.platform)
    if outbox is None:
        platform = context.location.platform
        raise UserError(f"This process doesn't post to {platform}. Run the test from the one that does.")
    context = await _in_its_channel(study, context, which)
    tested = find_schedule(await study.store.query(schedule_queries.channel_schedules, context.channel_id), which)
    await check_platform(study, context, extras_of(tested))
    test_round, question = await study.store.transaction(_add_test_round, study, context, which)
    try:
        await outbox.post(
            context.location, question_post(test_round, question, "A test question"), f"test-{context.request_id}"
        )
    except PostError as refusal:
        raise UserError(f"The post didn't go through: {refusal}") from refusal
    return Reply.of(Notice("Posted. Answers to a test don't earn points.", Tone.GOOD))


def _add_test_round(
    connection: Connection, study: Study, context: RequestContext, which: int | str | None
) -> tuple[Round, Question]:
    question = pick_question(connection, study.library.bank, _lock_schedule(connection, context, which))
    if question is None:
        raise UserError("No question matches this schedule anymore. `schedule list` shows its topics.")
    test_round = new_round(
        question,
        workspace_id=context.workspace_id,
        channel_id=context.channel_id,
        kind=RoundKind.TEST,
        at=context.at,
    )
    return practice_queries.add_round(connection, test_round), question


def _lock_schedule(connection: Connection, context: RequestContext, which: int | str | None) -> Schedule:
    return find_schedule(schedule_queries.channel_schedules(connection, context.channel_id, lock=True), which)
