"""People who type commands, press buttons, pick, fill in forms, write, and install the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.platforms.slack.fake import blocks, installing
from tests.platforms.slack.fake.delivery import COMMAND, EVENT, INTERACTION, Acknowledgement, Delivery, Forgery
from tests.platforms.slack.fake.elements import EXTERNAL, Given, empty, state, value
from tests.platforms.slack.fake.hooks import Hook
from tests.platforms.slack.fake.model import Channel, File, Message, Team, User, View
from tests.platforms.slack.fake.payloads import Payloads
from tests.platforms.slack.fake.refusals import RefusalError
from tests.platforms.slack.fake.shown import Payload, text

if TYPE_CHECKING:
    from tests.platforms.slack.fake.server import Slack

TIMELESS = ("app_uninstalled", "tokens_revoked")
"""Events without a time."""
CHANGED, BROADCAST, SHARED = "message_changed", "thread_broadcast", "file_share"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with Slack open. Each action ends when the app has acknowledged it."""

    slack: Slack
    team: Team
    user: User
    forgery: Forgery = field(default_factory=Forgery)

    @classmethod
    def joins(
        cls,
        slack: Slack,
        team: Team,
        name: str,
        *,
        admin: bool = False,
        owner: bool = False,
        bot: bool = False,
        tz: str = "",
    ) -> Person:
        """Create a person, in every public channel of the workspace; with `bot`, another app's bot."""
        return cls(slack, team, slack.user(team, name, admin=admin, owner=owner, bot=bot, tz=tz))

    def visits(self, channel: Channel) -> Person:
        """Return the same person in a channel that another workspace shares with theirs (Slack Connect).

        What they do comes to the app as it is installed there, and tells the two workspaces apart:

        - in a form or a home `team`, `user.team_id` and `view.team_id` are theirs, and `view.app_installed_team_id` is
          the other one, the app's;
        - at a message `user.team_id` is theirs, and `team` the app's;
        - in a mention `event.user_team` is theirs, and `team_id` and `event.team` the app's;
        - in any other event `team_id` is theirs, and that among the `authorizations` the app's.

        A command goes to the app in their own workspace, wherever it is typed, and shortcuts are not offered. Grids,
        and a home of theirs in both workspaces, are not modelled.
        """
        self.slack.share(channel, self.user)
        return replace(self, team=self.slack.teams[channel.team])

    def in_organization(self, team: Team, rank: str = "member", *, of_all: str = "member") -> Person:
        """Return the same person in another workspace of their organization (Enterprise Grid), with a rank there.

        `of_all` is their rank in the whole organization.
        """
        assert self.team.enterprise is not None
        assert self.team.enterprise == team.enterprise, "the workspaces are of one organization"
        self.user.ranks[team.id] = rank
        self.user.organization = {
            "id": self.id,
            "enterprise_id": self.team.enterprise["id"],
            "enterprise_name": self.team.enterprise["name"],
            "is_admin": of_all != "member",
            "is_owner": of_all == "owner",
            "teams": [self.user.team, *self.user.ranks],
        }
        self.slack.assign(team, self.user)
        return replace(self, team=team)

    def forging(self, *, signature: str = "", age: float = 0.0, team: str = "") -> Person:
        """Return the same person with forged requests: a wrong signature, an old one, another workspace."""
        return replace(self, forgery=Forgery(signature, age, team))

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def home(self) -> View:
        return self.slack.homes[self.id]

    @property
    def direct(self) -> Channel:
        """Their conversation with the app."""
        return self.slack.conversation(self.team, self.id)

    # Commands and shortcuts

    async def types(self, text: str, channel: Channel | None = None, command: str = "/study") -> Acknowledgement:
        """Type a command; what the app's acknowledgement says is shown, as on Slack."""
        where = channel or self.team.main
        if self._abroad:
            return await replace(self, team=self.slack.teams[self.user.team]).types(text, where, command)
        done = await self._send(COMMAND, self._payloads.command(command, text, where))
        if done.status == 200 and done.body:
            said = done.json if isinstance(done.json, dict) else {"text": done.body}
            hook = Hook(self.team.id, where.id, self.id, self.slack.clock.now())
            with suppress(RefusalError):  # a violation, and Slack shows nothing
                self.slack.hooks.answer(hook, said, "acknowledgement")
        return done

    async def chooses(self, shortcut: str, message: Message | None = None) -> Acknowledgement:
        """Choose a shortcut by its callback id: a message's, or a global one."""
        assert not self._abroad, "members of other workspaces are offered no shortcuts"
        shown = self._newest(message) if message else None
        return await self._send(INTERACTION, self._payloads.shortcut(shortcut, shown))

    # Buttons, menus and forms

    async def presses(self, shown: Message | View, label: str) -> Acknowledgement:
        source = self._newest(shown)
        block, element = source.pressed(label)
        return await self._send(INTERACTION, self._payloads.pressed(source, block, element))

    async def sends_as(self, user: Payload | None, source: Message, block: Payload, action: Payload) -> Acknowledgement:
        """Press a button as somebody of whom the payload says only that; None leaves `user` out."""
        payload = self._payloads.pressed(self._newest(source), block, action)
        del payload["user"]
        return await self._send(INTERACTION, payload if user is None else payload | {"user": user})

    async def picks(self, shown: Message | View, menu: str, *values: str) -> Acknowledgement:
        """Pick values in a menu, which is named as for `Message.menu`."""
        source = self._newest(shown)
        block, element = source.picked(menu)
        picked = value(element, values[0] if len(values) == 1 else values, _suggested(source, element))
        touched = source.state if isinstance(source, View) else self.slack.states.setdefault(source.key, {})
        touched.setdefault(block["block_id"], {})[element["action_id"]] = picked
        return await self._send(INTERACTION, self._payloads.pressed(source, block, {**element, **picked}))

    def fills(self, view: View, values: Mapping[str, Given]) -> None:
        """Fill in fields of a form, named as for `View.menu`; the app isn't told yet."""
        for name, given in values.items():
            block, element = view.picked(name)
            picked = value(element, given, _suggested(view, element))
            view.state.setdefault(block["block_id"], {})[element["action_id"]] = picked

    async def looks_up(self, view: View, menu: str, query: str = "") -> list[tuple[str, str]]:
        """Type in a menu, and return the app's suggestions as labels and values; they can be picked then."""
        source: View = self._newest(view)
        block, element = source.picked(menu)
        least = element.get("min_query_length", 3)
        assert element["type"] in EXTERNAL, f"{menu!r} has options of its own"
        assert len(query) >= least, f"{menu!r} asks for nothing before {least} characters"
        done = await self._send(INTERACTION, self._payloads.suggestion(source, block, element, query))
        if done.status != 200:
            return []
        problems = list(blocks.suggestions(done.json))
        for problem in problems:
            self.slack.violate("acknowledgement", "block_suggestion", problem)
        groups = [] if problems else done.json.get("option_groups", [done.json])
        options = [option for group in groups for option in group["options"]]
        source.suggested.setdefault(element["action_id"], []).extend(options)
        return [(text(option["text"]), option["value"]) for option in options]

    async def sends(self, view: View, values: Mapping[str, Given] | None = None) -> Acknowledgement:
        """Submit a form. The app's answer takes effect: it closes, changes, or shows problems."""
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

    async def closes(self, view: View, *, whole_stack: bool = False) -> Acknowledgement | None:
        """Close a modal, or its whole stack. None if the app didn't ask to be notified."""
        self._topmost(view)
        stack = self.slack.modals.stacks[self.id]
        del stack[0 if whole_stack else -1 :]
        if not view.body.get("notify_on_close"):
            return None
        return await self._send(INTERACTION, self._payloads.closed(view, whole_stack))

    # Events

    async def opens_home(self, tab: str = "home") -> Acknowledgement:
        home = self.slack.homes.get(self.id)
        more = {"view": home.payload} if home and tab == "home" else {}
        return await self.tells("app_home_opened", user=self.id, channel=self.direct.id, tab=tab, **more)

    async def mentions(
        self,
        text: str,
        channel: Channel | None = None,
        thread: Message | None = None,
        *,
        subtype: str = "",
        files: Sequence[str] = (),
    ) -> Acknowledgement:
        """Mention the app at the start of a message.

        With `message_changed` that is what their newest message there says now: it mentions the app anew, under the
        old time stamp. Slack names no subtype then, nor where there are `files`, which go by their names.
        """
        where, said = channel or self.team.main, f"<@{self.team.me.id}> {text}"
        if subtype == CHANGED:
            _, message = self._edits(said, where)
        else:
            message = self._says(said, where, thread, subtype, files)
        named = {"subtype": subtype} if subtype not in ("", CHANGED, SHARED) else {}
        return await self.tells("app_mention", **self._spoken(message) | named)

    def chats(self, text: str, channel: Channel | None = None) -> None:
        """Write in a channel without mentioning the app, which isn't told."""
        self._says(text, channel or self.team.main, None, "", ())

    async def writes(
        self, text: str, thread: Message | None = None, *, subtype: str = "", files: Sequence[str] = ()
    ) -> Acknowledgement:
        """Write to the app directly. With `message_changed`, edit their newest message instead.

        `files` go by their names, and make it a `file_share`.
        """
        if subtype == CHANGED:
            before, message = self._edits(text, self.direct)
            told: Payload = {"hidden": True, "channel": message.channel, "ts": message.edited}
            told |= {"message": message.payload(), "previous_message": before.payload()}
        else:
            told = self._spoken(self._says(text, self.direct, thread, subtype, files))
        named = {"subtype": subtype or SHARED} if subtype or files else {}
        return await self.tells("message", channel_type="im", **told | named)

    async def uninstalls(self) -> tuple[Acknowledgement, Acknowledgement]:
        """Uninstall the app. Slack sends two events, in any order: tokens revoked, and app uninstalled."""
        self.slack.expel(self.team)
        gone = {"oauth": [], "bot": [self.team.me.id]}
        return await self.tells("tokens_revoked", tokens=gone), await self.tells("app_uninstalled")

    async def tells(self, kind: str, /, **more: Any) -> Acknowledgement:
        """Send any other event."""
        if kind not in TIMELESS:
            more = {"event_ts": self.slack.clock.ts()} | more
        return await self._send(EVENT, self._payloads.event(kind, **more))

    async def installs(self, url: str, *, agrees: bool = True, org_wide: bool = False) -> installing.Page:
        """Go from the app's install page through Slack's and back, and return the last page.

        With `org_wide`, for the whole organization; Slack then names no workspace.
        """
        assert self.team.enterprise or not org_wide, f"{self.team.name} is in no organization"
        return await installing.walk(self.slack, url, self.id, agrees, org_wide)

    # Inside

    @property
    def _payloads(self) -> Payloads:
        return Payloads(self.slack, self.team, self.user, self.forgery.team)

    @property
    def _abroad(self) -> bool:
        return self.team.id not in (self.user.team, *self.user.ranks)

    async def _send(self, kind: str, payload: Payload) -> Acknowledgement:
        return await self.slack.courier.deliver(Delivery(kind, payload, self.forgery))

    def _newest(self, shown: Any) -> Any:
        """Return the current state of something seen before."""
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

    def _says(self, said: str, channel: Channel, thread: Message | None, subtype: str, names: Sequence[str]) -> Message:
        assert thread is None or thread.channel == channel.id, "the thread is in another channel"
        assert thread or subtype != BROADCAST, "only what is said in a thread can be shown beside it too"
        assert names or subtype != SHARED, "there are no files to be shared"
        after = (thread.thread_ts or thread.ts) if thread else ""
        message = Message(
            self.user.team,
            channel.id,
            said,
            [],
            self.slack.clock.ts(),
            self.id,
            self.user.app,
            thread_ts=after,
            broadcast=subtype == BROADCAST,
            files=tuple(self._file(name, channel) for name in names),
        )
        channel.messages[message.ts] = message
        return message

    def _edits(self, said: str, channel: Channel) -> tuple[Message, Message]:
        """Edit their newest message there; returns it before and after."""
        own = [message for message in channel.messages.values() if message.user == self.id]
        assert own, f"{self.user.name} has said nothing there yet"
        changed = replace(own[-1], text=said, edited=self.slack.clock.ts())
        channel.messages[changed.ts] = changed
        return own[-1], changed

    def _file(self, name: str, channel: Channel) -> File:
        file_id, content = self.slack.clock.id("F"), name.encode()
        made = File(file_id, self.user.team, name, name, len(content), content=content, channel=channel.id)
        self.team.files[file_id] = made
        return made

    def _spoken(self, message: Message) -> Payload:
        """Return a message as its event has it."""
        part = {"type": "rich_text_section", "elements": [{"type": "text", "text": message.text}]}
        shown: Sequence[Payload] = [{"type": "rich_text", "block_id": "w", "elements": [part]}]
        said = {name: told for name, told in message.payload().items() if name != "type"}
        said |= {"blocks": shown, "channel": message.channel, "event_ts": message.edited or message.ts}
        if message.files:
            said |= {"upload": False, "display_as_bot": False}
            del said["team"]
        if message.broadcast:
            said["root"] = self.team.channels[message.channel].messages[message.thread_ts].payload()
        if bot := self.user.app:
            name = self.user.real_name
            about = {"id": bot["bot_id"], "app_id": bot["app_id"], "name": name, "team_id": self.user.team}
            return said | {"bot_profile": {**about, "deleted": False}}
        return said | {"client_msg_id": message.ts}

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
        except RefusalError:
            return None
        if action == "push":
            return self.slack.modals.shown(self.team, self.id, checked)
        self.slack.modals.changed(view, checked)
        return view


def _suggested(source: Message | View, element: Payload) -> Sequence[Payload]:
    return source.suggested.get(element["action_id"], ()) if isinstance(source, View) else ()
