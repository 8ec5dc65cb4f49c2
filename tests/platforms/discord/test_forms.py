"""Forms on Discord: what is typed into one is never lost, whatever comes of it."""

from __future__ import annotations

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.app import App
from bot.commands.parameters import Parameter
from bot.dispatch.catalog import registry
from bot.platforms.discord.client import StudyClient
from bot.platforms.discord.forms import build_form, form_values
from tests.platforms.discord.scene import buttons, fields, menus, pick, press, said, words

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

NOTHING = "\u200b\u200b"
"""What can be typed, and not be read."""


async def test_a_command_without_its_value_opens_a_form(channel: ChannelHandle, bob: MemberActor) -> None:
    form = await bob.slash(channel, "team create")
    assert fields(form) == {"name": ""}
    done = await bob.submit_modal(form, {"name": "Blue"})

    assert done.ephemeral
    assert "Team Blue is set up" in said(done)


async def test_a_command_with_its_value_opens_no_form(channel: ChannelHandle, bob: MemberActor) -> None:
    done = await bob.slash(channel, "team create", name="Blue")

    assert done.modal is None
    assert "Team Blue is set up" in said(done)


async def test_a_question_is_set_up_in_a_form_with_the_platforms_own_pickers(
    *, app: App, env: Env, channel: ChannelHandle, maya: MemberActor
) -> None:
    other, role = env.guild.create_text_channel("papers-2"), env.guild.create_role("readers", mentionable=True)
    form = await maya.slash(channel, "schedule setup")
    assert form.modal is not None
    shown = {label["component"]["custom_id"]: label["component"] for label in form.modal["components"]}
    assert list(shown) == ["where", "time", "zone", "role", "switches"]
    assert [str(value["id"]) for value in shown["where"]["default_values"]] == [str(channel.id)]
    assert shown["time"]["value"] == "09:00"
    assert [option["value"] for option in shown["switches"]["options"]] == ["thread", "pin", "silent"]

    filled = {"where": [other], "time": "09:00", "zone": "UTC", "role": [role], "switches": ["pin"]}
    done = await maya.submit_modal(form, filled)
    assert "Daily question in papers-2" in said(done)
    card = menus(done.response)
    assert (card["pin"], card["thread"], card["role"]) == (["on"], ["off"], [str(role.id)])
    assert "doesn't have a daily question" in said(await maya.slash(channel, "schedule list"))
    assert "09:00" in said(await maya.slash(other, "schedule list"))

    changed = await pick(maya, done, "days", "saturday")  # on the card, which is still in this channel
    assert "Saved." in said(changed)
    assert "Saturday at 09:00" in said(changed)


async def test_values_that_a_form_has_no_room_for_are_kept(channel: ChannelHandle, maya: MemberActor) -> None:
    given = {"days": "sat, sun", "topics": "gan", "difficulty": "hard", "reveal": "18:30", "thread": "on"}
    form = await maya.slash(channel, "schedule setup", **given)
    done = await maya.submit_modal(form, {"time": "09:00", "switches": ["thread"]})

    assert "weekends at 09:00" in said(done)
    assert "gan, hard" in said(done)
    assert "18:30" in said(done)
    assert menus(done.response)["thread"] == ["on"]


async def test_a_refused_form_comes_back_with_what_was_typed(channel: ChannelHandle, bob: MemberActor) -> None:
    form = await bob.slash(channel, "team join")
    refused = await bob.submit_modal(form, {"name": "Reds"})
    assert refused.ephemeral
    assert "There's no team “Reds”" in said(refused)
    assert "You wrote" in said(refused)
    assert list(buttons(refused.response)) == ["Fix"]

    again = await press(bob, refused, "Fix")
    assert fields(again) == {"name": "Reds"}
    await bob.slash(channel, "team create", name="Red")
    assert "Red" in said(await bob.submit_modal(again, {"name": "Red"}))


async def test_a_text_without_anything_readable_is_refused(channel: ChannelHandle, bob: MemberActor) -> None:
    form = await bob.slash(channel, "team create")
    note = await bob.submit_modal(form, {"name": NOTHING})
    assert "nothing readable" in said(note)

    again = await press(bob, note, "Fix")
    assert "Team Blue is set up" in said(await bob.submit_modal(again, {"name": "Blue"}))


async def test_a_form_opens_empty_once_its_command_succeeded(channel: ChannelHandle, bob: MemberActor) -> None:
    await bob.submit_modal(await bob.slash(channel, "team join"), {"name": "Reds"})
    form = await bob.slash(channel, "team join")
    assert fields(form) == {"name": "Reds"}
    await bob.slash(channel, "team create", name="Red")
    await bob.submit_modal(form, {"name": "Red"})

    assert fields(await bob.slash(channel, "team join")) == {"name": ""}


async def test_a_draft_is_only_for_its_writer(channel: ChannelHandle, bob: MemberActor, ada: MemberActor) -> None:
    await bob.submit_modal(await bob.slash(channel, "team join"), {"name": "Reds"})

    assert fields(await ada.slash(channel, "team join")) == {"name": ""}
    assert fields(await bob.slash(channel, "team create")) == {"name": ""}


async def test_a_draft_survives_a_restart(env: Env, app: App, channel: ChannelHandle, bob: MemberActor) -> None:
    refused = await bob.submit_modal(await bob.slash(channel, "team join"), {"name": "Reds"})
    await env.restart_bot(StudyClient(app, token="a-token"))

    assert fields(await press(bob, refused, "Fix")) == {"name": "Reds"}


async def test_a_form_that_was_open_during_a_restart_is_accepted(
    env: Env, app: App, channel: ChannelHandle, bob: MemberActor
) -> None:
    form = await bob.slash(channel, "team create")
    await env.restart_bot(StudyClient(app, token="a-token"))

    assert "Team Blue is set up" in said(await bob.submit_modal(form, {"name": "Blue"}))


async def test_returned_text_cannot_end_its_code_block(channel: ChannelHandle, bob: MemberActor) -> None:
    typed = "``` @everyone <@&1>"
    refused = await bob.submit_modal(await bob.slash(channel, "team join"), {"name": typed})

    back = said(refused).partition("You wrote")[2]
    assert "```text\nˋˋˋ" in back
    assert "@everyone" not in back


async def test_a_written_answer_is_not_lost_when_it_is_refused(channel: ChannelHandle, bob: MemberActor) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    form = await press(bob, asked, "In my own words")
    assert list(fields(form)) == ["text"]
    refused = await bob.submit_modal(form, {"text": NOTHING})
    again = await press(bob, refused, "Fix")
    verdict = await bob.submit_modal(again, {"text": "An encoder gives a distribution, a decoder samples from it."})

    assert "The reference" in said(verdict)


async def test_long_texts_fit_into_forms(channel: ChannelHandle, bob: MemberActor) -> None:
    asked = await bob.slash(channel, "question", topic="vae")
    report = await press(bob, await press(bob, asked, "A"), "Report this question")
    first = await bob.submit_modal(report, {"what": "One choice is right as well. " * 30})
    assert "Something went wrong" not in said(first)

    form = await press(bob, asked, "In my own words")
    long = "The evidence lower bound has two terms. " * 99
    told = await bob.submit_modal(form, {"text": long[:3900]})
    assert "already answered this one" in said(told)


async def test_a_report_is_sent_by_a_form(channel: ChannelHandle, bob: MemberActor, maya: MemberActor) -> None:
    verdict = await press(bob, await bob.slash(channel, "question", topic="vae"), "A")
    form = await press(bob, verdict, "Report this question")
    assert form.modal is not None
    assert len(form.modal["title"]) <= 45
    thanks = await bob.submit_modal(form, {"what": "The second choice is right, too."})

    assert thanks.ephemeral
    listed = await maya.slash(channel, "reports list")
    assert "The second choice is right, too." in said(listed)


async def test_ask_more_is_a_form_that_continues_an_explanation(channel: ChannelHandle, bob: MemberActor) -> None:
    told = await bob.slash(channel, "explain", text="How does LoRA work?")
    form = await press(bob, told, "Ask more")
    more = await bob.submit_modal(form, {"text": "Why is that cheaper?"})

    assert more.ephemeral
    assert more.response is not None
    assert "Ask more" in buttons(more.response)
    assert "LoRA" in words(more.response)


async def test_every_form_is_within_discords_limits(app: App, channel: ChannelHandle, maya: MemberActor) -> None:
    for command in app.registry:
        if not command.opens_form or command.hidden:
            continue
        form = await maya.slash(channel, command.name)
        assert form.modal is not None
        assert 1 <= len(form.modal["components"]) <= 5
        assert len(form.modal["title"]) <= 45
        assert len(form.modal["custom_id"]) <= 100
        for label in form.modal["components"]:
            assert len(label["label"]) <= 45
            assert len(label.get("description") or "") <= 100


async def test_a_parameter_with_choices_is_a_select_that_opens_with_its_value() -> None:
    difficulty = Parameter("difficulty", "how hard", convert=lambda _, text: text, choices=("easy", "hard"))
    [label] = build_form(registry().find("help"), "help", (difficulty,), {"difficulty": "hard"}).to_components()
    options = {option["label"]: option["default"] for option in label["component"]["options"]}

    assert options == {"easy": False, "hard": True}
    assert form_values({"components": [{"component": {"custom_id": "difficulty", "values": ["easy"]}}]}) == {
        "difficulty": "easy"
    }
