"""`help`: what there is to do, or one command in detail."""

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
    ("Practise", ("question", "daily")),
    ("See how it goes", ("streak", "leaderboard", "team list")),
    ("Your settings", ("me", "team join", "privacy export", "privacy delete")),
    ("For managers", ("schedule setup", "schedule list", "own list", "reports list", "managers add")),
)
"""What help shows first; the last shelf is for managers."""


def command(registry: Callable[[], Registry]) -> Command:
    """Return the command that explains those of `registry`."""

    async def show_help(study: Study, context: RequestContext, *, command: str = "") -> Reply:
        """The commands, or one of them."""
        if command:
            it = registry().find(command)
            if outbox := study.outboxes.get(context.location.platform):
                it = it.for_capabilities(outbox.capabilities)
            rows = tuple((p.name, ("" if p.required else "optional: ") + p.full_description) for p in it.parameters)
            example = f"\n\nFor example: `{it.example}`" if it.example else ""
            return Reply.of(
                Text(f"{it.description}{example}", title=it.usage),
                Table(("Parameter", "What it is"), rows) if rows else None,
                Notice("For managers.") if it.managers_only else None,
            )
        sections = SECTIONS if context.manager else SECTIONS[:-1]
        lines = "\n".join(f"- **{what}**: {', '.join(f'`{name}`' for name in names)}" for what, names in sections)
        return Reply.of(
            Text(
                f"{lines}\n\nTry `ask what is LoRA` or `question`. `help schedule setup` tells of one command.",
                "What I can do",
            ),
            Buttons((Button("A question now", "question", "primary"), Button("Today's question here", "daily"))),
        )

    return Command(
        "help",
        "What I can do",
        show_help,
        (Parameter("command", "a command's name", converters.text, greedy=True),),
        example="help schedule setup",
    )
