"""Requests and commands; understanding a typed line; the one place where errors become replies."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import structlog

from bot.commands.parameters import Parameter, Suggest, Suggestion, bind
from bot.context.identity import Actor, Asker, CannotPost, Outbox, Place, Study, Wants
from bot.dispatch import form_drafts
from bot.errors import DatabaseError, NotAllowed, UserError, did_you_mean
from bot.replies import Action, Block, Choices, Notice, Reply, Text, Tone
from bot.study.members.directory import arrive
from bot.study.workspaces import custom_questions
from bot.text.cleaning import clean, invisible, short

__all__ = [
    "Actor",
    "CannotPost",
    "Command",
    "Outbox",
    "Parameter",
    "Place",
    "Request",
    "Shortcut",
    "Suggest",
    "Suggestion",
    "Table",
    "Wants",
    "given_back",
    "respond",
]

log = structlog.get_logger()

LONGEST_LINE = 8000
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Request:
    """One thing somebody wants: a typed `line`, or a `command` with its values bound by name.

    `id` is the platform's own unique id of the event and `at` its own time, aware and in UTC. `form`: the values were
    typed into the form that `line` opened, and must not be lost whatever comes; `beside` is what fields of the
    platform's own held in it.
    """

    place: Place
    actor: Actor
    id: str
    at: datetime
    line: str = ""
    command: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A command's entry in the menu of a message or a member, which becomes the command's first parameter."""

    label: str
    on: Literal["message", "member"]


Run = Callable[..., Awaitable[Reply] | AsyncIterator[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One command. A two-word name is a group and its member, and a group is for managers as a whole or not at all.

    `run` takes (study, asker, **values) and gives a Reply, or an async iterator of replies each of which takes the
    place of the one before. `form`: asks for its parameters together when a required one is missing. `slow`: may
    take longer than a platform waits, so it is acknowledged first. `button`: reached by buttons, not listed. `turns`:
    its reply takes the place of the message whose button or menu asked for it, where that is the asker's own. `shows`:
    its reply is meant for a channel, so a platform asks for one where the asker is alone with the bot. `where`: it is
    about a channel, which a form lets one pick.
    """

    name: str
    about: str
    run: Run
    parameters: tuple[Parameter, ...] = ()
    managers: bool = False
    private: bool = True
    form: bool = False
    slow: bool = False
    button: bool = False
    turns: bool = False
    shows: bool = False
    where: bool = False
    shortcut: Shortcut | None = None
    example: str = ""

    @property
    def usage(self) -> str:
        """The command with its parameters, optional ones in brackets."""
        words = [p.name.upper() if p.required else f"[{'|'.join(p.choices) or p.name}]" for p in self.parameters]
        return " ".join([self.name, *words])

    def missing(self, values: Mapping[str, str]) -> tuple[Parameter, ...]:
        """The required parameters that have no value yet."""
        return tuple(p for p in self.parameters if p.required and not values.get(p.name, "").strip())

    def asks(self, given: Mapping[str, str]) -> tuple[Parameter, ...]:
        """What a form has to ask for: everything still open where a required value is; nothing to be opened else."""
        if not (self.form and self.missing(given)):
            return ()
        return tuple(p for p in self.parameters if not given.get(p.name, "").strip())

    def offered(self, offers: Container[str]) -> Command:
        """As it is on a platform with these offers: without what has no meaning there."""
        return replace(self, parameters=tuple(p for p in self.parameters if not p.offer or p.name in offers))

    @property
    def grows(self) -> bool:
        """Whether drafts come before the reply, so that it needs a message that can be edited."""
        return inspect.isasyncgenfunction(self.run)

    def bind(self, study: Study, text: str) -> dict[str, str]:
        """What follows the name in a typed line, by parameter and still text. Raises UserError."""
        return bind(study, self.parameters, self.usage, text)

    def check(self, study: Study, values: Mapping[str, str]) -> dict[str, str]:
        """The problem with each value that has one, by parameter; empty when all is well. Does no I/O."""
        problems = {p.name: f"{p.name} is missing: {p.described}" for p in self.missing(values)}
        for parameter in self.parameters:
            if text := values.get(parameter.name, "").strip():
                try:
                    parameter.value(study, text)
                except UserError as problem:
                    problems[parameter.name] = str(problem)
        return problems


class Table:
    """The commands by name, and how a typed line is understood."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.commands = {command.name: command for command in commands}

    def __iter__(self) -> Any:
        return iter(self.commands.values())

    def find(self, name: str) -> Command:
        """The command of that name. Raises UserError with the nearest one."""
        name = " ".join(name.lower().split())
        if name in self.commands:
            return self.commands[name]
        members = [c for c in self.commands if c.startswith(f"{name} ")]
        if members:
            raise UserError(f"`{name}` needs one word more: {', '.join(f'`{m}`' for m in members)}.")
        first = name.partition(" ")[0]
        groups = {command.partition(" ")[0] for command in self.commands}
        hint = did_you_mean(name, self.commands) or did_you_mean(first, groups)
        raise UserError(f"There is no command `{short(name)}`.{hint} `help` lists them all.")

    def parse(self, study: Study, line: str) -> tuple[Command, dict[str, str]]:
        """A typed line or a button's line as a command and its values, still text. Raises UserError."""
        if len(line) > LONGEST_LINE:
            raise UserError(f"That line has {len(line):,} characters; {LONGEST_LINE:,} is the most I read.")
        words = line.strip().lstrip("/").split(maxsplit=2)
        if not words:
            raise UserError("Type a command; `help` lists them.")
        two = " ".join(words[:2]).lower()
        if two in self.commands:
            return self.commands[two], self.commands[two].bind(study, words[2] if len(words) > 2 else "")
        one = words[0].lower()
        # A group without a known member is asked for whole, so that the message can name the members.
        group = any(name.startswith(f"{one} ") for name in self.commands) and one not in self.commands
        command = self.find(two if group and len(words) > 1 else one)
        rest = line.strip().lstrip("/")[len(words[0]) :].strip()
        return command, command.bind(study, rest)


async def respond(table: Table, study: Study, request: Request) -> AsyncGenerator[Reply, None]:
    """Carry a request out. Every reply takes the place of the one before; the last one is what is meant to stay.

    Never raises for what a member can cause: problems come as replies, unexpected ones under a reference that the
    log has too.
    """
    with structlog.contextvars.bound_contextvars(request=request.id, platform=request.place.platform):
        try:
            asker = await arrive(study, *_by_name(request), request_id=request.id, at=request.at)
            study = await custom_questions.scoped(study, asker.workspace_id, asker.own_version)
            if request.form:
                await form_drafts.keep(study, asker, request.line, {**request.values, **request.beside})
            command, raw = _understand(table, study, request)
            if command.managers and not asker.manager:
                raise NotAllowed(f"`{command.name}` is for managers. Ask one of yours to do it.")
            if request.form and (found := command.check(study, raw)):
                raise UserError("\n\n".join(found.values()))
            values = _values(study, command, raw)
            note = _left_out(raw)
            async for reply in _run(command, study, asker, values):
                yield Reply((*reply.blocks, note)) if note else reply
            log.info("answered", command=command.name)
            if request.form:
                await _carried_out(study, asker, request)
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


async def _carried_out(study: Study, asker: Asker, request: Request) -> None:
    """The reply stands, so a draft that cannot be dropped is no problem of the member's."""
    try:
        await form_drafts.drop(study, asker, request.line)
    except DatabaseError as problem:
        log.warning("draft not dropped", problem=str(problem))


def _given_back(request: Request) -> tuple[Block, ...]:
    return given_back(request.line, request.values) if request.form else ()


def given_back(line: str, values: Mapping[str, str]) -> tuple[Block, ...]:
    """What somebody typed into the form that the line opened, with the form to put it right."""
    said = "\n\n".join(f"**{name.capitalize()}**\n\n{_fenced(text)}" for name, text in values.items())
    return (
        *((Text(f"You wrote:\n\n{said}"),) if said else ()),
        Choices((Action("Fix", line, "primary"),)),
    )


def _fenced(text: str) -> str:
    """As a code block that the text itself cannot end: everywhere three ticks do, whatever began it."""
    return "```text\n" + re.sub("`{3,}", lambda ticks: "ˋ" * len(ticks[0]), text) + "\n```"


def _by_name(request: Request) -> tuple[Place, Actor]:
    """Where and who, under names as they can be seen: members choose theirs, and others read them."""
    place, actor = request.place, request.actor
    return (
        replace(
            place,
            workspace_name=short(clean(place.workspace_name), LONGEST_NAME),
            channel_name=short(clean(place.channel_name), LONGEST_NAME),
        ),
        replace(actor, name=short(clean(actor.name), LONGEST_NAME)),
    )


def _understand(table: Table, study: Study, request: Request) -> tuple[Command, dict[str, str]]:
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
        raise UserError(f"`{command.name}` needs {names}: {missing[0].described}.{example}")
    return {p.name: p.value(study, raw[p.name]) for p in command.parameters if raw.get(p.name, "").strip()}


def _left_out(raw: Mapping[str, str]) -> Notice | None:
    gone = sum(map(invisible, raw.values()))
    return Notice(f"I left out {gone} invisible character{'s' * (gone > 1)}.") if gone else None


async def _run(command: Command, study: Study, asker: Asker, values: dict[str, Any]) -> AsyncIterator[Reply]:
    result = command.run(study, asker, **values)
    if isinstance(result, AsyncIterator):
        async for reply in result:
            yield reply
    else:
        yield await result
