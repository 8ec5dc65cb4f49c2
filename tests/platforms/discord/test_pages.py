"""Pages on Discord that turn in place for whoever asked for them, and what is drawn."""

from __future__ import annotations

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult

from bot.app import App
from tests.platforms.discord.scene import Clock, buttons, letters, parts, posts, press, said, turn, words

pytestmark = pytest.mark.simcord(shard_count=1, settle_timeout=600)

PNG = b"\x89PNG"


def alts(result: InteractionResult) -> list[str]:
    """Return the alt text of each picture in an answer; each is attached, and is a picture."""
    assert result.response is not None
    env: Env = result._env
    found = []
    for message in (result.response, *result.followups):
        for attachment in message.attachments:
            blob = env.backend.cdn.get(attachment.url)
            assert blob is not None
            assert blob.startswith(PNG)
            assert attachment.description
            found.append(attachment.description)
        shown = [part for part in parts(message) if part.get("type") == 12]
        assert sum(len(gallery["items"]) for gallery in shown) == len(message.attachments)
    return found


@pytest.fixture
async def scored(
    *, app: App, env: Env, clock: Clock, channel: ChannelHandle, maya: MemberActor, bob: MemberActor
) -> ChannelHandle:
    """Make a channel in which bob has points."""
    await maya.slash(channel, "schedule setup", time="09:00")
    clock.until("09:00")
    await turn(app, env)
    right, _, _ = await letters(app, posts(channel)[0])
    await press(bob, posts(channel)[0], right)
    return channel


async def test_the_leaderboard_changes_pages_for_whoever_asked(scored: ChannelHandle, bob: MemberActor) -> None:
    board = await bob.slash(scored, "leaderboard")
    assert not board.ephemeral
    assert "bob" in said(board)
    before = len(scored.history())
    turned = await press(bob, board, "This month")

    assert board.response is not None
    assert turned.response is not None
    assert turned.response.id == board.response.id
    assert len(scored.history()) == before
    assert "This week" in buttons(turned.response)


async def test_somebody_else_gets_a_private_page(scored: ChannelHandle, bob: MemberActor, ada: MemberActor) -> None:
    board = await bob.slash(scored, "leaderboard")
    shown = said(board)
    own = await press(ada, board, "This month")
    assert own.ephemeral
    assert said(board) == shown

    again = await press(ada, own, "This week")  # which turns in its place, being ada's
    assert own.response is not None
    assert again.response is not None
    assert again.response.id == own.response.id


async def test_the_leaderboard_can_be_drawn_and_turned_back_into_text(scored: ChannelHandle, bob: MemberActor) -> None:
    board = await bob.slash(scored, "leaderboard")
    drawn = await press(bob, board, "As a picture")
    [alt] = alts(drawn)
    assert "bob" in alt

    back = await press(bob, drawn, "In words")
    assert not alts(back)
    assert "bob" in said(back)


async def test_the_streak_is_private_and_can_be_drawn(scored: ChannelHandle, bob: MemberActor) -> None:
    streak = await bob.slash(scored, "streak")
    assert streak.ephemeral
    drawn = await press(bob, streak, "As a picture")
    assert streak.response is not None
    assert drawn.response is not None
    assert drawn.response.id == streak.response.id
    assert len(alts(drawn)) == 1

    why = await press(bob, drawn, "Why?")
    assert "studied" in said(why)
    assert not alts(why)


async def test_a_question_asked_from_a_page_is_a_separate_message(scored: ChannelHandle, bob: MemberActor) -> None:
    streak = await bob.slash(scored, "streak")
    asked = await press(bob, streak, "Practice now")

    assert asked.ephemeral
    assert streak.response is not None
    assert "Your streak" in words(streak.response)


async def test_the_topics_are_drawn(app: App, channel: ChannelHandle, bob: MemberActor) -> None:
    shown = await bob.slash(channel, "topics")
    [alt] = alts(shown)

    assert app.study.library.bank.topics[0] in alt
    assert len(alt) <= 1024


async def test_formulas_are_pictures_with_alternative_text(app: App, channel: ChannelHandle, bob: MemberActor) -> None:
    question = next(q for q in app.study.library.bank if "$$" in (q.in_depth or ""))
    found = await bob.slash(channel, "ask", text=question.title)
    shown = await press(bob, found, "In depth")

    assert any(alt.startswith("Formula: ") for alt in alts(shown))
    assert "$$" not in said(shown)


async def test_an_export_is_a_file(channel: ChannelHandle, bob: MemberActor) -> None:
    handed = await bob.slash(channel, "privacy export")

    assert handed.ephemeral
    assert handed.response is not None
    [file] = handed.response.attachments
    assert file.filename.endswith((".json", ".md", ".txt"))
