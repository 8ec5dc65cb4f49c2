"""The commands that manage a workspace."""

from __future__ import annotations

from bot.commands import converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import MEMBER_NAME, QUESTION
from bot.study.workspaces import custom_questions, managers, reports

COMMANDS = (
    Command("managers add", "Make a member a manager", managers.add, (MEMBER_NAME,), managers_only=True),
    Command(
        "managers remove", "Make a manager a regular member again", managers.remove, (MEMBER_NAME,), managers_only=True
    ),
    Command("managers list", "List the managers added here", managers.show, managers_only=True),
    Command("reports list", "List what members reported", reports.show, managers_only=True),
    Command("reports retire", "Stop asking a question here", reports.retire, (QUESTION,), managers_only=True),
    Command("reports restore", "Ask a retired question again", reports.restore, (QUESTION,), managers_only=True),
    Command("reports close", "Close a question's reports", reports.close, (QUESTION,), managers_only=True),
    Command("own list", "List our custom questions", custom_questions.show, managers_only=True),
    Command(
        "own remove",
        "Remove a custom question",
        custom_questions.forget,
        (QUESTION,),
        managers_only=True,
        example="own remove own-when-may-we-deploy",
    ),
    Command(
        "report",
        "Report a problem with a question",
        reports.report,
        (
            QUESTION,
            Parameter(
                "what", "what's wrong with it", converters.text, True, greedy=True, multiline=True, max_length=1000
            ),
        ),
        opens_form=True,
        submit="Send",
        hidden=True,
        example="report lora the second choice is right too",
    ),
)
