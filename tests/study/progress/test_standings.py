"""Standings: places, ties, teams, and who is shown."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from bot.store.engine import Store
from bot.store.models import EVERYWHERE, TotalKind
from bot.study.progress import standings
from bot.study.progress.queries import Scope
from bot.study.progress.standings import Place, Ranking
from tests.study.progress.classroom import Classroom

pytestmark = pytest.mark.both_databases

WEEK = "2026-W47"
MINUTES_A_WEEK = 7 * 24 * 60


@pytest.fixture
async def room(store: Store) -> Classroom:
    return await Classroom(store).open()


async def ranking(
    room: Classroom,
    who: str,
    *,
    period: str = WEEK,
    channel: str | None = None,
    kind: TotalKind = TotalKind.MEMBER,
    limit: int = 10,
) -> Ranking:
    scope = Scope(
        workspace_id=room.workspace,
        period=period,
        kind=kind,
        channel_id=EVERYWHERE if channel is None else room.channels[channel],
    )
    return await room.store.query(standings.ranking, scope, await room.member(who), limit)


def shown(ranking: Ranking) -> list[tuple[int, str, int]]:
    return [(row.place, row.name, row.points) for row in ranking.rows]


async def test_without_answers_there_are_no_places(room: Classroom) -> None:
    await room.join("ada")

    assert await ranking(room, "ada") == Ranking(())


async def test_members_are_ranked_by_points(room: Classroom) -> None:
    await room.join("ada", "bob", "cyd")
    for name, points in (("ada", 10), ("bob", 30), ("cyd", 20), ("ada", 30)):
        await room.answer(name, points)

    assert shown(await ranking(room, "ada")) == [(1, "ada", 40), (2, "bob", 30), (3, "cyd", 20)]


async def test_a_tie_goes_to_whoever_got_there_first(room: Classroom) -> None:
    await room.join("ada", "bob")
    await room.answer("ada", 10, minutes=3)
    await room.answer("bob", 10, minutes=1)
    assert shown(await ranking(room, "ada")) == [(1, "bob", 10), (2, "ada", 10)]

    await room.answer("bob", 0, minutes=9)

    assert shown(await ranking(room, "ada")) == [(1, "bob", 10), (2, "ada", 10)]


async def test_a_tie_in_the_same_instant_goes_to_whoever_joined_first(room: Classroom) -> None:
    await room.join("ada", "bob")
    await room.answer("bob", 10)
    await room.answer("ada", 10)

    assert shown(await ranking(room, "ada")) == [(1, "ada", 10), (2, "bob", 10)]


async def test_your_own_place_is_shown_below_the_top(room: Classroom) -> None:
    names = [f"m{number:02}" for number in range(12)]
    await room.join(*names)
    for number, name in enumerate(names):
        await room.answer(name, 10, minutes=number)

    last = await ranking(room, "m11")

    assert [row.name for row in last.rows] == names[:10]
    assert not any(row.is_own for row in last.rows)
    assert last.own == Place(12, room.members["m11"], "m11", 10, 1, is_own=True)
    assert [(await ranking(room, name, limit=1)).own.place for name in names] == list(range(1, 13))  # type: ignore[union-attr]


async def test_your_own_place_is_marked_within_the_top(room: Classroom) -> None:
    await room.join("ada", "bob")
    await room.answer("ada", 10)
    await room.answer("bob", 20)

    found = await ranking(room, "ada")

    assert [row.is_own for row in found.rows] == [False, True]
    assert found.own == found.rows[1]


async def test_a_hidden_member_takes_no_place_but_sees_their_own(room: Classroom) -> None:
    await room.join("ada", "bob", "cyd")
    for name, points in (("ada", 30), ("bob", 20), ("cyd", 10)):
        await room.answer(name, points)
    await room.show("bob", listed=False)

    assert shown(await ranking(room, "cyd")) == [(1, "ada", 30), (2, "cyd", 10)]
    hidden = await ranking(room, "bob")
    assert shown(hidden) == [(1, "ada", 30), (2, "cyd", 10)]
    assert hidden.own == Place(2, room.members["bob"], "bob", 20, 1, is_own=True)

    await room.answer("bob", 30)
    assert shown(await ranking(room, "ada")) == [(1, "ada", 30), (2, "cyd", 10)]
    await room.show("bob", listed=True)
    assert shown(await ranking(room, "ada")) == [(1, "bob", 50), (2, "ada", 30), (3, "cyd", 10)]


async def test_weeks_months_and_channels_are_counted_separately(room: Classroom) -> None:
    await room.join("ada")
    await room.answer("ada", 10)
    await room.answer("ada", 20, minutes=MINUTES_A_WEEK, channel="b")
    await room.answer("ada", 30, minutes=3 * MINUTES_A_WEEK)

    async def points(period: str, channel: str | None = None) -> int:
        own = (await ranking(room, "ada", period=period, channel=channel)).own
        return own.points if own else 0

    assert await points("2026-W47") == 10
    assert await points("2026-W48") == 20
    assert await points("2026-11") == 30
    assert await points("2026-12") == 30
    assert await points("all") == 60
    assert await points("all", "a") == 40
    assert await points("2026-W48", "a") == 0


async def test_workspaces_do_not_see_each_other(room: Classroom, store: Store) -> None:
    elsewhere = await Classroom(store, "elsewhere").open()
    await room.join("ada")
    await elsewhere.join("bob")
    await room.answer("ada", 10)
    await elsewhere.answer("bob", 30)

    assert shown(await ranking(room, "ada")) == [(1, "ada", 10)]


async def team_of(room: Classroom, team: str, **points: int) -> None:
    await room.join(*points, team=team)
    for name, earned in points.items():
        await room.answer(name, earned)


async def test_teams_are_ranked_by_points_per_active_member(room: Classroom) -> None:
    await team_of(room, "many", a=10, b=10, c=10, d=20)
    await team_of(room, "few", e=20, f=10, g=10)

    found = await ranking(room, "a", kind=TotalKind.TEAM)

    assert [(row.place, row.name, row.points, row.active_members) for row in found.rows] == [
        (1, "few", 40, 3),
        (2, "many", 50, 4),
    ]
    assert found.own == found.rows[1]


async def test_teams_with_the_same_share_are_ranked_by_who_got_there_first(room: Classroom) -> None:
    await room.join("a", "b", "c", team="late")
    await room.join("d", "e", "f", team="early")
    for minutes, name in enumerate("defabc"):
        await room.answer(name, 10, minutes=minutes)

    assert [row.name for row in (await ranking(room, "a", kind=TotalKind.TEAM)).rows] == ["early", "late"]


async def test_a_team_with_fewer_than_three_active_members_is_not_ranked(room: Classroom) -> None:
    await team_of(room, "pair", a=30, b=30)
    await room.join("idle", team="pair")

    assert await ranking(room, "a", kind=TotalKind.TEAM) == Ranking((), None, too_small=2)
    await room.answer("idle", 0)
    assert [row.active_members for row in (await ranking(room, "a", kind=TotalKind.TEAM)).rows] == [3]


async def test_points_stay_with_the_team_they_were_earned_for(room: Classroom) -> None:
    await team_of(room, "old", a=10, b=10, c=10)
    await team_of(room, "new", d=10, e=10, f=10)
    await room.join("a", team="new")
    await room.answer("a", 30)

    found = await ranking(room, "a", kind=TotalKind.TEAM)

    assert [(row.name, row.points, row.active_members) for row in found.rows] == [("new", 60, 4), ("old", 30, 3)]


async def test_a_team_counts_members_active_in_that_channel_and_period(room: Classroom) -> None:
    await team_of(room, "team", a=10, b=10, c=10)
    await room.answer("a", 10, minutes=MINUTES_A_WEEK, channel="b")

    def active(found: Ranking) -> int | None:
        return found.rows[0].active_members if found.rows else found.too_small

    assert active(await ranking(room, "a", kind=TotalKind.TEAM)) == 3
    assert active(await ranking(room, "a", kind=TotalKind.TEAM, period="2026-W48")) == 1
    assert active(await ranking(room, "a", kind=TotalKind.TEAM, period="all")) == 3
    assert active(await ranking(room, "a", kind=TotalKind.TEAM, period="all", channel="b")) == 1


async def test_the_top_is_read_from_the_index(room: Classroom) -> None:
    names = [f"m{number}" for number in range(5)]
    await room.join(*names)
    for name in names:
        await room.answer(name, 10)
    top = (
        "SELECT subject_id FROM total WHERE workspace_id = 1 AND channel_id = 0 AND period = 'all' AND kind = 'member' "
        "AND listed ORDER BY points DESC, reached_at, subject_id LIMIT 10"
    )
    if room.store.dialect == "sqlite":
        top = "EXPLAIN QUERY PLAN " + top.replace("AND listed", "AND listed IS 1")
    else:
        top = "EXPLAIN " + top
    plan = await room.store.query(_plan, top)

    assert "ix_total_rank" in plan
    assert "sort" not in plan.lower().replace("ix_total_rank", "")
    assert "B-TREE" not in plan


def _plan(connection: Connection, explain: str) -> str:
    if connection.dialect.name == "postgresql":
        # With so few rows, reading all and sorting is faster; the question is whether the index could do it.
        connection.execute(text("SET LOCAL enable_seqscan = off"))
    return " ".join(str(row) for row in connection.execute(text(explain)))
