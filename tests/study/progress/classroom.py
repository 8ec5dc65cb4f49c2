"""A workspace with members, teams and scored answers, written straight into the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from bot.context.local_time import period_keys
from bot.store import tables
from bot.store.engine import Store
from bot.store.models import Answer, Channel, Member, Person, Round, RoundKind, Team, Workspace
from bot.study.members.queries import lock_member
from bot.study.progress import totals

START = datetime(2026, 11, 16, 9, tzinfo=UTC)
"""A Monday: the week is 2026-W47, the month 2026-11."""


def add(connection: Connection, table: Table, columns: Mapping[str, Any]) -> int:
    """Insert a row and return its id."""
    new_id: int = connection.execute(insert(table).values(columns).returning(table.c.id)).scalar_one()
    return new_id


class Classroom:
    """Made by `await Classroom(store).open()`; channels "a" and "b" are there from the start."""

    def __init__(self, store: Store, name: str = "here") -> None:
        self.store = store
        self.name = name
        self.workspace = 0
        self.channels: dict[str, int] = {}
        self.members: dict[str, int] = {}
        self.teams: dict[str, int] = {}
        self._count = 0

    async def open(self) -> Classroom:
        await self.store.transaction(self._open)
        return self

    def _open(self, connection: Connection) -> None:
        workspace = Workspace(platform="terminal", external_id=self.name, name=self.name, created_at=START)
        self.workspace = add(connection, tables.workspaces, workspace.columns())
        for name in "ab":
            channel = Channel(workspace_id=self.workspace, external_id=name, name=name)
            self.channels[name] = add(connection, tables.channels, channel.columns())

    async def join(self, *names: str, team: str | None = None) -> None:
        """Add members, or change the team of those that are there."""
        await self.store.transaction(self._join, names, team)

    def _join(self, connection: Connection, names: tuple[str, ...], team: str | None) -> None:
        if team is not None and team not in self.teams:
            new = Team(workspace_id=self.workspace, name=team, name_key=team, created_at=START)
            self.teams[team] = add(connection, tables.teams, new.columns())
        team_id = self.teams[team] if team is not None else None
        for name in names:
            if name in self.members:
                known = tables.members.c.id == self.members[name]
                connection.execute(update(tables.members).where(known).values(team_id=team_id))
                continue
            member = Member(
                workspace_id=self.workspace,
                person_id=add(connection, tables.persons, Person(created_at=START).columns()),
                external_id=name,
                name=name,
                team_id=team_id,
                joined_at=START,
            )
            self.members[name] = add(connection, tables.members, member.columns())

    async def member(self, name: str) -> Member:
        return await self.store.transaction(lock_member, self.members[name])

    async def show(self, name: str, *, listed: bool) -> None:
        """Show or hide a member in the standings."""
        await self.store.transaction(self._show, self.members[name], listed)

    def _show(self, connection: Connection, member_id: int, listed: bool) -> None:
        member = lock_member(connection, member_id)
        connection.execute(update(tables.members).where(tables.members.c.id == member_id).values(listed=listed))
        totals.set_listed(connection, member, listed)

    async def answer(
        self, name: str, points: int, *, minutes: float = 0, channel: str = "a", scored: bool = True
    ) -> int:
        """Answer a new question, `minutes` after the start; return the answer's id."""
        self._count += 1
        at = START + timedelta(minutes=minutes)
        new_round = Round(
            round_key=f"{self.name}-{self._count}",
            workspace_id=self.workspace,
            channel_id=self.channels[channel],
            kind=RoundKind.DAILY,
            question_id="lora",
            choice_order="0123",
            choices_hash="f",
            opened_at=START,
        )
        week, month = period_keys(at, "UTC")
        unplaced = Answer(
            request_id=f"{self._count}",
            round_id=0,
            member_id=self.members[name],
            workspace_id=self.workspace,
            channel_id=self.channels[channel],
            question_id="lora",
            topic="fine-tuning",
            scored=scored,
            points=points,
            accepted_at=at,
            day=at.date(),
            zone="UTC",
            week=week,
            month=month,
        )
        return await self.store.transaction(self._answer, new_round, unplaced)

    def _answer(self, connection: Connection, new_round: Round, unplaced: Answer) -> int:
        """Store an answer in its new round, for the team that the member is in."""
        member = lock_member(connection, unplaced.member_id)
        round_id = add(connection, tables.rounds, new_round.columns())
        answer = unplaced.model_copy(update={"round_id": round_id, "team_id": member.team_id})
        answer_id = add(connection, tables.answers, answer.columns())
        if answer.scored:
            totals.add_points(connection, answer.model_copy(update={"id": answer_id}), member, points=answer.points)
        return answer_id

    async def raise_points(self, answer_id: int, more: int) -> None:
        """Give more points for an answer that has been counted."""
        await self.store.transaction(self._raise_points, answer_id, more)

    def _raise_points(self, connection: Connection, answer_id: int, more: int) -> None:
        answers = tables.answers.c
        which = answers.id == answer_id
        answer = Answer.of(connection.execute(select(tables.answers).where(which)).mappings().one())
        member = lock_member(connection, answer.member_id)
        connection.execute(update(tables.answers).where(which).values(points=answers.points + more))
        totals.add_points(connection, answer, member, points=more, again=True)
