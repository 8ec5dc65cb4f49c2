"""Handle a request: the one way in, and the one place where errors become replies."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import structlog

from bot.commands.command import Command
from bot.commands.registry import Registry
from bot.context.identity import Actor, Location, RequestContext
from bot.context.study import Study
from bot.dispatch import form_drafts
from bot.dispatch.request import Request
from bot.errors import DatabaseError, NotAllowed, UserError
from bot.replies import Block, Button, Buttons, Notice, Reply, Text, Tone
from bot.study.members.directory import get_or_create_member
from bot.study.workspaces import custom_questions
from bot.text.cleaning import clean, invisible, short

log = structlog.get_logger()

LONGEST_NAME = 80


async def handle(table: Registry, study: Study, request: Request) -> AsyncGenerator[Reply, None]:
    """Carry a request out. Every reply takes the place of the one before; the last one is what is meant to stay.

    Never raises for what a member can cause: problems come as replies, unexpected ones under a reference that the
    log has too.
    """
    with structlog.contextvars.bound_contextvars(request=request.id, platform=request.location.platform):
        try:
            context = await get_or_create_member(study, *_by_name(request), request_id=request.id, at=request.at)
            study = await custom_questions.with_custom_questions(
                study, context.workspace_id, context.custom_questions_version
            )
            if request.form:
                await form_drafts.save(study, context, request.line, {**request.values, **request.platform_values})
            command, raw = _understand(table, study, request)
            if command.managers_only and not context.manager:
                raise NotAllowed(f"`{command.name}` is for managers. Ask one of yours to do it.")
            if request.form and (found := command.check(study, raw)):
                raise UserError("\n\n".join(found.values()))
            values = _values(study, command, raw)
            note = _left_out(raw)
            async for reply in _run(command, study, context, values):
                yield Reply((*reply.blocks, note)) if note else reply
            log.info("answered", command=command.name)
            if request.form:
                await _carried_out(study, context, request)
        except UserError as problem:
            log.info("refused", problem=type(problem).__name__)
            yield Reply.of(Notice(str(problem), Tone.WARNING), *_given_back(request))
        except DatabaseError as problem:
            log.error("database", problem=str(problem))
            yield Reply.of(Notice(f"{problem.public} Nothing was changed.", Tone.PROBLEM), *_given_back(request))
        except Exception:
            reference = re.sub(r"[^0-9a-z]", "", request.id.lower())[-8:]
            log.exception("failed", reference=reference)
            yield Reply.of(
                Notice(
                    f"Something went wrong on our side, and it is in the log as `{reference}`. Please try again.",
                    Tone.PROBLEM,
                ),
                *_given_back(request),
            )


async def _carried_out(study: Study, context: RequestContext, request: Request) -> None:
    """The reply stands, so a draft that cannot be dropped is no problem of the member's."""
    try:
        await form_drafts.delete_draft(study, context, request.line)
    except DatabaseError as problem:
        log.warning("draft not dropped", problem=str(problem))


def _given_back(request: Request) -> tuple[Block, ...]:
    return given_back(request.line, request.values) if request.form else ()


def given_back(line: str, values: Mapping[str, str]) -> tuple[Block, ...]:
    """What somebody typed into the form that the line opened, with the form to put it right."""
    said = "\n\n".join(f"**{name.capitalize()}**\n\n{_fenced(text)}" for name, text in values.items())
    return (
        *((Text(f"You wrote:\n\n{said}"),) if said else ()),
        Buttons((Button("Fix", line, "primary"),)),
    )


def _fenced(text: str) -> str:
    """As a code block that the text itself cannot end: everywhere three ticks do, whatever began it."""
    return "```text\n" + re.sub("`{3,}", lambda ticks: "ˋ" * len(ticks[0]), text) + "\n```"


def _by_name(request: Request) -> tuple[Location, Actor]:
    """Where and who, under names as they can be seen: members choose theirs, and others read them."""
    place, actor = request.location, request.actor
    return (
        replace(
            place,
            workspace_name=short(clean(place.workspace_name), LONGEST_NAME),
            channel_name=short(clean(place.channel_name), LONGEST_NAME),
        ),
        replace(actor, name=short(clean(actor.name), LONGEST_NAME)),
    )


def _understand(table: Registry, study: Study, request: Request) -> tuple[Command, dict[str, str]]:
    if not request.line:
        return table.find(request.command), dict(request.values)
    command, values = table.parse(study, request.line)
    # A form fills in what the button's line left open; the line itself comes from the button and wins.
    return command, {**request.values, **values}


def _values(study: Study, command: Command, raw: Mapping[str, str]) -> dict[str, Any]:
    if unknown := set(raw) - {p.name for p in command.parameters}:
        raise UserError(f"`{command.name}` has no {', '.join(sorted(unknown))}. It goes: `{command.usage}`.")
    if missing := command.missing(raw):
        names = ", ".join(p.name for p in missing)
        example = f" For example: `{command.example}`" if command.example else ""
        raise UserError(f"`{command.name}` needs {names}: {missing[0].full_description}.{example}")
    return {p.name: p.value(study, raw[p.name]) for p in command.parameters if raw.get(p.name, "").strip()}


def _left_out(raw: Mapping[str, str]) -> Notice | None:
    gone = sum(map(invisible, raw.values()))
    return Notice(f"I left out {gone} invisible character{'s' * (gone > 1)}.") if gone else None


async def _run(command: Command, study: Study, context: RequestContext, values: dict[str, Any]) -> AsyncIterator[Reply]:
    result = command.run(study, context, **values)
    if isinstance(result, AsyncIterator):
        async for reply in result:
            yield reply
    else:
        yield await result
