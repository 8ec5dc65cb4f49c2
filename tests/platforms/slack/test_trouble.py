"""What can go wrong between Slack, the app and its database: it's acknowledged, reported, and done once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from bot.app import App
from bot.context.identity import Location
from bot.context.library import Library
from bot.context.outbox import FIRST_ATTEMPT, Attempt, PostError
from bot.errors import SetupError
from bot.platforms.slack.app import Credentials
from bot.platforms.slack.dispatch import FORM_OPEN_TIMEOUT
from bot.platforms.slack.identity import LOOKUP_TIMEOUT
from bot.platforms.slack.listeners import ACK_TIMEOUT
from bot.platforms.slack.manifest import EVENTS_PATH
from bot.platforms.slack.sending import RESPONSE_URL_TIMEOUT
from bot.platforms.slack.server import MAX_BODY_SIZE, routes
from bot.platforms.slack.throttle import EDIT_INTERVAL
from bot.replies import Reply, Text
from bot.store import tables
from knowledge.format.reader import load
from knowledge.retrieval.embedding import Embedder
from tests.clocks import forward, reach_limits
from tests.databases import PostgresqlDatabases
from tests.platforms.model import Model
from tests.platforms.slack.conftest import count_rows, locked, opened, over_http, turn, until
from tests.platforms.slack.fake import Message, Person, Slack, Team, View

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
DAILY = "schedule setup 09:00 zone=UTC days=mon-sun"
LEASE = 91
"""Seconds after which an unfinished post is taken up again."""


@pytest.fixture
def busy_ms() -> int:
    return 300


def signed(fake: Slack, body: str | bytes, kind: str = FORM) -> dict[str, str]:
    """Sign the bytes as Slack does; the SDK's verifier can't sign what isn't UTF-8."""
    at = str(int(time.time()))
    raw = body.encode() if isinstance(body, str) else body
    digest = hmac.new(fake.signing_secret.encode(), f"v0:{at}:".encode() + raw, hashlib.sha256).hexdigest()
    return {"Content-Type": kind, "X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


async def sent(fake: Slack, body: object, headers: dict[str, str]) -> int:
    """Send a request that no member of the fake would make, and return the status."""
    async with fake.courier.session.post(fake.app_url, data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def in_parts(part: bytes, times: int) -> AsyncIterator[bytes]:
    for _ in range(times):
        yield part


async def answers(app: App) -> int:
    return await app.study.store.query(count_rows, tables.answers)


async def asked(fake: Slack, person: Person) -> Message:
    await person.types("question vae easy")
    return await fake.heard()


def posts(team: Team, about: str = "Question of the day") -> list[Message]:
    return [message for message in team.main.messages.values() if about in message.words]


# Who asks


@pytest.mark.parametrize("forgery", [{"signature": "v0=0123"}, {"age": 600.0}, {"age": -600.0}])
async def test_requests_without_a_fresh_signature_are_refused(
    fake: Slack, bob: Person, forgery: dict[str, object]
) -> None:
    assert (await bob.forging(**forgery).types("question vae easy")).status == 401  # type: ignore[arg-type]
    assert not fake.calls.keys() - {"auth.test"}


@pytest.mark.parametrize("stamp", ["", "soon", "-1", "1e9", "9" * 5000])
async def test_an_invalid_timestamp_is_refused(fake: Slack, bob: Person, stamp: str) -> None:
    headers = signed(fake, "a=b") | {"X-Slack-Request-Timestamp": stamp}
    assert await sent(fake, "a=b", headers) == 401


async def test_a_signature_that_is_not_ascii_is_refused(fake: Slack, bob: Person) -> None:
    assert await sent(fake, "a=b", signed(fake, "a=b") | {"X-Slack-Signature": "v0=é"}) == 401


@pytest.mark.parametrize("kind", [FORM, JSON])
async def test_nothing_is_parsed_before_the_signature_is_checked(fake: Slack, running: str, kind: str) -> None:
    """Only parsing tells that a body is malformed (400), so 401 shows that it wasn't reached."""
    headers = signed(fake, "another body", kind)
    for body in (b"\xff", b"payload={", b"{", b"[" * 100_000, b"[]"):
        assert await sent(fake, body, headers) == 401


async def test_a_body_with_a_stale_timestamp_is_not_read(fake: Slack, running: str) -> None:
    """Only reading tells that a body in parts is too large (413)."""
    stale = signed(fake, "") | {"X-Slack-Request-Timestamp": str(int(time.time()) - 301)}
    assert await sent(fake, in_parts(b"a" * 1000, MAX_BODY_SIZE // 1000 + 1), stale) == 401


async def test_slack_can_verify_the_address(fake: Slack, running: str) -> None:
    assert "challenge" in (await fake.verify_url()).body


# What was sent before


async def test_a_replayed_command_runs_once(fake: Slack, bob: Person) -> None:
    before = await bob.types("question vae easy")
    again = await fake.courier.replay(before)

    assert before.body
    assert (again.status, again.body) == (200, "")
    assert "chat.postMessage" not in fake.calls


# Bodies


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"text=\xff\xfe", FORM),
        (b"payload=never", FORM),
        (b"payload=[1]", FORM),
        (b"{", JSON),
        (b"[1, 2]", JSON),
        (b'"a"', JSON),
        (b"[" * 200_000, JSON),
    ],
    ids=["no text", "no JSON", "a list", "cut off", "a list as JSON", "a word", "deep"],
)
async def test_an_unreadable_body_is_refused(fake: Slack, running: str, body: bytes, kind: str) -> None:
    assert await sent(fake, body, signed(fake, body, kind)) == 400


async def test_a_body_that_is_too_large_is_refused(fake: Slack, running: str) -> None:
    assert await sent(fake, b"a" * (MAX_BODY_SIZE + 1), signed(fake, "")) == 413
    assert await sent(fake, in_parts(b"a" * 1000, MAX_BODY_SIZE // 1000 + 1), signed(fake, "")) == 413


async def test_a_request_that_is_aborted_is_no_error(fake: Slack) -> None:
    """Starlette raises ClientDisconnect then, and uvicorn logs whatever an application raises with its traceback."""
    bolt = AsyncApp(client=AsyncWebClient("xoxb-none", fake.api), signing_secret=fake.signing_secret)
    app = Starlette(routes=routes(bolt, fake.signing_secret))
    headers = [(name.lower().encode(), value.encode()) for name, value in signed(fake, "").items()]
    scope = {"type": "http", "method": "POST", "path": EVENTS_PATH, "headers": headers, "query_string": b""}
    received = [{"type": "http.request", "body": b"a=", "more_body": True}, {"type": "http.disconnect"}]
    answered: list[Any] = []

    async def receive() -> Any:
        return received.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    await app(scope, receive, send)
    assert answered[0]["status"] == 400


async def test_a_body_may_arrive_in_parts(fake: Slack, running: str) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "42"})
    assert await sent(fake, in_parts(body.encode(), 1), signed(fake, body, JSON)) == 200


# The database


async def test_a_locked_database_is_reported(fake: Slack, bob: Person, url: str) -> None:
    async with locked(url):
        await bob.types("question vae easy")
        assert "another program has been writing" in (await fake.heard()).words


async def test_a_button_reports_a_locked_database_and_counts_later(
    fake: Slack, bob: Person, url: str, app: App
) -> None:
    question = await asked(fake, bob)
    async with locked(url):
        await bob.presses(question, "A")
        assert "another program has been writing" in (await fake.heard()).words
    assert await answers(app) == 0
    await bob.presses(question, "A")
    await fake.heard()
    assert await answers(app) == 1


async def test_a_form_gives_back_what_was_typed_while_the_database_is_locked(
    fake: Slack, bob: Person, url: str
) -> None:
    await bob.types("question fine-tuning")
    await bob.presses(await fake.heard(), "In my own words")
    form = await fake.next(fake.views)
    async with locked(url):
        await bob.sends(form, {"text": "The weights stay frozen."})
        reply = await fake.heard()

    assert "The weights stay frozen." in reply.words
    assert "Fix" in reply.buttons


@asynccontextmanager
async def scheduling(fake: Slack, team: Team, url: str, library: Library) -> AsyncIterator[tuple[Person, View]]:
    """Yield a manager of a workspace whose app is on that database, and the form they've opened."""
    maya = Person.joins(fake, team, "maya", admin=True)
    credentials = Credentials(signing_secret=fake.signing_secret, bot_token=team.token)
    async with opened(fake, url, library) as app, over_http(app, credentials, fake) as address:
        fake.point_at(address)
        await maya.types("schedule setup")
        yield maya, await fake.next(fake.views)


async def test_a_form_is_accepted_while_the_database_is_slow(
    fake: Slack, team: Team, postgresql: PostgresqlDatabases, library: Library
) -> None:
    url = postgresql.with_tables()
    async with scheduling(fake, team, url, library) as (maya, form):
        async with locked(url, "workspace"):
            sending = maya.sends(form, {"where": team.main.id, "time": "09:00"})
            ack = await reach_limits(asyncio.create_task(sending))
        assert not ack.errors
        assert "The first question comes" in (await fake.heard()).words


async def test_a_form_stays_open_while_the_database_is_down(
    fake: Slack, team: Team, postgresql: PostgresqlDatabases, library: Library
) -> None:
    async with scheduling(fake, team, postgresql.with_tables(), library) as (maya, form):
        typed = {"where": team.main.id, "time": "09:00"}
        with postgresql.down():
            kept = await maya.sends(form, typed)
        assert ["Please send it again in a moment." in problem for problem in kept.errors.values()] == [True]
        assert not (await maya.sends(form, typed)).errors
        assert "The first question comes" in (await fake.heard()).words


async def test_a_form_opens_and_a_question_is_answered_while_the_database_is_down(
    fake: Slack, team: Team, postgresql: PostgresqlDatabases, library: Library
) -> None:
    async with scheduling(fake, team, postgresql.with_tables(), library) as (maya, form):
        await maya.closes(form)
        with postgresql.down():
            await maya.types("team create")
            opened_form = await fake.next(fake.views)
            await maya.writes("question our-rules")
            answer = await fake.heard()
        assert not (await maya.sends(opened_form, {"name": "Blue"})).errors
        assert "Blue" in (await fake.heard()).words

    assert "Nothing was changed." in answer.words


async def test_a_failed_share_is_reported_to_the_member_who_picked_the_channel(
    fake: Slack, bob: Person, team: Team, url: str
) -> None:
    await bob.types("explain what is LoRA")
    while "Share" not in (explained := await fake.next(fake.edits)).buttons:
        pass
    await bob.presses(explained, "Share")
    form = await fake.next(fake.views)
    async with locked(url):
        await bob.sends(form, {"where": team.main.id})
        while "another program has been writing" not in (reply := await fake.heard()).words:
            pass

    assert (reply.channel, reply.reader) in {(bob.direct.id, ""), (bob.direct.id, bob.id), (team.main.id, bob.id)}
    assert "Fix" in reply.buttons
    await bob.presses(reply, "Fix")
    await bob.sends(await fake.next(fake.views), {"where": team.main.id})
    while (shared := await fake.heard()).channel != team.main.id:
        pass
    assert "Shared by bob" in shared.words


# Mistakes


async def test_a_failure_after_the_acknowledgement_is_reported(
    fake: Slack, team: Team, url: str, tmp_path: Path
) -> None:
    closed = Library(load().bank, tmp_path, Embedder())
    closed.close()
    credentials = Credentials(signing_secret=fake.signing_secret, bot_token=team.token)
    async with opened(fake, url, closed) as app, over_http(app, credentials, fake) as address:
        fake.point_at(address)
        bob = Person.joins(fake, team, "bob")
        assert (await bob.writes("what is LoRA?")).status == 200
        assert "It's in the log as" in (await fake.heard()).words
        await bob.types("team list")
        assert "There are no teams yet" in (await fake.heard()).words


async def test_an_incomplete_answer_from_slack_is_reported(fake: Slack, bob: Person) -> None:
    fake.hollow("conversations.open")
    assert (await bob.types("privacy export")).status == 200
    said = (await fake.heard()).words, (await fake.heard()).words
    assert any("Something went wrong on our side" in words for words in said)
    await bob.types("team list")
    assert "There are no teams yet" in (await fake.heard()).words


# The Web API


async def test_members_who_cannot_be_looked_up_are_still_answered(fake: Slack, bob: Person) -> None:
    asking = fake.hold("users.info")
    typing = asyncio.create_task(bob.types("team list"))
    await asking.arrived()
    forward(ACK_TIMEOUT)
    await typing
    forward(LOOKUP_TIMEOUT)
    assert "There are no teams yet" in (await fake.heard()).words
    asking.release()


async def test_a_form_that_slack_fails_to_open_is_offered_as_a_button(fake: Slack, maya: Person) -> None:
    opening = fake.hold("views.open")
    typing = asyncio.create_task(maya.types("schedule setup"))
    await opening.arrived()
    forward(ACK_TIMEOUT)
    await typing
    forward(FORM_OPEN_TIMEOUT)
    reply = await fake.heard()
    assert "didn't open the form in time" in reply.words
    await maya.presses(reply, "Open the form")
    assert (await fake.next(fake.views)).body["callback_id"] == "form"
    opening.release()


@pytest.mark.parametrize("fault", [{"error": "expired_trigger_id"}, {"status": 503}])
async def test_an_expired_trigger_is_reported(fake: Slack, maya: Person, fault: dict[str, object]) -> None:
    fake.fail("views.open", **fault)  # type: ignore[arg-type]
    await maya.types("schedule setup")

    assert "Open the form" in (await fake.heard()).buttons


async def test_an_unresponsive_response_url_does_not_hold_up_the_reply(fake: Slack, bob: Person, team: Team) -> None:
    question = await asked(fake, bob)
    answering = fake.hold("response_url")
    await bob.presses(question, "A")
    await answering.arrived()
    forward(RESPONSE_URL_TIMEOUT.total or 0)
    reply = await fake.heard()
    assert (reply.channel, reply.reader) == (team.main.id, bob.id)
    assert fake.calls["chat.postEphemeral"]
    answering.release()


async def test_once_a_response_url_is_used_up_the_answer_is_ephemeral(fake: Slack, bob: Person, team: Team) -> None:
    question = await asked(fake, bob)
    fake.fail("response_url", status=404)
    await bob.presses(question, "A")
    reply = await fake.heard()

    assert (reply.channel, reply.reader) == (team.main.id, bob.id)


async def test_outside_the_apps_channels_the_answer_is_a_direct_message(fake: Slack, bob: Person, team: Team) -> None:
    team.main.joined = False
    question = await asked(fake, bob)
    fake.fail("response_url", status=404)
    await bob.presses(question, "A")

    assert (await fake.heard()).channel == bob.direct.id


async def test_a_public_answer_goes_where_the_app_may_post(fake: Slack, bob: Person, team: Team) -> None:
    await bob.types("leaderboard")
    shown = await fake.heard()
    fake.fail("response_url", times=2, status=404)
    for joined, channel in ((True, team.main), (False, bob.direct)):
        team.main.joined = joined
        await bob.presses(shown, shown.buttons[0])
        assert (await fake.heard()).channel == channel.id


async def test_a_post_waits_as_long_as_a_rate_limit_asks(fake: Slack, maya: Person, team: Team, app: App) -> None:
    await maya.types(DAILY)
    until(fake, "09:00")
    fake.fail("chat.postMessage", after=30)
    await turn(app)
    fake.clock.forward(29)
    await turn(app)
    assert posts(team) == []

    fake.clock.forward(1)
    await turn(app)

    assert len(posts(team)) == 1
    assert [call.status for call in fake.calls["chat.postMessage"]] == [429, 200]


@pytest.mark.parametrize("arrives", [True, False], ids=["it arrived", "it was lost"])
@pytest.mark.parametrize("broken", [True, False], ids=["the connection broke", "a server failed"])
async def test_a_post_with_an_unknown_outcome_appears_once(
    *, fake: Slack, maya: Person, team: Team, app: App, arrives: bool, broken: bool
) -> None:
    await maya.types(DAILY)
    until(fake, "09:00")
    if broken:
        fake.cut("chat.postMessage", done=arrives)
    else:
        fake.fail("chat.postMessage", status=503, done=arrives)
    await turn(app)
    assert len(posts(team)) == arrives
    fake.clock.forward(LEASE)
    await turn(app)

    assert len(posts(team)) == 1
    assert len(fake.calls["chat.postMessage"]) == (1 if arrives else 2)


@pytest.mark.parametrize("distributed", [False, True], ids=["one workspace", "outside the Marketplace"])
async def test_a_post_with_an_unknown_outcome_is_found_under_all_that_was_written_since(
    fake: Slack, maya: Person, team: Team, app: App, *, distributed: bool
) -> None:
    await maya.types(DAILY)
    until(fake, "09:00")
    fake.fail("chat.postMessage", status=503, done=True)
    await turn(app)
    for number in range(60 if distributed else 600):
        maya.chats(f"Message {number}")
    fake.rates.on, fake.rates.distributed = True, distributed
    for _ in range(10):
        fake.clock.forward(61)
        await turn(app)

    assert len(posts(team)) == 1
    assert len(fake.calls["chat.postMessage"]) == 1


async def test_a_reminder_with_an_unknown_outcome_comes_once(fake: Slack, bob: Person, app: App) -> None:
    await bob.types("question vae easy")
    await bob.presses(await fake.heard(), "A")
    await bob.types("me remind=20:00")
    fake.clock.forward(24 * 60 * 60)
    until(fake, "20:00")
    fake.fail("chat.postMessage", status=503, done=True)
    await turn(app)
    fake.clock.forward(LEASE)
    await turn(app)

    reminders = [message for message in bob.direct.messages.values() if "Your streak of 1 day" in message.words]
    assert len(reminders) == 1
    assert len(fake.calls["chat.postMessage"]) == 1


async def test_a_post_of_several_messages_is_completed_on_retry(
    fake: Slack, team: Team, app: App, running: str
) -> None:
    place, key = Location("slack", team.id, team.main.id), "long"
    reply = Reply.of(Text("\n\n".join(f"Paragraph {n}. " + "It goes on and on. " * 100 for n in range(12))))
    outbox = app.study.outboxes["slack"]
    fake.hold("chat.postMessage").release()
    fake.fail("chat.postMessage", status=503)
    with pytest.raises(PostError) as broken:
        await outbox.post(place, reply, key)
    assert broken.value.retry
    [first] = team.main.messages.values()
    assert await outbox.post(place, reply, key, attempt=Attempt(app.now())) == first.ts

    words = "\n".join(message.words for message in team.main.messages.values())
    assert len(team.main.messages) > 1
    assert [words.count(f"Paragraph {n}.") for n in range(12)] == [1] * 12


async def test_a_thread_is_opened_once(fake: Slack, team: Team, app: App, running: str) -> None:
    location, outbox = Location("slack", team.id, team.main.id), app.study.outboxes["slack"]
    ref = await outbox.post(location, Reply.of(Text("A question.")), "question")
    opened_threads = {
        await outbox.open_thread(location, ref, "Talk", attempt=attempt)
        for attempt in (FIRST_ATTEMPT, Attempt(app.now()))
    }

    assert opened_threads == {f"{team.main.id}/{ref}"}
    assert len(team.main.thread(ref)) == 1


async def test_a_refused_home_is_published_the_next_time(fake: Slack, bob: Person) -> None:
    fake.fail("views.publish", status=503)
    await bob.opens_home()
    await bob.types("team list")
    await fake.heard()
    await bob.opens_home()

    assert "Welcome!" in (await fake.next(fake.published)).words


async def test_a_file_that_cannot_be_uploaded_is_reported(fake: Slack, bob: Person) -> None:
    fake.fail("files.getUploadURLExternal", status=503)
    await bob.types("privacy export")
    said = (await fake.heard()).words, (await fake.heard()).words

    assert any("didn't accept all of my answer" in words for words in said)


async def test_an_explanation_survives_an_edit_that_fails(fake: Slack, bob: Person, model: Model) -> None:
    model.enough = lambda: len(fake.calls["chat.update"]) > 2

    async def next_word() -> None:
        await asyncio.sleep(0.02)
        if all(call.status for call in fake.calls["chat.update"]):
            forward(EDIT_INTERVAL / 4)

    model.passing = next_word
    fake.cut("chat.update", times=2, done=False)
    await bob.types("explain what is LoRA")
    while "Ask more" not in (edited := await fake.next(fake.edits)).buttons:
        pass

    assert "low-rank update" in edited.words


@pytest.mark.parametrize(
    ("fault", "words"),
    [({"error": "invalid_auth"}, "rejects SLACK_BOT_TOKEN"), ({"status": 503}, "Can't reach Slack")],
)
async def test_a_start_that_slack_prevents_says_why(
    fake: Slack, team: Team, app: App, fault: dict[str, object], words: str
) -> None:
    fake.fail("auth.test", **fault)  # type: ignore[arg-type]
    with pytest.raises(SetupError, match=words):
        async with over_http(app, Credentials(fake.signing_secret, team.token), fake):
            pass


# What was typed


async def test_fix_opens_the_form_with_what_was_typed(fake: Slack, maya: Person, team: Team) -> None:
    secret = fake.channel(team, "secret", private=True, joined=False)
    secret.members.add(maya.id)
    await maya.types("schedule setup")
    typed = {"where": secret.id, "time": "07:35", "zone": "Europe/Paris"}
    form = await fake.next(fake.views)
    await maya.looks_up(form, "zone", "Paris")
    await maya.sends(form, typed)
    reply = await fake.heard()
    assert "/invite @Studyhall" in reply.words
    await maya.presses(reply, "Fix")
    anew = json.dumps((await fake.next(fake.views)).blocks)

    assert "07:35" in anew
    assert "Europe/Paris" in anew
    assert secret.id in anew
