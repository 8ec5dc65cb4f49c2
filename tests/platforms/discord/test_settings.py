"""Setting a daily question up on Discord: by options, by the card's menus, by a form; and what stands in the way."""

from __future__ import annotations

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult
from sqlalchemy import Connection, select

from bot.app import App
from bot.store import tables
from bot.store.models import Schedule
from tests.platforms.discord.scene import buttons, deny, fields, menus, pick, posts, press, said

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

SETUP = "schedule setup"


@pytest.fixture
async def card(channel: ChannelHandle, maya: MemberActor) -> InteractionResult:
    """Open the settings of a question at 09:00."""
    return await maya.slash(channel, SETUP, time="09:00")


async def the_schedule(app: App) -> Schedule:
    [schedule] = await app.study.store.query(stored_schedules)
    return schedule


def stored_schedules(connection: Connection) -> list[Schedule]:
    return Schedule.all(connection.execute(select(tables.schedules)).mappings())


async def test_the_commands_options_set_everything(
    app: App, env: Env, channel: ChannelHandle, maya: MemberActor
) -> None:
    role = env.guild.create_role("readers", mentionable=True)
    shown = await maya.slash(
        channel,
        SETUP,
        time="07:30",
        zone="Europe/Paris",
        difficulty="hard",
        days="mon,wed",
        topics="vae,gan",
        reveal="18:00",
        thread="on",
        pin="on",
        role=role,
    )

    assert shown.ephemeral
    assert "07:30" in said(shown)
    it = await the_schedule(app)
    assert (f"{it.at:%H:%M}", it.zone, it.difficulty, it.weekdays) == ("07:30", "Europe/Paris", "hard", "02")
    assert (it.topics, f"{it.reveal:%H:%M}", it.thread, it.pin) == (["vae", "gan"], "18:00", True, True)
    assert it.role == str(role.id)
    assert {setting: sorted(picked) for setting, picked in menus(shown.response).items()} == {
        "days": ["monday", "wednesday"],
        "topics": ["gan", "vae"],
        "difficulty": ["hard"],
        "thread": ["on"],
        "pin": ["on"],
        "silent": ["off"],
        "role": [str(role.id)],
    }


async def test_the_card_shows_the_settings_and_what_can_be_changed(card: InteractionResult) -> None:
    assert card.ephemeral
    assert menus(card.response) == {
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "topics": ["all"],
        "difficulty": ["any"],
        "thread": ["off"],
        "pin": ["off"],
        "silent": ["off"],
        "role": [],
    }


@pytest.mark.parametrize(
    ("setting", "picked", "kept"),
    [
        ("days", ("monday", "friday"), {"weekdays": "04"}),
        ("topics", ("vae", "gan"), {"topics": ["vae", "gan"]}),
        ("topics", ("all",), {"topics": []}),
        ("difficulty", ("hard",), {"difficulty": "hard"}),
        ("thread", ("on",), {"thread": True}),
        ("pin", ("on",), {"pin": True}),
        ("silent", ("on",), {"silent": True}),
    ],
)
async def test_a_selection_is_saved_at_once_and_the_card_updates(
    *,
    app: App,
    channel: ChannelHandle,
    maya: MemberActor,
    card: InteractionResult,
    setting: str,
    picked: tuple[str, ...],
    kept: dict[str, object],
) -> None:
    before = len(channel.history())
    turned = await pick(maya, card, setting, *picked)

    assert turned.response is not None
    assert card.response is not None
    assert turned.response.id == card.response.id
    assert len(channel.history()) == before
    assert not turned.followups
    assert "Saved." in said(turned)
    assert sorted(menus(turned.response)[setting]) == sorted(picked)
    it = await the_schedule(app)
    for name, value in kept.items():
        assert getattr(it, name) == value


async def test_a_role_can_be_selected_and_removed(
    app: App, env: Env, maya: MemberActor, card: InteractionResult
) -> None:
    role = env.guild.create_role("readers", mentionable=True)
    turned = await pick(maya, card, "role", role)
    assert "Saved." in said(turned)
    assert menus(turned.response)["role"] == [str(role.id)]
    assert (await the_schedule(app)).role == str(role.id)

    again = await pick(maya, turned, "role")
    assert menus(again.response)["role"] == []
    assert (await the_schedule(app)).role is None


async def test_several_changes_in_a_row_are_saved(app: App, maya: MemberActor, card: InteractionResult) -> None:
    turned = await pick(maya, card, "days", "saturday")
    turned = await pick(maya, turned, "difficulty", "easy")
    turned = await pick(maya, turned, "difficulty", "any")

    assert menus(turned.response)["days"] == ["saturday"]
    it = await the_schedule(app)
    assert (it.weekdays, it.difficulty) == ("5", None)


async def test_an_impossible_setting_is_explained_and_changes_nothing(
    app: App, env: Env, channel: ChannelHandle, maya: MemberActor, card: InteractionResult
) -> None:
    deny(channel, create_public_threads=True)
    await env.settle()
    refused = await pick(maya, card, "thread", "on")

    assert "Create Public Threads" in said(refused)
    assert refused.ephemeral
    assert menus(card.response)["thread"] == ["off"]  # the card is still there, to go on with
    assert not (await the_schedule(app)).thread


async def test_the_time_is_changed_in_a_form(app: App, maya: MemberActor, card: InteractionResult) -> None:
    form = await press(maya, card, "Change the time")
    assert list(fields(form)) == ["time", "zone", "reveal"]
    turned = await maya.submit_modal(form, {"time": "10:15", "zone": "", "reveal": ""})

    assert card.response is not None
    assert turned.response is not None
    assert turned.response.id == card.response.id
    assert "10:15" in said(turned)
    it = await the_schedule(app)
    assert (f"{it.at:%H:%M}", it.zone) == ("10:15", "UTC")


async def test_an_invalid_time_comes_back_in_the_form(app: App, maya: MemberActor, card: InteractionResult) -> None:
    form = await press(maya, card, "Change the time")
    refused = await maya.submit_modal(form, {"time": "nine sharp", "zone": "Europe/Paris"})
    assert "isn't a time of day" in said(refused)
    assert "nine sharp" in said(refused)

    again = await press(maya, refused, "Fix")
    assert fields(again) == {"time": "nine sharp", "zone": "Europe/Paris", "reveal": ""}
    await maya.submit_modal(again, {"time": "9:30", "zone": "Europe/Paris"})
    it = await the_schedule(app)
    assert (f"{it.at:%H:%M}", it.zone) == ("09:30", "Europe/Paris")


async def test_a_test_post_is_separate_from_the_card(
    channel: ChannelHandle, maya: MemberActor, card: InteractionResult
) -> None:
    done = await press(maya, card, "Post a test now")

    assert "Posted." in said(done)
    assert len(posts(channel)) == 1
    assert "Weekdays" in said(card)  # the card is still there


async def test_a_button_removes_a_schedule_and_the_card_says_so_from_then_on(
    app: App, maya: MemberActor, card: InteractionResult
) -> None:
    assert "Removed." in said(await press(maya, card, "Remove"))
    late = await pick(maya, card, "days", "monday")

    assert "have a schedule yet" in said(late)


async def test_members_who_are_not_managers_are_refused_whatever_they_press(
    app: App, env: Env, channel: ChannelHandle, maya: MemberActor, card: InteractionResult
) -> None:
    member = env.backend.get_guild(env.guild.id).members[maya.id]
    env.backend.remove_member_role(env.guild.id, maya.id, member.role_ids[0])
    await env.settle()

    assert "for managers" in said(await pick(maya, card, "days", "saturday"))
    form = await press(maya, card, "Change the time")
    assert "for managers" in said(await maya.submit_modal(form, {"time": "10:00"}))
    it = await the_schedule(app)
    assert (it.weekdays, f"{it.at:%H:%M}") == ("01234", "09:00")


@pytest.mark.parametrize(
    ("permission", "name", "options"),
    [
        ("send_messages", "Send Messages", {}),
        ("view_channel", "View Channel", {}),
        ("create_public_threads", "Create Public Threads", {"thread": "on"}),
        ("pin_messages", "Pin Messages", {"pin": "on"}),
    ],
)
async def test_a_missing_permission_is_named_before_the_schedule_is_set_up(
    *,
    app: App,
    env: Env,
    channel: ChannelHandle,
    maya: MemberActor,
    permission: str,
    name: str,
    options: dict[str, str],
) -> None:
    deny(channel, **{permission: True})
    await env.settle()
    refused = await maya.slash(channel, SETUP, time="09:00", **options)

    assert name in said(refused)
    assert "papers" in said(refused)
    assert await app.study.store.query(stored_schedules) == []


async def test_a_role_that_cannot_be_mentioned_is_reported_with_a_fix(
    env: Env, channel: ChannelHandle, maya: MemberActor
) -> None:
    deny(channel, mention_everyone=True)
    await env.settle()
    closed = env.guild.create_role("staff")
    refused = await maya.slash(channel, SETUP, time="09:00", role=closed)

    assert "I'm not allowed to mention staff" in said(refused)
    assert "Allow anyone to @mention this role" in said(refused)


async def test_a_thread_can_have_a_daily_question_but_no_threads(
    env: Env, channel: ChannelHandle, maya: MemberActor
) -> None:
    env.backend.create_thread(channel.id, "talk", maya.id)
    await env.settle()
    [thread] = channel.threads

    form = await maya.slash(channel, SETUP)
    there = {"where": [thread], "time": "09:00"}
    assert "A thread can't have threads" in said(await maya.submit_modal(form, {**there, "switches": ["thread"]}))
    assert "all set: " in said(await maya.submit_modal(await maya.slash(channel, SETUP), there))
    assert "weekdays at 09:00" in said(await maya.slash(thread, "schedule list"))
    assert "doesn't have a daily question" in said(await maya.slash(channel, "schedule list"))


async def test_a_channel_that_the_bot_cannot_look_up_is_explained(
    env: Env, channel: ChannelHandle, maya: MemberActor, card: InteractionResult
) -> None:
    thread = env.backend.create_thread(channel.id, "secret", maya.id, type=12, broadcast=False)
    env.inject_error("GET", f"/channels/{thread.id}", status=403, code=50001)
    await env.settle()
    [handle] = channel.threads
    form = await maya.slash(channel, SETUP)
    refused = await maya.submit_modal(form, {"where": [handle], "time": "09:00"})

    assert "Something went wrong" not in said(refused)
    assert "View Channel" in said(refused)


async def test_the_list_shows_every_schedule_and_its_buttons_open_the_card(
    channel: ChannelHandle, maya: MemberActor, card: InteractionResult
) -> None:
    shown = await maya.slash(channel, "schedule list")
    assert "09:00" in said(shown)
    opened = await press(maya, shown, "Change it")

    assert "days" in menus(opened.response)


async def test_an_empty_list_offers_to_set_one_up(channel: ChannelHandle, maya: MemberActor) -> None:
    shown = await maya.slash(channel, "schedule list")
    done = await press(maya, shown, next(iter(buttons(shown.response))))

    assert "all set: weekdays at 09:00" in said(done)


async def test_suggestions_for_every_free_option_are_within_limits(channel: ChannelHandle, maya: MemberActor) -> None:
    for option in ("time", "zone", "topics", "days", "reveal"):
        for typed in ("", "e", "vae,g"):
            found = await maya.autocomplete(channel, SETUP, option, typed)
            assert len(found) <= 25
            assert all(0 < len(choice["name"]) <= 100 and 0 < len(choice["value"]) <= 100 for choice in found)
    paris = await maya.autocomplete(channel, SETUP, "zone", "paris")
    assert "Europe/Paris" in [choice["value"] for choice in paris]
