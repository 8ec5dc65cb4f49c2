"""The commands for practicing and answering."""

from __future__ import annotations

from bot.commands import autocomplete, converters
from bot.commands.command import Command
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import DIFFICULTY, QUESTION
from bot.study.practice import selection, submissions
from bot.study.practice.grading import SELF_GRADES
from bot.study.practice.rounds import LETTERS

TOPIC = Parameter("topic", "a topic of the bank", converters.topic, autocomplete=autocomplete.topics)
ROUND_KEY = Parameter("round_key", "the key of a question you were asked", converters.round_key, required=True)

COMMANDS = (
    Command(
        "question",
        "Practice with a question now",
        selection.question,
        (TOPIC, DIFFICULTY),
        example="question fine-tuning hard",
    ),
    Command("practice", "Answer a question as practice", selection.practice, (QUESTION,), hidden=True),
    Command(
        "answer",
        "Answer with a letter",
        submissions.answer,
        (
            ROUND_KEY,
            Parameter("choice", "a, b, c or d", converters.one_of(*LETTERS), required=True, choices=tuple(LETTERS)),
        ),
        hidden=True,
        example="answer k3f7w2ab b",
    ),
    Command(
        "write",
        "Answer in my own words",
        submissions.write,
        (
            ROUND_KEY,
            Parameter(
                "text", "your answer", converters.text, required=True, greedy=True, multiline=True, max_length=4000
            ),
        ),
        opens_form=True,
        submit="Answer",
        slow=True,
        hidden=True,
        example="write k3f7w2ab because the update has low rank",
    ),
    Command(
        "assess",
        "Grade my written answer",
        submissions.assess,
        (ROUND_KEY, Parameter("how", "had-it, partly or missed", converters.one_of(*SELF_GRADES), required=True)),
        hidden=True,
        replaces_message=True,
    ),
)
