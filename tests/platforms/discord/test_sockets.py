"""The bot as it runs: real discord.py over real sockets, against a Discord that forgets, refuses and breaks off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from structlog.testing import capture_logs

from bot.app import App
from bot.context.identity import Location
from bot.context.outbox import Outbox, PostError, PostExtras, PostOptions, UnavailableError
from bot.errors import SetupError
from bot.platforms.discord.client import connected
from bot.replies import Button, Buttons, Notice, Reply, Text
from tests.clocks import HANG
from tests.platforms.discord.fake import Channel, Discord, Interaction, Message, Person, met
from tests.platforms.model import Model
from tests.readings import Moved

POST = Reply.of(Text("Why is the rank of the update low?"))
ALONE = Reply.of(Notice("Your streak ends tonight."), Buttons((Button("Practice now", "question"),)))
MESSAGES = r"/channels/\d+/messages"
MEMBER = r"/guilds/\d+/members/\d+"
CALLBACK = r"/interactions/\d+/[^/]+/callback"
EDIT = r"/webhooks/\d+/[^/]+/messages/@original"


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with met() as there:
        yield there


@pytest.fixture
def papers(discord: Discord) -> Channel:
    return discord.channel(discord.guild("Readers"), "papers")


@pytest.fixture
async def bot(app: App, discord: Discord, papers: Channel) -> AsyncIterator[None]:
    async with connected(app, token=discord.token):
        await discord.until(lambda: discord.gateway.ready)
        yield


@pytest.fixture
def bob(discord: Discord, papers: Channel) -> Person:
    assert papers.guild is not None
    return Person.joins(discord, papers.guild, "bob")


@pytest.fixture
def maya(discord: Discord, papers: Channel) -> Person:
    assert papers.guild is not None
    return Person.joins(discord, papers.guild, "maya", discord.role(papers.guild, "Hosts", manage_guild=True).id)


@pytest.fixture
def outbox(app: App, bot: None) -> Outbox:
    return app.study.outboxes["discord"]


def at(channel: Channel) -> Location:
    assert channel.guild is not None
    return Location("discord", str(channel.guild.id), str(channel.id))


@pytest.mark.usefixtures("bot")
async def test_it_starts_and_its_commands_are_registered(app: App, discord: Discord) -> None:
    registered = {command["name"] for command in discord.commands[0]}

    listed = {command.name.split()[0] for command in app.registry if not command.hidden}
    assert registered == listed | {command.shortcut.label for command in app.registry if command.shortcut}
    assert len(discord.gateway.identified) == 1


async def test_a_rejected_token_is_explained(app: App, discord: Discord) -> None:
    with pytest.raises(SetupError, match="DISCORD_TOKEN"):
        async with connected(app, token="of-another-bot"):
            pass

    assert len(discord.requests) == 1


async def test_an_unreachable_discord_is_reported(app: App, discord: Discord) -> None:
    discord.fail("GET", "/users/@me", 503)

    with pytest.raises(SetupError, match="Can't reach Discord"):
        async with connected(app, token=discord.token):
            pass


async def test_it_can_be_stopped_while_it_waits_to_connect(app: App, discord: Discord) -> None:
    discord.gateway.opened.clear()
    async with asyncio.timeout(HANG):
        async with connected(app, token=discord.token):
            await discord.until(lambda: bool(discord.asked("GET", "/gateway/bot")))

    assert not discord.gateway.identified


@pytest.mark.usefixtures("bot")
async def test_a_command_is_answered_in_private(papers: Channel, bob: Person) -> None:
    answer = await bob.slash(papers, "team list").answered()

    assert answer.private
    assert "There are no teams yet" in answer.text
    assert not papers.messages


@pytest.mark.usefixtures("bot")
async def test_suggestions_come_while_a_member_types(papers: Channel, bob: Person) -> None:
    suggested = await bob.completes(papers, "question", option="topic", typed="vae").answered()

    assert [choice["value"] for choice in suggested.choices] == ["vae"]


@pytest.mark.usefixtures("bot")
async def test_a_form_is_opened_and_sent(papers: Channel, bob: Person) -> None:
    form = await bob.slash(papers, "team create").answered()
    done = await bob.submit(form, name="Blue").answered()

    assert "Team Blue is set up" in done.text


@pytest.mark.usefixtures("bot")
async def test_a_button_gives_a_verdict(papers: Channel, bob: Person) -> None:
    asked = await bob.slash(papers, "question", topic="vae", difficulty="easy").answered()
    assert asked.message is not None
    verdict = await bob.press(asked.message, "A").answered()

    assert verdict.private
    assert "The reference" in verdict.text


@pytest.mark.usefixtures("bot")
async def test_an_explanation_is_acknowledged_first_and_streams(
    discord: Discord, model: Model, papers: Channel, bob: Person
) -> None:
    lengths: list[int] = []

    def seen(it: Interaction) -> bool:
        if it.message and it.message.text and len(it.message.text) not in lengths:
            lengths.append(len(it.message.text))
        return len(lengths) > 2 and "sources …" not in it.text

    model.enough = lambda: len(discord.asked("PATCH", EDIT)) >= 2
    explained = await bob.slash(papers, "explain", text="How does LoRA work?").until(seen)

    assert explained.callback == {"type": 5, "data": {"flags": 64}}
    assert lengths[0] < lengths[1]
    assert "LoRA adapter" in explained.text
    assert "[1]" in explained.text


@pytest.mark.usefixtures("bot")
async def test_an_export_arrives_as_a_file(papers: Channel, bob: Person) -> None:
    export = await bob.slash(papers, "privacy export").answered()

    assert export.private
    assert export.message is not None
    [content] = export.message.files.values()
    assert json.loads(content)["workspace"] == {"platform": "discord", "name": "Readers"}


@pytest.mark.usefixtures("bot")
async def test_a_scheduled_post_carries_its_key(papers: Channel, maya: Person, bob: Person) -> None:
    await maya.slash(papers, "schedule setup", time="09:00").answered()
    tried = await maya.slash(papers, "schedule test").answered()

    assert "Posted" in tried.text
    assert papers.last.nonce
    verdict = await bob.press(papers.last, "A").answered()
    assert "This was a test, so no points." in verdict.text


async def test_the_same_key_again_is_the_same_message(outbox: Outbox, papers: Channel) -> None:
    first = await outbox.post(at(papers), POST, "daily-7-2027-01-31")
    again = await outbox.post(at(papers), POST, "daily-7-2027-01-31")
    other = await outbox.post(at(papers), POST, "daily-7-2027-02-01")

    assert first == again != other
    assert [str(message_id) for message_id in papers.messages] == [first, other]


async def test_a_post_whose_response_got_lost_is_not_repeated(
    discord: Discord, outbox: Outbox, papers: Channel
) -> None:
    discord.cut("POST", MESSAGES)
    with pytest.raises(PostError) as refusal:
        await outbox.post(at(papers), POST, "daily-7")
    assert refusal.value.retry

    ref = await outbox.post(at(papers), POST, "daily-7")

    assert [str(message_id) for message_id in papers.messages] == [ref]


@pytest.mark.parametrize("everywhere", [False, True], ids=["here", "everywhere"])
async def test_a_post_waits_as_long_as_discord_asks(
    discord: Discord, outbox: Outbox, papers: Channel, everywhere: bool
) -> None:
    moved = Moved()
    discord.fail("POST", MESSAGES, 429, after=0.3, everywhere=everywhere)

    await outbox.post(at(papers), POST, "daily-7")

    first, second = discord.asked("POST", MESSAGES)
    assert second.at - first.at >= 0.29
    assert len(papers.messages) == 1
    assert moved("rate_limits_total", platform="discord", request="post") == 1


async def test_a_post_survives_a_short_outage(discord: Discord, outbox: Outbox, papers: Channel) -> None:
    discord.fail("POST", MESSAGES, 502)

    await outbox.post(at(papers), POST, "daily-7")

    assert [call.status for call in discord.asked("POST", MESSAGES)] == [502, 200]
    assert len(papers.messages) == 1


async def test_a_post_can_be_retried_after_a_longer_outage(discord: Discord, outbox: Outbox, papers: Channel) -> None:
    discord.fail("POST", MESSAGES, 503)

    with pytest.raises(PostError) as refusal:
        await outbox.post(at(papers), POST, "daily-7")

    assert refusal.value.retry


async def test_a_rate_limited_post_can_be_retried_later(discord: Discord, outbox: Outbox, papers: Channel) -> None:
    discord.fail("POST", MESSAGES, 429, times=5, after=0.01)

    with pytest.raises(PostError) as refusal:
        await outbox.post(at(papers), POST, "daily-7")

    assert refusal.value.retry


async def test_a_missing_permission_is_explained(outbox: Outbox, papers: Channel) -> None:
    assert papers.guild is not None
    papers.deny(papers.guild.id, send_messages=True)

    with pytest.raises(PostError, match="Send Messages") as refusal:
        await outbox.post(at(papers), POST, "daily-7")

    assert not refusal.value.retry


async def test_a_deleted_channel_is_reported(discord: Discord, outbox: Outbox, papers: Channel) -> None:
    del discord.channels[papers.id]

    with pytest.raises(PostError, match="gone") as refusal:
        await outbox.post(at(papers), POST, "daily-7")

    assert not refusal.value.retry


@pytest.mark.parametrize(
    ("code", "sentence", "retry"),
    [(30046, "how often a message older than an hour can be edited", True), (50035, "error 50035", True)],
)
async def test_a_refused_edit_is_explained(
    discord: Discord, outbox: Outbox, papers: Channel, code: int, sentence: str, *, retry: bool
) -> None:
    ref = await outbox.post(at(papers), POST, "daily-7")
    discord.fail("PATCH", f"{MESSAGES}/\\d+", 400, code)

    with pytest.raises(PostError, match=sentence) as refusal:
        await outbox.edit(at(papers), ref, POST)

    assert refusal.value.retry is retry


OPENED = r"/users/@me/channels"


@pytest.mark.parametrize(
    ("path", "code", "sentence", "later"),
    [
        (OPENED, 40003, "open direct messages more slowly", True),
        (OPENED, 20026, "spam filter", True),
        (MESSAGES, 40003, "open direct messages more slowly", True),
        (OPENED, 50278, "share no server", False),
        (MESSAGES, 50278, "share no server", False),
        (MESSAGES, 50007, "doesn't let me message", False),
    ],
)
async def test_why_a_direct_message_is_refused_is_told_and_whether_for_good(
    *,
    discord: Discord,
    outbox: Outbox,
    papers: Channel,
    bob: Person,
    path: str,
    code: int,
    sentence: str,
    later: bool,
) -> None:
    discord.fail("POST", path, 403, code)

    with pytest.raises(PostError, match=sentence) as refusal:
        await outbox.send_direct(at(papers), str(bob.user.id), ALONE, "reminder-7")

    assert isinstance(refusal.value, UnavailableError) is later
    assert refusal.value.retry is later


async def test_a_conversation_is_opened_once(discord: Discord, outbox: Outbox, papers: Channel, bob: Person) -> None:
    for key in ("reminder-7", "reminder-8"):
        await outbox.send_direct(at(papers), str(bob.user.id), ALONE, key)

    assert len(discord.asked("POST", OPENED)) == 1
    assert not discord.asked("GET", r"/users/\d+")


async def test_an_edit_keeps_the_call_to_a_role(discord: Discord, outbox: Outbox, papers: Channel) -> None:
    assert papers.guild is not None
    role = str(discord.role(papers.guild, "Readers", mentionable=True).id)
    ref = await outbox.post(at(papers), POST, "daily-7", options=PostOptions(role=role))
    [message] = papers.messages.values()
    assert message.mention_roles == [role]

    await outbox.edit(at(papers), ref, POST)

    assert message.mention_roles == [role]


async def test_a_thread_is_opened_without_asking_for_its_channel(
    discord: Discord, outbox: Outbox, papers: Channel
) -> None:
    ref = await outbox.post(at(papers), POST, "daily-7")

    assert await outbox.open_thread(at(papers), ref, "Why?") == ref
    assert await outbox.open_thread(at(papers), ref, "Why?") == ref
    assert not discord.asked("GET", r"/channels/\d+$")


async def test_a_post_without_a_network_can_be_retried(
    outbox: Outbox, papers: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discord.http.Route.BASE", "http://nowhere.invalid")

    with pytest.raises(PostError, match="Discord didn't answer") as refusal:
        await outbox.post(at(papers), POST, "daily-7")

    assert refusal.value.retry


async def test_unpinning_can_be_retried_after_an_outage(discord: Discord, outbox: Outbox, papers: Channel) -> None:
    before, after = [await outbox.post(at(papers), POST, key) for key in ("daily-7", "daily-8")]
    discord.fail("DELETE", r"/channels/\d+/messages/pins/\d+", 503)

    with pytest.raises(PostError) as refusal:
        await outbox.pin(at(papers), after, instead=before)

    assert refusal.value.retry


async def test_a_role_that_no_longer_exists_is_reported(outbox: Outbox, papers: Channel) -> None:
    assert "no longer exists" in await outbox.missing_permissions(at(papers), PostExtras(role="999"))


async def test_a_direct_message_reaches_only_its_member(
    outbox: Outbox, discord: Discord, papers: Channel, bob: Person
) -> None:
    await outbox.send_direct(at(papers), str(bob.user.id), POST, "stopped-7")

    assert "rank of the update" in discord.conversation(bob.user).last.text
    assert not papers.messages


async def test_a_member_who_blocks_messages_is_reported(outbox: Outbox, papers: Channel, bob: Person) -> None:
    bob.user.closed = True

    with pytest.raises(PostError):
        await outbox.send_direct(at(papers), str(bob.user.id), POST, "stopped-7")


@pytest.fixture
async def told(discord: Discord, outbox: Outbox, papers: Channel, bob: Person) -> Message:
    """Send a direct message to Bob, with a button that belongs to the server."""
    await outbox.send_direct(at(papers), str(bob.user.id), ALONE, "reminder-7")
    return discord.conversation(bob.user).last


async def test_a_direct_message_is_acknowledged_in_time_even_if_the_lookup_is_slow(
    discord: Discord, told: Message, bob: Person
) -> None:
    enough = discord.hold("GET", MEMBER)
    pressed = await bob.press(told, "Practice now").until(lambda it: it.callback is not None)
    assert pressed.callback == {"type": 5, "data": {"flags": 64}}

    enough.set()
    await pressed.answered()
    assert pressed.message is not None
    assert "In my own words" in pressed.message.buttons


async def test_a_former_member_is_told_so_even_if_the_lookup_is_slow(
    discord: Discord, told: Message, papers: Channel, bob: Person
) -> None:
    assert papers.guild is not None
    del papers.guild.members[bob.user.id]
    enough = discord.hold("GET", MEMBER)
    pressed = await bob.press(told, "Practice now").until(lambda it: it.callback is not None)
    enough.set()

    assert "a server that you or I have left" in (await pressed.answered()).text


async def test_a_failed_member_lookup_is_explained(discord: Discord, told: Message, bob: Person) -> None:
    discord.fail("GET", MEMBER, 503)

    assert "Please try again later" in (await bob.press(told, "Practice now").answered()).text
    again = await bob.press(told, "Practice now").answered()
    assert again.message is not None
    assert "In my own words" in again.message.buttons


@pytest.mark.usefixtures("bot")
async def test_nothing_is_lost_when_the_connection_breaks(discord: Discord, papers: Channel, bob: Person) -> None:
    discord.gateway.cut()
    meanwhile = bob.slash(papers, "team list")
    await meanwhile.answered()

    assert len(discord.gateway.resumed) == 1
    assert len(discord.gateway.identified) == 1
    assert len(discord.asked("POST", CALLBACK)) == 1


@pytest.mark.usefixtures("bot")
async def test_it_reconnects_when_discord_asks(discord: Discord, papers: Channel, bob: Person) -> None:
    await discord.gateway.order_away()
    await discord.until(lambda: bool(discord.gateway.resumed))
    await bob.slash(papers, "team list").answered()

    assert len(discord.gateway.identified) == 1


@pytest.mark.usefixtures("bot")
async def test_a_lost_session_is_replaced_by_a_new_one(discord: Discord, papers: Channel, bob: Person) -> None:
    await discord.gateway.invalidate()
    await discord.until(lambda: len(discord.gateway.identified) == 2)
    await discord.until(lambda: discord.gateway.ready)

    assert "no team" in (await bob.slash(papers, "team list").answered()).text


@pytest.mark.usefixtures("bot")
async def test_an_answer_that_comes_too_late_does_no_harm(
    discord: Discord, papers: Channel, bob: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as events:
        late = bob.slash(papers, "team list")
        late.expired = True
        await discord.until(lambda: [c.status for c in discord.asked("POST", CALLBACK)] == [404])
        await bob.slash(papers, "team list").answered()

    _logged_and_expected(events, caplog)
    assert len(discord.asked("POST", CALLBACK)) == 2


@pytest.mark.usefixtures("bot")
async def test_an_interaction_that_another_process_answered_does_no_harm(
    discord: Discord, papers: Channel, bob: Person, caplog: pytest.LogCaptureFixture
) -> None:
    discord.fail("POST", CALLBACK, 400, 40060)
    with capture_logs() as events:
        bob.slash(papers, "team list")
        await discord.until(lambda: [c.status for c in discord.asked("POST", CALLBACK)] == [400])
        await bob.slash(papers, "team list").answered()

    _logged_and_expected(events, caplog)
    assert len(discord.asked("POST", CALLBACK)) == 2


@pytest.mark.usefixtures("bot")
async def test_an_explanation_that_outlives_its_token_does_no_harm(
    discord: Discord, model: Model, papers: Channel, bob: Person, caplog: pytest.LogCaptureFixture
) -> None:
    model.enough = lambda: 401 in [call.status for call in discord.asked("PATCH", EDIT)]
    with capture_logs() as events:
        await bob.slash(papers, "explain", text="How does LoRA work?").answered()
        discord.clock.forward(15 * 60 + 1)
        await discord.until(lambda: 401 in [call.status for call in discord.asked("PATCH", EDIT)])
        await bob.slash(papers, "team list").answered()

    _logged_and_expected(events, caplog)


def _logged_and_expected(events: Sequence[Mapping[str, object]], caplog: pytest.LogCaptureFixture) -> None:
    """Check that the bot says itself what happened; to discord.py it is no accident."""
    assert [record.getMessage() for record in caplog.records if record.name.startswith("discord.")] == []
    told = [event for event in events if event["log_level"] in ("warning", "error")]
    assert len(told) == 1


@pytest.mark.usefixtures("bot")
async def test_a_member_who_never_spoke_can_be_made_a_manager(discord: Discord, papers: Channel, maya: Person) -> None:
    assert papers.guild is not None
    eve = Person.joins(discord, papers.guild, "eve")

    assert "Eve is now a manager" in (await maya.slash(papers, "managers add", member=str(eve.user.id)).answered()).text
    assert "Eve" in (await maya.slash(papers, "managers list").answered()).text


REFUSED = "wouldn't show my reply. What you asked for is done"
FOLLOW_UP = r"/webhooks/\d+/[^/]+$"


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("status", [400, 413])
async def test_a_reply_that_discord_refuses_is_replaced_by_a_sentence(
    discord: Discord, papers: Channel, bob: Person, status: int
) -> None:
    discord.fail("POST", CALLBACK, status, 50035)

    assert REFUSED in (await bob.slash(papers, "team create", name="Blue").answered()).text
    assert "Blue" in (await bob.slash(papers, "team list").answered()).text


@pytest.mark.usefixtures("bot")
async def test_a_deferred_reply_that_discord_refuses_is_replaced_by_a_sentence(
    discord: Discord, papers: Channel, bob: Person
) -> None:
    question = (await bob.slash(papers, "question", topic="vae").answered()).message
    assert question is not None
    discord.fail("PATCH", EDIT, 400, 50035)
    form = await bob.press(question, "In my own words").until(lambda it: it.callback is not None)

    written = await bob.submit(form, text="It encodes inputs as distributions.").answered()
    assert REFUSED in written.text


@pytest.mark.usefixtures("bot")
async def test_a_form_that_discord_refuses_is_replaced_by_a_sentence(
    discord: Discord, papers: Channel, bob: Person
) -> None:
    discord.fail("POST", CALLBACK, 400, 50035)

    answered = await bob.slash(papers, "team create").answered()
    assert "wouldn't open the form" in answered.text


@pytest.mark.usefixtures("bot")
async def test_a_draft_that_discord_refuses_costs_only_itself(discord: Discord, papers: Channel, bob: Person) -> None:
    discord.fail("POST", MESSAGES, 400, 50035)
    bob.says(papers, f"<@{discord.me.id}> what is lora?")
    await discord.until(lambda: any(m.author is discord.me for m in papers.messages.values()))

    assert "low-rank" in papers.last.text


@pytest.mark.parametrize(("gone", "mute"), [(False, False), (True, False), (False, True)])
async def test_a_post_replies_to_a_message_if_it_can(
    discord: Discord, outbox: Outbox, papers: Channel, *, gone: bool, mute: bool
) -> None:
    asked = await outbox.post(at(papers), POST, "daily-7")
    if gone:
        del papers.messages[int(asked)]
    assert papers.guild is not None
    papers.deny(papers.guild.id, read_message_history=mute)

    ref = await outbox.post(at(papers), POST, "daily-8", options=PostOptions(reply_to=f"{asked}&7"))

    assert papers.messages[int(ref)].reference == (None if gone or mute else int(asked))


@pytest.mark.usefixtures("bot")
async def test_it_works_in_a_guild_it_joins(discord: Discord) -> None:
    guild = discord.guild("Newcomers")
    eve, channel = Person.joins(discord, guild, "eve"), discord.channel(guild, "start")
    discord.join(guild)

    assert "no team" in (await eve.slash(channel, "team list").answered()).text


async def test_a_guild_it_left_gets_no_posts(discord: Discord, outbox: Outbox, papers: Channel, bob: Person) -> None:
    guild = discord.guild("Passers-by")
    channel = discord.channel(guild, "start")
    discord.join(guild)
    discord.part_with(guild)

    with pytest.raises(PostError) as refusal:
        await outbox.post(at(channel), POST, "daily-7")

    assert not refusal.value.retry
    assert "no team" in (await bob.slash(papers, "team list").answered()).text
