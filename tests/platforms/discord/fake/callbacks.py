"""Interaction responses: the initial callback, and the follow-ups and edits that its token allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.platforms.discord.fake import compose
from tests.platforms.discord.fake.calls import Call, Route
from tests.platforms.discord.fake.gateway import GUILD_MESSAGES
from tests.platforms.discord.fake.interactions import COMPLETE, COMPONENT, FORM, TOKEN_LIVES, Interaction
from tests.platforms.discord.fake.model import EPHEMERAL, LOADING, Message, Payload
from tests.platforms.discord.fake.refusals import RefusalError

if TYPE_CHECKING:
    from tests.platforms.discord.fake.server import Discord

MESSAGE, DEFER, DEFER_UPDATE, UPDATE, SUGGEST, MODAL = 4, 5, 6, 7, 8, 9


def routes(discord: Discord) -> Iterator[Route]:
    it = Callbacks(discord)
    hook = "/webhooks/{webhook_id}/{webhook_token}"
    yield Route("POST", "/interactions/{interaction_id}/{interaction_token}/callback", it.acknowledge)
    yield Route("POST", hook, it.follow_up)
    yield Route("GET", hook + "/messages/{message_id}", it.show)
    yield Route("PATCH", hook + "/messages/{message_id}", it.edit)
    yield Route("DELETE", hook + "/messages/{message_id}", it.delete)


class Callbacks:
    def __init__(self, discord: Discord) -> None:
        self._discord = discord

    async def acknowledge(self, call: Call) -> Payload | None:
        now = self._discord.clock.now()
        it = self._discord.interactions.get(call.ids["interaction_token"])
        late = it is None or it.expired or now > it.at + self._discord.patience
        if it is None or str(it.id) != call.ids["interaction_id"] or (late and it.callback is None):
            raise RefusalError(404, 10062)
        if it.callback is not None:
            raise RefusalError(400, 40060)
        kind = call.json["type"]
        if (it.kind == COMPLETE) is not (kind == SUGGEST) or (it.kind == FORM and kind == MODAL):
            raise RefusalError(400, 50035, f"Interaction of type {it.kind} cannot be answered by type {kind}")
        if kind in (DEFER_UPDATE, UPDATE) and it.source is None:
            raise RefusalError(400, 50035, "There is no message to update")
        body: Payload = call.json.get("data") or {}
        if kind in (MESSAGE, DEFER):
            flags = (body.get("flags") or 0) | (LOADING if kind == DEFER else 0)
            it.message = compose.create(self._discord, it.channel, body | {"flags": flags}, call.files, interaction=it)
            self._told("MESSAGE_CREATE", it, it.message)
        elif kind in (DEFER_UPDATE, UPDATE):
            it.message = it.source
            if kind == UPDATE and it.message is not None:
                compose.edit(self._discord, it.message, body, call.files)
                self._told("MESSAGE_UPDATE", it, it.message)
        it.callback, it.acknowledged_at = call.json, now
        it.settled()
        return self._response(it, kind) if call.query.get("with_response") in ("1", "true") else None

    def _response(self, it: Interaction, kind: int) -> Payload:
        interaction: Payload = {"id": str(it.id), "type": it.kind}
        answer: dict[str, Any] = {"interaction": interaction}
        if it.message is not None and kind in (MESSAGE, DEFER, UPDATE):
            interaction |= {
                "response_message_id": str(it.message.id),
                "response_message_loading": bool(it.message.flags & LOADING),
                "response_message_ephemeral": bool(it.message.flags & EPHEMERAL),
            }
            answer["resource"] = {"type": kind, "message": it.message.payload}
        return answer

    def _told(self, name: str, it: Interaction, message: Message) -> None:
        if not message.flags & EPHEMERAL and it.channel.guild:
            self._discord.gateway.tell(name, message.payload, it.channel.guild, GUILD_MESSAGES)

    def _open(self, call: Call) -> Interaction:
        """Return the interaction for the token in the path. Raises RefusalError if it's expired or unknown."""
        it = self._discord.interactions.get(call.ids["webhook_token"])
        if call.id("webhook_id") != self._discord.application:
            raise RefusalError(404, 10015)
        if it is None or it.expired or self._discord.clock.now() > it.at + TOKEN_LIVES:
            raise RefusalError(401, 50027)
        if it.callback is None:
            raise RefusalError(404, 10015)
        return it

    def _message(self, it: Interaction, name: str) -> Message:
        if name == "@original":
            if it.message is None:
                raise RefusalError(404, 10008)
            return it.message
        for message in (it.message, *it.followups):
            if message is not None and str(message.id) == name:
                return message
        raise RefusalError(404, 10008)

    async def show(self, call: Call) -> Payload:
        return self._message(self._open(call), call.ids["message_id"]).payload

    async def edit(self, call: Call) -> Payload:
        it = self._open(call)
        message = self._message(it, call.ids["message_id"])
        compose.edit(self._discord, message, call.json, call.files)
        self._told("MESSAGE_UPDATE", it, message)
        it.settled()
        return message.payload

    async def delete(self, call: Call) -> None:
        it = self._open(call)
        message = self._message(it, call.ids["message_id"])
        it.channel.messages.pop(message.id, None)
        if message is it.message:
            it.message = None
            it.settled()
        else:
            it.followups.remove(message)

    async def follow_up(self, call: Call) -> Payload:
        """Send a follow-up; the first one replaces the "thinking" message and keeps its visibility."""
        it = self._open(call)
        if it.kind == COMPLETE:
            raise RefusalError(404, 10015)
        if it.message is not None and it.message.flags & LOADING and it.kind != COMPONENT:
            compose.edit(self._discord, it.message, call.json, call.files)
            it.settled()
            return it.message.payload
        message = compose.create(self._discord, it.channel, call.json, call.files, interaction=it)
        it.followups.append(message)
        self._told("MESSAGE_CREATE", it, message)
        return message.payload
