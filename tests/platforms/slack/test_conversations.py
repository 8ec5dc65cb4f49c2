"""Members on Slack: commands, buttons, menus, forms, shortcuts, mentions, direct messages and homes."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import replace

from bot.app import App
from bot.platforms.slack.interaction import unescape, without_mentions
from bot.scheduler import Scheduler
from bot.store import tables
from bot.study.workspaces import custom_questions
from tests.platforms.model import Model
from tests.platforms.slack.conftest import all_rows, by_socket, until
from tests.platforms.slack.fake import Person, Slack, Team


async def test_a_quick_answer_comes_with_the_acknowledgement(fake: Slack, bob: Person) -> None:
    ack = await bob.types("team list")

    assert ack.json["response_type"] == "ephemeral"
    assert "There are no teams yet" in json.dumps(ack.json)
    assert "chat.postMessage" not in fake.calls


async def test_an_unknown_command_suggests_the_closest_one(bob: Person) -> None:
    ack = await bob.types("leederboard")

    assert "Did you mean `/study leaderboard`?" in json.dumps(ack.json)


async def test_public_answers_go_to_the_channel(bob: Person) -> None:
    assert (await bob.types("leaderboard")).json["response_type"] == "in_channel"


async def test_an_empty_command_shows_help(bob: Person) -> None:
    assert "what I can do" in json.dumps((await bob.types("")).json)


async def test_only_managers_set_up_schedules(bob: Person, maya: Person) -> None:
    assert "is for managers" in json.dumps((await bob.types("schedule setup 09:00")).json)
    assert "The first question comes" in json.dumps((await maya.types("schedule setup 09:00")).json)


async def test_a_member_can_be_mentioned_as_a_value(fake: Slack, bob: Person, maya: Person) -> None:
    assert "bob is now a manager" in json.dumps((await maya.types(f"managers add <@{bob.id}|bob>")).json)


def test_escaped_text_is_read_as_it_was_typed() -> None:
    assert unescape("is &amp;lt; a &lt; b &gt; c? <https://arxiv.org/abs/1|arxiv.org>") == (
        "is &lt; a < b > c? https://arxiv.org/abs/1"
    )
    assert without_mentions("<@U012ABCDE> why <@U1|bob>?") == "why  ?"


async def test_buttons_answer_a_question(fake: Slack, bob: Person) -> None:
    await bob.types("question vae easy")
    asked = await fake.heard()
    await bob.presses(asked, "A")
    reply = await fake.heard()

    assert reply.reader == bob.id
    assert "Right!" in reply.words or "Not this time." in reply.words
    await bob.presses(asked, "B")
    assert "You've already answered this one" in (await fake.heard()).words


async def test_a_form_takes_a_written_answer(fake: Slack, bob: Person) -> None:
    await bob.types("question fine-tuning")
    await bob.presses(await fake.heard(), "In my own words")
    form = await fake.next(fake.views)
    ack = await bob.sends(form, {"text": "It learns a low-rank update while the weights stay frozen."})

    assert not ack.errors
    assert "The reference" in (await fake.heard()).words


async def test_an_incomplete_command_opens_a_form(fake: Slack, maya: Person, team: Team) -> None:
    await maya.types("schedule setup")
    form = await fake.next(fake.views)
    assert "Europe/Amsterdam" in json.dumps(form.blocks), "their own zone is there already"
    assert ("Europe/Paris", "Europe/Paris") in await maya.looks_up(form, "zone", "par")
    values = {"where": team.main.id, "time": "09:00", "zone": "Europe/Paris", "days": ("mon", "wed"), "topics": "vae"}
    ack = await maya.sends(form, values)

    assert not ack.errors
    reply = await fake.heard()
    assert "The first question comes" in reply.words
    assert "Europe/Paris" in reply.words
    assert "Monday, Wednesday" in reply.words


async def test_a_form_shows_a_problem_at_its_field(fake: Slack, bob: Person) -> None:
    await bob.types("team create")
    form = await fake.next(fake.views)

    assert "nothing readable" in (await bob.sends(form, {"name": "\u200b"})).errors["name"]
    assert not (await bob.sends(form, {"name": "Blue"})).errors
    assert "Blue" in (await fake.heard()).words


async def test_members_learn_that_a_form_is_for_managers_before_filling_it_in(
    fake: Slack, bob: Person, maya: Person
) -> None:
    assert "is for managers" in json.dumps((await bob.types("schedule setup")).json)
    assert not fake.views.seen
    await maya.types(f"managers add <@{bob.id}|bob>")
    await bob.types("schedule setup")
    assert await fake.next(fake.views)


async def test_a_schedule_can_be_set_up_for_another_channel(fake: Slack, maya: Person, team: Team, app: App) -> None:
    papers = fake.channel(team, "reading", joined=False)
    await maya.types("schedule setup")
    await maya.sends(await fake.next(fake.views), {"where": papers.id, "time": "09:00"})

    assert "The first question comes" in (await fake.heard()).words
    assert papers.joined


async def test_a_private_channel_needs_an_invitation(fake: Slack, maya: Person, team: Team) -> None:
    secret = fake.channel(team, "secret", private=True, joined=False)
    secret.members.add(maya.id)
    await maya.types("schedule setup")
    await maya.sends(await fake.next(fake.views), {"where": secret.id, "time": "09:00"})

    assert "/invite @Studyhall" in (await fake.heard()).words


async def test_an_explanation_grows_in_the_direct_message(fake: Slack, bob: Person, model: Model) -> None:
    model.enough = lambda: len(fake.edits.seen) > 0
    await bob.types("explain what is LoRA")
    begun = await fake.heard()

    assert begun.channel == bob.direct.id
    assert "direct messages" in (await fake.heard()).words
    while True:
        edited = await fake.next(fake.edits)
        if "Ask more" in edited.buttons:
            break
    assert "low-rank update" in edited.words


async def test_a_menu_saves_each_choice(fake: Slack, maya: Person) -> None:
    await maya.types("schedule setup 09:00")
    card = await fake.heard()
    await maya.picks(card, "pick schedule change s1 thread=", "on")

    assert "Saved." in (await fake.next(fake.edits)).words


async def test_a_direct_message_is_looked_up(fake: Slack, bob: Person) -> None:
    await bob.writes("what is LoRA")
    assert "low-rank" in (await fake.heard()).words
    await bob.writes("streak")
    assert "Your streak" in (await fake.heard()).words


async def test_a_mention_is_answered_in_its_thread(fake: Slack, bob: Person, team: Team) -> None:
    await bob.mentions("what is LoRA?", team.main)
    begun = await fake.heard()

    assert begun.channel == team.main.id
    assert begun.thread_ts


async def test_shortcuts_quiz_and_practice(fake: Slack, bob: Person, team: Team, app: App) -> None:
    await bob.mentions("our GAN makes the same face over and over", team.main)
    said = await fake.heard()
    await bob.chooses("quiz", said)
    assert await fake.heard()
    await bob.chooses("practice")
    asked = await fake.heard()
    assert asked.channel == bob.direct.id


async def test_a_quiz_about_a_long_message_uses_its_beginning(fake: Slack, bob: Person, team: Team) -> None:
    await bob.mentions("our GAN makes the same face over and over, " * 100, team.main)
    await fake.heard()
    await bob.chooses("quiz", next(iter(team.main.messages.values())))

    assert "characters, and the limit is" not in (await fake.heard()).words


async def test_the_home_is_never_blank(fake: Slack, bob: Person, maya: Person) -> None:
    await bob.opens_home()
    first = await fake.next(fake.published)
    assert "Welcome!" in first.words
    assert "Your streak" not in first.words
    assert len(first.blocks) <= 16
    assert "Schedules" not in first.words
    assert "No open questions for you" in first.words
    await maya.opens_home()
    assert "Schedules" in (await fake.next(fake.published)).words
    await bob.types("question vae easy")
    await bob.presses(await fake.heard(), "A")
    await fake.heard()
    await bob.opens_home()
    while "Your streak" not in (await fake.next(fake.published)).words:
        pass  # it was published for the question, too


async def test_the_home_lists_questions_from_the_members_own_channels(
    fake: Slack, bob: Person, maya: Person, team: Team, app: App
) -> None:
    secret = fake.channel(team, "secret", private=True)
    secret.members.add(maya.id)
    for channel, topic in ((team.main, "vae"), (secret, "fine-tuning")):
        await maya.types(f"schedule setup 00:00 zone=UTC days=mon-sun reveal=23:59 topics={topic}", channel)
        await fake.heard()
    until(fake, "00:00")
    await Scheduler(app.study, seconds=5).run_once()
    shown = []
    for person in (bob, maya):
        await person.opens_home()
        words = (await fake.next(fake.published)).words
        shown.append([topic for topic in ("vae", "fine-tuning") if f"Question of the day · {topic}" in words])

    assert shown == [["vae"], ["vae", "fine-tuning"]]


async def test_changing_a_schedules_time_keeps_its_zone(fake: Slack, team: Team, running: str, app: App) -> None:
    maya = Person.joins(fake, team, "maya", admin=True, tz="Asia/Tokyo")
    await maya.types("schedule setup 09:00 zone=Europe/Paris")
    await maya.presses(await fake.heard(), "Change the time")
    form = await fake.next(fake.views)
    assert ["Asia/Tokyo" in json.dumps(block) for block in form.blocks] == [False] * 3
    await maya.sends(form, {"time": "10:00"})

    assert "10:00, Europe/Paris" in (await fake.heard()).words


async def test_custom_questions_work_everywhere(fake: Slack, bob: Person, maya: Person, app: App) -> None:
    await maya.types("team list")
    await fake.heard()
    ours = replace(next(iter(app.study.library.bank)), id="own-when-may-we-deploy", topic="our-rules")
    await app.study.store.transaction(custom_questions.add, 1, [ours], app.study.clock())
    await maya.types("schedule setup")
    form = await fake.next(fake.views)
    assert "our-rules" in json.dumps(form.blocks)
    await maya.sends(form, {"time": "09:00", "topics": "our-rules"})
    assert "our-rules" in (await fake.heard()).words
    await bob.writes("question our-rules")
    assert "Practice · our-rules" in (await fake.heard()).words


async def test_a_refusal_leaves_the_card_as_it_was(fake: Slack, maya: Person) -> None:
    await maya.types("schedule setup 09:00 zone=UTC")
    card = await fake.heard()
    await maya.picks(card, "pick schedule change s1 days=")

    assert "at least one weekday" in (await fake.heard()).words
    assert fake.edits.seen == []


async def test_a_typed_command_is_about_its_channel(fake: Slack, bob: Person, maya: Person, team: Team) -> None:
    secret, other = fake.channel(team, "secret", private=True, joined=False), fake.channel(team, "other")
    for channel in (secret, other):
        channel.members.add(maya.id)
    await maya.types("schedule setup")
    await maya.sends(await fake.next(fake.views), {"where": secret.id, "time": "07:35"})
    assert "/invite @Studyhall" in (await fake.heard()).words
    await maya.types("schedule setup", other)
    form = json.dumps((await fake.next(fake.views)).blocks)

    assert other.id in form
    assert secret.id not in form
    assert "07:35" in form


async def test_fix_keeps_the_member_who_was_picked(fake: Slack, bob: Person, maya: Person) -> None:
    await maya.types("managers add")
    await maya.sends(await fake.next(fake.views), {"member": bob.id})
    assert "bob is now a manager" in (await fake.heard()).words
    await maya.types("managers add")
    await maya.sends(await fake.next(fake.views), {"member": bob.id})
    reply = await fake.heard()
    assert "bob is already a manager" in reply.words
    await maya.presses(reply, "Fix")

    assert bob.id in json.dumps((await fake.next(fake.views)).blocks)


async def test_names_stay_when_slack_fails_to_send_them(
    fake: Slack, bob: Person, team: Team, app: App, program: AsyncExitStack
) -> None:
    await bob.types("streak")
    await program.aclose()
    fake.fail("users.info", status=503, times=9)
    async with by_socket(fake, team, app):
        await bob.opens_home()
        await fake.next(fake.published)
        await bob.mentions("leaderboard?")
        await fake.next(fake.edits)
    [member] = await app.study.store.query(all_rows, tables.members)
    [workspace] = await app.study.store.query(all_rows, tables.workspaces)

    assert member["name"] == "bob"
    assert workspace["name"] == "readers"


async def test_a_streak_is_shared_with_the_channel_or_from_the_home_with_any_channel(
    fake: Slack, bob: Person, team: Team
) -> None:
    papers = fake.channel(team, "papers", joined=False)
    papers.members.add(bob.id)
    await bob.types("question vae easy")
    await bob.presses(await fake.heard(), "A")
    await fake.heard()
    await bob.types("streak")
    await bob.presses(await fake.heard(), "Share")
    shared = await fake.heard()
    assert (shared.channel, shared.reader) == (team.main.id, "")
    assert "bob's streak" in shared.words
    await bob.opens_home()
    await fake.next(fake.published)
    await bob.presses(bob.home, "Share")
    await bob.sends(await fake.next(fake.views), {"where": papers.id})
    shared = await fake.heard()
    assert (shared.channel, shared.reader) == (papers.id, "")
    assert "bob's streak" in shared.words


async def test_settings_are_picked_on_the_home(fake: Slack, bob: Person, program: AsyncExitStack) -> None:
    await bob.opens_home()
    await fake.next(fake.published)
    await bob.picks(bob.home, "pick me rest_days=", "sat", "sun")
    kept = await fake.next(fake.published)
    assert "Starting tomorrow, you rest on Saturday, Sunday" in kept.words
    await bob.picks(bob.home, "pick me rest_days=", "mon", "tue", "wed", "thu")
    assert "up to 3 rest days" in (await fake.next(fake.published)).words
    await bob.picks(bob.home, "pick me remind=", "20:00")
    assert "I'll message you at 20:00" in (await fake.next(fake.published)).words
    await bob.presses(bob.home, "Change time zone")
    form = await fake.next(fake.views)
    await bob.looks_up(form, "zone", "Tokyo")
    await bob.sends(form, {"zone": "Asia/Tokyo"})
    assert "Asia/Tokyo" in (await fake.heard()).words
    while "Asia/Tokyo" not in (await fake.next(fake.published)).words:
        pass
    await program.aclose()

    assert len(fake.messages.seen) == 1


async def test_quick_picks_are_stored_in_their_order(fake: Slack, bob: Person, program: AsyncExitStack) -> None:
    fake.fail("users.info")  # so that the first pick has to look the member up
    await bob.opens_home()
    await fake.next(fake.published)
    looking_up = fake.hold("users.info")
    await bob.picks(bob.home, "pick me rest_days=", "sat")
    await looking_up.arrived()
    await bob.picks(bob.home, "pick me rest_days=", "sat", "sun")
    await bob.opens_home()
    await fake.next(fake.published)
    looking_up.release()
    await program.aclose()

    chosen = bob.home.menu("pick me rest_days=")["initial_options"]
    assert [option["value"] for option in chosen] == ["sat", "sun"]


async def test_an_older_home_never_replaces_a_newer_one(fake: Slack, bob: Person, program: AsyncExitStack) -> None:
    await bob.opens_home()
    await fake.next(fake.published)
    publishing = fake.hold("views.publish")
    await bob.picks(bob.home, "pick me rest_days=", "sat")
    await publishing.arrived()
    await bob.picks(bob.home, "pick me rest_days=", "sun")
    publishing.release()
    await program.aclose()

    chosen = bob.home.menu("pick me rest_days=")["initial_options"]
    assert [option["value"] for option in chosen] == ["sun"]


async def test_updating_a_home_looks_up_its_member_only_once(fake: Slack, bob: Person, program: AsyncExitStack) -> None:
    await bob.opens_home()
    await fake.next(fake.published)
    for _ in range(3):
        await bob.types("streak")
    await program.aclose()

    assert len(fake.calls["views.publish"]) == 4
    assert {method: len(fake.calls[method]) for method in ("users.conversations", "users.info")} == {
        "users.conversations": 1,
        "users.info": 1,
    }


async def test_the_home_updates_after_an_answer(fake: Slack, bob: Person) -> None:
    await bob.opens_home()
    await fake.next(fake.published)
    await bob.types("question vae easy")
    await fake.next(fake.published)
    await bob.presses(await fake.heard(), "A")

    assert "Today already counts" in (await fake.next(fake.published)).words


async def test_files_arrive_by_direct_message(fake: Slack, bob: Person) -> None:
    await bob.types("privacy export")

    assert (await fake.next(fake.files)).name.endswith(".json")


async def test_a_daily_question_is_posted_with_its_thread(fake: Slack, maya: Person, team: Team, app: App) -> None:
    await maya.types("schedule setup 00:00 zone=UTC days=mon-sun reveal=23:59 thread=on")
    await fake.heard()
    await maya.types("schedule test")
    posted = await fake.heard()

    assert posted.channel == team.main.id
    assert posted.metadata is not None
    await Scheduler(app.study, seconds=5).run_once()
