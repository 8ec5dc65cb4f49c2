"""The fake refuses what Slack refuses and sends what Slack sends, so that passing against it means something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.installation_store.models.installation import Installation
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.clocks import reach_limits, slow
from tests.platforms.slack.fake import Person, Slack, Team, blocks, spec
from tests.platforms.slack.fake.overlay import MENDED, RULES

described = pytest.mark.skipif(
    not spec.FILE.is_file(), reason="the description of Slack's methods is not at ../shared/specs"
)

Payload = dict[str, Any]


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Slack]:
    slow(monkeypatch)
    async with Slack().listening() as server:
        yield server
        assert server.violations == []


@pytest.fixture
def team(slack: Slack) -> Team:
    return slack.team()


@pytest.fixture
def bob(slack: Slack, team: Team) -> Person:
    return Person.joins(slack, team, "bob")


@pytest.fixture
def client(slack: Slack, team: Team) -> AsyncWebClient:
    return AsyncWebClient(token=team.token, base_url=slack.api)


@asynccontextmanager
async def listening(slack: Slack, bolt: AsyncApp) -> AsyncIterator[str]:
    """Serve a Bolt app over HTTP, with the fake pointed at it."""
    runner = web.AppRunner(bolt.web_app(path="/slack/events"))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    slack.point_at(f"{root}/slack/events")
    yield root
    await runner.cleanup()


@pytest.fixture
async def bolt(slack: Slack, client: AsyncWebClient) -> AsyncIterator[AsyncApp]:
    app = AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True)
    async with listening(slack, app):
        yield app


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as refusal:
        await call
    return str(refusal.value.response["error"])


def plain(text: str) -> Payload:
    return {"type": "plain_text", "text": text}


def section(text: str = "hello", **more: Any) -> Payload:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(label: str = "A", action_id: str = "press-1", **more: Any) -> Payload:
    return {"type": "button", "action_id": action_id, "text": plain(label), "value": "answer x a", **more}


def actions(*elements: Payload, **more: Any) -> Payload:
    return {"type": "actions", "elements": list(elements), **more}


def options(*values: str) -> list[Payload]:
    return [{"text": plain(value.title()), "value": value} for value in values]


def field(name: str, element: Payload, **more: Any) -> Payload:
    return {
        "type": "input",
        "block_id": name,
        "label": plain(name.title()),
        "element": {"action_id": name, **element},
        **more,
    }


def modal(*fields: Payload, **more: Any) -> Payload:
    body = {"type": "modal", "callback_id": "form", "title": plain("A form"), "submit": plain("Send")}
    return body | {"blocks": list(fields)} | more


TEXT = {"type": "plain_text_input"}
FORM = modal(
    field("words", TEXT),
    field("days", {"type": "checkboxes", "options": options("mon", "tue")}, optional=True),
    field("place", {"type": "channels_select", "response_url_enabled": True}, optional=True),
)
HOME = {
    "type": "home",
    "blocks": [section(), actions(button("Question"), {"type": "timepicker", "action_id": "at"}, block_id="day")],
}


# The Web API


async def test_a_token_sees_only_its_own_workspace(slack: Slack, team: Team, client: AsyncWebClient) -> None:
    other = slack.team("others")
    theirs = AsyncWebClient(token=other.token, base_url=slack.api)

    assert (await client.auth_test())["team_id"] == team.id
    assert (await theirs.auth_test())["bot_id"] == other.bot_id
    assert await refused(client.conversations_info(channel=other.main.id)) == "channel_not_found"
    assert await refused(client.chat_postMessage(channel=other.main.id, text="hello")) == "channel_not_found"


async def test_tokens_are_unknown_expired_revoked_or_without_a_workspace(slack: Slack, client: AsyncWebClient) -> None:
    slack.rotates = True
    team = slack.team("others")
    late = AsyncWebClient(token=team.token, base_url=slack.api)
    slack.clock.forward(43_201)
    revoked = AsyncWebClient(token=slack.token(team).value, base_url=slack.api)
    gone = AsyncWebClient(token=slack.token(team).value, base_url=slack.api)
    assert (await gone.auth_test())["ok"]
    slack.expel(team)

    assert await refused(late.auth_test()) == "account_inactive"
    assert await refused(revoked.auth_test()) == "account_inactive"
    assert await refused(gone.auth_test()) == "account_inactive"
    assert await refused(client.auth_test(token="xoxb-nobody")) == "invalid_auth"
    assert await refused(AsyncWebClient(base_url=slack.api).auth_test()) == "not_authed"
    team.tokens[0].gone, team.tokens[1].gone = "", "token_revoked"
    assert await refused(late.auth_test()) == "token_expired"
    assert await refused(revoked.auth_test()) == "token_revoked"


async def test_a_scope_that_is_missing_is_named(slack: Slack, team: Team, client: AsyncWebClient) -> None:
    token = slack.token(team, ["chat:write"]).value
    with pytest.raises(SlackApiError) as refusal:
        await client.conversations_history(channel=team.main.id, token=token)

    assert refusal.value.response["needed"] == "channels:history"
    assert refusal.value.response["provided"] == "chat:write"
    assert refusal.value.response.headers["x-oauth-scopes"] == "chat:write"
    assert len(slack.forgive("scope")) == 1


async def test_unknown_methods_and_arguments_are_recorded(slack: Slack, team: Team, client: AsyncWebClient) -> None:
    assert await refused(client.api_call("chat.shout")) == "unknown_method"
    slack.forgive("method")
    await client.chat_postMessage(channel=team.main.id, text="hello", color="red")
    assert "color" in str(slack.forgive("arguments")[0])
    assert await refused(client.api_call("chat.update", params={"channel": "C1"})) == "invalid_arguments"
    assert "missing required field: ts" in str(slack.forgive("arguments")[0])
    few = AsyncWebClient(token=slack.token(team, ["commands"]).value, base_url=slack.api)
    assert await refused(few.api_call("conversations.join", json={"channel": 1})) == "missing_scope"
    slack.forgive("scope")


@described
@pytest.mark.parametrize("method", RULES)
def test_what_the_fake_knows_about_a_method_agrees_with_its_description(method: str) -> None:
    about, own = spec.rule(method), RULES[method]
    assert about is not None

    assert {name: about.args.get(name) for name in own.args} == own.args
    assert set(own.required) == set(about.required)
    assert set(own.scopes) == set(about.scopes)
    assert own.tier == about.tier
    assert method not in MENDED or MENDED[method] == own.required


async def test_posts_are_read_back_with_their_metadata(team: Team, bob: Person, client: AsyncWebClient) -> None:
    key = {"event_type": "studyhall_post", "event_payload": {"key": "k"}}
    first = await client.chat_postMessage(channel=team.main.id, text="one", metadata=key)
    second = await client.chat_postMessage(channel=team.main.id, text="two", blocks=[section("two")])
    await client.chat_postMessage(channel=team.main.id, text="three", thread_ts=first["ts"])
    bare = await client.conversations_history(channel=team.main.id)
    whole = await client.conversations_history(channel=team.main.id, include_all_metadata=True, oldest="0")
    after = await client.conversations_history(channel=team.main.id, oldest=first["ts"])
    replies = await client.conversations_replies(channel=team.main.id, ts=first["ts"])

    assert float(first["ts"]) < float(second["ts"])
    assert [said["text"] for said in bare["messages"]] == ["two", "one"]
    assert "metadata" not in bare["messages"][1]
    assert whole["messages"][1]["metadata"] == key
    assert whole["messages"][1]["reply_count"] == 1
    assert [said["text"] for said in after["messages"]] == ["two"]
    assert [said["text"] for said in replies["messages"]] == ["one", "three"]


async def test_history_is_returned_one_page_at_a_time(team: Team, client: AsyncWebClient) -> None:
    for number in range(5):
        await client.chat_postMessage(channel=team.main.id, text=str(number))
    pages = []
    async for page in await client.conversations_history(channel=team.main.id, limit=2):
        pages.append(([said["text"] for said in page["messages"]], page["has_more"]))

    assert pages == [(["4", "3"], True), (["2", "1"], True), (["0"], False)]


async def test_channels_are_joined_archived_or_unseen(slack: Slack, team: Team, client: AsyncWebClient) -> None:
    public = slack.channel(team, "public", joined=False)
    private = slack.channel(team, "private", private=True, joined=False)
    archived = slack.channel(team, "archived", archived=True)

    assert await refused(client.chat_postMessage(channel=public.id, text="hello")) == "not_in_channel"
    assert await refused(client.chat_postMessage(channel=private.id, text="hello")) == "channel_not_found"
    assert await refused(client.chat_postMessage(channel=archived.id, text="hello")) == "is_archived"
    assert await refused(client.conversations_join(channel=private.id)) == "channel_not_found"
    assert (await client.conversations_join(channel=public.id))["channel"]["is_member"]
    assert (await client.chat_postMessage(channel=public.id, text="hello"))["ok"]
    listed = await client.users_conversations(types="public_channel,private_channel", exclude_archived=True)
    assert [channel["name"] for channel in listed["channels"]] == ["papers", "public"]


async def test_a_users_conversations_are_the_ones_the_app_may_see(
    slack: Slack, team: Team, bob: Person, client: AsyncWebClient
) -> None:
    archived = slack.channel(team, "archived", archived=True)
    foreign = slack.channel(team, "foreign", joined=False)
    ours = slack.channel(team, "ours", private=True)
    hidden = slack.channel(team, "hidden", private=True, joined=False)
    for private in (ours, hidden):
        private.members.add(bob.id)
    elsewhere = slack.channel(team, "elsewhere", private=True)
    both: dict[str, Any] = {"types": "public_channel, private_channel"}

    async def of(**asked: Any) -> list[str]:
        return [channel["id"] for channel in (await client.users_conversations(**asked))["channels"]]

    assert await of(user=bob.id) == [team.main.id, archived.id, foreign.id]
    assert await of(user=bob.id, exclude_archived=True, **both) == [team.main.id, foreign.id, ours.id]
    assert await of(**both) == [team.main.id, archived.id, ours.id, elsewhere.id]
    pages = [page["channels"] async for page in await client.users_conversations(user=bob.id, limit=2)]
    assert [len(page) for page in pages] == [2, 1]
    assert {"is_member", "num_members"}.isdisjoint(pages[0][0])
    assert await refused(client.users_conversations(user="U0")) == "user_not_found"
    assert await refused(client.users_conversations(user=bob.id, types="rooms")) == "invalid_types"
    public = slack.token(team, ["channels:read"]).value
    assert await refused(client.users_conversations(user=bob.id, token=public, **both)) == "missing_scope"
    assert "groups:read" in str(slack.forgive("scope")[0])


async def test_a_message_to_a_user_is_in_their_own_conversation(
    slack: Slack, team: Team, bob: Person, client: AsyncWebClient
) -> None:
    sent = await client.chat_postMessage(channel=bob.id, text="hello")
    opened = await client.conversations_open(users=bob.id)

    assert sent["channel"] == opened["channel"]["id"] == bob.direct.id
    assert (await slack.heard()).words == "hello"
    assert await refused(client.conversations_open(users="U0")) == "user_not_found"
    person = (await client.users_info(user=bob.id, include_locale=True))["user"]
    assert (person["profile"]["display_name"], person["is_admin"]) == ("bob", False)
    assert person["tz"] == "Europe/Amsterdam"


async def test_messages_can_be_edited_only_by_their_author_and_in_time(
    slack: Slack, team: Team, bob: Person, client: AsyncWebClient
) -> None:
    sent = await client.chat_postMessage(
        channel=team.main.id, text="one", metadata={"event_type": "a", "event_payload": {"key": "k"}}
    )
    await client.chat_update(channel=team.main.id, ts=sent["ts"], text="two", blocks=[section("two")])
    secret = await client.chat_postEphemeral(channel=team.main.id, user=bob.id, text="for you")
    team.edit_window = 60
    slack.clock.forward(61)

    assert slack.edits.seen[0].words == "two"
    assert slack.edits.seen[0].metadata == {"event_type": "a", "event_payload": {"key": "k"}}
    assert slack.messages.seen[1].reader == bob.id
    late = client.chat_update(channel=team.main.id, ts=sent["ts"], text="three")
    assert await refused(late) == "edit_window_closed"
    whisper = client.chat_update(channel=team.main.id, ts=secret["message_ts"], text="two")
    assert await refused(whisper) == "message_not_found"


async def test_files_are_uploaded_and_shared(slack: Slack, team: Team, bob: Person, client: AsyncWebClient) -> None:
    await client.files_upload_v2(
        channel=bob.direct.id, filename="a.json", content=b"{}", title="Yours", initial_comment="Here"
    )
    file, message = await slack.next(slack.files), await slack.heard()

    assert (file.name, file.title, file.content, file.channel) == ("a.json", "Yours", b"{}", bob.direct.id)
    assert (message.words, message.files) == ("Here", (file,))
    picture = {"type": "image", "slack_file": {"id": "F0"}, "alt_text": "a chart"}
    unknown = client.chat_postMessage(channel=team.main.id, text="a chart", blocks=[picture])
    assert await refused(unknown) == "invalid_blocks"
    slack.forgive("blocks")
    kept = await client.files_upload_v2(filename="a.png", content=b"png", alt_txt="a chart")
    picture["slack_file"] = {"id": kept["file"]["id"]}
    await client.chat_postMessage(channel=team.main.id, text="a chart", blocks=[picture])


async def test_rate_limits_apply_once_they_are_switched_on(slack: Slack, team: Team, client: AsyncWebClient) -> None:
    slack.rates.on = True
    await client.chat_postMessage(channel=team.main.id, text="one")
    with pytest.raises(SlackApiError) as refusal:
        await client.chat_postMessage(channel=team.main.id, text="two")

    assert refusal.value.response.status_code == 429
    assert refusal.value.response.headers["Retry-After"] == "1"
    assert [call.status for call in slack.calls["chat.postMessage"]] == [200, 429]
    slack.clock.forward(1)
    await client.chat_postMessage(channel=team.main.id, text="two")
    slack.rates.distributed = True
    await client.conversations_history(channel=team.main.id)
    assert await refused(client.conversations_history(channel=team.main.id)) == "ratelimited"


async def test_calls_fail_before_or_after_they_are_carried_out(
    slack: Slack, team: Team, client: AsyncWebClient
) -> None:
    client.retry_handlers.clear()
    slack.fail("chat.postMessage", times=2)
    slack.fail("chat.postMessage", status=500, done=True)
    slack.fail("chat.postMessage", error="restricted_action")
    slack.fail("chat.postMessage", after=30)
    slack.cut("chat.postMessage")
    for _ in range(5):
        await refused(client.chat_postMessage(channel=team.main.id, text="hello"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=team.main.id, text="hello")
    await client.chat_postMessage(channel=team.main.id, text="hello")

    statuses = [call.status for call in slack.calls["chat.postMessage"]]
    assert statuses == [503, 503, 500, 200, 429, 500, 200]
    assert len(team.main.messages) == 3
    held = slack.hold("auth.test")
    asked = asyncio.create_task(client.auth_test())
    await client.conversations_info(channel=team.main.id)
    assert not asked.done()
    held.release()
    assert (await asked)["ok"]


# Blocks


MARKDOWN = {"type": "markdown", "text": "**a**"}
CELL = {"type": "raw_text", "text": "a"}
TABLE = {"type": "table", "rows": [[CELL]]}
MENU = {"type": "static_select", "action_id": "menu", "options": options("a", "b")}
ZONE: Payload = {"type": "external_select", "min_query_length": 2}
ZONES: Payload = {"type": "multi_external_select", "max_selected_items": 2}

WRONG: dict[str, tuple[list[Payload], str]] = {
    "51 blocks": ([section()] * 51, "51 blocks"),
    "a long section": ([section("a" * 3001)], "3000"),
    "a long field": ([{"type": "section", "fields": [plain("a" * 2001)]}], "2001"),
    "a long header": ([{"type": "header", "text": plain("a" * 151)}], "150"),
    "a long label": ([actions(button("a" * 76))], "75"),
    "a long value": ([actions(button(value="a" * 2001))], "2000"),
    "a long id": ([actions(button(action_id="a" * 256))], "255"),
    "a long option": ([actions(MENU | {"options": options("a" * 76)})], "75"),
    "a long choice": ([actions(MENU | {"options": [{"text": plain("a"), "value": "a" * 151}]})], "150"),
    "a value twice": ([actions(MENU | {"options": options("a", "a")})], "twice"),
    "another choice": ([actions(MENU | {"initial_option": options("c")[0]})], "none of the options"),
    "an id twice": ([actions(button(), button())], "action_id"),
    "a block's id twice": ([section(block_id="a"), section(block_id="a")], "block_id"),
    "long Markdown": ([{"type": "markdown", "text": "a" * 6001}] * 2, "12000"),
    "much text": ([section("a" * 2700)] * 5, "13500 characters"),
    "two tables": ([TABLE, TABLE], "2 tables"),
    "a wide table": ([{"type": "table", "rows": [[CELL] * 21]}], "x 21"),
    "a long table": ([{"type": "table", "rows": [[CELL]] * 101}], "101 x"),
    "an unknown block": ([{"type": "poem"}], "no block of the type"),
    "an unknown key": ([section(color="red")], "color"),
    "nothing in it": ([section("")], "empty"),
    "a call to all": ([section("<!channel> look")], "calls everybody"),
}


@pytest.mark.parametrize(("given", "said"), WRONG.values(), ids=WRONG)
def test_invalid_blocks_are_named(given: list[Payload], said: str) -> None:
    found = [problem.text for problem in blocks.message(given, "hello")]

    assert any(said in text for text in found), found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (modal(field("a", TEXT), title=plain("a" * 25)), "24"),
        (modal(field("a", TEXT), private_metadata="a" * 3001), "3001"),
        (modal(field("a", TEXT), submit=None), "submit"),
        (modal(*[section()] * 101), "101 blocks"),
        (modal(field("a", TEXT), field("a", TEXT)), "block_id"),
        (modal(field("a", ZONE | {"initial_option": {"text": plain("a" * 76), "value": "a"}})), "75"),
        (modal(field("a", ZONE | {"options": options("a")})), "element otherwise"),
        (modal(field("a", ZONES | {"initial_options": options("a", "a")})), "twice"),
        (modal(field("a", ZONES | {"max_selected_items": 0})), "takes 0 options"),
        ({"type": "home", "blocks": [TABLE]}, "no table"),
        ({"type": "home", "blocks": [section()], "color": "red"}, "color"),
    ],
)
def test_invalid_views_are_named(given: Payload, said: str) -> None:
    found = [problem.text for problem in blocks.view(given)]

    assert any(said in text for text in found), found


def test_valid_blocks_and_views_pass() -> None:
    rest = [section(accessory=MENU), {"type": "divider"}, actions(button(), button("B", "press-2", style="primary"))]
    assert [*blocks.message([MARKDOWN, TABLE, *rest], "hello")] == []
    assert [*blocks.view(FORM)] == [*blocks.view(HOME)] == []


async def test_invalid_blocks_are_refused(slack: Slack, team: Team, client: AsyncWebClient) -> None:
    sent = client.chat_postMessage(channel=team.main.id, text="hello", blocks=[actions(button(), button())])
    assert await refused(sent) == "invalid_blocks"
    with pytest.warns(UserWarning, match="text"):
        await client.chat_postMessage(channel=team.main.id, blocks=[section()])

    assert len(slack.forgive("blocks")) == 2


# What members do


async def test_a_command_is_answered_through_its_response_url(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp
) -> None:
    @bolt.command("/study")
    async def on_command(ack: Any, body: Payload, respond: Any) -> None:
        await ack()
        for number in range(5):
            await respond(text=f"{number} {body['text']}", response_type="in_channel" if number else "ephemeral")
        assert (await respond(text="a sixth")).body == '{"ok": false, "error": "used_url"}'

    done = await bob.types("team list")

    assert (done.status, done.body) == (200, "")
    assert done.seconds < slack.patience
    said = [await slack.heard() for _ in range(5)]
    assert [message.words for message in said] == [f"{number} team list" for number in range(5)]
    assert [message.reader for message in said] == [bob.id, "", "", "", ""]
    assert slack.messages.empty()


async def test_a_response_url_lives_half_an_hour(slack: Slack, team: Team, bob: Person) -> None:
    hook = AsyncWebhookClient(slack.hooks.new(team.id, team.main.id, bob.id))
    assert (await hook.send(text="hello")).status_code == 200
    slack.clock.forward(1801)
    answer = await hook.send(text="hello")

    assert (answer.status_code, "expired_url" in answer.body) == (404, True)


async def test_a_button_replaces_and_deletes_its_own_message(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp, client: AsyncWebClient
) -> None:
    heard: list[Payload] = []

    @bolt.action("press-1")
    async def on_press(ack: Any, body: Payload, respond: Any) -> None:
        await ack()
        heard.append(body)
        more = {"delete_original": True} if len(heard) == 3 else {"replace_original": True, "text": f"{len(heard)}"}
        await respond(**more)

    await client.chat_postMessage(channel=team.main.id, text="hello", blocks=[section(), actions(button())])
    public = await slack.heard()
    await client.chat_postEphemeral(channel=team.main.id, user=bob.id, text="hello", blocks=[actions(button())])
    secret = await slack.heard()
    await bob.presses(public, "A")
    await bob.presses(secret, "A")
    await bob.presses(secret, "A")

    assert heard[0]["message"]["ts"] == heard[0]["container"]["message_ts"] == public.ts
    assert heard[0]["actions"][0]["value"] == "answer x a"
    assert heard[0]["actions"][0]["block_id"] == public.blocks[1]["block_id"]
    assert (heard[0]["team"]["id"], heard[0]["user"]["id"]) == (team.id, bob.id)
    assert (heard[1]["container"]["is_ephemeral"], "message" in heard[1]) == (True, False)
    assert [edit.words for edit in slack.edits.seen] == ["1", "2"]
    assert team.main.last.words == "1"
    assert [gone.ts for gone in slack.deleted.seen] == [secret.ts]
    with pytest.raises(AssertionError, match="does not see"):
        await Person.joins(slack, team, "ada").presses(secret, "A")


async def test_menus_report_what_is_picked_and_what_was_before(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp, client: AsyncWebClient
) -> None:
    heard: list[Payload] = []
    for action_id in ("menu", "many", "radio", "place", "at"):

        @bolt.action(action_id)
        async def on_pick(ack: Any, body: Payload) -> None:
            await ack()
            heard.append(body)

    several = {"type": "multi_static_select", "action_id": "many", "options": options("a", "b", "c")}
    radio: Payload = {"type": "radio_buttons", "action_id": "radio", "options": options("a", "b")}
    radio["initial_option"] = options("a")[0]
    where = {"type": "channels_select", "action_id": "place", "placeholder": plain("Where")}
    at = {"type": "timepicker", "action_id": "at", "initial_time": "09:00"}
    shown = [section("Pick one", accessory=MENU), actions(several, radio, where, at)]
    await client.chat_postMessage(channel=team.main.id, text="hello", blocks=shown)
    message = await slack.heard()
    await bob.picks(message, "Pick one", "a")
    await bob.picks(message, "many", "a", "C")
    await bob.picks(message, "radio", "b")
    await bob.picks(message, "Where", team.main.id)
    await bob.picks(message, "at", "10:30")

    picked = [body["actions"][0] for body in heard]
    assert picked[0]["selected_option"] == options("a")[0]
    assert picked[1]["selected_options"] == options("a", "c")
    assert picked[2]["selected_option"]["value"] == "b"
    assert (picked[3]["selected_channel"], picked[4]["selected_time"]) == (team.main.id, "10:30")
    first, last = ([*body["state"]["values"].values()] for body in (heard[0], heard[-1]))
    assert first[1]["at"] == {"type": "timepicker", "selected_time": "09:00"}
    assert first[1]["radio"]["selected_option"]["value"] == "a"
    assert last[0]["menu"]["selected_option"]["value"] == "a"
    assert message.menu("Pick one")["action_id"] == "menu"
    with pytest.raises(AssertionError, match="none of"):
        await bob.picks(message, "menu", "z")


async def test_a_form_is_opened_corrected_changed_and_closed(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp, client: AsyncWebClient
) -> None:
    heard: list[Payload] = []
    answers: list[Payload] = [
        {"response_action": "errors", "errors": {"words": "Too short."}},
        {"response_action": "push", "view": modal(field("why", TEXT), notify_on_close=True)},
        {"response_action": "update", "view": {"type": "modal", "title": plain("Done"), "blocks": [section("Done")]}},
        {},
    ]

    @bolt.command("/study")
    async def on_command(ack: Any, body: Payload) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        assert await refused(client.views_open(trigger_id=body["trigger_id"], view=FORM)) == "exchanged_trigger_id"

    @bolt.view("form")
    async def on_form(ack: Any, body: Payload) -> None:
        heard.append(body)
        await ack(**answers[len(heard) - 1])

    @bolt.view_closed("form")
    async def on_closed(ack: Any, body: Payload) -> None:
        await ack()
        heard.append(body)

    await bob.types("team create")
    view = await slack.next(slack.views)
    assert view.menus == ["words", "days", "place"]
    with pytest.raises(AssertionError, match="filled in"):
        await bob.sends(view)
    assert (await bob.sends(view, {"words": "a"})).errors == {"words": "Too short."}
    given = {"words": "more words", "days": ["mon"], "Place": team.main.id}
    above = (await bob.sends(view, given)).view
    assert above is not None
    assert (above.previous, above.root) == (view.id, view.id)

    said = heard[1]["view"]["state"]["values"]
    assert said["words"]["words"] == {"type": "plain_text_input", "value": "more words"}
    assert said["days"]["days"]["selected_options"] == options("mon")
    assert heard[1]["response_urls"][0]["channel_id"] == team.main.id
    with pytest.raises(AssertionError, match="beneath"):
        await bob.sends(view, given)
    assert (await bob.sends(above, {"why": "because"})).view is above
    assert above.words == "Done"
    assert await bob.closes(above) is None
    assert (await bob.sends(view)).action == ""

    answers += [{}, {"response_action": "push", "view": modal(field("why", TEXT), notify_on_close=True)}]
    await bob.types("team create")
    await bob.sends(slack.views.seen[-1], given)
    await bob.types("team create")
    pushed = (await bob.sends(slack.views.seen[-1], given)).view
    assert pushed is not None
    closed = await bob.closes(pushed, whole_stack=True)
    assert closed is not None
    assert (heard[-1]["type"], heard[-1]["is_cleared"]) == ("view_closed", True)


async def test_fields_with_several_options_report_all_that_were_picked(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp, client: AsyncWebClient
) -> None:
    heard: list[Payload] = []

    @bolt.view("form")
    async def on_form(ack: Any, body: Payload) -> None:
        heard.append(body["view"]["state"]["values"])
        await ack(response_action="errors", errors={"days": "Again."})

    week: Payload = {"options": options("mon", "tue", "wed")}
    days = week | {"type": "multi_static_select", "initial_options": options("wed"), "max_selected_items": 2}
    boxes = week | {"type": "checkboxes", "initial_options": options("mon")}
    form = modal(field("days", days), field("boxes", boxes, optional=True))
    await client.views_open(trigger_id=slack.triggers.new(team.id, bob.id), view=form)
    view = await slack.next(slack.views)
    await bob.sends(view)
    await bob.sends(view, {"Days": ("mon", "Tue"), "Boxes": ()})

    assert heard[0]["days"]["days"] == {"type": "multi_static_select", "selected_options": options("wed")}
    assert heard[0]["boxes"]["boxes"] == {"type": "checkboxes", "selected_options": options("mon")}
    assert heard[1]["days"]["days"]["selected_options"] == options("mon", "tue")
    assert heard[1]["boxes"]["boxes"]["selected_options"] == []
    for wrong, said in (
        (("mon", "tue", "wed"), "takes 2"),
        (("mon", "mon"), "once"),
        (("sun",), "none of"),
        ((), "filled in"),
    ):
        with pytest.raises(AssertionError, match=said):
            await bob.sends(view, {"Days": wrong})


PARIS, PRAGUE, ROME = ({"text": plain(city), "value": f"Europe/{city}"} for city in ("Paris", "Prague", "Rome"))


async def test_what_an_app_suggests_can_be_picked(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp, client: AsyncWebClient
) -> None:
    heard: list[Payload] = []

    @bolt.options("zone")
    async def on_zone(ack: Any, body: Payload) -> None:
        heard.append(body)
        await ack(options=[city for city in (PARIS, PRAGUE) if body["value"] in city["value"]])

    @bolt.options("zones")
    async def on_zones(ack: Any) -> None:
        await ack(option_groups=[{"label": plain("Europe"), "options": [PARIS, ROME]}])

    @bolt.view("form")
    async def on_form(ack: Any, body: Payload) -> None:
        heard.append(body)
        await ack()

    zone = field("zone", ZONE | {"initial_option": ROME})
    zones = field("zones", ZONES | {"min_query_length": 0}, optional=True)
    for given in ({"Zone": "Europe/Prague", "Zones": ("Europe/Rome", "Paris")}, {"Zone": "Rome"}, {}):
        await client.views_open(trigger_id=slack.triggers.new(team.id, bob.id), view=modal(zone, zones))
        view = await slack.next(slack.views)
        with pytest.raises(AssertionError, match="none of"):
            bob.fills(view, {"Zone": "Paris"})
        assert await bob.looks_up(view, "Zone", "Par") == [("Paris", "Europe/Paris")]
        assert await bob.looks_up(view, "Zone", "Pra") == [("Prague", "Europe/Prague")]
        assert await bob.looks_up(view, "Zone", "Nowhere") == []
        assert await bob.looks_up(view, "Zones") == [("Paris", "Europe/Paris"), ("Rome", "Europe/Rome")]
        with pytest.raises(AssertionError, match="before 2 characters"):
            await bob.looks_up(view, "Zone", "P")
        await bob.sends(view, given)

    asked, sent = heard[0], [body["view"]["state"]["values"] for body in heard if body["type"] == "view_submission"]
    assert (asked["type"], asked["team"], asked["user"]["id"]) == ("block_suggestion", team.short, bob.id)
    assert asked["container"] == {"type": "view", "view_id": asked["view"]["id"]}
    assert (asked["block_id"], asked["action_id"], asked["value"]) == ("zone", "zone", "Par")
    assert asked["view"]["app_installed_team_id"] == team.id
    assert asked["view"]["state"]["values"]["zone"]["zone"]["selected_option"] == ROME
    assert sent[0]["zone"]["zone"] == {"type": "external_select", "selected_option": PRAGUE}
    assert sent[0]["zones"]["zones"] == {"type": "multi_external_select", "selected_options": [ROME, PARIS]}
    assert [values["zone"]["zone"]["selected_option"] for values in sent[1:]] == [ROME, ROME]
    assert sent[1]["zones"]["zones"]["selected_options"] == []


SUGGESTED: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "either options"),
    "text": ("Paris", "either options"),
    "both": ({"options": [PARIS], "option_groups": []}, "either options"),
    "something else": ({"options": [PARIS], "text": "Paris"}, "either options"),
    "101 options": ({"options": [{**PARIS, "value": str(number)} for number in range(101)]}, "101 options"),
    "101 groups": ({"option_groups": [{"label": plain("a"), "options": [PARIS]}] * 101}, "101 groups"),
    "a group without a label": ({"option_groups": [{"options": [PARIS]}]}, "label has 0"),
    "no list": ({"options": PARIS}, "plain_text"),
    "no groups": ({"option_groups": ["Paris"]}, "no list of groups"),
    "mrkdwn": ({"options": [{**PARIS, "text": {"type": "mrkdwn", "text": "Paris"}}]}, "plain_text"),
    "no value": ({"options": [{"text": plain("Paris")}]}, "a value"),
    "an empty option": ({"options": [{**PARIS, "text": plain("")}]}, "0 characters of 75"),
    "a long option": ({"options": [{**PARIS, "text": plain("a" * 76)}]}, "76 characters of 75"),
    "a long value": ({"options": [{**PARIS, "value": "a" * 151}]}, "151 characters of 150"),
    "a value twice": ({"options": [PARIS, PARIS]}, "twice"),
}


@pytest.mark.parametrize(("given", "said"), SUGGESTED.values(), ids=SUGGESTED)
def test_invalid_suggestions_are_named(given: Any, said: str) -> None:
    found = list(blocks.suggestions(given))

    assert any(said in text for text in found), found


async def test_invalid_suggestions_are_not_shown(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp, client: AsyncWebClient
) -> None:
    @bolt.options("zone")
    async def on_zone(ack: Any) -> None:
        await ack(options=[{**PARIS, "text": plain("a" * 76)}])

    await client.views_open(trigger_id=slack.triggers.new(team.id, bob.id), view=modal(field("zone", ZONE)))
    view = await slack.next(slack.views)

    assert await bob.looks_up(view, "Zone", "Par") == []
    assert "block_suggestion: an option has 76 characters of 75" in str(slack.forgive("acknowledgement")[0])
    with pytest.raises(AssertionError, match="none of"):
        await bob.sends(view, {"Zone": "Europe/Paris"})


async def test_a_trigger_is_good_for_three_seconds(
    slack: Slack, team: Team, bob: Person, client: AsyncWebClient
) -> None:
    late = slack.triggers.new(team.id, bob.id)
    foreign = slack.triggers.new(slack.team("others").id, bob.id)
    assert await refused(client.views_open(trigger_id=foreign, view=FORM)) == "invalid_trigger_id"
    slack.clock.forward(3.5)
    assert await refused(client.views_open(trigger_id=late, view=FORM)) == "expired_trigger_id"


async def test_an_answer_to_a_form_must_make_sense(slack: Slack, bob: Person, bolt: AsyncApp) -> None:
    client = AsyncWebClient(token=bob.team.token, base_url=slack.api)

    @bolt.view("form")
    async def on_form(ack: Any, body: Payload) -> None:
        await ack(response_action="errors", errors={"nowhere": "Too short."})

    await client.views_open(trigger_id=slack.triggers.new(bob.team.id, bob.id), view=FORM)
    await bob.sends(await slack.next(slack.views), {"words": "a"})
    assert "nowhere" in str(slack.forgive("acknowledgement")[0])


async def test_a_home_is_shown_and_used(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp, client: AsyncWebClient
) -> None:
    heard: list[Payload] = []

    @bolt.event("app_home_opened")
    async def on_home(body: Payload, event: Payload) -> None:
        heard.append(body)
        await client.views_publish(user_id=event["user"], view=HOME)

    @bolt.action("press-1")
    @bolt.action("at")
    async def on_press(ack: Any, body: Payload) -> None:
        await ack()
        heard.append(body)
        await client.views_publish(user_id=body["user"]["id"], hash=body["view"]["hash"], view=HOME)

    await bob.opens_home()
    assert bob.home.buttons == ["Question"]
    await bob.picks(bob.home, "at", "09:00")
    await bob.presses(bob.home, "Question")
    await bob.opens_home()

    assert (heard[0]["event"]["tab"], "view" in heard[0]["event"]) == ("home", False)
    assert heard[0]["authorizations"][0]["user_id"] == team.me.id
    assert heard[3]["event"]["view"]["id"] == bob.home.id
    assert heard[2]["container"] == {"type": "view", "view_id": bob.home.id}
    assert heard[2]["view"]["state"]["values"] == {"day": {"at": {"type": "timepicker", "selected_time": "09:00"}}}
    old = client.views_publish(user_id=bob.id, view=HOME, hash=heard[0].get("hash", "old"))
    assert await refused(old) == "hash_conflict"


async def test_shortcuts_quiz_and_practice(slack: Slack, team: Team, bob: Person, bolt: AsyncApp) -> None:
    heard: list[Payload] = []

    @bolt.message_shortcut("explain")
    @bolt.global_shortcut("question")
    async def on_shortcut(ack: Any, body: Payload) -> None:
        await ack()
        heard.append(body)

    @bolt.event("app_mention")
    async def on_mention() -> None:
        pass

    await bob.mentions("what is LoRA?")
    await bob.chooses("explain", team.main.last)
    await bob.chooses("question")

    assert heard[0]["message"]["text"] == f"<@{team.me.id}> what is LoRA?"
    assert heard[0]["channel"]["name"] == "papers"
    assert (heard[1]["type"], "channel" in heard[1]) == ("shortcut", False)


async def test_events_reach_the_app(slack: Slack, team: Team, bob: Person, bolt: AsyncApp) -> None:
    heard: list[Payload] = []

    @bolt.event("app_mention")
    @bolt.event("message")
    @bolt.event("tokens_revoked")
    @bolt.event("app_uninstalled")
    async def on_event(body: Payload, say: Any) -> None:
        heard.append(body)
        if body["event"]["type"] in ("app_mention", "message"):
            await say("I see.")

    assert (await slack.verify_url()).json["challenge"].startswith("challenge")
    await bob.mentions("hello")
    await bob.writes("hello")
    await bob.uninstalls()

    kinds = ["app_mention", "message", "tokens_revoked", "app_uninstalled"]
    assert [body["event"]["type"] for body in heard] == kinds
    assert [message.channel for message in slack.messages.seen] == [team.main.id, bob.direct.id]
    assert heard[1]["event"]["channel_type"] == "im"
    assert len({body["event_id"] for body in heard}) == 4
    assert await refused(AsyncWebClient(token=team.token, base_url=slack.api).auth_test()) == "account_inactive"


async def test_messages_with_files_broadcast_edited_and_from_other_bots_look_like_slacks(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp
) -> None:
    heard: list[Payload] = []

    @bolt.event("app_mention")
    @bolt.event("message")
    async def on_event(event: Payload) -> None:
        heard.append(event)

    other = Person.joins(slack, team, "other", bot=True)
    await bob.writes("look", files=["a.png"])
    await bob.writes("here", bob.direct.last, subtype="thread_broadcast")
    await bob.writes("there", subtype="message_changed")
    await bob.mentions("look", files=["a.png"])
    await bob.mentions("here", thread=team.main.last, subtype="thread_broadcast")
    await bob.mentions("there", subtype="message_changed")
    await other.mentions("hello")

    shared, beside, changed, *mentions, foreign = heard
    assert (shared["subtype"], shared["files"][0]["name"], "team" in shared) == ("file_share", "a.png", False)
    assert (beside["subtype"], beside["thread_ts"]) == ("thread_broadcast", shared["ts"])
    assert beside["root"]["text"] == "look"
    assert (changed["subtype"], changed["hidden"], "user" in changed) == ("message_changed", True, False)
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("there", "here")
    assert changed["message"]["ts"] == changed["previous_message"]["ts"] == beside["ts"] < changed["ts"]
    assert changed["message"]["edited"]["ts"] == changed["ts"]
    assert [event.get("subtype") for event in mentions] == [None, "thread_broadcast", "thread_broadcast"]
    assert ["files" in event for event in mentions] == [True, False, False]
    assert (mentions[2]["ts"], mentions[2]["edited"]["ts"]) == (mentions[1]["ts"], mentions[2]["event_ts"])
    assert mentions[2]["text"] == f"<@{team.me.id}> there"
    assert (foreign["bot_id"], foreign["bot_profile"]["app_id"]) == (other.user.app["bot_id"], foreign["app_id"])
    assert foreign["bot_id"] != team.bot_id
    with pytest.raises(AssertionError, match="nothing there yet"):
        await bob.mentions("here", slack.channel(team, "another"), subtype="message_changed")


async def test_people_from_another_workspace_are_told_apart_in_a_shared_channel(
    slack: Slack, team: Team, bob: Person, bolt: AsyncApp, client: AsyncWebClient
) -> None:
    heard: list[Payload] = []

    @bolt.event("app_mention")
    @bolt.event("message")
    async def on_event(body: Payload) -> None:
        heard.append(body)

    @bolt.command("/study")
    @bolt.action("press-1")
    @bolt.options("zone")
    @bolt.view("form")
    async def on_interaction(ack: Any, body: Payload) -> None:
        heard.append(body)
        await (ack(options=[PARIS]) if body.get("type") == "block_suggestion" else ack())

    home = slack.team("others", installed=False)
    eve = Person.joins(slack, home, "eve", admin=True).visits(team.main)
    private = slack.channel(team, "private", private=True, joined=False)
    ian = Person.joins(slack, home, "ian").visits(private)
    elsewhere = slack.channel(team, "elsewhere")
    await bob.mentions("hello", elsewhere)
    await bob.mentions("hello")
    await eve.mentions("hello")
    await eve.writes("hello")
    eve.visits(elsewhere)
    ours, mention, direct = heard[1:]

    assert elsewhere.members == {bob.id, eve.id}
    assert [body["is_ext_shared_channel"] for body in heard] == [False, True, True, True]
    assert [body["team_id"] for body in heard] == [team.id, team.id, team.id, home.id]
    assert {body["authorizations"][0]["team_id"] for body in heard} == {team.id}
    assert (mention["event"]["team"], mention["event"]["user_team"]) == (team.id, home.id)
    assert (direct["event"]["team"], "user_team" in ours["event"]) == (home.id, False)

    heard.clear()
    await client.chat_postMessage(channel=team.main.id, text="hello", blocks=[actions(button())])
    await eve.presses(await slack.heard(), "A")
    await client.views_open(trigger_id=heard[0]["trigger_id"], view=modal(field("zone", ZONE)))
    view = await slack.next(slack.views)
    await eve.looks_up(view, "Zone", "Par")
    await eve.sends(view, {"Zone": "Paris"})
    await eve.types("streak", team.main)
    pressed, asked, sent, typed = heard

    assert {body["user"]["team_id"] for body in (pressed, asked, sent)} == {home.id}
    assert (pressed["team"], asked["team"], sent["team"]) == (team.short, home.short, home.short)
    for body in (asked, sent):
        assert (body["view"]["team_id"], body["view"]["app_installed_team_id"]) == (home.id, team.id)
    assert (typed["team_id"], typed["channel_id"]) == (home.id, team.main.id)
    with pytest.raises(AssertionError, match="no shortcuts"):
        await eve.chooses("question")

    info = (await client.conversations_info(channel=team.main.id))["channel"]
    assert (info["is_ext_shared"], info["shared_team_ids"]) == (True, [team.id, home.id])
    known, unknown = [(await client.users_info(user=person.id))["user"] for person in (eve, ian)]
    assert (known["team_id"], known["is_admin"], known["is_stranger"]) == (home.id, True, False)
    assert (unknown["team_id"], unknown["is_stranger"]) == (home.id, True)
    assert "is_stranger" not in (await client.users_info(user=bob.id))["user"]


async def test_forged_and_repeated_requests_can_be_sent(slack: Slack, team: Team, bob: Person, bolt: AsyncApp) -> None:
    heard: list[tuple[Payload, Any]] = []

    @bolt.event("app_mention")
    async def on_mention(body: Payload, request: Any) -> None:
        heard.append((body, request.headers.get("x-slack-retry-num")))

    assert (await bob.forging(signature="v0=0").mentions("hello")).status == 401
    assert (await bob.forging(age=301).mentions("hello")).status == 401
    await bob.forging(team="T0").mentions("hello")
    done = await bob.mentions("hello")
    await slack.courier.redeliver(done, num=2)
    await slack.courier.replay(done)

    assert [retry for _, retry in heard] == [None, None, ["2"], None]
    assert heard[0][0]["team_id"] == "T0"
    assert heard[1][0] == heard[2][0] == heard[3][0]


async def test_a_slow_or_silent_app_is_recorded(slack: Slack, bob: Person, bolt: AsyncApp) -> None:
    enough = asyncio.Event()

    @bolt.event("app_mention")
    async def on_mention() -> None:
        await enough.wait()

    assert (await reach_limits(asyncio.create_task(bob.mentions("hello")))).status == 0
    enough.set()
    assert (await bob.types("help", command="/unknown")).status == 404
    assert len(slack.forgive("acknowledgement")) == 2


# Socket Mode


async def test_everything_also_works_over_socket_mode(
    slack: Slack, team: Team, bob: Person, client: AsyncWebClient
) -> None:
    app = AsyncApp(client=client, signing_secret=slack.signing_secret)
    heard: list[str] = []

    @app.command("/study")
    async def on_command(ack: Any, body: Payload) -> None:
        heard.append(body["text"])
        await ack("At once.")

    @app.view("form")
    async def on_form(ack: Any) -> None:
        await ack(response_action="errors", errors={"words": "Too short."})

    @app.options("zone")
    async def on_zone(ack: Any) -> None:
        await ack(options=[PARIS])

    @app.event("app_mention")
    async def on_mention(event: Payload) -> None:
        heard.append(event["text"])

    handler: Any = AsyncSocketModeHandler(app, slack.app_token)
    await handler.connect_async()
    await slack.sockets.connected()
    await bob.types("team list")
    await client.views_open(trigger_id=slack.triggers.new(team.id, bob.id), view=FORM)
    done = await bob.sends(await slack.next(slack.views), {"words": "a"})
    await client.views_open(trigger_id=slack.triggers.new(team.id, bob.id), view=modal(field("zone", ZONE)))
    suggested = await bob.looks_up(await slack.next(slack.views), "Zone", "Par")
    await slack.sockets.refresh()
    await slack.sockets.connected(2)
    await bob.mentions("again")
    await handler.close_async()

    assert (await slack.heard()).words == "At once."
    assert done.errors == {"words": "Too short."}
    assert suggested == [("Paris", "Europe/Paris")]
    assert heard == ["team list", f"<@{team.me.id}> again"]
    assert await refused(client.apps_connections_open(app_token=team.token)) == "not_allowed_token_type"


# Installing


# slack_sdk still says who it is in a way that aiohttp does not like any more.
basic = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")


class Kept(AsyncInstallationStore, AsyncOAuthStateStore):
    """Installations and states in memory; a state is valid once."""

    def __init__(self) -> None:
        self.installations: list[Installation] = []
        self.states: set[str] = set()

    async def async_save(self, installation: Installation) -> None:
        self.installations.append(installation)

    async def async_find_bot(self, **_: Any) -> Bot | None:
        return self.installations[-1].to_bot() if self.installations else None

    async def async_find_installation(self, **_: Any) -> Installation | None:
        return self.installations[-1] if self.installations else None

    async def async_issue(self, *args: Any, **_: Any) -> str:
        self.states.add("state")
        return "state"

    async def async_consume(self, state: str) -> bool:
        with suppress(KeyError):
            self.states.remove(state)
            return True
        return False


@basic
async def test_the_app_is_installed_from_its_own_page(slack: Slack) -> None:
    slack.rotates = True
    team, kept = slack.team("others", installed=False), Kept()
    ada = Person.joins(slack, team, "ada", owner=True)
    settings = AsyncOAuthSettings(
        client_id=slack.client_id,
        client_secret=slack.client_secret,
        scopes=["chat:write", "commands"],
        installation_store=kept,
        state_store=kept,
    )
    app = AsyncApp(
        client=AsyncWebClient(base_url=slack.api), signing_secret=slack.signing_secret, oauth_settings=settings
    )
    async with listening(slack, app) as root:
        refused_page = await ada.installs(f"{root}/slack/install", agrees=False)
        page = await ada.installs(f"{root}/slack/install")

    assert "access_denied" in refused_page.body
    assert (page.status, page.query["scope"]) == (200, "chat:write,commands")
    [done] = kept.installations
    assert (done.team_id, done.user_id, done.bot_id) == (team.id, ada.id, team.bot_id)
    assert (done.bot_token, done.bot_refresh_token) == (team.token, team.tokens[0].refresh)


@basic
async def test_codes_and_refresh_tokens_are_used_once(slack: Slack, team: Team, bob: Person) -> None:
    slack.rotates = True
    client = AsyncWebClient(base_url=slack.api)
    secret = {"client_id": slack.client_id, "client_secret": slack.client_secret}
    code = slack.oauth.authorize(team, bob.user, ["chat:write"])
    granted = await client.oauth_v2_access(**secret, code=code)
    renewal = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}

    assert (granted["expires_in"], granted["scope"]) == (43_200, "chat:write")
    assert await refused(client.oauth_v2_access(**secret, code=code)) == "code_already_used"
    assert await refused(client.oauth_v2_access(**secret, code="guessed")) == "invalid_code"
    wrong = client.oauth_v2_access(client_id=slack.client_id, client_secret="guessed", code=code)
    assert await refused(wrong) == "bad_client_secret"
    renewed = await client.oauth_v2_access(**secret, **renewal)
    assert renewed["access_token"] == team.token != granted["access_token"]
    assert await refused(client.oauth_v2_access(**secret, **renewal)) == "invalid_refresh_token"
    assert (await client.auth_test(token=granted["access_token"]))["ok"]


@basic
async def test_renewals_fail_as_often_as_a_test_asks(slack: Slack, team: Team, bob: Person) -> None:
    slack.rotates = True
    client = AsyncWebClient(base_url=slack.api, retry_handlers=[])
    secret = {"client_id": slack.client_id, "client_secret": slack.client_secret}
    granted = await client.oauth_v2_access(**secret, code=slack.oauth.authorize(team, bob.user))
    renewal = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    slack.fail("oauth.v2.access", error="internal_error", times=2)
    slack.fail("oauth.v2.access", status=500)
    slack.fail("oauth.v2.access", error="invalid_refresh_token")

    for error in ("internal_error", "internal_error", "service_unavailable", "invalid_refresh_token"):
        assert await refused(client.oauth_v2_access(**secret, **renewal)) == error
    assert [call.status for call in slack.calls["oauth.v2.access"]] == [200, 200, 200, 500, 200]
    assert (await client.oauth_v2_access(**secret, **renewal))["access_token"] == team.token


@basic
async def test_an_organization_wide_grant_names_no_workspace(slack: Slack) -> None:
    slack.rotates = True
    team = slack.team("others", installed=False, enterprise="E1")
    ada = Person.joins(slack, team, "ada", owner=True)
    secret = {"client_id": slack.client_id, "client_secret": slack.client_secret}
    client = AsyncWebClient(base_url=slack.api)
    granted = await client.oauth_v2_access(**secret, code=slack.oauth.authorize(team, ada.user, org_wide=True))
    renewal = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    renewed = await client.oauth_v2_access(**secret, **renewal)

    for answer in (granted, renewed):
        assert (answer["team"], answer["is_enterprise_install"], answer["enterprise"]["id"]) == (None, True, "E1")
    assert (await client.auth_test(token=team.token))["is_enterprise_install"]
    with pytest.raises(AssertionError, match="no organization"):
        await Person.joins(slack, slack.team(), "bob").installs("", org_wide=True)
