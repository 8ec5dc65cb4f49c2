"""The one table of commands. Help, docs, the terminal, Discord's tree and Slack's dispatcher all follow from it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from operator import attrgetter

from bot.commands import autocomplete, converters
from bot.commands.command import Command, Shortcut
from bot.commands.parameters import Parameter
from bot.commands.registry import Registry
from bot.context.identity import RequestContext
from bot.context.study import Study
from bot.replies import Button, Buttons, Notice, Reply, Text
from bot.replies import Table as Rows
from bot.study.account import home, privacy, settings
from bot.study.daily import questions, schedules
from bot.study.lookup import ask, explain, practice_from_message, sharing
from bot.study.members import teams
from bot.study.practice import selection, submissions
from bot.study.practice.grading import JUDGEMENTS
from bot.study.progress import leaderboard, overview
from bot.study.progress import profile as progress_profile
from bot.study.workspaces import custom_questions, managers, reports
from knowledge.questions import Difficulty

LEVELS = tuple(d.value for d in Difficulty)
PERIODS = ("week", "month", "all")
VIEWS = ("words", "picture")
SHARED = ("question", "explanation", "streak")


def asked(about: str) -> Parameter:
    """What one wants to know, in one's own words."""
    return Parameter(
        "text", about, converters.text, True, greedy=True, autocomplete=autocomplete.titles, max_length=500
    )


TOPIC = Parameter("topic", "a topic of the bank", converters.topic, autocomplete=autocomplete.topics)
DIFFICULTY = Parameter("difficulty", "easy, medium or hard", converters.difficulty, choices=LEVELS, placeholder="any")
QUESTION = Parameter("question", "a question's id", converters.question, required=True, autocomplete=autocomplete.ids)
ROUND = Parameter("round", "the mark of a question you were asked", converters.token, required=True)
WHICH = Parameter("which", "the schedule's number in `schedule list`", converters.schedule)
TIME = Parameter(
    "time",
    "the time of the post",
    converters.clock,
    autocomplete=autocomplete.times,
    kind="times",
    format_hint="like 09:00",
)
ZONE = Parameter(
    "zone",
    "its time zone",
    converters.zone,
    autocomplete=autocomplete.zones,
    strict=True,
    format_hint="like Europe/Paris",
    placeholder="yours",
)
REMIND = Parameter(
    "remind", "when to remind me, like 20:00, or off", converters.clock_or_off, autocomplete=autocomplete.times
)
MY_ZONE = replace(ZONE, description="my time zone", placeholder="")
TOPICS = Parameter(
    "topics",
    "topics",
    converters.topics,
    autocomplete=autocomplete.lists,
    options=autocomplete.all_topics,
    max_length=500,
    format_hint="commas between; or all",
    placeholder="all of them",
)
REVEAL = Parameter(
    "reveal",
    "the time of the answer",
    converters.clock,
    autocomplete=autocomplete.times,
    kind="times",
    format_hint="like 17:00",
    placeholder="some hours later",
)
DAYS = Parameter(
    "days",
    "weekdays",
    converters.some_weekdays,
    autocomplete=autocomplete.weeks,
    options=autocomplete.weekdays,
    format_hint="like mon-fri",
    placeholder="Monday to Friday",
)
THREAD = Parameter(
    "thread",
    "a thread under each question",
    converters.on_or_off,
    choices=("on", "off"),
    placeholder="off",
    needs_capability=True,
)
PIN = Parameter(
    "pin",
    "the question pinned until the next one",
    converters.on_or_off,
    choices=("on", "off"),
    placeholder="off",
    needs_capability=True,
)
ROLE = Parameter(
    "role", "a role to call, or none", converters.role, kind="roles", placeholder="none", needs_capability=True
)
MEMBER = Parameter("member", "a member's name", converters.text, kind="members")
WHOM = Parameter("member", "a member's name", converters.text, required=True, greedy=True, kind="members")
TEAM = Parameter("name", "the team's name", converters.text, required=True, greedy=True, max_length=40)


SHELVES = (
    ("Look something up", ("ask", "explain", "topics")),
    ("Practise", ("question", "daily")),
    ("See how it goes", ("streak", "leaderboard", "team list")),
    ("Your settings", ("me", "team join", "privacy export", "privacy delete")),
    ("For managers", ("schedule setup", "schedule list", "own list", "reports list", "managers add")),
)
"""What help shows first; the last shelf is for managers."""


async def _help(study: Study, context: RequestContext, *, command: str = "") -> Reply:
    """The commands, or one of them."""
    if command:
        it = registry().find(command)
        if outbox := study.outboxes.get(context.location.platform):
            it = it.for_capabilities(outbox.capabilities)
        rows = tuple((p.name, ("" if p.required else "optional: ") + p.full_description) for p in it.parameters)
        example = f"\n\nFor example: `{it.example}`" if it.example else ""
        return Reply.of(
            Text(f"{it.description}{example}", title=it.usage),
            Rows(("Parameter", "What it is"), rows) if rows else None,
            Notice("For managers.") if it.managers_only else None,
        )
    shelves = SHELVES if context.manager else SHELVES[:-1]
    lines = "\n".join(f"- **{what}**: {', '.join(f'`{name}`' for name in names)}" for what, names in shelves)
    return Reply.of(
        Text(
            f"{lines}\n\nTry `ask what is LoRA` or `question`. `help schedule setup` tells of one command.",
            "What I can do",
        ),
        Buttons((Button("A question now", "question", "primary"), Button("Today's question here", "daily"))),
    )


COMMANDS = (
    Command(
        "ask",
        "Find the answer to a question",
        ask.ask,
        (asked("what you want to know"),),
        slow=True,
        example="ask why is LoRA cheaper than full fine-tuning",
    ),
    Command(
        "explain",
        "Explain something, with sources",
        explain.explain,
        (asked("what to explain"),),
        slow=True,
        example="explain how a VAE learns",
    ),
    Command(
        "question",
        "Practise with a question now",
        selection.question,
        (TOPIC, DIFFICULTY),
        example="question fine-tuning hard",
    ),
    Command("daily", "This channel's question of today", questions.daily),
    Command(
        "streak",
        "A streak and its calendar",
        overview.streak,
        (
            Parameter(
                "view",
                "why: what each day was; picture: the calendar drawn",
                converters.one_of("why", "picture"),
                choices=("why", "picture"),
            ),
            MEMBER,
        ),
        replaces_message=True,
        example="streak why",
    ),
    Command(
        "leaderboard",
        "Who stands where",
        leaderboard.leaderboard,
        (
            Parameter("period", "week, month or all", converters.one_of(*PERIODS), choices=PERIODS),
            Parameter("who", "members or teams", converters.one_of("members", "teams"), choices=("members", "teams")),
            Parameter(
                "where",
                "this channel or everywhere",
                converters.one_of("channel", "everywhere"),
                choices=("channel", "everywhere"),
            ),
            Parameter("view", "in words or as a picture", converters.one_of(*VIEWS), choices=VIEWS),
        ),
        private=False,
        replaces_message=True,
        example="leaderboard month teams",
    ),
    Command("topics", "The topics, and how well I know them", overview.topics),
    Command(
        "team create", "Start a team and join it", teams.create, (TEAM,), opens_form=True, example="team create Blue"
    ),
    Command("team join", "Join a team", teams.join, (TEAM,), opens_form=True, example="team join Blue"),
    Command("team leave", "Leave my team", teams.leave),
    Command("team list", "The teams here", teams.show),
    Command(
        "me",
        "My settings",
        settings.me,
        (
            MY_ZONE,
            Parameter("rollover", "the hour at which my day begins, 0 to 4", converters.whole(0, 4), range=(0, 4)),
            Parameter(
                "standings",
                "shown or hidden to others",
                converters.one_of(*settings.LISTED),
                choices=settings.LISTED,
            ),
            Parameter("rest", "weekdays I rest on, like sat,sun, or none", converters.weekdays),
            REMIND,
        ),
        replaces_message=True,
        example="me zone=Europe/Paris rest=sat,sun",
    ),
    Command(
        "schedule setup",
        "A question in this channel at a set time",
        schedules.setup,
        (
            replace(TIME, required=True, initial=lambda _: "09:00"),
            replace(ZONE, initial=attrgetter("zone")),
            DIFFICULTY,
            DAYS,
            TOPICS,
            REVEAL,
            THREAD,
            PIN,
            ROLE,
        ),
        managers_only=True,
        needs_channel=True,
        example="schedule setup 09:00 Europe/Paris mon-fri reveal=17:00",
    ),
    Command(
        "schedule change",
        "Change a schedule; with nothing else, see what it is set to",
        schedules.change,
        (
            WHICH,
            TIME,
            ZONE,
            Parameter(
                "difficulty", "easy, medium, hard or any", converters.difficulty_or_any, choices=(*LEVELS, "any")
            ),
            DAYS,
            TOPICS,
            REVEAL,
            THREAD,
            PIN,
            ROLE,
        ),
        managers_only=True,
        replaces_message=True,
        example="schedule change 1 days=mon,wed,fri",
    ),
    Command(
        "schedule move",
        "Another time for a schedule",
        schedules.move,
        (
            WHICH,
            replace(TIME, required=True),
            replace(ZONE, format_hint="like Europe/Paris; leave it open to keep it", placeholder="as it is"),
            replace(REVEAL, format_hint="like 17:00; leave it open to keep it", placeholder="as it is"),
        ),
        managers_only=True,
        opens_form=True,
        hidden=True,
        replaces_message=True,
    ),
    Command("schedule list", "The schedules of this channel", schedules.show, managers_only=True),
    Command(
        "schedule pause",
        "Stop a schedule for a while",
        schedules.pause,
        (WHICH, Parameter("until", "the day it goes on, like 2027-01-31", converters.day)),
        managers_only=True,
        example="schedule pause until 2027-01-31",
    ),
    Command("schedule resume", "Go on with a paused schedule", schedules.resume, (WHICH,), managers_only=True),
    Command("schedule remove", "Take a schedule away", schedules.remove, (WHICH,), managers_only=True),
    Command("schedule test", "Post a question now that earns nothing", schedules.try_out, (WHICH,), managers_only=True),
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
    Command("privacy export", "Everything kept about me", privacy.export),
    Command(
        "privacy delete",
        "Delete everything about me",
        privacy.erase,
        (Parameter("sure", "the word everything", converters.one_of("everything"), choices=("everything",)),),
    ),
    Command(
        "help",
        "What I can do",
        _help,
        (Parameter("command", "a command's name", converters.text, greedy=True),),
        example="help schedule setup",
    ),
    Command("home", "My page", home.home, hidden=True),
    Command(
        "remind",
        "When to remind me",
        settings.me,
        (replace(REMIND, required=True),),
        hidden=True,
        example="remind off",
    ),
    Command(
        "zone",
        "My time zone",
        settings.me,
        (replace(MY_ZONE, required=True),),
        opens_form=True,
        hidden=True,
        example="zone Europe/Paris",
    ),
    Command(
        "show",
        "One part of one question",
        ask.show,
        (QUESTION, Parameter("part", "which part", converters.one_of(*ask.PARTS), choices=ask.PARTS)),
        hidden=True,
        example="show lora depth",
    ),
    Command(
        "answer",
        "Answer by a choice",
        submissions.answer,
        (ROUND, Parameter("choice", "a, b, c or d", converters.one_of(*"abcd"), required=True, choices=tuple("abcd"))),
        hidden=True,
        example="answer k3f7w2ab b",
    ),
    Command(
        "write",
        "Answer in my own words",
        submissions.write,
        (
            ROUND,
            Parameter(
                "text", "your answer", converters.text, required=True, greedy=True, multiline=True, max_length=4000
            ),
        ),
        opens_form=True,
        slow=True,
        hidden=True,
        example="write k3f7w2ab because the update has low rank",
    ),
    Command(
        "assess",
        "Judge my written answer",
        submissions.assess,
        (ROUND, Parameter("how", "had-it, partly or missed", converters.one_of(*JUDGEMENTS), required=True)),
        hidden=True,
        replaces_message=True,
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
    Command(
        "followup",
        "Ask about an explanation",
        explain.followup,
        (
            Parameter("to", "the mark of an explanation", converters.token, required=True),
            Parameter(
                "text", "what else you want to know", converters.text, True, greedy=True, multiline=True, max_length=500
            ),
        ),
        opens_form=True,
        slow=True,
        hidden=True,
        example="followup k3f7w2abcd why is that",
    ),
    Command(
        "talk",
        "Ask me in the channel, for all to read",
        explain.talk,
        (Parameter("text", "what you want to know", converters.text, greedy=True, max_length=500),),
        private=False,
        slow=True,
        hidden=True,
        example="talk why is that",
    ),
    Command(
        "share",
        "Show the channel what I looked up, or my streak",
        sharing.share,
        (
            Parameter("kind", "question, explanation or streak", converters.one_of(*SHARED), True, choices=SHARED),
            Parameter("id", "a question's id, or the mark of an explanation", converters.text),
            Parameter("part", "which part of a question", converters.one_of(*ask.PARTS), choices=ask.PARTS),
        ),
        private=False,
        hidden=True,
        posts_publicly=True,
        example="share question lora depth",
    ),
    Command(
        "quiz",
        "Practise with a question about a message",
        practice_from_message.quiz,
        (Parameter("text", "the message", converters.text, required=True, greedy=True, max_length=4000),),
        slow=True,
        hidden=True,
        shortcut=Shortcut("Quiz me on this", "message"),
        example="quiz our GAN makes the same face over and over",
    ),
    Command(
        "profile",
        "How a member stands",
        progress_profile.profile,
        (WHOM,),
        hidden=True,
        shortcut=Shortcut("Study profile", "member"),
        example="profile ada",
    ),
)


@cache
def registry() -> Registry:
    """The table, made once."""
    return Registry(COMMANDS)
