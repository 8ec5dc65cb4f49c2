"""The one table of commands. Help, docs, the terminal, Discord's tree and Slack's dispatcher all follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from bot import readers
from bot.commands import Command, Parameter, Suggestion, Table
from bot.replies import Notice, Reply, Text
from bot.replies import Table as Rows
from bot.study import (
    answering,
    daily,
    explain,
    leaderboard,
    lookup,
    managers,
    own,
    practice,
    privacy,
    profile,
    progress,
    reports,
    scheduling,
    teams,
)
from bot.study.context import Asker, Study
from bot.study.grading import JUDGEMENTS
from knowledge.questions import Difficulty

MOST_SUGGESTIONS = 25
LEVELS = tuple(d.value for d in Difficulty)
PERIODS = ("week", "month", "all")


def _titles(study: Study, typed: str) -> Sequence[Suggestion]:
    return [Suggestion(q.title, q.title) for q in study.library.suggest(typed, MOST_SUGGESTIONS)]


def _ids(study: Study, typed: str) -> Sequence[Suggestion]:
    return [Suggestion(q.title, q.id) for q in study.library.suggest(typed, MOST_SUGGESTIONS)]


def _topics(study: Study, typed: str) -> Sequence[Suggestion]:
    wanted = typed.lower().strip()
    names = sorted(study.library.bank.topics, key=lambda t: (not t.startswith(wanted), wanted not in t, t))
    return [Suggestion(name, name) for name in names if wanted in name or not wanted][:MOST_SUGGESTIONS]


def _zones(study: Study, typed: str) -> Sequence[Suggestion]:
    from bot.study.days import zones_like

    return [Suggestion(name, name) for name in zones_like(typed)[:MOST_SUGGESTIONS]]


TOPIC = Parameter("topic", "a topic of the bank", readers.topic, suggest=_topics)
DIFFICULTY = Parameter("difficulty", "easy, medium or hard", readers.difficulty, choices=LEVELS)
QUESTION = Parameter("question", "a question's id", readers.question, required=True, suggest=_ids)
ROUND = Parameter("round", "the mark of a question you were asked", readers.token, required=True)
WHICH = Parameter("which", "the schedule's number in `schedule list`", readers.whole(1, scheduling.PER_CHANNEL))
MEMBER = Parameter("member", "a member's name", readers.text)
WHOM = Parameter("member", "a member's name", readers.text, required=True, rest=True)
TEAM = Parameter("name", "the team's name", readers.text, required=True, rest=True, limit=40)


async def _help(study: Study, asker: Asker, *, command: str = "") -> Reply:
    """The commands, or one of them."""
    if command:
        it = table().find(command)
        rows = tuple((p.name, ("" if p.required else "optional: ") + p.about) for p in it.parameters)
        example = f"\n\nFor example: `{it.example}`" if it.example else ""
        return Reply.of(
            Text(f"{it.about}{example}", title=it.usage),
            Rows(("Parameter", "What it is"), rows) if rows else None,
            Notice("For managers.") if it.managers else None,
        )
    rows = tuple((c.usage, c.about) for c in table() if not c.button and (asker.manager or not c.managers))
    return Reply.of(
        Rows(("Command", "What it does"), rows, title="What I can do"),
        Notice("`help COMMAND` tells more. Try `ask what is LoRA` or `question`."),
    )


COMMANDS = (
    Command(
        "ask",
        "Find the answer to a question",
        lookup.ask,
        (Parameter("text", "what you want to know", readers.text, True, rest=True, suggest=_titles, limit=500),),
        slow=True,
        example="ask why is LoRA cheaper than full fine-tuning",
    ),
    Command(
        "explain",
        "Explain something, with sources",
        explain.explain,
        (Parameter("text", "what to explain", readers.text, True, rest=True, suggest=_titles, limit=500),),
        slow=True,
        example="explain how a VAE learns",
    ),
    Command(
        "question",
        "Practise with a question now",
        practice.question,
        (TOPIC, DIFFICULTY),
        example="question fine-tuning hard",
    ),
    Command("daily", "This channel's question of today", daily.daily),
    Command(
        "streak",
        "A streak and its calendar",
        progress.streak,
        (Parameter("view", "why: what each day was", readers.one_of("why"), choices=("why",)), MEMBER),
        example="streak why",
    ),
    Command(
        "leaderboard",
        "Who stands where",
        leaderboard.leaderboard,
        (
            Parameter("period", "week, month or all", readers.one_of(*PERIODS), choices=PERIODS),
            Parameter("who", "members or teams", readers.one_of("members", "teams"), choices=("members", "teams")),
            Parameter(
                "where",
                "this channel or everywhere",
                readers.one_of("channel", "everywhere"),
                choices=("channel", "everywhere"),
            ),
        ),
        private=False,
        example="leaderboard month teams",
    ),
    Command("topics", "The topics, and how well I know them", progress.topics),
    Command("team create", "Start a team and join it", teams.create, (TEAM,), form=True, example="team create Blue"),
    Command("team join", "Join a team", teams.join, (TEAM,), form=True, example="team join Blue"),
    Command("team leave", "Leave my team", teams.leave),
    Command("team list", "The teams here", teams.show),
    Command(
        "me",
        "My settings",
        profile.me,
        (
            Parameter("zone", "my time zone, like Europe/Paris", readers.zone, suggest=_zones),
            Parameter("rollover", "the hour at which my day begins, 0 to 4", readers.whole(0, 4)),
            Parameter(
                "standings",
                "shown or hidden to others",
                readers.one_of("shown", "hidden"),
                choices=("shown", "hidden"),
            ),
            Parameter("rest", "weekdays I rest on, like sat,sun, or none", readers.weekdays),
        ),
        example="me zone=Europe/Paris rest=sat,sun",
    ),
    Command(
        "schedule setup",
        "A question in this channel at a set time",
        scheduling.setup,
        (
            Parameter("time", "the time of the post, like 09:00", readers.clock, required=True),
            Parameter("zone", "its time zone, like Europe/Paris", readers.zone, suggest=_zones),
            Parameter("difficulty", "easy, medium or hard", readers.difficulty, choices=LEVELS),
            Parameter("days", "weekdays, like mon-fri", readers.some_weekdays),
            Parameter("topics", "topics with commas between them", readers.topics, suggest=_topics, limit=500),
            Parameter("reveal", "the time of the answer, like 17:00", readers.clock),
        ),
        managers=True,
        example="schedule setup 09:00 Europe/Paris mon-fri reveal=17:00",
    ),
    Command("schedule list", "The schedules of this channel", scheduling.show, managers=True),
    Command(
        "schedule pause",
        "Stop a schedule for a while",
        scheduling.pause,
        (WHICH, Parameter("until", "the day it goes on, like 2027-01-31", readers.day)),
        managers=True,
        example="schedule pause until 2027-01-31",
    ),
    Command("schedule resume", "Go on with a paused schedule", scheduling.resume, (WHICH,), managers=True),
    Command("schedule remove", "Take a schedule away", scheduling.remove, (WHICH,), managers=True),
    Command("schedule test", "Post a question now that earns nothing", scheduling.try_out, (WHICH,), managers=True),
    Command("managers add", "Make a member a manager", managers.add, (WHOM,), managers=True),
    Command("managers remove", "Take that right away", managers.remove, (WHOM,), managers=True),
    Command("managers list", "The managers named here", managers.show, managers=True),
    Command("reports list", "What members say is wrong", reports.show, managers=True),
    Command("reports retire", "Ask a question no more", reports.retire, (QUESTION,), managers=True),
    Command("reports restore", "Ask a retired question again", reports.restore, (QUESTION,), managers=True),
    Command("reports close", "Close a question's reports", reports.close, (QUESTION,), managers=True),
    Command("own list", "The questions of our own", own.show, managers=True),
    Command(
        "own remove",
        "Take a question of our own away",
        own.forget,
        (QUESTION,),
        managers=True,
        example="own remove own-when-may-we-deploy",
    ),
    Command("privacy export", "Everything kept about me", privacy.export),
    Command(
        "privacy delete",
        "Delete everything about me",
        privacy.erase,
        (Parameter("sure", "the word everything", readers.one_of("everything"), choices=("everything",)),),
    ),
    Command(
        "help",
        "What I can do",
        _help,
        (Parameter("command", "a command's name", readers.text, rest=True),),
        example="help schedule setup",
    ),
    Command(
        "show",
        "One part of one question",
        lookup.show,
        (QUESTION, Parameter("part", "which part", readers.one_of(*lookup.PARTS), choices=lookup.PARTS)),
        button=True,
        example="show lora depth",
    ),
    Command(
        "answer",
        "Answer by a choice",
        answering.answer,
        (ROUND, Parameter("choice", "a, b, c or d", readers.one_of(*"abcd"), required=True, choices=tuple("abcd"))),
        button=True,
        example="answer k3f7w2ab b",
    ),
    Command(
        "write",
        "Answer in my own words",
        answering.write,
        (ROUND, Parameter("text", "your answer", readers.text, required=True, rest=True, long=True, limit=4000)),
        form=True,
        slow=True,
        button=True,
        example="write k3f7w2ab because the update has low rank",
    ),
    Command(
        "assess",
        "Judge my written answer",
        answering.assess,
        (ROUND, Parameter("how", "had-it, partly or missed", readers.one_of(*JUDGEMENTS), required=True)),
        button=True,
    ),
    Command(
        "report",
        "Say what is wrong with a question",
        reports.report,
        (QUESTION, Parameter("what", "what is wrong with it", readers.text, True, rest=True, long=True, limit=1000)),
        form=True,
        button=True,
        example="report lora the second choice is right too",
    ),
)


@cache
def table() -> Table:
    """The table, made once."""
    return Table(COMMANDS)
