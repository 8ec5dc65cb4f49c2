"""Who Slack says somebody is: in organizations with several workspaces, and when it says little or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platforms.slack.fake import Person, Slack, Team


@pytest.fixture
def team(fake: Slack) -> Team:
    return fake.team("readers", enterprise="E0ACME")


def colleague(fake: Slack, team: Team, here: str, *, at_home: bool = False, of_all: str = "member") -> Person:
    """Return a member whose home is another workspace of the organization, with that rank `here`."""
    home = fake.team("writers", enterprise="E0ACME", installed=False)
    return Person.joins(fake, home, "eve", admin=at_home).in_organization(team, here, of_all=of_all)


@pytest.mark.parametrize("rank", ["admin", "owner"])
async def test_an_admin_whose_home_is_another_workspace_of_the_organization_is_a_manager(
    fake: Slack, running: str, team: Team, rank: str
) -> None:
    eve = colleague(fake, team, rank)
    await eve.types("managers list")
    assert "No managers have been added yet" in (await fake.heard()).words


async def test_an_admin_of_another_workspace_of_the_organization_is_no_manager(
    fake: Slack, running: str, team: Team
) -> None:
    eve = colleague(fake, team, "member", at_home=True)
    await eve.types("managers list")
    assert "is for managers" in (await fake.heard()).words


async def test_an_admin_of_another_organization_is_no_manager_in_a_shared_channel(
    fake: Slack, running: str, team: Team
) -> None:
    home = fake.team("elsewhere", enterprise="E0OTHER", installed=False)
    sister = fake.team("sister", enterprise="E0OTHER", installed=False)
    zoe = Person.joins(fake, home, "zoe", owner=True)
    zoe.in_organization(sister, "owner", of_all="owner")
    await zoe.visits(team.main).writes("managers list")
    assert "is for managers" in (await fake.heard()).words


@pytest.mark.parametrize("error", ["user_not_found", "user_not_visible", "users_list_not_supplied", "fatal_error"])
async def test_members_that_slack_does_not_show_are_answered(fake: Slack, bob: Person, error: str) -> None:
    fake.fail("users.info", error=error)
    await bob.types("team list")
    assert "There are no teams yet" in (await fake.heard()).words


async def test_a_profile_without_a_user_is_no_problem(fake: Slack, bob: Person) -> None:
    fake.hollow("users.info")
    await bob.types("team list")
    assert "There are no teams yet" in (await fake.heard()).words


@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"profile": None, "name": None, "tz": None, "team_id": None, "real_name": None},
        {"profile": {"display_name": "", "real_name": ""}, "name": "", "tz": "", "is_app_user": True, "is_bot": True},
    ],
    ids=["empty", "nothing filled in", "an app's user"],
)
async def test_a_profile_that_says_nothing_leaves_the_name_from_the_request(
    fake: Slack, bob: Person, profile: dict[str, Any]
) -> None:
    fake.profiles[bob.id] = {"id": bob.id, **profile}
    await bob.types("me")
    assert "bob" in (await fake.heard()).words


async def test_somebody_without_a_name_is_called_by_their_mention(fake: Slack, bob: Person) -> None:
    fake.profiles[bob.id] = {"id": bob.id}
    await bob.writes("me")
    reply = (await fake.heard()).words
    assert "Something went wrong" not in reply


async def test_a_press_by_nobody_is_acknowledged(fake: Slack, bob: Person, team: Team) -> None:
    await bob.types("question vae easy")
    asked = await fake.heard()
    block, element = asked.pressed("A")
    for user in (None, {}, {"id": ""}):
        assert (await bob.sends_as(user, asked, block, element)).status == 200
        assert "Slack didn't say who did that" in (await fake.heard()).words
    await bob.presses(asked, "A")
    reply = await fake.heard()

    assert "Right!" in reply.words or "Not this time." in reply.words


@pytest.mark.parametrize("kind", ["app_home_opened", "app_mention", "message"])
async def test_an_event_by_nobody_is_acknowledged(fake: Slack, bob: Person, team: Team, kind: str) -> None:
    more = {"app_home_opened": {"tab": "home"}, "message": {"channel_type": "im", "text": "hello"}}
    told = await bob.tells(kind, channel=team.main.id, ts=fake.clock.ts(), **more.get(kind, {"text": "hello"}))
    assert told.status == 200
    await bob.types("team list")
    assert "There are no teams yet" in (await fake.heard()).words
