"""Streaks, standings, teams, topics, settings, managers, privacy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table, select
from sqlmodel import SQLModel

from bot.replies import File
from bot.store import tables
from bot.store.models import Member
from tests.chat import Chat

pytestmark = pytest.mark.both_databases


async def daily(chat: Chat, *, right: str = "", wrong: str = "") -> None:
    """Tomorrow's question, answered by those named."""
    chat.clock.forward(days=1)
    await chat.posts()
    good, bad = chat.lines(await chat.daily())
    for who in right.split():
        await chat.say(who, good)
        chat.clock.forward(seconds=1)
    for who in wrong.split():
        await chat.say(who, bad)


async def test_the_leaderboard_ranks_by_points_and_ties_go_to_whoever_was_first(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 08:00 medium")
    await daily(chat, right="bob ada", wrong="cleo")

    said = await chat.say("cleo", "leaderboard")

    lines = [line.split()[:3] for line in said.splitlines() if line.strip()[:2] in ("1.", "2.", "3.")]
    assert lines == [["1.", "bob", "20"], ["2.", "ada", "20"], ["3.", "cleo", "0"]]
    assert "Ties go to whoever got there first" in said


async def test_your_own_place_is_shown_below_the_top(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 08:00 easy")
    await daily(chat, right=" ".join(f"m{n:02}" for n in range(11)), wrong="zoe")

    said = await chat.say("zoe", "leaderboard")

    assert "10." in said
    assert "11." not in said
    assert "12.   zoe" in said


async def test_a_member_who_opted_out_is_not_shown_to_others(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 08:00 easy")
    await daily(chat, right="ada bob")
    assert "Others can't see you" in await chat.say("ada", "me hidden")

    assert "ada" not in await chat.say("bob", "leaderboard")
    assert "1.   bob" in await chat.say("bob", "leaderboard")
    assert "hidden from others" in await chat.say("ada", "leaderboard")
    await chat.say("ada", "me shown")
    assert "1.   ada" in await chat.say("bob", "leaderboard")


async def test_the_leaderboard_goes_by_period_and_channel(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 08:00 easy")
    await daily(chat, right="ada")

    for line in ("leaderboard week", "leaderboard month channel", "leaderboard all everywhere"):
        assert "1.   ada   10" in await chat.say("ada", line), line
    chat.clock.forward(days=7)
    assert "Nobody has earned points this week" in await chat.say("ada", "leaderboard week")
    assert "1.   ada   10" in await chat.say("ada", "leaderboard all")


async def test_a_teams_name_is_no_formatting(chat: Chat) -> None:
    said = await chat.say("ada", "team create *Stars* __of__ `code`")

    assert "Team ∗Stars∗ ＿＿of＿＿ ˋcodeˋ is set up, and you're in it. Others can `team join NAME`." in said
    assert "There's no team “∗x∗”." in await chat.say("bob", "team join *x*")


async def test_a_team_needs_three_active_members_to_be_ranked(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 08:00 easy")
    assert "is set up" in await chat.say("ada", "team create Blue Birds")
    assert "Welcome to Blue Birds" in await chat.say("bob", "team join blue birds")
    await daily(chat, right="ada", wrong="bob")
    assert "No team has 3 members" in await chat.say("ada", "leaderboard week teams")

    await chat.say("cleo", "team join Blue Birds")
    await chat.say("cleo", chat.lines(await chat.daily())[0])

    said = await chat.say("ada", "leaderboard week teams")
    assert "Blue Birds" in said
    assert "6.7" in said
    assert "Blue Birds   3" in await chat.say("ada", "team list")
    assert "left Blue Birds" in await chat.say("ada", "team leave")
    assert "You aren't in a team" in await chat.say("ada", "team leave")
    assert "There's already a team called Blue Birds" in await chat.say("zoe", "team create BLUE birds")


async def test_a_streak_explains_each_day(chat: Chat) -> None:
    for _ in range(3):
        right, _ = await chat.practice("ada")
        await chat.say("ada", right)
        chat.clock.forward(days=1)

    said = await chat.say("ada", "streak")
    assert "Your streak: 3 days, longest 3 days" in said
    assert "Today is still open" in said
    why = await chat.say("ada", "streak why")
    assert "studied" in why
    assert "today, still open" in why
    assert "ada's streak: 3 days" in await chat.say("bob", "streak ada")
    assert "a member called “nobody”" in await chat.say("bob", "streak nobody")


async def test_the_members_row_matches_their_answers(chat: Chat) -> None:
    async def kept() -> tuple[int, int, int]:
        member = await chat.study.store.query(_member, "ada")
        return member.streak, member.longest, member.freezes

    for _ in range(7):
        right, _ = await chat.practice("ada")
        await chat.say("ada", right)
        chat.clock.forward(days=1)
    assert await kept() == (7, 7, 1)

    chat.clock.forward(days=1)
    right, _ = await chat.practice("ada")
    await chat.say("ada", right)
    assert await kept() == (8, 8, 0)

    chat.clock.forward(days=2)
    right, _ = await chat.practice("ada")
    await chat.say("ada", right)
    assert await kept() == (1, 8, 0)


def _member(connection: Connection, external_id: str) -> Member:
    found = select(tables.members).where(tables.members.c.external_id == external_id)
    return Member.of(connection.execute(found).mappings().one())


async def test_a_missed_day_ends_a_young_streak(chat: Chat) -> None:
    right, _ = await chat.practice("ada")
    await chat.say("ada", right)
    chat.clock.forward(days=2)

    assert "Your streak: 0 days, longest 1 day" in await chat.say("ada", "streak")


async def test_a_new_rest_day_counts_from_tomorrow(chat: Chat) -> None:
    right, _ = await chat.practice("ada")
    await chat.say("ada", right)
    assert "you rest on Thursday" in await chat.say("ada", "me rest_days=thu")
    chat.clock.forward(days=2)

    assert "Your streak: 1 day" in await chat.say("ada", "streak")
    assert "rest day" in await chat.say("ada", "streak why")


async def test_mastery_is_the_share_right_of_the_last_answers(chat: Chat) -> None:
    right, _ = await chat.practice("ada", "gan")
    await chat.say("ada", right)
    _, wrong = await chat.practice("ada", "gan")
    await chat.say("ada", wrong)

    said = await chat.say("ada", "topics")
    assert "50% of 2" in said
    assert "not tried yet" in said


async def test_settings_are_shown_and_changed(chat: Chat) -> None:
    said = await chat.say("ada", "me zone=europe/paris rest_days=sat,sun day_starts_at=3")
    assert "Europe/Paris" in said
    assert "Saturday, Sunday" in said
    assert "America/New_York starting tomorrow" in await chat.say("ada", "me zone=America/New_York")
    assert "up to 3 rest days" in await chat.say("ada", "me rest_days=mon-thu")


async def test_managers_are_added_and_removed(chat: Chat) -> None:
    await chat.say("ada", "help")
    assert "for managers" in await chat.say("ada", "schedule list")
    assert "ada is now a manager" in await chat.say("maya", "managers add ada")
    assert "ada" in await chat.say("ada", "managers list")
    assert "have a daily question yet" in await chat.say("ada", "schedule list")
    assert "no longer" in await chat.say("maya", "managers remove ada")
    assert "for managers" in await chat.say("ada", "schedule list")


async def test_everything_about_a_member_is_exported_and_then_deleted(chat: Chat) -> None:
    await chat.say("maya", "schedule setup 08:00 easy")
    await daily(chat, right="ada bob")
    await chat.say("ada", "report vae-elbo the sign is wrong")
    await chat.say("ada", "me rest_days=sun")

    [file] = [b for b in (await chat.replies("ada", "privacy export"))[-1].blocks if isinstance(b, File)]
    everything = json.loads(file.content)
    assert everything["member"]["name"] == "ada"
    assert len(everything["answer"]) == 1
    assert everything["report"][0]["body"] == "the sign is wrong"
    assert everything["total"]
    assert "permanently deletes" in await chat.say("ada", "privacy delete")
    assert "1.   ada" in await chat.say("bob", "leaderboard")

    assert "Everything about you is deleted" in await chat.say("ada", "privacy delete everything")

    assert "ada" not in await chat.say("bob", "leaderboard")
    for table in SQLModel.metadata.sorted_tables:
        rows = await chat.study.store.query(_rows, table)
        assert not any("ada" in map(str, row) for row in rows), table.name
    assert "Your streak: 0 days" in await chat.say("ada", "streak")


def _rows(connection: Connection, table: Table) -> Sequence[Row[Any]]:
    return connection.execute(table.select()).all()
