"""The commands that look things up."""

from __future__ import annotations

from bot.commands import converters
from bot.commands.command import Command, Shortcut
from bot.commands.parameters import Parameter
from bot.commands.shared_parameters import QUESTION, free_text
from bot.study.lookup import ask, explain, quiz, sharing

PARTS = tuple(ask.PARTS)
SHARED = ("question", "explanation", "streak")

COMMANDS = (
    Command(
        "ask",
        "Find the answer to a question",
        ask.ask,
        (free_text("what you want to know"),),
        submit="Ask",
        slow=True,
        example="ask why is LoRA cheaper than full fine-tuning",
    ),
    Command(
        "explain",
        "Explain something, with sources",
        explain.explain,
        (free_text("what to explain"),),
        submit="Explain",
        slow=True,
        example="explain how a VAE learns",
    ),
    Command(
        "show",
        "Show one part of a question",
        ask.show,
        (QUESTION, Parameter("part", "which part", converters.one_of(*PARTS), choices=PARTS)),
        hidden=True,
        example="show lora depth",
    ),
    Command(
        "followup",
        "Ask about an explanation",
        explain.followup,
        (
            Parameter("explanation_key", "an explanation's key", converters.round_key, required=True),
            Parameter(
                "text", "what else you want to know", converters.text, True, greedy=True, multiline=True, max_length=500
            ),
        ),
        opens_form=True,
        submit="Ask",
        slow=True,
        hidden=True,
        example="followup k3f7w2abcd why is that",
    ),
    Command(
        "talk",
        "Ask me in the channel, where everyone can read it",
        explain.talk,
        (Parameter("text", "what you want to know", converters.text, greedy=True, max_length=500),),
        private=False,
        slow=True,
        hidden=True,
        in_thread=True,
        example="talk why is that",
    ),
    Command(
        "share",
        "Show the channel what I looked up, or my streak",
        sharing.share,
        (
            Parameter("kind", "question, explanation or streak", converters.one_of(*SHARED), True, choices=SHARED),
            Parameter("target", "a question's id or an explanation's key", converters.text),
            Parameter("part", "which part of a question", converters.one_of(*PARTS), choices=PARTS),
        ),
        submit="Share",
        private=False,
        hidden=True,
        posts_publicly=True,
        example="share question lora depth",
    ),
    Command(
        "quiz",
        "Practice with a question about a message",
        quiz.quiz,
        (Parameter("text", "the message", converters.text, required=True, greedy=True, max_length=4000),),
        slow=True,
        hidden=True,
        shortcut=Shortcut("Quiz me on this", "message"),
        example="quiz our GAN makes the same face over and over",
    ),
)
