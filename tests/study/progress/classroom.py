"""A workspace with members, teams and counted answers, written straight into the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.context.local_time import period_keys
from bot.store.engine import Store
from bot.store.models import RoundKind
from bot.store.orm import Answer, Channel, Member, Person, Round, Team, Workspace
from bot.study.progress.totals import credit

START = datetime(2026, 11, 16, 9, tzinfo=UTC)
"""A Monday: the week is 2026-W47, the month 2026-11."""


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
        async with self.store.write() as session:
            workspace = Workspace(platform="terminal", external_id=self.name, name=self.name, created_at=START)
            session.add(workspace)
            await session.flush()
            self.workspace = workspace.id or 0
            for name in "ab":
                channel = Channel(workspace_id=self.workspace, external_id=name, name=name)
                session.add(channel)
                await session.flush()
                self.channels[name] = channel.id or 0
        return self

    async def join(self, *names: str, team: str | None = None) -> None:
        """Members appear, or change to the team."""
        async with self.store.write() as session:
            if team is not None and team not in self.teams:
                there = Team(workspace_id=self.workspace, name=team, name_key=team, created_at=START)
                session.add(there)
                await session.flush()
                self.teams[team] = there.id or 0
            for name in names:
                if name in self.members:
                    member = await session.get_one(Member, self.members[name])
                else:
                    person = Person(created_at=START)
                    session.add(person)
                    await session.flush()
                    member = Member(
                        workspace_id=self.workspace,
                        person_id=person.id or 0,
                        external_id=name,
                        name=name,
                        joined_at=START,
                    )
                member.team_id = self.teams[team] if team is not None else None
                session.add(member)
                await session.flush()
                self.members[name] = member.id or 0

    async def member(self, session: AsyncSession, name: str, *, lock: bool = False) -> Member:
        return await session.get_one(Member, self.members[name], with_for_update=lock)

    async def answer(
        self, name: str, points: int, *, minutes: float = 0, channel: str = "a", counted: bool = True
    ) -> int:
        """One answer to a new question, `minutes` after the start; its id."""
        self._count += 1
        number, at = self._count, START + timedelta(minutes=minutes)
        week, month = period_keys(at, "UTC")
        async with self.store.write() as session:
            member = await self.member(session, name, lock=True)
            posed = Round(
                round_key=f"{self.name}-{number}",
                workspace_id=self.workspace,
                channel_id=self.channels[channel],
                kind=RoundKind.DAILY,
                question_id="lora",
                choice_order="0123",
                choices_hash="f",
                opened_at=START,
            )
            session.add(posed)
            await session.flush()
            given = Answer(
                request_id=f"{number}",
                round_id=posed.id or 0,
                member_id=member.id or 0,
                workspace_id=self.workspace,
                channel_id=self.channels[channel],
                team_id=member.team_id,
                question_id="lora",
                topic="fine-tuning",
                scored=counted,
                points=points,
                accepted_at=at,
                day=at.date(),
                zone="UTC",
                week=week,
                month=month,
            )
            session.add(given)
            if counted:
                await credit(session, given, member, points=points)
            await session.flush()
            return given.id or 0
