"""The study room: lines of several members in, replies out. The REPL and the tests speak through it."""

from __future__ import annotations

import getpass
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.app import App
from bot.commands.command import Command
from bot.context.identity import Actor, Location
from bot.dispatch.request import Request
from bot.errors import UserError
from bot.platforms.terminal.render import shortcuts
from bot.replies import Button, Notice, Reply

PLACE = Location("terminal", "local", "terminal", "This computer", "terminal")
_SPEAKER = re.compile(r"@([^\s:]{1,40}):\s*")


@dataclass(slots=True)
class Form:
    """A form being filled in, a value a line."""

    command: Command
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a line stands for: a command with its values, or a line that could not be understood."""

    line: str = ""
    command: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Seat:
    """What a speaker has before them: the keys of the last reply, and a form if one is open."""

    keys: dict[str, Button] = field(default_factory=dict)
    form: Form | None = None


class Room:
    """The terminal as a platform. `@ada: help` speaks as ada; anything else as the system's user, a manager."""

    def __init__(self, app: App, owner: str = "") -> None:
        self.app = app
        self.owner = owner or _system_user()
        self._seats: dict[str, Seat] = {}
        self._offered: dict[str, Button] = {}

    async def hear(self, line: str) -> AsyncIterator[Reply]:
        """Replies to one line, each taking the place of the one before."""
        speaker, line = self._speaker(line)
        # Who speaks for the first time has the last post before them, too.
        seat = self._seats.setdefault(speaker.lower(), Seat(dict(self._offered)))
        wanted = self._fill(seat, seat.form, line) if seat.form else self._begin(seat, line)
        if isinstance(wanted, Reply):
            yield wanted
            return
        request = Request(
            location=PLACE,
            actor=Actor(speaker.lower(), speaker, manager=speaker.lower() == self.owner.lower()),
            id=uuid.uuid4().hex,
            at=self.app.now(),
            line=wanted.line,
            command=wanted.command,
            values=wanted.values,
        )
        async for reply in self.app.handle(request):
            yield reply
            if keys := shortcuts(reply):
                seat.keys = keys

    @property
    def filling(self) -> bool:
        """Whether the owner has a form open, so that an empty line means something."""
        seat = self._seats.get(self.owner.lower())
        return seat is not None and seat.form is not None

    def hears(self, channel: str) -> bool:
        """Whether somebody in the room is meant: everybody by its channel, a member by `@` and their id."""
        return channel == PLACE.channel or channel.removeprefix("@") in {self.owner.lower(), *self._seats}

    def offer(self, reply: Reply) -> None:
        """Everybody in the room may answer a post by its keys; keys it does not use stay what they were."""
        self._offered = shortcuts(reply)
        for seat in self._seats.values():
            seat.keys = seat.keys | self._offered

    def _speaker(self, line: str) -> tuple[str, str]:
        if found := _SPEAKER.match(line):
            return found[1], line[found.end() :]
        return self.owner, line

    def _begin(self, seat: Seat, line: str) -> Wanted | Reply:
        """What the line wants, or the first question of the form that its command opens."""
        if action := seat.keys.get(line.strip().lower()):
            line = action.line
        try:
            command, values = self.app.parse(line)
        except UserError:
            return Wanted(line=line)  # respond says what is wrong with it
        if command.opens_form and command.missing(values):
            seat.form = Form(command, values)
            return self._ask(seat.form)
        return Wanted(command=command.name, values=values)

    def _fill(self, seat: Seat, form: Form, line: str) -> Wanted | Reply:
        """The form's next question, or what it wants once it is full."""
        if not line.strip():
            seat.form = None
            return Reply.of(Notice("Left as it was."))
        form.values[form.command.missing(form.values)[0].name] = line.strip()
        if form.command.missing(form.values):
            return self._ask(form)
        seat.form = None
        return Wanted(command=form.command.name, values=form.values)

    def _ask(self, form: Form) -> Reply:
        parameter = form.command.missing(form.values)[0]
        about = parameter.full_description[0].upper() + parameter.full_description[1:]
        return Reply.of(Notice(f"{about}, on one line (an empty line leaves it):"))


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "me"
