"""`help`: the commands by section, or one command in detail."""

from __future__ import annotations

from collections.abc import Callable

from bot.commands import converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.commands.registry import Registry
from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Button, Buttons, Notice, Reply, Table, Text

SECTIONS = (
    ("Look something up", ("ask", "explain", "topics")),
    ("Practice", ("question", "daily")),
    ("See how you're doing", ("streak", "leaderboard", "team list")),
    ("Your settings", ("me", "team join", "privacy export", "privacy delete")),
)
MANAGER_SECTION = ("For managers", ("schedule setup", "schedule list", "own list", "reports list", "managers add"))


def command(registry: Callable[[], Registry]) -> Command:
    """Return the `help` command. The registry is passed as a function, because it contains this command too."""

    async def show_help(study: Study, context: RequestContext, *, command: str = "") -> Reply:
        if not command:
            return _overview(manager=context.manager)
        described = registry().find(command)
        if outbox := study.outboxes.get(context.location.platform):
            described = described.for_capabilities(outbox.capabilities)
        return _details(described)

    name = Parameter("command", "a command's name", converters.text, greedy=True)
    return Command("help", "See what I can do", show_help, (name,), example="help schedule setup")


def _overview(*, manager: bool) -> Reply:
    sections = (*SECTIONS, MANAGER_SECTION) if manager else SECTIONS
    lines = "\n".join(f"- **{title}**: {', '.join(f'`{name}`' for name in names)}" for title, names in sections)
    hint = "Try `ask what is LoRA` or `question`. For more on one command, add its name: `help schedule setup`."
    return Reply.of(
        Text(f"{lines}\n\n{hint}", "Here's what I can do"),
        Buttons((Button("A question now", "question", "primary"), Button("Today's question here", "daily"))),
    )


def _details(command: Command) -> Reply:
    rows = tuple((p.name, ("" if p.required else "optional: ") + p.full_description) for p in command.parameters)
    example = f"\n\nFor example: `{command.example}`" if command.example else ""
    return Reply.of(
        Text(f"{command.description}{example}", title=f"`{command.usage}`"),
        Table(("Parameter", "What it is"), rows) if rows else None,
        Notice("For managers.") if command.managers_only else None,
    )
