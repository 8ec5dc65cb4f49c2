"""Check that the fake refuses what Discord refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.clocks import HANG
from tests.platforms.discord.fake import Channel, Discord, Guild, Person, spec
from tests.platforms.discord.fake.limits import Rates
from tests.platforms.discord.fake.refusals import RefusalError
from tests.platforms.discord.fake.spec import HOOK, MESSAGE, answered, check

NOBODY: dict[str, Any] = {"allowed_mentions": {"parse": []}}
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
COMMANDS = spec.COMMANDS[0]
V2 = 1 << 15

described = pytest.mark.skipif(
    not spec.FILE.is_file(), reason="Discord's description of its API is not at ../shared/specs"
)


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with Discord().listening() as there:
        yield there


@pytest.fixture
def papers(discord: Discord) -> Channel:
    return discord.channel(discord.guild())


@pytest.fixture
async def http(discord: Discord) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {discord.token}"}) as session:
        yield session


async def say(http: aiohttp.ClientSession, channel: Channel, discord: Discord, **more: Any) -> tuple[int, Any]:
    body = {"content": "hello"} | NOBODY | more
    async with http.post(f"{discord.api}/channels/{channel.id}/messages", json=body) as answer:
        return answer.status, await answer.json()


async def test_five_messages_in_five_seconds_are_allowed(
    discord: Discord, papers: Channel, http: aiohttp.ClientSession
) -> None:
    discord.rates.clock = lambda: 100.0
    answers = [await say(http, papers, discord) for _ in range(6)]

    assert [status for status, _ in answers] == [200] * 5 + [429]
    assert answers[-1][1]["retry_after"] == 5
    assert answers[-1][1]["global"] is False

    discord.rates.clock = lambda: 105.0
    assert (await say(http, papers, discord))[0] == 200


def test_fifty_requests_a_second_are_allowed_not_counting_interactions() -> None:
    rates = Rates(lambda: 100.0)
    for _ in range(50):
        rates.admit("GET", "/users/@me")

    with pytest.raises(RefusalError) as refusal:
        rates.admit("GET", "/users/@me")
    rates.admit("POST", "/interactions/1/a/callback")

    assert refusal.value.json["global"] is True
    assert refusal.value.with_headers()["Via"]


async def read_log(http: aiohttp.ClientSession, discord: Discord, guild: Guild, **query: int) -> tuple[int, Any]:
    async with http.get(f"{discord.api}/guilds/{guild.id}/audit-logs", params=query) as answer:
        return answer.status, await answer.json()


async def test_an_audit_log_needs_its_permission(discord: Discord, http: aiohttp.ClientSession) -> None:
    guild, host = discord.guild(), discord.user("host")
    discord.join(guild, by=host)
    discord.record(guild, 1, guild.owner, guild.owner)
    assert (await read_log(http, discord, guild))[0] == 403

    guild.me.roles.append(discord.role(guild, "Studyhall", view_audit_log=True).id)
    _, everything = await read_log(http, discord, guild)
    _, narrowed = await read_log(http, discord, guild, action_type=28, limit=1)

    assert [entry["action_type"] for entry in everything["audit_log_entries"]] == [1, 28]
    [entry] = narrowed["audit_log_entries"]
    assert (entry["user_id"], entry["target_id"]) == (str(host.id), str(discord.me.id))
    assert {user["id"] for user in narrowed["users"]} == {str(host.id), str(discord.me.id)}
    assert not list(answered("GET", "/guilds/{guild_id}/audit-logs", everything))


@described
@pytest.mark.parametrize(
    ("query", "status", "problem"),
    [({"limit": 101}, 400, "limit"), ({"action_type": 7}, 400, "action_type"), ({"kind": 28}, 200, "kind")],
    ids=str,
)
async def test_query_parameters_are_checked_against_the_specification(
    discord: Discord, http: aiohttp.ClientSession, query: dict[str, int], status: int, problem: str
) -> None:
    guild = discord.guild()
    guild.me.roles.append(discord.role(guild, "Studyhall", view_audit_log=True).id)

    assert (await read_log(http, discord, guild, **query))[0] == status
    [found] = discord.problems
    assert problem in found


async def test_a_nonce_is_remembered_for_a_few_minutes(
    discord: Discord, papers: Channel, http: aiohttp.ClientSession
) -> None:
    _, first = await say(http, papers, discord, nonce="7", enforce_nonce=True)
    _, again = await say(http, papers, discord, nonce="7", enforce_nonce=True)
    discord.clock.forward(600)
    _, later = await say(http, papers, discord, nonce="7", enforce_nonce=True)

    assert first["id"] == again["id"] != later["id"]


@pytest.mark.parametrize(
    ("seconds", "times", "code"),
    [(0, 2, 40060), (3.5, 1, 10062)],
    ids=["acknowledged twice", "acknowledged after three seconds"],
)
async def test_an_interaction_is_acknowledged_once_and_in_time(
    *, discord: Discord, papers: Channel, http: aiohttp.ClientSession, seconds: float, times: int, code: int
) -> None:
    assert papers.guild is not None
    discord.commands[0] = [{"id": "1", "name": "team", "options": [], "default_member_permissions": None}]
    made = Person.joins(discord, papers.guild, "bob").slash(papers, "team")
    discord.patience = 3 if seconds else HANG
    discord.clock.forward(seconds)
    answer: Any = None
    for _ in range(times):
        url = f"{discord.api}/interactions/{made.id}/{made.token}/callback"
        async with http.post(url, json={"type": 4, "data": {"content": "hello"} | NOBODY}) as response:
            answer = await response.json() if response.status >= 400 else None

    assert answer["code"] == code


def text(content: str = "hello") -> dict[str, Any]:
    return {"type": 10, "content": content}


def row(*ids: str) -> dict[str, Any]:
    return {
        "type": 1,
        "components": [{"type": 2, "style": 1, "label": "A", "custom_id": custom_id} for custom_id in ids],
    }


def modern(*components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"flags": V2, "components": list(components)} | NOBODY | more


def option(name: str, **more: Any) -> dict[str, Any]:
    return {"type": 3, "name": name, "description": "which"} | more


def command(**more: Any) -> dict[str, Any]:
    return {"name": "team", "description": "teams", "type": 1, "options": []} | more


WRONG: dict[str, tuple[str, str, Any, str]] = {
    "long content": ("POST", MESSAGE, {"content": "a" * 2001} | NOBODY, "2001 characters"),
    "nothing": ("POST", MESSAGE, {"content": ""} | NOBODY, "empty"),
    "a call to all": ("POST", MESSAGE, {"content": "hello"}, "allowed_mentions"),
    "an edit that calls": ("PATCH", f"{HOOK}/messages/{{message_id}}", {"content": "hello"}, "allowed_mentions"),
    "long embeds": (
        "POST",
        MESSAGE,
        {"embeds": [{"description": "a" * 3001}, {"description": "a" * 3001}]} | NOBODY,
        "6002",
    ),
    "a mixture": ("POST", MESSAGE, modern(text(), content="hello"), "mixed"),
    "no flag": ("POST", MESSAGE, {"components": [text()]} | NOBODY, "flag"),
    "41 components": ("POST", MESSAGE, modern(*[text("a")] * 38, row("a", "b")), "41 components"),
    "long texts": ("POST", MESSAGE, modern(text("a" * 2001), text("b" * 2000)), "4001 characters"),
    "an id twice": ("POST", MESSAGE, modern(row("a"), row("a")), "custom_id"),
    "a missing file": ("POST", MESSAGE, modern({"type": 13, "file": {"url": "attachment://a.txt"}}), "not attached"),
    "26 suggestions": ("POST", CALLBACK, {"type": 8, "data": {"choices": [{"name": "a", "value": "a"}] * 26}}, ""),
    "six fields": ("POST", CALLBACK, {"type": 9, "data": {"custom_id": "a", "title": "a", "components": [
        {"type": 1, "components": [{"type": 4, "style": 1, "label": "a", "custom_id": str(n)}]} for n in range(6)
    ]}}, "6 parts"),
    "a long title": ("POST", CALLBACK, {"type": 9, "data": {"custom_id": "a", "title": "a" * 46, "components": [
        {"type": 1, "components": [{"type": 4, "style": 1, "label": "a", "custom_id": "a"}]}
    ]}}, "46|too long|title"),
    "a capital": ("PUT", COMMANDS, [command(name="Team")], "name"),
    "a long command": ("PUT", COMMANDS, [command(options=[
        option(f"o{n}", choices=[{"name": "a" * 100, "value": f"{m:0100}"} for m in range(20)]) for n in range(3)
    ])], "of 8000"),
    "101 commands": ("PUT", COMMANDS, [command(name=f"c{n}") for n in range(101)], "101 commands"),
    "required last": ("PUT", COMMANDS, [command(options=[option("a"), option("b", required=True)])], "come first"),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "said"), WRONG.values(), ids=WRONG)
def test_an_invalid_request_is_reported(method: str, path: str, body: Any, said: str) -> None:
    [problem] = check(method, path, body, {})

    assert any(words in problem.text for words in said.split("|"))


def test_a_valid_request_passes() -> None:
    file = {"type": 13, "file": {"url": "attachment://a.txt"}}
    container = {"type": 17, "components": [text(), row("a", "b")]}

    assert check("POST", MESSAGE, modern(text(), container, file, attachments=[{"id": 0, "filename": "a.txt"}]), {
        "a.txt": b"a"
    }) == []  # fmt: skip
    assert check("PUT", COMMANDS, [command(options=[option("a", autocomplete=True)])], {}) == []
    assert check("POST", CALLBACK, {"type": 5, "data": {"flags": 64}}, {}) == []


@described
@pytest.mark.parametrize(
    ("body", "where"),
    [
        (modern({"type": 1, "components": [{"type": 2, "custom_id": "a", "label": "A"}]}), "style"),
        (modern({"type": 99}), "type 99"),
        (modern(text(), attachments=[{"filename": "a.txt"}]), "id"),
        ({"content": "hello", "nonce": "a" * 26} | NOBODY, "nonce"),
    ],
)
def test_anything_outside_the_api_specification_is_reported(body: Any, where: str) -> None:
    [problem] = check("POST", MESSAGE, body, {})

    assert where in problem.text
