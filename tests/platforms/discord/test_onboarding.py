"""The bot comes to a server of Discord, goes, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import discord
import pytest
from simcord.actors import MemberActor
from simcord.backend import serializers
from simcord.backend.models import Overwrite
from simcord.builders import ChannelHandle, GuildHandle
from simcord.enums import OverwriteType
from simcord.env import Env

from bot.app import App
from bot.platforms.discord.client import StudyClient
from tests.platforms.discord.scene import Clock, buttons, direct, posts, press, said, turn, words

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

NINE = "A question here every weekday at 09:00"


@dataclass
class Visit:
    """A server that can bring the bot in and put it out again; nothing is known of it before."""

    env: Env
    guild: GuildHandle
    channel: ChannelHandle

    async def begin(self) -> None:
        payload = dict(serializers.guild_create_payload(self.env.backend, self.guild._guild))
        del payload["unavailable"]  # Discord says it of servers that are back after a fault
        self.env.backend.emit("GUILD_CREATE", payload)
        await self.env.settle()

    async def end(self) -> None:
        self.env.backend.emit("GUILD_DELETE", {"id": str(self.guild.id)})
        await self.env.settle()

    def member(self, name: str, **rights: bool) -> MemberActor:
        role = self.guild.create_role(f"of {name}", permissions=discord.Permissions(**rights))
        return self.guild.add_member(self.env.create_user(name), roles=[role])


@pytest.fixture
def visit(env: Env) -> Visit:
    """Make a server with a system channel, before the bot has come to it."""
    listeners, env.backend.subscribers = env.backend.subscribers, []
    guild = env.create_guild("Readers")
    channel = guild.create_text_channel("lobby")
    env.backend.edit_guild(guild.id, {"system_channel_id": channel.id})
    env.backend.subscribers = listeners
    return Visit(env, guild, channel)


def quietly(env: Env, change: Callable[[], object]) -> None:
    """Something that happens in a server before the bot is there to hear of it."""
    listeners, env.backend.subscribers = env.backend.subscribers, []
    change()
    env.backend.subscribers = listeners


def shut_out(visit: Visit, **permissions: bool) -> None:
    """Deny the bot such rights in the system channel."""
    overwrite = Overwrite(
        target_id=visit.env.backend.bot_user.id,
        type=OverwriteType.MEMBER,
        allow=0,
        deny=discord.Permissions(**permissions).value,
    )
    quietly(visit.env, lambda: visit.env.backend.set_overwrite(visit.channel.id, overwrite))


async def test_it_says_hello_once_in_the_system_channel(env: Env, visit: Visit) -> None:
    await visit.begin()
    [hello] = posts(visit.channel)
    assert "Hello!" in words(hello)
    assert list(buttons(hello)) == [NINE]

    await env.restart_bot()
    await env.settle()
    assert len(posts(visit.channel)) == 1
    assert not direct(visit.guild.owner)


async def test_the_greetings_button_sets_up_a_question_for_a_manager(
    app: App, env: Env, clock: Clock, visit: Visit
) -> None:
    await visit.begin()
    maya = visit.member("maya", manage_guild=True)
    done = await press(maya, posts(visit.channel)[0], NINE)
    assert done.ephemeral
    assert "all set: weekdays at 09:00" in said(done)

    clock.until("09:00")
    await turn(app, env)
    assert "Question of the day" in words(posts(visit.channel)[-1])
    assert "Hello!" in words(posts(visit.channel)[0])


async def test_the_greetings_button_refuses_everyone_but_managers(
    app: App, env: Env, clock: Clock, visit: Visit
) -> None:
    await visit.begin()
    bob = visit.member("bob")
    refused = await press(bob, posts(visit.channel)[0], NINE)
    assert refused.ephemeral
    assert "for managers" in said(refused)

    clock.until("09:00")
    await turn(app, env)
    assert len(posts(visit.channel)) == 1


async def test_pressing_it_twice_sets_up_one_question(app: App, env: Env, clock: Clock, visit: Visit) -> None:
    await visit.begin()
    maya = visit.member("maya", manage_guild=True)
    await press(maya, posts(visit.channel)[0], NINE)
    again = await press(maya, posts(visit.channel)[0], NINE)
    assert "already has a schedule like that" in said(again)

    clock.until("09:00")
    await turn(app, env)
    assert len(posts(visit.channel)) == 2


@pytest.mark.parametrize("permission", ["send_messages", "view_channel"])
async def test_the_owner_is_greeted_if_it_cannot_write_in_the_channel(visit: Visit, permission: str) -> None:
    shut_out(visit, **{permission: True})
    await visit.begin()

    assert not posts(visit.channel)
    [hello] = direct(visit.guild.owner)
    assert "Hello!" in words(hello)
    assert "schedule setup" in words(hello)


async def test_the_owner_is_greeted_without_a_system_channel(env: Env, visit: Visit) -> None:
    quietly(env, lambda: env.backend.edit_guild(visit.guild.id, {"system_channel_id": None}))
    await visit.begin()

    assert len(direct(visit.guild.owner)) == 1


async def test_whoever_invited_it_is_greeted_if_the_audit_log_can_be_read(env: Env, visit: Visit) -> None:
    shut_out(visit, send_messages=True)
    host = env.create_user("host")
    quietly(env, lambda: visit.guild.add_member(host))
    env.backend.record_audit_log(
        visit.guild.id,
        user_id=host.id,
        action_type=discord.AuditLogAction.bot_add.value,
        target_id=env.backend.bot_user.id,
    )
    await visit.begin()

    assert len(direct(host)) == 1
    assert not direct(visit.guild.owner)


async def test_an_owner_who_blocks_messages_does_no_harm(app: App, env: Env, visit: Visit) -> None:
    shut_out(visit, send_messages=True)
    env.inject_error("POST", "/channels/*/messages", status=403, code=50007)
    await visit.begin()
    bob = visit.member("bob")
    hall = visit.guild.create_text_channel("hall")

    assert "what I can do" in said(await bob.slash(hall, "help"))


async def test_the_owner_is_greeted_if_posting_in_the_channel_fails(env: Env, visit: Visit) -> None:
    env.inject_error("POST", f"/channels/{visit.channel.id}/messages", status=403, code=50013)
    await visit.begin()

    assert len(direct(visit.guild.owner)) == 1


async def test_servers_that_added_it_while_it_was_offline_are_greeted(env: Env, app: App, visit: Visit) -> None:
    await env.restart_bot(StudyClient(app, token="a-token"))
    await env.settle()

    assert len(posts(visit.channel)) == 1


async def test_it_stops_posting_once_removed_while_offline(app: App, env: Env, clock: Clock, visit: Visit) -> None:
    await visit.begin()
    maya = visit.member("maya", manage_guild=True)
    await press(maya, posts(visit.channel)[0], NINE)
    quietly(env, lambda: env.backend.remove_guild(visit.guild.id))
    await env.restart_bot(StudyClient(app, token="a-token"))
    await env.settle()
    clock.until("09:00")
    await turn(app, env)

    assert not direct(maya)
    assert not direct(visit.guild.owner)


async def test_it_stops_posting_once_removed(app: App, env: Env, clock: Clock, visit: Visit) -> None:
    await visit.begin()
    maya = visit.member("maya", manage_guild=True)
    await press(maya, posts(visit.channel)[0], NINE)
    await visit.end()
    clock.until("09:00")
    await turn(app, env)

    assert len(posts(visit.channel)) == 1
    assert not direct(maya)


async def test_coming_back_it_says_which_schedule_is_waiting(app: App, env: Env, clock: Clock, visit: Visit) -> None:
    await visit.begin()
    maya = visit.member("maya", manage_guild=True)
    await press(maya, posts(visit.channel)[0], NINE)
    await visit.end()
    await visit.begin()
    back = posts(visit.channel)[-1]
    assert "I'm back!" in words(back)
    assert "1 schedule is on hold" in words(back)

    assert "Back on." in said(await maya.slash(visit.channel, "schedule resume"))
    clock.until("09:00")
    await turn(app, env)
    assert "Question of the day" in words(posts(visit.channel)[-1])


async def test_coming_back_without_a_schedule_it_just_says_so(visit: Visit) -> None:
    await visit.begin()
    await visit.end()
    await visit.begin()

    assert "I'm back!" in words(posts(visit.channel)[-1])
    assert "schedule" not in words(posts(visit.channel)[-1])


async def test_a_server_with_a_hostile_name_is_greeted_like_any_other(env: Env, visit: Visit) -> None:
    quietly(env, lambda: env.backend.edit_guild(visit.guild.id, {"name": "@everyone \u202e[x](https://x.example)"}))
    await visit.begin()
    bob = visit.member("bob")

    assert len(posts(visit.channel)) == 1
    assert "@everyone" not in said(await bob.slash(visit.channel, "me"))
