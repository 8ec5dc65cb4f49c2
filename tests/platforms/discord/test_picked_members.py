"""Members picked from Discord's own list: their names come with the pick, even if they've never used the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.app import App
from bot.platforms.discord.client import connected
from tests.platforms.discord.fake import Channel, Discord, Guild, Person, met


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with met() as there:
        yield there


@pytest.fixture
def guild(discord: Discord) -> Guild:
    return discord.guild("Readers")


@pytest.fixture
def papers(discord: Discord, guild: Guild) -> Channel:
    return discord.channel(guild, "papers")


@pytest.fixture(autouse=True)
async def bot(app: App, discord: Discord, papers: Channel) -> AsyncIterator[None]:
    async with connected(app, token=discord.token):
        await discord.until(lambda: discord.gateway.ready)
        yield


@pytest.fixture
def maya(discord: Discord, guild: Guild) -> Person:
    return Person.joins(discord, guild, "maya", discord.role(guild, "Hosts", manage_guild=True).id)


@pytest.fixture
def newcomer(discord: Discord, guild: Guild) -> Person:
    """Return somebody who has never used the bot, and goes by another name here."""
    person = Person.joins(discord, guild, "sue")
    guild.members[person.user.id].nick = "Susanne"
    return person


async def say(person: Person, channel: Channel, command: str, member: Person) -> str:
    return (await person.slash(channel, command, member=str(member.user.id)).answered()).text


async def test_somebody_who_never_used_the_bot_becomes_a_manager(
    papers: Channel, maya: Person, newcomer: Person
) -> None:
    assert "Susanne is now a manager" in await say(maya, papers, "managers add", newcomer)
    assert "Susanne is already a manager" in await say(maya, papers, "managers add", newcomer)
    assert "Susanne" in (await maya.slash(papers, "managers list").answered()).text
    assert "Susanne is no longer a manager" in await say(maya, papers, "managers remove", newcomer)


async def test_a_manager_who_left_the_server_can_be_removed(
    guild: Guild, papers: Channel, maya: Person, newcomer: Person
) -> None:
    await say(maya, papers, "managers add", newcomer)
    del guild.members[newcomer.user.id]

    assert "is no longer a manager" in await say(maya, papers, "managers remove", newcomer)


async def test_who_was_never_a_manager_is_not_stored_for_being_removed(
    papers: Channel, maya: Person, newcomer: Person
) -> None:
    for _ in range(2):
        assert "Susanne isn't on the list of managers" in await say(maya, papers, "managers remove", newcomer)


async def test_a_bot_is_no_manager(discord: Discord, guild: Guild, papers: Channel, maya: Person) -> None:
    robot = Person.joins(discord, guild, "robot")
    robot.user.bot = True

    assert "now a manager" not in await say(maya, papers, "managers add", robot)


async def test_who_never_used_the_bot_is_spoken_of_by_name(papers: Channel, maya: Person, newcomer: Person) -> None:
    assert "Susanne hasn't studied here yet" in await say(maya, papers, "streak", newcomer)


async def test_the_menu_of_a_member_speaks_of_them_by_name(papers: Channel, maya: Person, newcomer: Person) -> None:
    shown = await maya.chooses(papers, "Study profile", newcomer).answered()

    assert "Susanne hasn't studied here yet" in shown.text


async def test_a_name_from_the_list_mentions_nobody(guild: Guild, papers: Channel, maya: Person) -> None:
    mallory = Person.joins(maya.discord, guild, "mallory")
    guild.members[mallory.user.id].nick = "@everyone <@&1> \u202e**x**"

    said = await say(maya, papers, "managers add", mallory)
    assert "is now a manager" in said
    assert "@everyone" not in said
    assert "\u202e" not in said
