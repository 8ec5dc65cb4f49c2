"""The commands to manage a workspace."""

from __future__ import annotations

from bot.commands import converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import QUESTION, WHOM
from bot.study.workspaces import custom_questions, managers, reports

COMMANDS = (
    Command("managers add", "Make a member a manager", managers.add, (WHOM,), managers_only=True),
    Command("managers remove", "Take that right away", managers.remove, (WHOM,), managers_only=True),
    Command("managers list", "The managers named here", managers.show, managers_only=True),
    Command("reports list", "What members say is wrong", reports.show, managers_only=True),
    Command("reports retire", "Ask a question no more", reports.retire, (QUESTION,), managers_only=True),
    Command("reports restore", "Ask a retired question again", reports.restore, (QUESTION,), managers_only=True),
    Command("reports close", "Close a question's reports", reports.close, (QUESTION,), managers_only=True),
    Command("own list", "The questions of our own", custom_questions.show, managers_only=True),
    Command(
        "own remove",
        "Take a question of our own away",
        custom_questions.forget,
        (QUESTION,),
        managers_only=True,
        example="own remove own-when-may-we-deploy",
    ),
    Command(
        "report",
        "Say what is wrong with a question",
        reports.report,
        (
            QUESTION,
            Parameter(
                "what", "what is wrong with it", converters.text, True, greedy=True, multiline=True, max_length=1000
            ),
        ),
        opens_form=True,
        hidden=True,
        example="report lora the second choice is right too",
    ),
)
