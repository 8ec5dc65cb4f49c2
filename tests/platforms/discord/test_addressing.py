"""Which messages the bot answers, with only the content that Discord shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.app import App
from bot.platforms.discord.client import connected
from tests.platforms.discord.fake import Channel, Discord, Guild, Interaction, Message, Person, met


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


async def shared(papers: Channel, bob: Person) -> Interaction:
    """Let somebody have something explained, and share it."""
    explained = (await bob.slash(papers, "explain", text="how does LoRA work?").until(has_buttons)).message
    assert explained is not None
    return await bob.press(explained, "Share").answered()


def has_buttons(it: Interaction) -> bool:
    return it.message is not None and "Share" in it.message.buttons


@pytest.mark.usefixtures("bot")
async def test_what_is_shared_is_a_message_of_its_own(papers: Channel, bob: Person) -> None:
    told = await shared(papers, bob)

    [post] = written(papers)
    assert "Shared by Bob" in post.text
    assert post.reference is None
    assert told.private
    assert "Shared" in told.text
    assert "low-rank" not in told.text


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("pings", [True, False])
async def test_a_reply_to_what_was_shared_continues_from_there(
    discord: Discord, papers: Channel, bob: Person, *, pings: bool
) -> None:
    await shared(papers, bob)
    asked = bob.says(papers, "why is that?", answers=papers.last, pings=pings)

    await answer(discord, papers, asked, "LoRA")


@pytest.mark.usefixtures("bot")
async def test_a_reply_that_calls_nobody_to_another_message_is_left_alone(
    discord: Discord, papers: Channel, bob: Person
) -> None:
    asked = bob.says(papers, f"<@{discord.me.id}>")
    question = await answer(discord, papers, asked, "What would you like to know?")
    bob.says(papers, "never mind", answers=question, pings=False)
    await answer(discord, papers, bob.says(papers, f"<@{discord.me.id}> what is a VAE?"), "VAE")

    assert len(written(papers)) == 2


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("lacking", ["send_messages", "view_channel"])
async def test_where_it_may_not_post_sharing_is_its_response(
    guild: Guild, papers: Channel, bob: Person, lacking: str
) -> None:
    papers.deny(guild.me.user.id, **{lacking: True})
    told = await shared(papers, bob)

    await told.until(lambda it: bool(it.followups))
    assert not written(papers)
    assert "Shared by Bob" in told.followups[0].text
    assert not told.followups[0].flags & 64


@pytest.mark.usefixtures("bot")
async def test_a_reply_that_discord_hides_is_answered_once_with_how_to_ask(
    discord: Discord, guild: Guild, papers: Channel, bob: Person
) -> None:
    papers.deny(guild.me.user.id, send_messages=True)
    told = await (await shared(papers, bob)).until(lambda it: bool(it.followups))
    papers.overwrites.clear()

    asked = bob.says(papers, "why is that?", answers=told.followups[0])
    await answer(discord, papers, asked, "Mention me")
    bob.says(papers, "hello?", answers=told.followups[0])
    await answer(discord, papers, bob.says(papers, f"<@{discord.me.id}> what is a VAE?"), "VAE")

    assert len(written(papers)) == 2


@pytest.mark.usefixtures("bot")
async def test_nothing_is_shared_in_a_direct_message(discord: Discord, papers: Channel, bob: Person) -> None:
    dm = discord.conversation(bob.user)
    bob.says(dm, "explain how LoRA works")
    await discord.until(lambda: bool(dm.messages) and "Share" in dm.last.buttons)
    told = await bob.press(dm.last, "Share").answered()

    assert "in a channel" in told.text
    assert "Shared by" not in told.text
    assert not written(papers)
