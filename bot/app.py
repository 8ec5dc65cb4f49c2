"""The composition root: `open_app` builds everything once from the config, and platforms work with an `App`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib import metadata
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog

from bot import metrics
from bot.commands.command import Command
from bot.commands.parameters import Parameter, Suggestion
from bot.commands.registry import Registry
from bot.context.clock import DatabaseClock
from bot.context.identity import Actor, Location
from bot.context.library import MAX_WAIT, Library, Progress
from bot.context.outbox import Outbox
from bot.context.study import Study, StudyRules
from bot.delivery import queue
from bot.dispatch import form_drafts, handler, idempotency, kept_requests
from bot.dispatch.catalog import registry
from bot.dispatch.kept_requests import AbandonedRequest
from bot.dispatch.request import Request
from bot.drawing.renderer import Renderer
from bot.encryption import Vault
from bot.errors import ConfigError, DatabaseError
from bot.inference.client import Inference
from bot.replies import Reply
from bot.store.engine import Store
from bot.store.slack_installations import Installation, Installations
from bot.store.terminal_posts import TerminalPosts
from bot.study.members import direct_messages, directory
from bot.study.members.direct_messages import KnownWorkspace
from bot.study.workspaces import custom_questions, onboarding
from bot.study.workspaces.onboarding import Greeting

if TYPE_CHECKING:
    from bot.config.loader import Config

__all__ = [
    "AbandonedRequest",
    "App",
    "Installation",
    "Installations",
    "TerminalPosts",
    "open_app",
    "open_inference",
    "open_library",
]

BACKLOG_TIMEOUT = 3.0
"""Seconds that the page of metrics waits for the database; Prometheus gives up after ten."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class App:
    """What platforms and the web app can use. `study` is for the command line and tests."""

    registry: Registry
    study: Study
    terminal_posts: TerminalPosts
    skipped_files: tuple[str, ...] = ()
    """A line for each file of the bank that can't be used."""
    slack_installations: Installations | None = None
    """None if there's no key to encrypt their tokens with."""
    renderer: Renderer = field(default_factory=Renderer)
    """Starts no process before the first picture."""

    def handle(self, request: Request) -> AsyncGenerator[Reply, None]:
        """Carry out a request. Each reply replaces the previous one."""
        return handler.handle(self.registry, self.study, request)

    def parse(self, line: str, values: Mapping[str, str] = MappingProxyType({})) -> tuple[Command, dict[str, str]]:
        """Split a line into a command and its values, still text. Raises UserError.

        `values` were picked in a menu or typed into a form; they fill in what the line leaves open.
        """
        return self.registry.parse(self.study, line, values)

    def check(self, command: Command, values: Mapping[str, str]) -> dict[str, str]:
        """Return what's wrong with the values, by parameter; empty if they're all valid."""
        return command.check(self.study, values)

    def suggestions(self, parameter: Parameter, typed: str) -> Sequence[Suggestion]:
        """Return suggestions for what was typed so far; none for a parameter without autocomplete."""
        return parameter.autocomplete(self.study, typed) if parameter.autocomplete else ()

    def options(self, parameter: Parameter) -> Sequence[Suggestion]:
        """Return the possible items of a comma-separated list; none for a parameter without options."""
        return parameter.options(self.study) if parameter.options else ()

    def now(self) -> datetime:
        """Return the current time, timezone-aware and in UTC."""
        return self.study.clock()

    @property
    def bank_size(self) -> tuple[int, int]:
        """The number of questions, and of topics."""
        bank = self.study.library.bank
        return len(bank), len(bank.topics)

    @property
    def search_status(self) -> str:
        """What search by meaning is still waiting for, as text; empty once it's ready."""
        return self.study.library.pending

    async def for_workspace(self, location: Location) -> App:
        """Return the app with the custom questions of a location's workspace."""
        return replace(self, study=await custom_questions.for_location(self.study, location))

    async def claim_request(self, platform: str, request_id: str) -> bool:
        """Claim a request that the platform may deliver again; False if a process has already claimed it."""
        return await idempotency.claim(self.study, platform, request_id)

    async def keep_request(self, platform: str, request_id: str, **fields: Any) -> bool:
        """Claim a request, and keep it until `finish_request`; False if a process has already claimed it.

        `fields` as in `kept_requests.keep`.
        """
        return await kept_requests.keep(self.study, platform, request_id, **fields)

    async def finish_request(self, platform: str, request_id: str) -> None:
        """Forget a kept request that was carried out."""
        await kept_requests.finish(self.study, platform, request_id)

    async def abandoned_requests(self, platform: str, *, at_start: bool) -> list[AbandonedRequest]:
        """Return kept requests that a dead process left; they're this process's now."""
        return await kept_requests.take_abandoned(self.study, platform, at_start=at_start)

    async def is_manager(self, location: Location, actor: Actor) -> bool:
        """Return whether the member is a manager there."""
        return await directory.is_manager(self.study, location, actor)

    async def form_draft(self, location: Location, actor: Actor, line: str) -> dict[str, str]:
        """Return what the member typed into a line's form before the command failed, by parameter; empty otherwise."""
        return await form_drafts.find_draft(self.study, location, actor, line)

    async def known_workspaces(self, platform: str, member: str) -> list[KnownWorkspace]:
        """Return the platform's workspaces where somebody has used the bot; `member` is their id there."""
        return await direct_messages.known_workspaces(self.study, platform, member)

    async def choose_workspace(self, location: Location, actor: Actor, at: datetime) -> None:
        """Make a workspace the one that the member's direct messages are about."""
        await direct_messages.choose_silently(self.study, location, actor, at)

    async def active_workspaces(self, platform: str) -> list[str]:
        """Return the external ids of the platform's workspaces that the bot is a member of."""
        return await onboarding.active_workspaces(self.study, platform)

    async def workspace_joined(self, location: Location) -> Greeting | None:
        """Record that the bot joined a workspace, and return the greeting; None if it was already known."""
        return await onboarding.on_joined(self.study, location)

    async def claim_first_greeting(self, location: Location) -> Reply | None:
        """Return the greeting to the first process that asks; None ever after, and where a schedule is set up."""
        greeting = await onboarding.first_greeting(self.study, location)
        request_id = _greeting_id(location)
        if greeting is None or not await idempotency.claim(self.study, location.platform, request_id, forever=True):
            return None
        return greeting

    async def release_first_greeting(self, location: Location) -> None:
        """Give the greeting back because it couldn't be sent."""
        await idempotency.release(self.study, location.platform, _greeting_id(location))

    async def workspace_left(self, location: Location) -> None:
        """Record that the bot was removed from a workspace."""
        await onboarding.on_left(self.study, location)

    async def readiness_problem(self) -> str:
        """Return why members can't be served, in words that anyone can see; empty if they can."""
        try:
            await self.study.store.ready()
        except DatabaseError as problem:
            return problem.public
        return ""

    async def metrics(self) -> bytes:
        """Return the metrics of this process and of the queue, as Prometheus reads them.

        While the database can't be read, the queue is left out.
        """
        backlog = queue.Backlog()
        try:
            async with asyncio.timeout(BACKLOG_TIMEOUT):
                backlog = await self.study.store.query(queue.backlog, tuple(self.study.outboxes), self.now())
        except (DatabaseError, TimeoutError) as problem:
            log.warning("queue not measured", problem=str(problem))
        except Exception:
            log.exception("queue not measured")
        return metrics.page(metadata.version("studyhall"), backlog.counts, backlog.oldest)

    def attach(self, platform: str, outbox: Outbox) -> None:
        """Let this process post on a platform."""
        self.study.outboxes[platform] = outbox


def _greeting_id(location: Location) -> str:
    return f"greeting-{location.workspace}"


def open_library(
    config: Config, progress: Progress | None = None, max_wait: float | None = MAX_WAIT
) -> tuple[Library, tuple[str, ...]]:
    """Return the configured bank with its search, and a line for each file that can't be used. Raises ConfigError."""
    from knowledge.format.reader import load
    from knowledge.retrieval.embedding import Embedder

    embedder = Embedder(config.search.model, threads=config.search.threads)
    loaded = load(config.bank_folder)
    if not len(loaded.bank):
        raise ConfigError(f"The bank in {config.bank_folder} has no usable questions. `studyhall bank check` says why.")
    library = Library(loaded.bank, config.index_folder, embedder, progress, max_wait)
    return library, tuple(map(str, loaded.problems))


def open_inference(config: Config) -> Inference | None:
    """Return a client for the configured inference server, without connecting, or None if there isn't one."""
    settings = config.inference
    if not settings.base_url:
        return None
    return Inference(
        base_url=settings.base_url,
        model=settings.model,
        api_key=config.inference_api_key,
        first_text_timeout=settings.first_text_seconds,
        total_timeout=settings.whole_seconds,
        max_concurrent=settings.at_once,
        max_tokens=settings.longest_tokens,
    )


@asynccontextmanager
async def open_app(
    config: Config, progress: Progress | None = None, max_wait: float | None = MAX_WAIT
) -> AsyncIterator[App]:
    """Open the app, and close it at the end. `max_wait` is for the library. Raises SetupError."""
    async with AsyncExitStack() as closing:
        store = await Store.open(config.database_url)
        closing.push_async_callback(store.close)
        await store.ready()
        clock = DatabaseClock(store)
        await closing.enter_async_context(clock.running())
        library, skipped_files = open_library(config, progress, max_wait)
        closing.callback(library.close)
        await closing.enter_async_context(library.load.watched())
        inference = open_inference(config)
        if inference is not None:
            closing.push_async_callback(inference.close)
        rules = StudyRules(zone=config.study.zone, reveal=config.study.reveal, late_hours=config.study.late_hours)
        study = Study(store=store, library=library, clock=clock, inference=inference, rules=rules)
        key = config.secret_key.get_secret_value()
        installations = Installations(store, Vault(key), clock) if key else None
        renderer = Renderer()
        closing.callback(renderer.close)
        yield App(registry(), study, TerminalPosts(store, clock), skipped_files, installations, renderer)
