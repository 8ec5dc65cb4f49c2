"""Talking to the bot in a channel of Discord by its name, sharing there, and the entries of menus."""

from __future__ import annotations

import re

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.app import App
from bot.platforms.discord.client import StudyClient
from tests.platforms.discord.scene import (
    Clock,
    buttons,
    letters,
    parts,
    posts,
    press,
    requests,
    said,
    turn,
    words,
)
from tests.platforms.model import Model

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

CALL = r"(?<!\\)<@"
"""A mention that is not escaped."""
HOSTILE = "@everyone <@&1> \u202e[free](https://evil.example) *_~`|"


def me(env: Env) -> str:
    return f"<@{env.backend.bot_user.id}>"


async def test_a_mention_is_answered_in_the_channel(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    asked = await bob.send(channel, f"{me(env)} how does LoRA work?")
    [answer] = posts(channel)

    assert "LoRA" in words(answer)
    assert answer.reference is not None
    assert answer.reference.message_id == asked.id
    assert "Ask more" in buttons(answer)
    assert "Share" not in buttons(answer)


async def test_its_answer_mentions_nobody(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    await bob.send(channel, f"{me(env)} how does LoRA work?")

    [sent] = requests(env, "POST", f"/channels/{channel.id}/messages")
    assert sent["allowed_mentions"] == {"parse": [], "replied_user": False}
    [stored] = [m for m in env.backend.messages[channel.id].values() if m.author_id == env.backend.bot_user.id]
    assert not stored.ping_user_ids
    assert not stored.mention_everyone


async def test_a_mention_in_a_thread_is_answered_there(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    env.backend.create_thread(channel.id, "talk", bob.id)
    await env.settle()
    [thread] = channel.threads
    await bob.send(thread, f"what about a VAE, {me(env)}?")

    assert len(posts(thread)) == 1
    assert not posts(channel)


async def test_a_mention_in_a_new_thread_continues_from_its_channel(
    env: Env, channel: ChannelHandle, bob: MemberActor
) -> None:
    await bob.send(channel, f"{me(env)} what is a VAE?")
    env.backend.create_thread(channel.id, "talk", bob.id)
    await env.settle()
    [thread] = channel.threads
    await bob.send(thread, f"{me(env)} why is that?")

    assert "VAE" in words(posts(thread)[-1])


async def test_a_reply_to_its_message_continues_from_there(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    await bob.send(channel, f"{me(env)} how does LoRA work?")
    await bob.send(channel, f"{me(env)} why is that?", reply_to=posts(channel)[0])

    assert len(posts(channel)) == 2
    assert "LoRA" in words(posts(channel)[1])


async def test_a_mention_without_words_gets_a_question_back(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    await bob.send(channel, me(env))

    assert "What would you like to know?" in words(posts(channel)[0])


@pytest.mark.parametrize("text", ["how does LoRA work?", "@everyone how does LoRA work?", "@TestBot LoRA?", ""])
async def test_messages_that_do_not_mention_it_are_ignored(
    env: Env, channel: ChannelHandle, bob: MemberActor, text: str
) -> None:
    await bob.send(channel, text or "…")

    assert not posts(channel)


async def test_other_bots_are_ignored(env: Env, channel: ChannelHandle) -> None:
    other = env.guild.add_member(env.create_user("other", bot=True))
    await other.send(channel, f"{me(env)} how does LoRA work?")
    hook = env.guild.create_webhook(channel)
    await hook.send(f"{me(env)} how does LoRA work?")

    assert not requests(env, "POST", r"/channels/\d+/messages")


async def test_quoting_the_question_mentions_nobody(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    await bob.send(channel, f"{me(env)} {HOSTILE}")

    answers = posts(channel)
    assert answers
    for answer in answers:
        assert "@everyone" not in words(answer)
        assert not re.search(CALL, words(answer))
        assert "\u202e" not in words(answer)


async def test_an_open_question_is_never_answered_in_public(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await maya.slash(channel, "schedule setup", time="09:00")
    clock.until("09:00")
    await turn(app, env)
    _, _, question = await letters(app, posts(channel)[0])
    await bob.send(channel, f"{me(env)} {question.title}")
    assert "open question" in words(posts(channel)[-1])

    looked = await bob.slash(channel, "ask", text=question.title)
    assert looked.ephemeral
    shared = await press(bob, looked, "Share")
    assert "open question" in said(shared)

    clock.until("17:00")
    await turn(app, env)
    await bob.send(channel, f"{me(env)} {question.title}")
    assert "open question" not in words(posts(channel)[-1])


async def test_it_does_not_give_a_question_away_in_its_thread(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> None:
    await maya.slash(channel, "schedule setup", time="09:00", thread="on")
    clock.until("09:00")
    await turn(app, env)
    [thread] = channel.threads
    await bob.send(thread, f"{me(env)} give me a hint")

    assert "open question" in words(posts(thread)[-1])


async def test_a_channel_it_cannot_write_in_does_no_harm(
    env: Env, app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    env.inject_error("POST", f"/channels/{channel.id}/messages", status=403, code=50013)
    await bob.send(channel, f"{me(env)} how does LoRA work?")
    assert not posts(channel)

    await bob.send(channel, f"{me(env)} how does LoRA work?")
    assert len(posts(channel)) == 1


async def test_ask_more_under_a_public_answer_is_answered_in_private(
    env: Env, channel: ChannelHandle, bob: MemberActor, ada: MemberActor
) -> None:
    await bob.send(channel, f"{me(env)} how does LoRA work?")
    form = await press(ada, posts(channel)[0], "Ask more")
    more = await ada.submit_modal(form, {"text": "Why is that?"})

    assert more.ephemeral
    assert "LoRA" in said(more)
    assert len(posts(channel)) == 1


async def test_a_shared_explanation_names_who_asked(
    env: Env, channel: ChannelHandle, bob: MemberActor, ada: MemberActor
) -> None:
    told = await bob.slash(channel, "explain", text="How does LoRA work?")
    assert told.ephemeral
    shared = await press(bob, told, "Share")

    assert shared.ephemeral
    [post] = posts(channel)
    assert "Shared by bob" in words(post)
    await press(ada, post, "Ask more")
    await ada.send(channel, f"{me(env)} why is that?")
    assert "LoRA" in words(posts(channel)[-1])


async def test_a_shared_lookup_has_buttons_for_everybody(
    channel: ChannelHandle, bob: MemberActor, ada: MemberActor
) -> None:
    found = await bob.slash(channel, "ask", text="what is LoRA")
    await press(bob, found, "Share")
    [post] = posts(channel)
    assert "Shared by bob" in words(post)

    opened = await press(ada, post, "In depth")
    assert opened.ephemeral
    assert [words(shown) for shown in posts(channel)] == [words(post)]


async def test_a_member_with_a_hostile_name_shares_without_harm(env: Env, channel: ChannelHandle) -> None:
    mallory = env.guild.add_member(env.create_user("mallory", global_name=HOSTILE))
    await press(mallory, await mallory.slash(channel, "ask", text="what is LoRA"), "Share")

    [post] = posts(channel)
    shown = words(post)
    assert "@everyone" not in shown
    assert not re.search(CALL, shown)
    assert "](https" not in shown
    assert "\u202e" not in shown


async def test_a_message_becomes_a_question_about_it(
    env: Env, channel: ChannelHandle, bob: MemberActor, ada: MemberActor
) -> None:
    message = await ada.send(channel, "Our GAN makes the same face over and over. Why does mode collapse happen?")
    asked = await bob.context_menu(channel, "Quiz me on this", message)

    assert asked.ephemeral
    assert {"A", "B", "C", "D"} <= set(buttons(asked.response))
    assert "gan" in said(asked)
    assert "The reference" in said(await press(bob, asked, "A"))


async def test_the_bots_own_message_becomes_a_question_too(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    await bob.send(channel, f"{me(env)} how does LoRA work?")
    asked = await bob.context_menu(channel, "Quiz me on this", posts(channel)[0])

    assert {"A", "B", "C", "D"} <= set(buttons(asked.response))


@pytest.mark.parametrize("text", ["lunch at noon?", "👍", HOSTILE, "a" * 2000])
async def test_a_message_about_something_else_gets_an_explanation_and_no_question(
    channel: ChannelHandle, bob: MemberActor, ada: MemberActor, text: str
) -> None:
    asked = await bob.context_menu(channel, "Quiz me on this", await ada.send(channel, text))

    assert asked.ephemeral
    assert "Something went wrong" not in said(asked)
    assert "A" not in buttons(asked.response)


async def test_a_message_without_text_gets_an_explanation(
    channel: ChannelHandle, bob: MemberActor, ada: MemberActor
) -> None:
    picture = await ada.send(channel, "", attachments=[("cat.png", b"\x89PNG")])
    asked = await bob.context_menu(channel, "Quiz me on this", picture)

    assert asked.ephemeral
    assert "Something went wrong" not in said(asked)


async def test_a_members_menu_shows_their_profile(channel: ChannelHandle, bob: MemberActor, ada: MemberActor) -> None:
    unknown = await bob.context_menu(channel, "Study profile", ada)
    assert unknown.ephemeral
    assert "hasn't studied here yet" in said(unknown)

    await press(ada, await ada.slash(channel, "question", topic="vae"), "A")
    known = await bob.context_menu(channel, "Study profile", ada)
    assert "ada" in said(known)
    assert "1 day" in said(known)

    await ada.slash(channel, "me", standings="hidden")
    assert "keeps their standing private" in said(await bob.context_menu(channel, "Study profile", ada))


async def test_a_streaming_answer_is_edited_in_place(
    env: Env, model: Model, channel: ChannelHandle, bob: MemberActor
) -> None:
    model.enough = lambda: bool(posts(channel))
    await bob.send(channel, f"{me(env)} how does LoRA work?")

    assert len(posts(channel)) == 1
    assert "…" not in words(posts(channel)[0]).splitlines()[0]
    assert requests(env, "PATCH", r"/channels/\d+/messages/\d+")


async def test_old_answers_can_be_continued_after_a_restart(
    env: Env, app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    await bob.send(channel, f"{me(env)} how does LoRA work?")
    await env.restart_bot(StudyClient(app, token="a-token"))
    form = await press(bob, posts(channel)[0], "Ask more")
    more = await bob.submit_modal(form, {"text": "Why is that?"})

    assert "LoRA" in said(more)


async def test_a_public_answer_stays_within_one_frame(env: Env, channel: ChannelHandle, bob: MemberActor) -> None:
    await bob.send(channel, f"{me(env)} how does LoRA work?")

    assert len(parts(posts(channel)[0])) <= 40
    assert isinstance(posts(channel)[0].channel, discord.TextChannel)
