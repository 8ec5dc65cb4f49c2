"""People in workspaces: they type commands, press, pick, fill in forms, write, and install the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.platforms.slack.fake import installing
from tests.platforms.slack.fake.delivery import COMMAND, EVENT, INTERACTION, Acknowledgement, Delivery, Forgery
from tests.platforms.slack.fake.elements import Given, empty, state, value
from tests.platforms.slack.fake.hooks import Hook
from tests.platforms.slack.fake.model import Channel, Message, Team, User, View
from tests.platforms.slack.fake.payloads import Payloads
from tests.platforms.slack.fake.refusals import Refusal
from tests.platforms.slack.fake.shown import Payload, text

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

TIMELESS = ("app_uninstalled", "tokens_revoked")
"""Events without a time of their own."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with Slack open. What they do is over when the app has acknowledged it."""

    slack: Slack
    team: Team
    user: User
    forgery: Forgery = field(default_factory=Forgery)

    @classmethod
    def joins(
        cls, slack: Slack, team: Team, name: str, *, admin: bool = False, owner: bool = False, tz: str = ""
    ) -> Person:
        """A new person, in every public channel of the workspace."""
        return cls(slack, team, slack.user(team, name, admin=admin, owner=owner, tz=tz))

    def forging(self, *, signature: str = "", age: float = 0.0, team: str = "") -> Person:
        """The same person, for whom somebody forges requests: a wrong signature, an old one, another workspace."""
        return replace(self, forgery=Forgery(signature, age, team))

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def home(self) -> View:
        return self.slack.homes[self.id]

    @property
    def direct(self) -> Channel:
        """The conversation with the app."""
        return self.slack.conversation(self.team, self.id)

    # Commands and shortcuts

    async def types(self, text: str, channel: Channel | None = None, command: str = "/study") -> Acknowledgement:
        """What the app says in its acknowledgement is shown, as Slack does it."""
        where = channel or self.team.main
        done = await self._send(COMMAND, self._payloads.command(command, text, where))
        if done.status == 200 and done.body:
            said = done.json if isinstance(done.json, dict) else {"text": done.body}
            hook = Hook(self.team.id, where.id, self.id, self.slack.clock.now())
            self.slack.hooks.answer(hook, said, "acknowledgement")
        return done

    async def chooses(self, shortcut: str, message: Message | None = None) -> Acknowledgement:
        """A shortcut, by its callback id: that of a message, or one that is offered everywhere."""
        shown = self._newest(message) if message else None
        return await self._send(INTERACTION, self._payloads.shortcut(shortcut, shown))

    # Buttons, menus and forms

    async def presses(self, shown: Message | View, label: str) -> Acknowledgement:
        source = self._newest(shown)
        block, element = source.pressed(label)
        return await self._send(INTERACTION, self._payloads.pressed(source, block, element))

    async def picks(self, shown: Message | View, menu: str, *values: str) -> Acknowledgement:
        """In a menu, named as `Message.menu` takes it."""
        source = self._newest(shown)
        block, element = source.picked(menu)
        picked = value(element, values[0] if len(values) == 1 else values)
        touched = source.state if isinstance(source, View) else self.slack.states.setdefault(source.key, {})
        touched.setdefault(block["block_id"], {})[element["action_id"]] = picked
        return await self._send(INTERACTION, self._payloads.pressed(source, block, {**element, **picked}))

    def fills(self, view: View, values: Mapping[str, Given]) -> None:
        """Fields of a form, named as `View.menu` takes it; nobody is told yet."""
        for name, given in values.items():
            block, element = view.picked(name)
            view.state.setdefault(block["block_id"], {})[element["action_id"]] = value(element, given)

    async def sends(self, view: View, values: Mapping[str, Given] | None = None) -> Acknowledgement:
        """A form, filled in. What the app answers to it happens: it closes, changes, or shows what is wrong."""
        self._topmost(view)
        self.fills(view, values or {})
        said, urls = state(view.blocks, view.state), []
        for block in (block for block in view.blocks if block["type"] == "input"):
            element = block["element"]
            given = said[block["block_id"]][element["action_id"]]
            assert block.get("optional") or not empty(given), f"{text(block['label'])!r} has to be filled in"
            where = given.get("selected_channel") or given.get("selected_conversation")
            if where and element.get("response_url_enabled"):
                url = self.slack.hooks.new(self.team.id, where, self.id)
                ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
                urls.append({**ids, "channel_id": where, "response_url": url})
        done = await self._send(INTERACTION, self._payloads.submitted(view, urls))
        return self._followed(view, done) if done.status == 200 else done

    async def closes(self, view: View, *, all: bool = False) -> Acknowledgement | None:
        """By the button, or with `all` those beneath it too. None where the app does not want to know."""
        self._topmost(view)
        stack = self.slack.modals.stacks[self.id]
        del stack[0 if all else -1 :]
        if not view.body.get("notify_on_close"):
            return None
        return await self._send(INTERACTION, self._payloads.closed(view, all))

    # Events

    async def opens_home(self, tab: str = "home") -> Acknowledgement:
        home = self.slack.homes.get(self.id)
        more = {"view": home.payload} if home and tab == "home" else {}
        return await self.tells("app_home_opened", user=self.id, channel=self.direct.id, tab=tab, **more)

    async def mentions(
        self, text: str, channel: Channel | None = None, thread: Message | None = None
    ) -> Acknowledgement:
        """A message that begins with the app's name; its own text follows."""
        message = self._says(f"<@{self.team.me.id}> {text}", channel or self.team.main, thread)
        return await self.tells("app_mention", **_spoken(message))

    async def writes(self, text: str, thread: Message | None = None) -> Acknowledgement:
        """To the app alone."""
        message = self._says(text, self.direct, thread)
        return await self.tells("message", channel_type="im", **_spoken(message))

    async def enters(self, channel: Channel) -> Acknowledgement:
        channel.members.add(self.id)
        kind = "G" if channel.private else "C"
        more = {"channel": channel.id, "channel_type": kind, "team": self.team.id}
        return await self.tells("member_joined_channel", user=self.id, event_ts=self.slack.clock.ts(), **more)

    async def invites(self, channel: Channel) -> Acknowledgement:
        """The app, into a channel."""
        channel.joined = True
        more = {"channel": channel.id, "channel_type": "G" if channel.private else "C", "inviter": self.id}
        me, ts = self.team.me.id, self.slack.clock.ts()
        return await self.tells("member_joined_channel", user=me, team=self.team.id, event_ts=ts, **more)

    async def uninstalls(self) -> tuple[Acknowledgement, Acknowledgement]:
        """The app is told twice, in whatever order: that its tokens are gone, and that it is."""
        self.slack.expel(self.team)
        gone = {"oauth": [], "bot": [self.team.me.id]}
        return await self.tells("tokens_revoked", tokens=gone), await self.tells("app_uninstalled")

    async def tells(self, kind: str, /, **more: Any) -> Acknowledgement:
        """Any other event."""
        if kind not in TIMELESS:
            more = {"event_ts": self.slack.clock.ts()} | more
        return await self._send(EVENT, self._payloads.event(kind, **more))

    async def installs(self, url: str, *, agrees: bool = True) -> installing.Page:
        """From the app's own page through Slack's and back; the last page that is shown."""
        return await installing.walk(self.slack, url, self.id, agrees)

    # Inside

    @property
    def _payloads(self) -> Payloads:
        return Payloads(self.slack, self.team, self.user, self.forgery.team)

    async def _send(self, kind: str, payload: Payload) -> Acknowledgement:
        return await self.slack.courier.deliver(Delivery(kind, payload, self.forgery))

    def _newest(self, shown: Any) -> Any:
        """What is there now of something that was seen before."""
        if isinstance(shown, View):
            if shown.body["type"] == "modal":
                self._topmost(shown)
            return shown
        assert shown.reader in ("", self.id), f"{self.user.name} does not see this message"
        if shown.reader:
            return shown
        found = self.team.channels[shown.channel].messages.get(shown.ts)
        assert found is not None, "the message is gone"
        return found

    def _topmost(self, view: View) -> None:
        stack = self.slack.modals.stacks.get(self.id, [])
        assert [shown.id for shown in stack[-1:]] == [view.id], "the modal is not open, or beneath another"

    def _says(self, said: str, channel: Channel, thread: Message | None) -> Message:
        assert thread is None or thread.channel == channel.id, "the thread is in another channel"
        after = (thread.thread_ts or thread.ts) if thread else ""
        message = Message(self.team.id, channel.id, said, [], self.slack.clock.ts(), self.id, thread_ts=after)
        channel.messages[message.ts] = message
        return message

    def _followed(self, view: View, done: Acknowledgement) -> Acknowledgement:
        stack, said = self.slack.modals.stacks[self.id], done.json or {}
        match done.action:
            case "":
                if done.body and said != {}:
                    self.slack.violate("acknowledgement", "view_submission", f"says nothing to Slack: {done.body}")
                stack.remove(view)
            case "clear":
                stack.clear()
            case "errors":
                fields = {block["block_id"] for block in view.blocks if block["type"] == "input"}
                if not done.errors or not done.errors.keys() <= fields:
                    wrong = f"there are only the fields {sorted(fields)}, not {sorted(done.errors)}"
                    self.slack.violate("acknowledgement", "view_submission", wrong)
            case "update" | "push":
                return replace(done, view=self._answered(view, done.action, said.get("view")))
            case _:
                self.slack.violate("acknowledgement", "view_submission", f"there is no {done.action!r}")
        return done

    def _answered(self, view: View, action: str, body: Any) -> View | None:
        try:
            checked = self.slack.modals.held("acknowledgement", body, "modal")
        except Refusal:
            return None
        if action == "push":
            return self.slack.modals.shown(self.team, self.id, checked)
        self.slack.modals.changed(view, checked)
        return view


def _spoken(message: Message) -> Payload:
    """A message as its event has it."""
    part = {"type": "rich_text_section", "elements": [{"type": "text", "text": message.text}]}
    blocks: Sequence[Payload] = [{"type": "rich_text", "block_id": "w", "elements": [part]}]
    said = {name: told for name, told in message.payload().items() if name != "type"}
    return said | {"blocks": blocks, "channel": message.channel, "event_ts": message.ts, "client_msg_id": message.ts}
