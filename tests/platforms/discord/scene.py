"""Helpers for Discord conversation tests: read messages, press buttons, and move the clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
from simcord.actors import MemberActor
from simcord.backend.models import Overwrite
from simcord.builders import ChannelHandle, UserHandle
from simcord.components import walk_components
from simcord.enums import OverwriteType
from simcord.env import Env
from simcord.results import InteractionResult

from bot.app import App
from bot.scheduler import Scheduler
from bot.study.practice.queries import round_by_key
from bot.study.practice.rounds import LETTERS, display_order
from knowledge.questions import Question

Someone = MemberActor | UserHandle

NEVER = re.compile(
    r"Something went wrong|There's no command|needs one more word|I don't know what to do with|Usage: `"
    r"|` doesn't take |is no parameter|No part of it"
)
"""Replies that no command or button of the bot should ever produce."""


class Clock:
    """The simulated Discord's time, which stands still until a test moves it; without one, the real time.

    It starts on Thursday, January 1, 2026, at midnight UTC.
    """

    def __init__(self) -> None:
        self.env: Env | None = None

    def __call__(self) -> datetime:
        return self.env.now() if self.env else datetime.now(UTC)

    def forward(self, **span: float) -> None:
        assert self.env is not None
        self.env.backend.advance_clock(timedelta(**span).total_seconds())

    def until(self, moment: str) -> None:
        """Move forward to a time of day: today, or tomorrow if it has passed."""
        hour, minute = map(int, moment.split(":"))
        then = self().replace(hour=hour, minute=minute, second=0, microsecond=0)
        self.forward(seconds=((then - self()) % timedelta(days=1)).total_seconds())


def texts(components: Any) -> str:
    return "\n".join(c["content"] for c in walk_components(components) if "content" in c)


def parts(message: Any) -> list[Any]:
    """Return all components of a message, outer ones first."""
    components = message.components
    if isinstance(message, discord.Message):
        components = [component.to_dict() for component in components]
    return list(walk_components(components))


def words(message: Any) -> str:
    """Return all the text of a message."""
    return "\n".join(part["content"] for part in parts(message) if "content" in part)


def said(result: InteractionResult) -> str:
    """Return all the text of a response, including follow-ups."""
    assert result.response is not None, "it has not been answered"
    return "\n".join(map(words, (result.response, *result.followups)))


def buttons(message: Any) -> dict[str, str]:
    """Return the command line behind each button of a message, by label."""
    return {part["label"]: part["custom_id"] for part in parts(message) if part.get("type") == 2}


def menus(message: Any) -> dict[str, list[str]]:
    """Return the values picked in a message's menus, by setting."""
    found: dict[str, list[str]] = {}
    for part in parts(message):
        if part.get("type") in (3, 6):
            setting = part["custom_id"].removesuffix("=").rpartition(" ")[2]
            chosen = [option["value"] for option in part.get("options", ()) if option.get("default")]
            found[setting] = chosen + [str(default["id"]) for default in part.get("default_values") or ()]
    return found


async def press(member: Someone, shown: Any, label: str) -> InteractionResult:
    """Press a button of a response or a message."""
    message = shown.response if isinstance(shown, InteractionResult) else shown
    assert message is not None
    result: InteractionResult = await member.click(message, label=label)
    return result


async def pick(member: Someone, shown: Any, setting: str, *values: Any) -> InteractionResult:
    """Pick values in the menu for that setting."""
    message = shown.response if isinstance(shown, InteractionResult) else shown
    assert message is not None
    custom_id = next(p["custom_id"] for p in parts(message) if p.get("custom_id", "").endswith(f" {setting}="))
    result: InteractionResult = await member.select(message, values, custom_id=custom_id)
    return result


def fields(form: InteractionResult) -> dict[str, str]:
    """Return the initial value of each field of a form."""
    assert form.modal is not None, "no form was opened"
    controls = [label["component"] for label in form.modal["components"]]
    return {control["custom_id"]: control.get("value") or "" for control in controls}


def deny(channel: ChannelHandle, **permissions: bool) -> None:
    """Deny the bot exactly those permissions that are True in a channel; others are no longer denied."""
    env: Env = channel._env
    gone = discord.Permissions(**{name: True for name, taken in permissions.items() if taken})
    overwrite = Overwrite(target_id=env.backend.bot_user.id, type=OverwriteType.MEMBER, allow=0, deny=gone.value)
    env.backend.set_overwrite(channel.id, overwrite)


def direct(member: Someone) -> list[discord.Message]:
    """Return the messages in the bot's DM channel with a member."""
    user = member.user if isinstance(member, MemberActor) else member
    messages: list[discord.Message] = user.dm_channel.history()
    return messages


def posts(channel: ChannelHandle) -> list[discord.Message]:
    """Return the bot's messages in a channel, without system messages about threads and pins."""
    default = (discord.MessageType.default, discord.MessageType.reply)
    return [m for m in channel.history() if m.type in default and m.author.bot and not m.flags.ephemeral]


async def turn(app: App, env: Env) -> None:
    """Run the scheduler once, and wait for the resulting Discord events."""
    await Scheduler(app.study, 5).run_once()
    await env.settle()


async def set_up(manager: MemberActor, channel: ChannelHandle, **options: Any) -> None:
    """Schedule a question in the channel on weekdays at 09:00."""
    done = await manager.slash(channel, "schedule setup", time="09:00", **options)
    assert "all set: weekdays at 09:00" in said(done)


async def letters(app: App, message: Any) -> tuple[str, str, Question]:
    """Return the labels of a right and of a wrong answer button, and the question."""
    line = next(line for line in buttons(message).values() if re.search(r"answer \S+ a$", line))
    question_round = await app.study.store.query(round_by_key, line.split()[-2])
    assert question_round is not None
    question = app.study.library.question(question_round.question_id)
    position = display_order(question_round).index(question.right_choice)
    return LETTERS[position].upper(), LETTERS[(position + 1) % 4].upper(), question


def requests(env: Env, method: str, path: str) -> list[Any]:
    """Return the bodies of the bot's requests with that method and a matching path."""
    return [r.json for r in env.http_requests if r.method == method and re.fullmatch(path, r.path)]


SPOKEN = (
    ("POST", r"/channels/\d+/messages"),
    ("PATCH", r"/channels/\d+/messages/\d+"),
    ("POST", r"/interactions/\d+/[^/]+/callback"),
    ("POST", r"/webhooks/\d+/[^/]+"),
    ("PATCH", r"/webhooks/\d+/[^/]+/messages/[^/]+"),
)
CALLBACKS = (4, 7)
"""Interaction callback types that contain a message."""


def spoken(env: Env) -> list[dict[str, Any]]:
    """Return the body of every request that creates or edits a message."""
    return [body for _, body in _spoken(env)]


def _spoken(env: Env) -> list[tuple[str, dict[str, Any]]]:
    """Return the method and the body of every request that creates or edits a message."""
    found = []
    for request in env.http_requests:
        if any(request.method == method and re.fullmatch(path, request.path) for method, path in SPOKEN):
            body = request.json or {}
            if request.path.endswith("/callback"):
                if body["type"] not in CALLBACKS:
                    continue
                body = body["data"]
            found.append((request.method, body))
    return found


def nobody_is_called(env: Env) -> None:
    """Assert that no message can mention anyone, except a role in a daily question, and in edits, which call nobody."""
    for method, body in _spoken(env):
        allowed = body.get("allowed_mentions")
        assert allowed is not None, f"this may call anybody: {body}"
        assert not allowed.get("parse"), allowed
        assert not allowed.get("users"), allowed
        assert not allowed.get("replied_user"), allowed
        is_daily = method == "PATCH" or str(body.get("nonce", "")).startswith("delivery-")
        assert not allowed.get("roles") or is_daily, allowed
        assert "content" not in body or not body["content"]
