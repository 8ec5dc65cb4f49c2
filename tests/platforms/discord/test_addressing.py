"""Which messages the bot answers, with only the content that Discord shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.app import App
from bot.platforms.discord.client import connected
from tests.platforms.discord.fake import Channel, Discord, Guild, Message, Person, met


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


@pytest.fixture
async def bot(app: App, discord: Discord, papers: Channel) -> AsyncIterator[None]:
    async with connected(app, token=discord.token):
        await discord.until(lambda: discord.gateway.ready)
        yield


@pytest.fixture
def bob(discord: Discord, guild: Guild) -> Person:
    return Person.joins(discord, guild, "bob")


def own_role(guild: Guild) -> str:
    return f"<@&{guild.own_role.id}>"


def written(channel: Channel) -> list[Message]:
    """Return the bot's messages in a channel that aren't responses of interactions."""
    return [m for m in channel.messages.values() if m.author.bot and m.interaction is None]


async def answer(discord: Discord, channel: Channel, asked: Message, words: str) -> Message:
    """Return the bot's reply to a message, once it says that."""

    def replies() -> list[Message]:
        return [m for m in written(channel) if m.reference == asked.id]

    await discord.until(lambda: any(words in reply.text for reply in replies()))
    return replies()[-1]


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("text", ["{} how does LoRA work?", "how does LoRA work, {}?", "{} {} how does LoRA work?"])
async def test_its_own_role_is_as_good_as_its_name(
    discord: Discord, guild: Guild, papers: Channel, bob: Person, text: str
) -> None:
    role = own_role(guild)
    answered = await answer(discord, papers, bob.says(papers, text.format(role, role)), "low-rank")

    assert role not in answered.text


@pytest.mark.usefixtures("bot")
async def test_its_name_and_its_role_together_are_asked_once(
    discord: Discord, guild: Guild, papers: Channel, bob: Person
) -> None:
    asked = bob.says(papers, f"<@{discord.me.id}> {own_role(guild)}")

    await answer(discord, papers, asked, "What would you like to know?")
    assert len(written(papers)) == 1


@pytest.mark.usefixtures("bot")
async def test_other_roles_are_not_its_name(discord: Discord, guild: Guild, papers: Channel, bob: Person) -> None:
    shared, other = discord.role(guild, "Bots", mentionable=True), discord.role(guild, "another", mentionable=True)
    guild.me.roles.append(shared.id)
    other.bot = bob.user.id
    bob.says(papers, f"<@&{shared.id}> <@&{other.id}> how does LoRA work?")
    asked = bob.says(papers, f"<@{discord.me.id}> what is a VAE?")
    await answer(discord, papers, asked, "VAE")

    assert len(written(papers)) == 1


async def test_its_role_is_known_where_the_server_has_not_arrived(
    app: App, discord: Discord, guild: Guild, papers: Channel, bob: Person
) -> None:
    guild.unavailable = True
    async with connected(app, token=discord.token):
        await discord.until(lambda: discord.gateway.ready)
        await answer(discord, papers, bob.says(papers, f"{own_role(guild)} how does LoRA work?"), "low-rank")
        await answer(discord, papers, bob.says(papers, f"{own_role(guild)} what is a VAE?"), "VAE")

    assert len(discord.asked("GET", rf"/guilds/{guild.id}/roles")) == 1
