"""The study room: lines from several members in, replies out. The REPL and the tests use it."""

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

LOCATION = Location("terminal", "local", "terminal", "This computer", "terminal")
_SPEAKER = re.compile(r"@([^\s:]{1,40}):\s*")


@dataclass(slots=True)
class Form:
    """A form being filled in, one value per line."""

    command: Command
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What a line asks for: a command with its values, or a `line` that couldn't be parsed."""

    line: str = ""
    command: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Speaker:
    """What a speaker can do next: press the buttons of the last reply by their keys, or fill in an open form."""

    buttons: dict[str, Button] = field(default_factory=dict)
    form: Form | None = None


class Room:
    """The terminal as a platform. `@ada: help` speaks as ada; other lines are the system's user, who is a manager."""

    def __init__(self, app: App, owner: str = "") -> None:
        self.app = app
        self.owner = owner or _system_user()
        self._speakers: dict[str, Speaker] = {}
        self._post_buttons: dict[str, Button] = {}

    async def hear(self, line: str) -> AsyncIterator[Reply]:
        """Yield the replies to one line, each replacing the one before."""
        name, line = self._split_speaker(line)
        # Somebody who speaks for the first time can answer the last post, too.
        speaker = self._speakers.setdefault(name.lower(), Speaker(dict(self._post_buttons)))
        parsed = self._fill_in(speaker, speaker.form, line) if speaker.form else self._parse(speaker, line)
        if isinstance(parsed, Reply):
            yield parsed
            return
        request = Request(
            location=LOCATION,
            actor=Actor(name.lower(), name, manager=name.lower() == self.owner.lower()),
            id=uuid.uuid4().hex,
            at=self.app.now(),
            line=parsed.line,
            command=parsed.command,
            values=parsed.values,
        )
        async for reply in self.app.handle(request):
            yield reply
            if buttons := shortcuts(reply):
                speaker.buttons = buttons

    @property
    def has_open_form(self) -> bool:
        """Whether the owner has a form open, so that an empty line means something."""
        speaker = self._speakers.get(self.owner.lower())
        return speaker is not None and speaker.form is not None

    def receives(self, channel: str) -> bool:
        """Return whether a post is for the room: everybody, by its channel, or one person, by `@` and their id."""
        return channel == LOCATION.channel or channel.removeprefix("@") in {self.owner.lower(), *self._speakers}

    def offer(self, post: Reply) -> None:
        """Let everybody in the room press the post's buttons; keys that it doesn't use keep their meaning."""
        self._post_buttons = shortcuts(post)
        for speaker in self._speakers.values():
            speaker.buttons = speaker.buttons | self._post_buttons

    def _split_speaker(self, line: str) -> tuple[str, str]:
        if found := _SPEAKER.match(line):
            return found[1], line[found.end() :]
        return self.owner, line

    def _parse(self, speaker: Speaker, line: str) -> CommandLine | Reply:
        """Return what the line asks for, or the first question of the form that its command opens."""
        if button := speaker.buttons.get(line.strip().lower()):
            line = button.line
        try:
            command, values = self.app.parse(line)
        except UserError:
            return CommandLine(line=line)  # `handle` says what's wrong with it
        if command.opens_form and command.missing(values):
            speaker.form = Form(command, values)
            return _next_question(speaker.form)
        return CommandLine(command=command.name, values=values)

    def _fill_in(self, speaker: Speaker, form: Form, line: str) -> CommandLine | Reply:
        """Return the form's next question, or what it asks for once it's complete."""
        if not line.strip():
            speaker.form = None
            return Reply.of(Notice("Okay, nothing changed."))
        form.values[form.command.missing(form.values)[0].name] = line.strip()
        if form.command.missing(form.values):
            return _next_question(form)
        speaker.form = None
        return CommandLine(command=form.command.name, values=form.values)


def _next_question(form: Form) -> Reply:
    parameter = form.command.missing(form.values)[0]
    description = parameter.full_description[0].upper() + parameter.full_description[1:]
    return Reply.of(Notice(f"{description}, on one line (leave it empty to cancel):"))


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "me"
