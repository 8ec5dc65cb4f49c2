"""Conversations in direct messages, which are about one server that the member shares with the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.app import App
from bot.platforms.discord.client import connected
from tests.platforms.discord.fake import Channel, Discord, Guild, Message, Person, met
from tests.platforms.discord.fake.model import Membership

HOW = "how does LoRA work?"
WARNING = "⚠️"


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with met() as there:
        yield there


@pytest.fixture
def readers(discord: Discord) -> Guild:
    return discord.guild("Readers")


@pytest.fixture
def writers(discord: Discord) -> Guild:
    return discord.guild("Writers")


@pytest.fixture(autouse=True)
async def bot(app: App, discord: Discord, readers: Guild, writers: Guild) -> AsyncIterator[None]:
    async with connected(app, token=discord.token):
        await discord.until(lambda: discord.gateway.ready)
        yield


@pytest.fixture
def bob(discord: Discord, readers: Guild) -> Person:
    return Person.joins(discord, readers, "bob")


@pytest.fixture
def dm(discord: Discord, bob: Person) -> Channel:
    return discord.conversation(bob.user)


async def answer(discord: Discord, dm: Channel, text: str) -> Message:
    """Write to the bot, and return its finished answer."""
    [member] = [Person(discord, user) for user in discord.users.values() if user is dm.recipient]
    asked = member.says(dm, text)
    return await reply_to(discord, dm, asked)


async def reply_to(discord: Discord, dm: Channel, asked: Message) -> Message:
    def replies() -> list[Message]:
        return [m for m in dm.messages.values() if m.author is discord.me and m.reference == asked.id]

    await discord.until(lambda: any(reply.buttons or reply.text.startswith(WARNING) for reply in replies()))
    return replies()[-1]


async def test_a_text_is_answered_where_only_one_server_is_shared(
    discord: Discord, dm: Channel, readers: Guild
) -> None:
    answered = await answer(discord, dm, HOW)

    assert "low-rank" in answered.text
    assert answered.buttons["Ask more"].startswith(f"@{readers.id} followup ")


async def test_its_name_is_left_out(discord: Discord, dm: Channel) -> None:
    me = f"<@{discord.me.id}>"

    assert "low-rank" in (await answer(discord, dm, f"{me} {HOW}")).text
    assert {"A", "B"} <= (await answer(discord, dm, f"{me} question vae")).buttons.keys()


async def test_the_next_text_continues_from_there(discord: Discord, dm: Channel) -> None:
    await answer(discord, dm, HOW)

    assert "LoRA" in (await answer(discord, dm, "why is that?")).text


async def test_ask_more_works_there(discord: Discord, dm: Channel, bob: Person) -> None:
    form = await bob.press(await answer(discord, dm, HOW), "Ask more").answered()

    assert "LoRA" in (await bob.submit(form, text="Why is that?").answered()).text


async def test_a_command_can_be_typed(discord: Discord, dm: Channel) -> None:
    assert {"A", "B", "C", "D"} <= (await answer(discord, dm, "question vae")).buttons.keys()


@pytest.mark.parametrize("line", ["schedule setup 09:00", "share streak", "managers list"])
async def test_what_belongs_into_a_server_is_used_there(discord: Discord, dm: Channel, line: str) -> None:
    answered = await answer(discord, dm, line)

    assert "in a channel" in answered.text
    assert "all set" not in answered.text


async def test_with_several_servers_it_asks_once_which_one(
    discord: Discord, dm: Channel, bob: Person, writers: Guild
) -> None:
    writers.members[bob.user.id] = Membership(bob.user)
    asked = await answer(discord, dm, HOW)
    assert asked.buttons.keys() == {"Readers", "Writers"}
    assert "low-rank" not in asked.text

    chosen = await bob.press(asked, "Writers").answered()
    assert "Writers" in chosen.text
    await discord.until(lambda: "low-rank" in dm.last.text)
    assert dm.last.buttons["Ask more"].startswith(f"@{writers.id} ")
    assert (await answer(discord, dm, "what is a VAE?")).buttons["Ask more"].startswith(f"@{writers.id} ")


async def test_the_server_can_be_changed(discord: Discord, dm: Channel, bob: Person, writers: Guild) -> None:
    await answer(discord, dm, HOW)
    writers.members[bob.user.id] = Membership(bob.user)
    asked = await answer(discord, dm, "server")
    await bob.press(asked, "Writers").answered()

    assert (await answer(discord, dm, "what is a VAE?")).buttons["Ask more"].startswith(f"@{writers.id} ")


async def test_who_leaves_the_server_is_asked_again(
    discord: Discord, dm: Channel, bob: Person, readers: Guild, writers: Guild
) -> None:
    await answer(discord, dm, HOW)
    writers.members[bob.user.id] = Membership(bob.user)
    del readers.members[bob.user.id]

    assert (await answer(discord, dm, "what is a VAE?")).buttons["Ask more"].startswith(f"@{writers.id} ")


async def test_who_shares_no_server_is_told_what_to_do(
    discord: Discord, dm: Channel, bob: Person, readers: Guild
) -> None:
    del readers.members[bob.user.id]

    assert "one that we share" in (await answer(discord, dm, HOW)).text


async def test_nobody_picks_a_server_they_are_not_in(
    discord: Discord, dm: Channel, bob: Person, writers: Guild
) -> None:
    writers.members[bob.user.id] = Membership(bob.user)
    asked = await answer(discord, dm, HOW)
    del writers.members[bob.user.id]

    assert "you or I have left" in (await bob.press(asked, "Writers").answered()).text


async def test_servers_names_are_harmless(discord: Discord, dm: Channel, bob: Person, writers: Guild) -> None:
    writers.members[bob.user.id] = Membership(bob.user)
    hostile = discord.guild("@everyone \u202e" + "x" * 85)
    hostile.members[bob.user.id] = Membership(bob.user)
    discord.join(hostile)
    asked = await answer(discord, dm, HOW)

    assert len(asked.buttons) == 3
    assert "\u202e" not in "".join(asked.buttons)


async def test_when_discord_is_away_it_says_so(discord: Discord, dm: Channel) -> None:
    discord.fail("GET", r"/guilds/\d+/members/\d+", 403, 0, times=2)
    answered = await answer(discord, dm, HOW)
    assert "one that we share" in answered.text

    discord.fail("GET", r"/guilds/\d+/members/\d+", 400, 0, times=2)
    assert "try again" in (await answer(discord, dm, HOW)).text


async def test_other_bots_and_its_own_messages_are_ignored(discord: Discord, dm: Channel, bob: Person) -> None:
    bob.user.bot = True
    bob.says(dm, HOW)
    bob.user.bot = False
    answered = await answer(discord, dm, "what is a VAE?")

    assert [m for m in dm.messages.values() if m.author is discord.me] == [answered]
