"""Errors whose text people read; the others are listed here with their modules.

UserError                      a member can fix it: the text is shown to them
├── NotAllowedError            the command is for managers
├── TooBusyError               bot.context.load: everyone would have to wait if this were done now
└── NotFoundError              nothing here has that name
SetupError                     the operator can fix it: the text is shown, and the program ends
├── ConfigError                a setting is wrong: says where it is and what would be right
├── DatabaseError              unreachable, locked, full, or newer than the program
└── ListenError                bot.web.server: the port can't be used

The calling package catches each of these, and turns it into one of the above, a message or a fallback:

PostError                      bot.context.outbox: a platform refused a post
├── UnavailableError           bot.context.outbox: it refused nothing, but can't be reached, or asks us to wait
└── AbandonedError             bot.delivery.kinds: no process ever finished it
LeaseExpiredError              bot.context.outbox: an attempt took so long that another process may have started one
ClaimLostError                 bot.delivery.queue: another process has claimed the delivery
RequestClaimedError            bot.platforms.discord.dispatch: another process carries the request out
DrawingError                   bot.drawing.worker: a picture couldn't be drawn
InferenceError                 bot.inference.client: the inference server gave no answer
└── InferenceCutShortError     bot.inference.client: its answer was cut off
UnknownMemberError             bot.platforms.discord.identity: the sender of a direct message is unknown
UnwritableError                bot.text.formulas: text can't say everything in a formula, which stays LaTeX
FormulaError                   knowledge.format.latex: LaTeX would reject the formula
└── UnsupportedError           knowledge.format.latex: it may be good LaTeX, but we can't parse it
ImportInProgressError          knowledge.format.transaction: another import is writing to the folder
AnkiError                      knowledge.importers.anki: the file isn't an Anki package
DecodeError                    knowledge.importers.decode: the file isn't text
ArrayFileError                 knowledge.retrieval.array_file: the file of vectors is damaged
ModelError                     knowledge.retrieval.models: the embedding model can't be loaded

`knowledge` may not import `bot`, so its errors can't share a base with ours.
"""

from __future__ import annotations

from collections.abc import Iterable


class UserError(Exception):
    """A problem that the member can fix; the text is all they see."""


class NotAllowedError(UserError):
    """The member isn't allowed to do this here."""


class NotFoundError(UserError):
    """Nothing here has that name."""


class SetupError(Exception):
    """A problem that the operator can fix; the text says how."""


class ConfigError(SetupError):
    """A setting is unknown, or its value is wrong."""


class DatabaseError(SetupError):
    """The database can't be used. `public` is for members, and doesn't say where the database is."""

    def __init__(self, text: str, public: str = "I can't use the database right now.") -> None:
        super().__init__(text)
        self.public = public


def did_you_mean(typed: str, names: Iterable[str]) -> str:
    """Return " Did you mean `x`?" with the name fewest typos away, or "" if none is close."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    near = process.extractOne(typed.lower(), list(names), scorer=OSA.normalized_similarity, score_cutoff=0.55)
    return f" Did you mean `{near[0]}`?" if near else ""
