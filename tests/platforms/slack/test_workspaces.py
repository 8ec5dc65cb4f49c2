"""Many workspaces: they install the app from its page, are kept apart, uninstall it and come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import TableClause

from bot.app import App, Installations
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.outbox import PostError
from bot.encryption import Vault, new_key
from bot.platforms.slack.app import Credentials, slack
from bot.platforms.slack.dispatch import FORM_LOOKUP_TIMEOUT
from bot.platforms.slack.forms import Invocation
from bot.platforms.slack.manifest import EVENTS_PATH, SCOPES
from bot.replies import Notice, Reply
from bot.store import tables
from bot.web.app import web_app
from bot.web.server import served
from tests.clocks import HANG, forward, reach_limits
from tests.databases import PostgresqlDatabases
from tests.platforms.model import Model
from tests.platforms.slack.conftest import all_rows, locked, monday, opened, over_http, turn
from tests.platforms.slack.fake import Message, Person, Slack, Team
from tests.platforms.slack.fake.model import View

SET_UP = "A question in a channel every weekday at 09:00"
COOKIE = "slack-app-oauth-state"
LEASE = 91


@pytest.fixture
def url(database_url: str) -> str:
    """Run on SQLite and on PostgreSQL."""
    return database_url


def credentials(fake: Slack) -> Credentials:
    return Credentials(fake.signing_secret, client_id=fake.client_id, client_secret=fake.client_secret)


@pytest.fixture
async def root(app: App, fake: Slack) -> AsyncIterator[str]:
    """Return where the app's pages are; it's in no workspace yet."""
    async with over_http(app, credentials(fake), fake) as address:
        fake.point_at(address)
        yield address.removesuffix(EVENTS_PATH)


@dataclass(frozen=True, slots=True)
class Home:
    """A workspace whose owner has just installed the app and was greeted."""

    fake: Slack
    root: str
    team: Team
    ada: Person
    greeting: Message

    @classmethod
    async def made(cls, fake: Slack, root: str, name: str) -> Home:
        team = fake.team(name, installed=False)
        ada = Person.joins(fake, team, "ada", owner=True)
        return cls(fake, root, team, ada, await greeted(fake, root, ada))

    async def set_up(self) -> Message:
        await self.ada.presses(self.greeting, SET_UP)
        form = await self.fake.next(self.fake.views)
        await self.ada.sends(form, {"where": self.team.main.id, "time": "09:00"})
        return await self.fake.heard()

    @property
    def questions(self) -> list[Message]:
        return [m for m in self.team.main.messages.values() if "Question of the day" in m.words]


@pytest.fixture
async def readers(fake: Slack, root: str) -> Home:
    return await Home.made(fake, root, "readers")


async def greeted(fake: Slack, root: str, person: Person) -> Message:
    page = await person.installs(f"{root}/slack/install")
    assert page.status == 200, page.body
    return await fake.heard()


async def came_back(fake: Slack, root: str, code: str, state: str, cookie: str = "") -> tuple[int, str]:
    """Return the page that a browser gets when it comes back from Slack."""
    headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
    asked = {"code": code, "state": state}
    async with fake.courier.session.get(f"{root}/slack/oauth_redirect", params=asked, headers=headers) as page:
        return page.status, await page.text()


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that's done after the acknowledgement."""
    async with asyncio.timeout(HANG):
        while not await check():  # noqa: ASYNC110 (a database tells nobody)
            await asyncio.sleep(0.01)


def here(app: App) -> Installations:
    assert app.slack_installations is not None
    return app.slack_installations


async def rows(app: App, table: TableClause) -> list[dict[str, Any]]:
    return await app.study.store.query(all_rows, table)


async def teams(app: App) -> list[str]:
    """Return the ids of the workspaces that installed the app."""
    return [row["team"] for row in await rows(app, tables.slack_installations)]


async def over(app: App) -> None:
    """Wait until the only workspace's uninstall is stored."""

    async def gone() -> bool:
        return not await teams(app) and await app.active_workspaces("slack") == []

    await eventually(gone)


# Installing


async def test_the_install_page_leads_to_the_first_question(fake: Slack, root: str, app: App) -> None:
    team = fake.team("readers", installed=False)
    ada = Person.joins(fake, team, "ada", owner=True)
    page = await ada.installs(f"{root}/slack/install")
    greeting = await fake.heard()
    home = Home(fake, root, team, ada, greeting)

    assert "Studyhall is in Readers" in page.body
    assert set(page.query["scope"].split(",")) == set(SCOPES)
    assert greeting.channel == ada.direct.id
    assert greeting.buttons == [SET_UP]
    assert "The first question comes" in (await home.set_up()).words
    monday(fake)
    await turn(app)
    assert len(home.questions) == 1


async def test_tokens_are_stored_encrypted(app: App, readers: Home) -> None:
    [row] = await rows(app, tables.slack_installations)
    assert readers.team.token not in str(row)
    assert here(app).vault.decrypt(row["token"]) == readers.team.token
    assert (row["team"], row["installer"]) == (readers.team.id, readers.ada.id)


async def test_installing_again_brings_no_second_greeting(fake: Slack, root: str, readers: Home) -> None:
    page = await readers.ada.installs(f"{root}/slack/install")
    assert page.status == 200
    await readers.ada.types("team list")

    assert "There are no teams yet" in (await fake.heard()).words


async def test_refusing_the_install_is_explained(fake: Slack, root: str, app: App) -> None:
    ada = Person.joins(fake, fake.team("readers", installed=False), "ada", owner=True)
    page = await ada.installs(f"{root}/slack/install", agrees=False)

    assert "you didn't allow it" in page.body
    assert await teams(app) == []


async def test_a_foreign_guessed_used_or_old_state_is_refused(fake: Slack, root: str, app: App) -> None:
    team = fake.team("readers", installed=False)
    ada = Person.joins(fake, team, "ada", owner=True)

    def code() -> str:
        return fake.oauth.authorize(team, ada.user, SCOPES)

    old = await here(app).new_state()
    assert "in a different browser" in (await came_back(fake, root, code(), old))[1]
    assert "in a different browser" in (await came_back(fake, root, code(), old, "another"))[1]
    assert "was already used" in (await came_back(fake, root, code(), "guessed", "guessed"))[1]
    fake.clock.forward(601)
    assert "was already used" in (await came_back(fake, root, code(), old, old))[1]
    assert await teams(app) == []

    fresh = await here(app).new_state()
    assert (await came_back(fake, root, code(), fresh, fresh))[0] == 200
    assert (await came_back(fake, root, code(), fresh, fresh))[0] == 401
    await fake.heard()


@pytest.mark.parametrize("fault", ["a wrong code", "an answer of 503", "no answer"])
async def test_a_failed_install_is_explained_on_a_page(fake: Slack, root: str, app: App, fault: str) -> None:
    state = await here(app).new_state()
    if fault == "no answer":
        fake.cut("oauth.v2.access", times=2, done=False)
    elif fault == "an answer of 503":
        fake.fail("oauth.v2.access", status=503)
    status, page = await came_back(fake, root, "guessed", state, state)

    assert status in (401, 503)
    assert "That didn't work" in page
    assert "Try again" in page


async def test_the_install_page_says_so_while_the_database_is_down(
    fake: Slack, postgresql: PostgresqlDatabases, library: Library
) -> None:
    ada = Person.joins(fake, fake.team("readers", installed=False), "ada", owner=True)
    async with (
        opened(fake, postgresql.with_tables(), library) as app,
        over_http(app, credentials(fake), fake) as address,
    ):
        with postgresql.down():
            page = await ada.installs(f"{address.removesuffix(EVENTS_PATH)}/slack/install")

    assert page.status == 503
    assert "Something on our side isn't responding right now." in page.body


async def test_a_refused_greeting_does_not_stop_the_installation(fake: Slack, root: str) -> None:
    ada = Person.joins(fake, fake.team("readers", installed=False), "ada", owner=True)
    fake.fail("chat.postMessage", error="restricted_action")
    assert (await ada.installs(f"{root}/slack/install")).status == 200
    await ada.types("team list")

    assert "There are no teams yet" in (await fake.heard()).words


async def test_the_installer_counts_as_owner(readers: Home, app: App) -> None:
    outbox = app.study.outboxes["slack"]

    assert await outbox.owners(Location("slack", readers.team.id, "")) == [readers.ada.id]


async def test_nothing_is_posted_where_the_app_is_not_installed(fake: Slack, root: str, app: App) -> None:
    place, words = Location("slack", fake.team("others", installed=False).id, ""), Reply.of(Notice("Hello."))
    with pytest.raises(PostError, match="isn't installed") as refused:
        await app.study.outboxes["slack"].send_direct(place, "U1", words, "hello")

    assert not refused.value.retry


async def test_installing_for_a_whole_organization_is_refused(fake: Slack, root: str, app: App) -> None:
    team = fake.team("readers", installed=False, enterprise="E1")
    ada = Person.joins(fake, team, "ada", owner=True)
    page = await ada.installs(f"{root}/slack/install", org_wide=True)

    assert page.status == 400
    assert "one workspace at a time" in page.body
    assert await teams(app) == []


async def test_a_workspace_without_the_app_is_told_so(fake: Slack, root: str) -> None:
    stranger = Person.joins(fake, fake.team("others", installed=False), "stranger")
    await stranger.types("streak")

    assert "isn't installed in this workspace" in (await fake.heard()).words


async def test_a_wrong_key_is_reported(fake: Slack, readers: Home, app: App) -> None:
    other = replace(app, slack_installations=replace(here(app), vault=Vault(new_key())))
    async with over_http(other, credentials(fake), fake) as address:
        fake.point_at(address)
        await readers.ada.types("streak")
        assert "isn't set up right on our side" in (await fake.heard()).words


# Apart from each other


async def test_workspaces_know_nothing_of_each_other(fake: Slack, root: str, readers: Home) -> None:
    writers = await Home.made(fake, root, "writers")
    await readers.ada.types("team create Owls")
    await fake.heard()
    await writers.ada.types("team list")
    assert "There are no teams yet" in (await fake.heard()).words
    await readers.ada.types("team list")
    assert "Owls" in (await fake.heard()).words


async def test_another_workspaces_ids_do_not_open_anything(fake: Slack, root: str, readers: Home) -> None:
    writers = await Home.made(fake, root, "writers")
    before = len(fake.messages.seen)
    forging = writers.ada.forging(team=readers.team.id, signature="v0=guessed")

    assert (await forging.types("schedule setup 09:00")).status == 401
    assert len(fake.messages.seen) == before


async def form_of(home: Home) -> View:
    await home.ada.presses(home.greeting, SET_UP)
    return await home.fake.next(home.fake.views)


async def test_a_form_only_works_in_its_own_workspace(fake: Slack, root: str, readers: Home, app: App) -> None:
    writers = await Home.made(fake, root, "writers")
    values = {"where": writers.team.main.id, "time": "09:00"}

    form = await form_of(writers)
    errand = Invocation.load(form.body["private_metadata"])
    elsewhere = replace(errand, location=replace(errand.location, workspace=readers.team.id))
    form.body["private_metadata"] = elsewhere.dump()
    await writers.ada.sends(form, values)

    await writers.ada.types("streak")
    await fake.heard()
    assert await rows(app, tables.schedules) == []


async def test_a_visitors_form_belongs_to_the_workspace_with_the_app(
    fake: Slack, root: str, readers: Home, app: App
) -> None:
    eve = Person.joins(fake, fake.team("partners", installed=False), "eve").visits(readers.team.main)
    await readers.ada.types("question fine-tuning", readers.team.main)
    await fake.heard()
    await eve.mentions("what is LoRA?", readers.team.main)
    reply = await fake.heard()
    while "Ask more" not in reply.buttons:
        reply = await fake.next(fake.edits)
    await eve.presses(reply, "Ask more")
    assert not (await eve.sends(await fake.next(fake.views), {"text": "why does that save memory?"})).errors
    while (again := await fake.next(fake.edits)).ts == reply.ts or "Ask more" not in again.buttons:
        pass

    assert {row["workspace_id"] for row in await rows(app, tables.explanations)} == {1}
    assert len(await rows(app, tables.explanations)) == 2


async def test_an_uninstall_is_acknowledged_only_once_it_is_stored(
    fake: Slack, readers: Home, app: App, url: str
) -> None:
    async with locked(url, "slack_installation"):
        revoked, uninstalled = await reach_limits(asyncio.create_task(readers.ada.uninstalls()))
    fake.forgive("acknowledgement")
    assert {revoked.status, uninstalled.status}.isdisjoint({200})
    assert await teams(app) == [readers.team.id]

    assert (await fake.courier.redeliver(uninstalled)).status == 200
    assert await teams(app) == []


# Tokens


@pytest.mark.both_databases
async def test_an_expired_token_that_fails_to_renew_does_not_stop_schedules(
    fake: Slack, root: str, url: str, library: Library
) -> None:
    fake.rotates = True
    home = await Home.made(fake, root, "readers")
    await home.set_up()
    fake.clock.forward(13 * 3600)
    fake.fail("oauth.v2.access", status=503, times=9)
    async with opened(fake, url, library) as app, over_http(app, credentials(fake), fake):
        place, words = Location("slack", home.team.id, ""), Reply.of(Notice("Hello."))
        with pytest.raises(PostError) as refused:
            await app.study.outboxes["slack"].send_direct(place, home.ada.id, words, "hello")

    assert refused.value.retry


@pytest.mark.both_databases
@pytest.mark.parametrize("slow", [False, True], ids=["no answer", "a late answer"])
async def test_a_form_stays_open_while_there_is_no_valid_token(
    fake: Slack, root: str, url: str, library: Library, slow: bool
) -> None:
    fake.rotates = True
    home = await Home.made(fake, root, "readers")
    await home.set_up()
    form = await form_of(home)
    fake.clock.forward(13 * 3600)
    renewing = fake.hold("oauth.v2.access") if slow else None
    fake.fail("oauth.v2.access", status=503, times=2)
    values = {"where": home.team.main.id, "time": "10:00"}
    async with opened(fake, url, library) as app, over_http(app, credentials(fake), fake) as address:
        fake.point_at(address)
        sending = asyncio.create_task(home.ada.sends(form, values))
        if renewing:
            await renewing.arrived()
            forward(FORM_LOOKUP_TIMEOUT)
        assert ["can't answer right now" in problem for problem in (await sending).errors.values()] == [True]
        fake.faults.waiting.clear()
        if renewing:
            renewing.release()
        assert not (await home.ada.sends(form, values)).errors
        assert "The first question comes" in (await fake.heard()).words


async def test_a_token_that_a_form_renews_is_stored_before_the_program_ends(
    fake: Slack, root: str, url: str, library: Library
) -> None:
    fake.rotates = True
    home = await Home.made(fake, root, "readers")
    await home.set_up()
    form = await form_of(home)
    fake.clock.forward(13 * 3600)
    renewing = fake.hold("oauth.v2.access")
    async with opened(fake, url, library) as app:
        [before] = await rows(app, tables.slack_installations)
        async with slack(app, credentials(fake), api=fake.api) as routes:
            async with served(web_app(app, routes), "127.0.0.1", 0) as address:
                fake.point_at(f"{address}{EVENTS_PATH}")
                sending = asyncio.create_task(home.ada.sends(form, {"where": home.team.main.id, "time": "10:00"}))
                await renewing.arrived()
                forward(FORM_LOOKUP_TIMEOUT)
                assert (await sending).errors
            asyncio.get_running_loop().call_soon(renewing.release)
        [after] = await rows(app, tables.slack_installations)

    assert after["expires_at"] > before["expires_at"]


async def test_a_token_that_slack_will_not_renew_ends_the_installation(
    fake: Slack, root: str, url: str, library: Library
) -> None:
    fake.rotates = True
    home = await Home.made(fake, root, "readers")
    fake.clock.forward(13 * 3600)
    fake.fail("oauth.v2.access", error="invalid_refresh_token")
    async with opened(fake, url, library) as app, over_http(app, credentials(fake), fake) as address:
        fake.point_at(address)
        await home.ada.types("team list")
        assert "isn't installed in this workspace" in (await fake.heard()).words


async def test_an_unreadable_token_asks_the_member_to_try_again(
    fake: Slack, postgresql: PostgresqlDatabases, library: Library
) -> None:
    ada = Person.joins(fake, fake.team("readers", installed=False), "ada", owner=True)
    async with (
        opened(fake, postgresql.with_tables(), library) as app,
        over_http(app, credentials(fake), fake) as address,
    ):
        fake.point_at(address)
        with postgresql.down():
            await ada.types("team list")
            assert "Please try again." in (await fake.heard()).words


@pytest.mark.both_databases
async def test_a_token_is_renewed_once_by_two_replicas(fake: Slack, root: str, url: str, library: Library) -> None:
    fake.rotates = True
    home = await Home.made(fake, root, "readers")
    fake.clock.forward(11 * 3600)
    async with (
        opened(fake, url, library) as one,
        opened(fake, url, library) as two,
        over_http(one, credentials(fake), fake),
        over_http(two, credentials(fake), fake),
    ):
        place, words = Location("slack", home.team.id, ""), Reply.of(Notice("Hello."))
        telling = (app.study.outboxes["slack"].send_direct(place, home.ada.id, words, "hello") for app in (one, two))
        await asyncio.gather(*telling)
        renewed = [c for c in fake.calls["oauth.v2.access"] if c.text("grant_type") == "refresh_token"]
        kept = await here(one).find(home.team.id)

    assert len(renewed) == 1
    assert kept is not None
    assert kept.token == home.team.token


@pytest.mark.both_databases
async def test_a_token_that_fails_to_renew_is_used_until_it_expires(
    fake: Slack, root: str, url: str, library: Library
) -> None:
    fake.rotates = True
    home = await Home.made(fake, root, "readers")
    fake.clock.forward(11 * 3600)
    fake.fail("oauth.v2.access", status=503)
    async with opened(fake, url, library) as app, over_http(app, credentials(fake), fake):
        place, words = Location("slack", home.team.id, ""), Reply.of(Notice("Hello."))
        await app.study.outboxes["slack"].send_direct(place, home.ada.id, words, "hello")

    assert (await fake.heard()).words == "Hello."


# Uninstalled


async def test_after_an_uninstall_the_app_is_silent_and_keeps_all_answers(
    fake: Slack, root: str, readers: Home, app: App
) -> None:
    await readers.set_up()
    await readers.ada.types("question vae easy")
    await readers.ada.presses(await fake.heard(), "A")
    await fake.heard()
    await readers.ada.uninstalls()
    await over(app)
    monday(fake)
    calls = sum(map(len, fake.calls.values()))
    await turn(app)

    assert sum(map(len, fake.calls.values())) == calls
    assert await rows(app, tables.slack_installations) == []
    assert len(await rows(app, tables.answers)) == 1
    back = await greeted(fake, root, readers.ada)
    assert "I'm back!" in back.words
    assert "1 schedule is on hold" in back.words


@pytest.mark.both_databases
async def test_a_late_uninstall_event_does_not_end_the_new_installation(
    fake: Slack, root: str, readers: Home, app: App, url: str
) -> None:
    _, gone = await readers.ada.uninstalls()
    await over(app)
    fake.clock.forward(60)
    await greeted(fake, root, readers.ada)
    await fake.courier.redeliver(gone)
    await readers.ada.types("team list")

    assert "There are no teams yet" in (await fake.heard()).words
    assert await teams(app) == [readers.team.id]


async def test_revoked_user_tokens_change_nothing(fake: Slack, readers: Home, app: App) -> None:
    await readers.ada.tells("tokens_revoked", tokens={"oauth": [readers.ada.id], "bot": []})
    await readers.ada.types("team list")

    assert "There are no teams yet" in (await fake.heard()).words
    assert await teams(app) == [readers.team.id]


@pytest.mark.parametrize("error", ["account_inactive", "token_revoked", "invalid_auth"])
async def test_an_unnoticed_uninstall_is_found_by_the_next_post(
    fake: Slack, readers: Home, app: App, error: str
) -> None:
    await readers.set_up()
    monday(fake)
    fake.expel(readers.team, error)
    await turn(app)
    refused = [c.method for calls in fake.calls.values() for c in calls if c.error == error]
    await turn(app)

    assert refused == [c.method for calls in fake.calls.values() for c in calls if c.error == error]
    assert len(refused) == 1
    assert await teams(app) == []
    [schedule] = await rows(app, tables.schedules)
    assert schedule["problem"] == "I was removed from here."


async def test_an_unnoticed_uninstall_is_found_by_the_next_form(fake: Slack, readers: Home, app: App) -> None:
    fake.expel(readers.team)
    await readers.ada.types("team create")

    assert "didn't accept all of my answer" in (await fake.heard()).words
    await over(app)


async def test_an_uninstall_during_an_answer_ends_it(fake: Slack, readers: Home, app: App, model: Model) -> None:
    readers.team.main.joined = True
    model.enough = lambda: readers.team.tokens[0].gone != ""
    await readers.ada.mentions("what is LoRA?")
    await fake.next(fake.edits)
    fake.expel(readers.team)

    await over(app)


@pytest.mark.both_databases
async def test_a_rejected_old_token_does_not_end_an_installation_with_a_new_one(
    *, fake: Slack, root: str, readers: Home, app: App, url: str, library: Library
) -> None:
    await readers.set_up()
    monday(fake)
    fake.expel(readers.team)
    async with (
        opened(fake, url, library) as other,
        over_http(other, credentials(fake), fake) as address,
    ):
        page = await readers.ada.installs(f"{address.removesuffix(EVENTS_PATH)}/slack/install")
        assert page.status == 200
    readers.team.main.joined = True
    await turn(app)
    assert await teams(app) == [readers.team.id]
    assert readers.questions == []
    fake.clock.forward(LEASE)
    await turn(app)

    assert len(readers.questions) == 1
    assert json.dumps([m.words for m in fake.messages.seen]).count("Hello!") == 1
