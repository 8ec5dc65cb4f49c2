"""What can go wrong in words a person may read.

UserError            something a member can put right: shown to them as it is
├── NotAllowed       the command is for managers
└── NotFound         what was named does not exist here
SetupError           something the operator can put right: shown at start, ends the program
├── ConfigError      a setting, with its file or key and what would be right
└── DatabaseError    unreachable, locked, full, or newer than the program
"""

from __future__ import annotations

from collections.abc import Iterable


class UserError(Exception):
    """A problem the member can put right; the text is the whole message they see."""


class NotAllowed(UserError):
    """The member may not do this here."""


class NotFound(UserError):
    """Nothing here goes by that name."""


class SetupError(Exception):
    """A problem the operator can put right; the text says what to do."""


class ConfigError(SetupError):
    """A setting is unknown, of the wrong type or impossible."""


class DatabaseError(SetupError):
    """The database cannot be used as it is. `public` says so without where it is, for members to read."""

    def __init__(self, text: str, public: str = "The database cannot be used just now.") -> None:
        super().__init__(text)
        self.public = public


def did_you_mean(typed: str, names: Iterable[str]) -> str:
    """ " Did you mean `x`?" with the name that is fewest slips of the finger away, or "" where none is near."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    near = process.extractOne(typed.lower(), list(names), scorer=OSA.normalized_similarity, score_cutoff=0.55)
    return f" Did you mean `{near[0]}`?" if near else ""
