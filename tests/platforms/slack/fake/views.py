"""views.*: stacked modals, and homes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.platforms.slack.fake import blocks, chat
from tests.platforms.slack.fake.calls import Call, Handler
from tests.platforms.slack.fake.model import Team, View
from tests.platforms.slack.fake.refusals import RefusalError, wrong
from tests.platforms.slack.fake.shown import Payload

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

SIZE = 250_000


def methods(slack: Slack) -> Iterator[tuple[str, Handler]]:
    modals = slack.modals
    yield "views.open", modals.open
    yield "views.publish", modals.publish


class Views:
    """`stacks` has each user's open modals, the topmost last."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.stacks: dict[str, list[View]] = {}

    def open(self, call: Call) -> Payload:
        user = self._slack.triggers.use(call.text("trigger_id"), call.team.id)
        self.stacks[user] = []
        return {"view": self.shown(call.team, user, self._body(call, "modal")).payload}

    def publish(self, call: Call) -> Payload:
        user = call.text("user_id")
        if user not in call.team.users:
            raise wrong("invalid_arguments", "user_id is no user here")
        body, home = self._body(call, "home"), self._slack.homes.get(user)
        if home is None:
            home = self._made(call.team, user, body)
            self._slack.homes[user] = home
            self._slack.published.put_nowait(home)
        else:
            self._current(call, home)
            self.changed(home, body)
        return {"view": home.payload}

    def shown(self, team: Team, user: str, body: Payload) -> View:
        """Open a modal on top of the stack."""
        stack = self.stacks.setdefault(user, [])
        made = self._made(team, user, body)
        if stack:
            made.root, made.previous = stack[0].root or stack[0].id, stack[-1].id
        stack.append(made)
        self._slack.views.put_nowait(made)
        return made

    def changed(self, view: View, body: Payload) -> None:
        view.body, view.hash = self._named(body), self._slack.clock.id("h")
        (self._slack.published if body["type"] == "home" else self._slack.views).put_nowait(view)

    def held(self, method: str, body: Any, kind: str) -> Payload:
        """Return a view once it's checked. Raises RefusalError."""
        problems = list(blocks.view(body))
        if isinstance(body, dict) and body.get("type") != kind:
            problems.append(blocks.Problem(f"the view is no {kind}", "invalid_arguments"))
        chat.refuse(self._slack, method, problems)
        if len(str(body)) > SIZE:
            raise RefusalError("view_too_large")
        checked: Payload = body
        return checked

    def _body(self, call: Call, kind: str) -> Payload:
        return self.held(call.method, call.loaded("view"), kind)

    def _made(self, team: Team, user: str, body: Payload) -> View:
        view_id, view_hash = self._slack.clock.id("V"), self._slack.clock.id("h")
        return View(view_id, team.id, user, self._named(body), view_hash, team.app, home=team.users[user].team)

    def _named(self, body: Payload) -> Payload:
        return {**body, "blocks": chat.named(self._slack, body["blocks"])}

    def _current(self, call: Call, view: View) -> None:
        if (expected := call.text("hash")) and expected != view.hash:
            raise RefusalError("hash_conflict")


class Triggers:
    """Trigger ids, with which an app can open a modal once, within three seconds."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._open: dict[str, tuple[str, str, float]] = {}
        self._used: set[str] = set()

    def new(self, team: str, user: str) -> str:
        trigger_id = f"{self._slack.clock.id('')}.{team}.trigger"
        self._open[trigger_id] = (team, user, self._slack.clock.now())
        return trigger_id

    def use(self, trigger_id: str, team: str) -> str:
        """Use a trigger up, and return its user. Raises RefusalError."""
        if trigger_id in self._used:
            raise RefusalError("exchanged_trigger_id")
        home, user, at = self._open.get(trigger_id, ("", "", 0.0))
        if home != team:
            raise RefusalError("invalid_trigger_id")
        if self._slack.clock.now() > at + self._slack.patience:
            raise RefusalError("expired_trigger_id")
        self._used.add(trigger_id)
        return user
