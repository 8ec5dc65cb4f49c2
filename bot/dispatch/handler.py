"""Handle requests: the only entry for platforms, and the only place where errors become replies."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import structlog

from bot import metrics
from bot.commands.command import Command
from bot.commands.registry import Registry
from bot.context.identity import Actor, Location, RequestContext
from bot.context.study import Study
from bot.dispatch import form_drafts
from bot.dispatch.request import Request
from bot.errors import DatabaseError, NotAllowedError, UserError
from bot.replies import Block, Button, Buttons, Notice, Reply, Text, Tone
from bot.study.daily.threads import in_channel_of_thread
from bot.study.members.directory import get_or_create_member
from bot.study.workspaces.custom_questions import with_custom_questions
from bot.text.cleaning import clean, invisible, short
from bot.text.plural import plural

log = structlog.get_logger()

MAX_NAME_LENGTH = 80
REFERENCE_LENGTH = 8
"""Length of the reference that a member gets for an unexpected error."""


async def handle(registry: Registry, study: Study, request: Request) -> AsyncGenerator[Reply, None]:
    """Carry out a request. Each reply replaces the previous one.

    Never raises for anything a member can cause: errors become replies, and an unexpected one gets a reference that is
    also in the log.
    """
    started, outcome = time.perf_counter(), "stopped"
    with structlog.contextvars.bound_contextvars(request=request.id, platform=request.location.platform):
        try:
            location, actor = _with_clean_names(request)
            context = await get_or_create_member(study, location, actor, request_id=request.id, at=request.at)
            study = await with_custom_questions(study, context.workspace_id, context.custom_questions_version)
            if request.form:
                await form_drafts.save(study, context, request.line, {**request.values, **request.platform_values})
            command, texts = _parse(registry, study, request)
            if location.parent_channel and not command.in_thread:
                context = await in_channel_of_thread(study, context, actor)
            context = replace(context, picked=_clean_picks(request))
            if command.managers_only and not context.manager:
                raise NotAllowedError(f"`{command.name}` is for managers. Ask a manager to run it.")
            if request.form and (problems := command.check(study, texts)):
                raise UserError("\n\n".join(problems.values()))
            values = _convert(study, command, texts)
            note = _removed_characters(texts)
            async for reply in _run(command, study, context, values):
                yield Reply((*reply.blocks, note)) if note else reply
            outcome = "answered"
            log.info("answered", command=command.name)
            if request.form:
                await _delete_draft(study, context, request)
        except UserError as problem:
            outcome = "refused"
            log.info("refused", problem=type(problem).__name__)
            yield _problem_reply(request, str(problem), Tone.WARNING)
        except DatabaseError as problem:
            outcome = "failed"
            log.error("database", problem=str(problem))
            yield _problem_reply(request, f"{problem.public} Nothing was changed.", Tone.PROBLEM)
        except Exception:
            outcome = "failed"
            reference = re.sub(r"[^0-9a-z]", "", request.id.lower())[-REFERENCE_LENGTH:]
            log.exception("failed", reference=reference)
            sentence = f"Something went wrong on our side. Please try again. It's in the log as `{reference}`."
            yield _problem_reply(request, sentence, Tone.PROBLEM)
        finally:
            metrics.REQUESTS.labels(request.location.platform, outcome).inc()
            metrics.ANSWER_TIME.labels(request.location.platform).observe(time.perf_counter() - started)


async def _delete_draft(study: Study, context: RequestContext, request: Request) -> None:
    """Delete the form's draft. The command has succeeded, so a failure here isn't the member's problem."""
    try:
        await form_drafts.delete_draft(study, context, request.line)
    except DatabaseError as problem:
        log.warning("draft not deleted", problem=str(problem))


def _problem_reply(request: Request, sentence: str, tone: Tone) -> Reply:
    typed = typed_values(request.line, request.values) if request.form else ()
    return Reply.of(Notice(sentence, tone), *typed)


def typed_values(line: str, values: Mapping[str, str]) -> tuple[Block, ...]:
    """Show what somebody typed into the form that the line opens, with a button that opens the form again."""
    texts = "\n\n".join(f"**{name.capitalize()}**\n\n{_code_block(text)}" for name, text in values.items())
    return (
        *((Text(f"You wrote:\n\n{texts}"),) if texts else ()),
        Buttons((Button("Fix", line, "primary"),)),
    )


def _code_block(text: str) -> str:
    """Return the text as a code block, without the three backticks that would end it on any platform."""
    return "```text\n" + re.sub("`{3,}", lambda backticks: "ˋ" * len(backticks[0]), text) + "\n```"


def _with_clean_names(request: Request) -> tuple[Location, Actor]:
    """Return location and actor with names that are safe to show: members choose theirs, and others read them."""
    location, actor = request.location, request.actor
    return (
        replace(
            location,
            workspace_name=short(clean(location.workspace_name), MAX_NAME_LENGTH),
            channel_name=short(clean(location.channel_name), MAX_NAME_LENGTH),
            parent_name=short(clean(location.parent_name), MAX_NAME_LENGTH),
        ),
        replace(actor, name=short(clean(actor.name), MAX_NAME_LENGTH)),
    )


def _clean_picks(request: Request) -> dict[str, str]:
    return {picked_id: short(clean(name), MAX_NAME_LENGTH) for picked_id, name in request.picked.items()}


def _parse(registry: Registry, study: Study, request: Request) -> tuple[Command, dict[str, str]]:
    """Return the command and its values, still text."""
    if not request.line:
        command = registry.find(request.command)
        return command, command.with_current_names(request.values)
    return registry.parse(study, request.line, request.values)


def _convert(study: Study, command: Command, texts: Mapping[str, str]) -> dict[str, Any]:
    if unknown := set(texts) - {p.name for p in command.parameters}:
        raise UserError(f"`{command.name}` doesn't take {', '.join(sorted(unknown))}. Usage: `{command.usage}`.")
    if missing := command.missing(texts):
        names = ", ".join(p.name for p in missing)
        example = f" For example: `{command.example}`" if command.example else ""
        raise UserError(f"`{command.name}` needs {names}: {missing[0].full_description}.{example}")
    return {p.name: p.value(study, texts[p.name]) for p in command.parameters if texts.get(p.name, "").strip()}


def _removed_characters(texts: Mapping[str, str]) -> Notice | None:
    count = sum(map(invisible, texts.values()))
    return Notice(f"I left out {plural(count, 'invisible character')}.") if count else None


async def _run(command: Command, study: Study, context: RequestContext, values: dict[str, Any]) -> AsyncIterator[Reply]:
    result = command.run(study, context, **values)
    if isinstance(result, AsyncIterator):
        async for reply in result:
            yield reply
    else:
        yield await result
