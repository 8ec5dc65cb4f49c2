"""Check requests against Discord's OpenAPI spec, if there is one, and against `rules`.

The spec is next to the repository (`../shared/specs`), not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from tests.platforms.discord.fake import rules
from tests.platforms.discord.fake.rules import Problem

FILE = Path(__file__).parents[5] / "shared" / "specs" / "discord-openapi.json"
KIND = "x-by-type"
"""Look up a component's schema by its type instead of trying them all: faster, and with clearer errors."""

MESSAGE = "/channels/{channel_id}/messages"
HOOK = "/webhooks/{webhook_id}/{webhook_token}"
COMMANDS = ("/applications/{application_id}/commands", "/applications/{application_id}/guilds/{guild_id}/commands")


def check(method: str, path: str, body: Any, files: Mapping[str, bytes]) -> list[Problem]:
    """Return everything that's wrong with a request; `path` is a template as in the spec."""
    found = [Problem(text) for text in described(method, path, body)]
    # The rules assume that the body matches the schema.
    return found or list(_ruled(method, path, body, files))


def described(method: str, path: str, body: Any) -> Iterator[str]:
    """Yield the main schema error in a body, if any; a request without a body passes."""
    validator = _validator(method, path)
    if validator is None or body is None:
        return
    problem = best_match(validator.iter_errors(body))
    if problem is not None:
        yield f"{problem.json_path}: {problem.message[:300]}"


def queried(method: str, path: str, query: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what's wrong with the query parameters."""
    known = _parameters(method, path)
    if known is None:
        return
    for name, text in query.items():
        if name not in known:
            yield Problem(f"{name} is no parameter of {method} {path}", refused=False)
        elif problem := best_match(_Validator(known[name]).iter_errors(_value(text, known[name]))):
            yield Problem(f"{name}: {problem.message[:300]}")


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    """Convert a query parameter's text to the type in its schema."""
    if schema.get("type") == "boolean":
        return {"1": True, "true": True, "0": False, "false": False}.get(text, text)
    return int(text) if text.isdecimal() else text


def answered(method: str, path: str, answer: Any) -> Iterator[str]:
    """Yield schema errors in one of the fake's own answers."""
    operation = _operation(method, path)
    if operation is not None:
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        for problem in _Validator(schema).iter_errors(answer):
            yield f"{problem.json_path}: {problem.message[:300]}"


def _ruled(method: str, path: str, body: Any, files: Mapping[str, bytes]) -> Iterator[Problem]:
    match method, path:
        case "POST", "/channels/{channel_id}/messages" | "/webhooks/{webhook_id}/{webhook_token}":
            yield from rules.message(body, files, new=True)
        case "PATCH", _ if path in (f"{MESSAGE}/{{message_id}}", f"{HOOK}/messages/{{message_id}}"):
            yield from rules.message(body, files, new=False)
        case "POST", "/interactions/{interaction_id}/{interaction_token}/callback":
            yield from rules.callback(body, files)
        case "PUT", _ if path in COMMANDS:
            yield from rules.commands(body)
        case "POST", _ if path in COMMANDS:
            yield from rules.command(body)


@cache
def _description() -> dict[str, Any] | None:
    if not FILE.is_file():
        return None
    found: dict[str, Any] = json.loads(FILE.read_text())
    # Discord also accepts snowflakes as numbers, and discord.py sends some that way.
    found["components"]["schemas"]["SnowflakeType"]["type"] = ["string", "integer"]
    return _by_type(found, found["components"]["schemas"])  # type: ignore[no-any-return]


def _by_type(node: Any, schemas: Mapping[str, Any]) -> Any:
    """Return a copy in which each union of schemas that differ in `type` is a lookup by type."""
    if isinstance(node, list):
        return [_by_type(item, schemas) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _by_type(value, schemas) for name, value in node.items()}
    if "enum" in made:
        made.pop("allOf", None)  # repeats the enum, with a description of each value
    for union in ("oneOf", "anyOf"):
        if isinstance(node.get(union), list) and (kinds := _kinds(node[union], schemas)):
            del made[union]
            made[KIND] = kinds
    return made


def _kinds(alternatives: list[Any], schemas: Mapping[str, Any]) -> dict[int, Any] | None:
    """Return the alternatives by their `type`; None if that doesn't distinguish them."""
    kinds: dict[int, Any] = {}
    for alternative in alternatives:
        schema = schemas.get(str(alternative.get("$ref", "")).rpartition("/")[2], {})
        numbers = (schema.get("properties") or {}).get("type", {}).get("enum")
        if not numbers or "type" not in schema.get("required", ()) or not all(isinstance(n, int) for n in numbers):
            return None
        if kinds.keys() & set(numbers):
            return None
        kinds |= dict.fromkeys(numbers, alternative)
    return kinds if len(alternatives) > 1 else None


def _look_up(validator: Any, kinds: dict[int, Any], value: Any, schema: Any) -> Iterator[ValidationError]:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in kinds:
        yield ValidationError(f"type {kind!r} is none of {sorted(kinds)}")
    else:
        yield from validator.descend(value, kinds[kind])


def _refer(validator: Any, name: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    """Resolve a `$ref` directly in components/schemas, which is faster than a registry."""
    described = _description()
    assert described is not None
    yield from validator.descend(value, described["components"]["schemas"][name.rpartition("/")[2]])


_Validator = extend(Draft202012Validator, {KIND: _look_up, "$ref": _refer})  # type: ignore[no-untyped-call]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = ((_description() or {}).get("paths", {}).get(path) or {}).get(method.lower())
    return found


@cache
def _parameters(method: str, path: str) -> dict[str, Any] | None:
    """Return the schema of each query parameter; None if the spec doesn't have the operation."""
    operation = _operation(method, path)
    if operation is None:
        return None
    return {it["name"]: it["schema"] for it in operation.get("parameters", ()) if it["in"] == "query"}


@cache
def _validator(method: str, path: str) -> Validator | None:
    """Return a validator for the request body; None if the spec doesn't describe one."""
    operation = _operation(method, path)
    if operation is None or "requestBody" not in operation:
        return None
    made: Validator = _Validator(operation["requestBody"]["content"]["application/json"]["schema"])
    return made
