"""The composition root: every dependency, built once from the config, and what platforms keep in the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlmodel import col, select, update

from bot.commands.registry import Registry
from bot.context.identity import Actor, Location
from bot.context.library import PATIENCE, Library, Progress
from bot.context.outbox import Outbox
from bot.context.study import Study, StudyRules
from bot.dispatch import form_drafts, idempotency
from bot.dispatch.catalog import registry
from bot.encryption import Vault
from bot.errors import ConfigError, DatabaseError
from bot.inference.client import Inference
from bot.store.engine import Store
from bot.store.orm import TerminalPost
from bot.store.slack_installations import Install, Installs
from bot.store.upsert import insert
from bot.study.members import directory
from bot.study.workspaces import custom_questions, onboarding
from bot.study.workspaces.onboarding import Greeting

if TYPE_CHECKING:
    from bot.config.loader import Config

__all__ = ["App", "Install", "Installs", "Posts", "open_app", "open_inference", "open_library"]


@dataclass(frozen=True, slots=True)
class Posts:
    """The terminal's posts in SQL."""

    store: Store

    async def put(self, key: str, channel: str, body: str) -> str:
        """Keep a post, once per key; the result finds it again."""
        async with self.store.write() as session:
            values = {"post_key": key, "channel": channel, "body": body, "posted_at": datetime.now(UTC)}
            await session.exec(insert(session, TerminalPost).values(**values).on_conflict_do_nothing())
            return str((await session.exec(select(TerminalPost.id).where(TerminalPost.post_key == key))).one())

    async def replace(self, ref: str, body: str) -> None:
        async with self.store.write() as session:
            await session.exec(update(TerminalPost).where(col(TerminalPost.id) == int(ref)).values(body=body))

    async def unseen(self) -> list[tuple[int, str, str]]:
        """Posts that nobody has seen, oldest first: id, channel and body."""
        async with self.store.read() as session:
            query = (
                select(TerminalPost.id, TerminalPost.channel, TerminalPost.body)
                .where(col(TerminalPost.seen_at).is_(None))
                .order_by(col(TerminalPost.id))
            )
            return [(id, channel, body) for id, channel, body in (await session.exec(query)).all()]

    async def seen(self, id: int) -> None:
        """The key stays, so that it is never posted again; what was said goes, with the names in it."""
        async with self.store.write() as session:
            await session.exec(
                update(TerminalPost).where(col(TerminalPost.id) == id).values(seen_at=datetime.now(UTC), body="")
            )


@dataclass(frozen=True, slots=True)
class App:
    """What a platform is handed: the commands, what they work with, and its own corner of the store."""

    registry: Registry
    study: Study
    terminal_posts: Posts
    skipped_files: tuple[str, ...] = ()
    slack_installations: Installs | None = None
    """Workspaces that installed the app by themselves, where a key is set to keep their tokens by."""

    async def for_workspace(self, location: Location) -> App:
        """The app as the workspace of a place has it, with its own questions."""
        return replace(self, study=await custom_questions.for_location(self.study, location))

    async def claim_request(self, platform: str, id: str) -> bool:
        """Whether a request is seen for the first time; platforms deliver some again."""
        return await idempotency.claim(self.study, platform, id)

    async def is_manager(self, location: Location, actor: Actor) -> bool:
        """Whether they are a manager there."""
        return await directory.is_manager(self.study, location, actor)

    async def form_draft(self, location: Location, actor: Actor, line: str) -> dict[str, str]:
        """What the member typed into the form of that line earlier, when it could not be carried out."""
        return await form_drafts.find_draft(self.study, location, actor, line)

    async def active_workspaces(self, platform: str) -> list[str]:
        """The workspaces that were greeted and have not put the bot out since."""
        return await onboarding.active_workspaces(self.study, platform)

    async def workspace_joined(self, location: Location) -> Greeting | None:
        """What to say on coming to a workspace; None where it has been said."""
        return await onboarding.on_joined(self.study, location)

    async def workspace_left(self, location: Location) -> None:
        """The workspace has put the bot out."""
        await onboarding.on_left(self.study, location)

    async def readiness_problem(self) -> str:
        """What stands in the way of serving members, in words that anybody may read; empty where nothing does."""
        try:
            await self.study.store.ready()
        except DatabaseError as problem:
            return problem.public
        return ""

    def attach(self, platform: str, outbox: Outbox) -> None:
        """From now on this process posts to the platform."""
        self.study.outboxes[platform] = outbox


def open_library(
    config: Config, progress: Progress | None = None, patience: float | None = PATIENCE
) -> tuple[Library, tuple[str, ...]]:
    """The configured bank with its search, and a line for each file that had to be left out."""
    from knowledge.format.reader import load
    from knowledge.retrieval.embedding import Embedder

    embedder = Embedder(config.search.model, threads=config.search.threads)
    loaded = load(config.bank_folder)
    if not len(loaded.bank):
        raise ConfigError(
            f"The bank in {config.bank_folder} has no question that can be used. `studyhall bank check` says why."
        )
    library = Library(loaded.bank, config.index_folder, embedder, progress, patience)
    return library, tuple(map(str, loaded.problems))


def open_inference(config: Config) -> Inference | None:
    """The configured inference server; nothing is sent to it yet."""
    it = config.inference
    if not it.base_url:
        return None
    return Inference(
        base_url=it.base_url,
        model=it.model,
        api_key=config.inference_api_key,
        first_text_timeout=it.first_text_seconds,
        total_timeout=it.whole_seconds,
        max_concurrent=it.at_once,
        max_tokens=it.longest_tokens,
    )


@asynccontextmanager
async def open_app(
    config: Config, progress: Progress | None = None, patience: float | None = PATIENCE
) -> AsyncIterator[App]:
    """The whole of it, closed again at the end; `patience` is the library's. Raises SetupError."""
    async with AsyncExitStack() as closing:
        store = await Store.open(config.database_url)
        closing.push_async_callback(store.close)
        await store.ready()
        library, left_out = open_library(config, progress, patience)
        closing.callback(library.close)
        inference = open_inference(config)
        if inference is not None:
            closing.push_async_callback(inference.close)
        rules = StudyRules(zone=config.study.zone, reveal=config.study.reveal, late_hours=config.study.late_hours)
        study = Study(store=store, library=library, clock=_now, inference=inference, rules=rules)
        key = config.secret_key.get_secret_value()
        installs = Installs(store, Vault(key), _now) if key else None
        yield App(registry(), study, Posts(store), left_out, installs)


def _now() -> datetime:
    return datetime.now(UTC)
