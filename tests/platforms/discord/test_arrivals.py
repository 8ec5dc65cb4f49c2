"""The first minute in a server and the last, over sockets: who is greeted where, and what is caught up with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from bot.app import App
from bot.context.identity import Location
from bot.platforms.discord.client import connected
from bot.store import tables
from tests.platforms.discord.fake import Channel, Discord, Guild, Person, met

MESSAGES = r"/channels/\d+/messages"


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with met(shards=2) as there:
        yield there


@pytest.fixture
async def bot(app: App, discord: Discord) -> AsyncIterator[None]:
    """On the first shard of two."""
    async with connected(app, token=discord.token, shard_count=2, shard_ids=[0]):
        await discord.until(lambda: bool(discord.gateway.sessions))
        yield


@pytest.fixture
def guild(discord: Discord) -> Guild:
    """One that the bot is not in yet."""
    made = guild_of(discord, 0)
    del discord.guilds[made.id]
    return made


def guild_of(discord: Discord, shard: int, *, unavailable: bool = False) -> Guild:
    """Add a guild of that shard, with a system channel."""
    while (made := discord.guild()).id >> 22 & 1 != shard:
        del discord.guilds[made.id]
    made.system_channel, made.unavailable = discord.channel(made, "lobby"), unavailable
    return made


def lobby(guild: Guild) -> Channel:
    assert guild.system_channel is not None
    return guild.system_channel


async def is_told(discord: Discord, channel: Channel) -> str:
    """Wait until something is said there, and return it."""
    await discord.until(lambda: bool(channel.messages))
    [message] = channel.messages.values()
    return message.text


@pytest.mark.usefixtures("bot")
async def test_the_system_channel_is_greeted(discord: Discord, guild: Guild) -> None:
    maya = Person.joins(discord, guild, "maya", discord.role(guild, "Hosts", manage_guild=True).id)
    discord.join(guild)

    assert "Hello!" in await is_told(discord, lobby(guild))
    done = await maya.press(lobby(guild).last, "A question here every weekday at 09:00").answered()
    assert "all set: weekdays at 09:00" in done.text
    assert not discord.conversation(guild.owner).messages


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("shut", [True, False], ids=["may not write there", "there is none"])
async def test_otherwise_whoever_invited_the_bot_is_greeted(discord: Discord, guild: Guild, shut: bool) -> None:
    host = Person.joins(discord, guild, "host").user
    guild.me.roles.append(discord.role(guild, "Studyhall", view_audit_log=True).id)
    if shut:
        lobby(guild).deny(guild.id, send_messages=True)
    else:
        guild.system_channel = None
    discord.join(guild, by=host)

    assert "Hello!" in await is_told(discord, discord.conversation(host))
    assert not any(channel.messages for channel in guild.channels.values())
    assert not discord.conversation(guild.owner).messages


@pytest.mark.usefixtures("bot")
async def test_the_owner_is_greeted_if_the_audit_log_cannot_be_read(discord: Discord, guild: Guild) -> None:
    guild.system_channel = None
    discord.join(guild, by=discord.user("host"))

    assert "Hello!" in await is_told(discord, discord.conversation(guild.owner))
    assert not discord.asked("GET", r"/guilds/\d+/audit-logs")


async def known(app: App, guild: Guild) -> Location:
    """Add a guild that has been greeted."""
    place = Location("discord", str(guild.id), "", guild.name)
    assert await app.workspace_joined(place) is not None
    return place


async def left(app: App) -> set[str]:
    workspaces = tables.workspaces.c
    left_workspaces = select(workspaces.external_id).where(workspaces.left_at.is_not(None))
    return set(await app.study.store.query(lambda connection: connection.execute(left_workspaces).scalars().all()))


async def test_only_servers_that_removed_the_bot_while_it_was_offline_are_marked_as_left(
    app: App, discord: Discord
) -> None:
    here, gone, dark = guild_of(discord, 0), guild_of(discord, 0), guild_of(discord, 0, unavailable=True)
    of_another, gone_from_another = guild_of(discord, 1), guild_of(discord, 1)
    for guild in (here, gone, dark, of_another, gone_from_another):
        await known(app, guild)
    del discord.guilds[gone.id], discord.guilds[gone_from_another.id]
    new = guild_of(discord, 0)

    async with connected(app, token=discord.token, shard_count=2, shard_ids=[0]):
        await is_told(discord, lobby(new))  # the last of what it catches up with
        assert await left(app) == {str(gone.id)}
    assert not any(lobby(guild).messages for guild in (here, dark, of_another))


async def test_servers_that_added_it_back_while_it_was_offline_are_marked_and_greeted(
    app: App, discord: Discord
) -> None:
    back = guild_of(discord, 0)
    await app.workspace_left(await known(app, back))

    async with connected(app, token=discord.token, shard_count=2, shard_ids=[0]):
        assert "I'm back!" in await is_told(discord, lobby(back))
        assert not await left(app)
