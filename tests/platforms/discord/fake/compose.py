"""Build stored messages from request bodies: files get URLs, components get ids."""

from __future__ import annotations

import copy
import mimetypes
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.platforms.discord.fake.clock import made_at
from tests.platforms.discord.fake.interactions import FILE_LIMIT, Interaction
from tests.platforms.discord.fake.model import (
    COMPONENTS_V2,
    EPHEMERAL,
    Channel,
    Message,
    Payload,
    parts,
)
from tests.platforms.discord.fake.refusals import RefusalError

if TYPE_CHECKING:
    from tests.platforms.discord.fake.server import Discord

Files = Mapping[str, bytes]
KEPT = EPHEMERAL | COMPONENTS_V2
"""Flags that an edit can't remove."""


def create(
    discord: Discord,
    channel: Channel,
    body: Payload,
    files: Files,
    *,
    interaction: Interaction | None = None,
    kind: int = 0,
    reference: int | None = None,
) -> Message:
    """Create a message from the bot, and add it to the channel unless it's ephemeral."""
    message = Message(discord.clock.id(), channel, discord.me, {}, type=kind, reference=reference)
    message.flags = int(body.get("flags") or 0)
    message.interaction = interaction.metadata if interaction else None
    _fill(discord, message, body, files)
    if not message.flags & EPHEMERAL:
        channel.messages[message.id] = message
    return message


def edit(discord: Discord, message: Message, body: Payload, files: Files) -> None:
    """Change only the fields that `body` contains."""
    message.flags = int(body.get("flags") or 0) & ~EPHEMERAL | message.flags & KEPT
    message.edited = discord.clock.now()
    _fill(discord, message, body, files)


def _fill(discord: Discord, message: Message, body: Payload, files: Files) -> None:
    if any(len(content) > FILE_LIMIT for content in files.values()):
        raise RefusalError(413, 40005)
    allowed = body.get("allowed_mentions") or {}
    words = "".join(str(part.get("content", "")) for part in parts(body.get("components") or []))
    # Discord rebuilds it from each body, also from that of an edit.
    message.mention_roles = [str(role) for role in allowed.get("roles") or () if f"<@&{role}>" in words]
    for name in ("content", "embeds"):
        if name in body:
            message.body[name] = body[name]
    named = body.get("attachments")
    before: list[Payload] = message.body.get("attachments") or []
    wanted = {str(a["id"]) for a in named} if named is not None else {str(a["id"]) for a in before}
    descriptions = {str(a["id"]): a.get("description") for a in named or ()}
    attachments = [a for a in before if a["id"] in wanted]
    message.files = {a["filename"]: message.files[a["filename"]] for a in attachments}
    for number, (name, content) in enumerate(files.items()):
        attachments.append(_attachment(discord, message, name, content, descriptions.get(str(number))))
        message.files[name] = content
    message.body["attachments"] = attachments
    if "components" in body:
        message.body["components"] = _components(body["components"] or [], attachments)


def _attachment(discord: Discord, message: Message, name: str, content: bytes, description: str | None) -> Payload:
    attachment_id = discord.clock.id()
    path = f"/attachments/{message.channel.id}/{attachment_id}/{name}"
    discord.blobs[path] = content
    return {
        "id": str(attachment_id),
        "filename": name,
        "size": len(content),
        "url": f"{discord.address}{path}",
        "proxy_url": f"{discord.address}{path}",
        "content_type": mimetypes.guess_type(name)[0] or "application/octet-stream",
        **({"description": description} if description else {}),
    }


def _components(given: list[Payload], attachments: list[Payload]) -> list[Payload]:
    by_name = {a["filename"]: a for a in attachments}
    made = copy.deepcopy(given)
    for number, part in enumerate(parts(made), 1):
        part.setdefault("id", number)
        for medium in [part.get("file"), part.get("media"), *(item["media"] for item in part.get("items") or ())]:
            url = str((medium or {}).get("url", ""))
            if medium and url.startswith("attachment://"):
                found = by_name.get(url.removeprefix("attachment://"))
                if found is None:
                    raise RefusalError(400, 50035, f"The referenced attachment was not found: {url}")
                medium |= {"url": found["url"], "proxy_url": found["proxy_url"]}
                if part["type"] == 13:
                    part |= {"name": found["filename"], "size": found["size"]}
    return made


def remember(discord: Discord, nonce: str, message: Message) -> None:
    message.nonce = nonce
    discord.nonces[message.channel.id, nonce] = message


def remembered(discord: Discord, channel: Channel, nonce: str, minutes: float = 5) -> Message | None:
    """Return the message sent with that nonce, if it's recent enough for Discord to remember."""
    message = discord.nonces.get((channel.id, nonce))
    if message is None or discord.clock.now() - made_at(message.id) > minutes * 60:
        return None
    return message
