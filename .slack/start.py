"""What `slack run` starts: Studyhall by Socket Mode, with the tokens of the app that Slack's command line has made."""

import os
import sys
from pathlib import Path

TOKENS = {"SLACK_CLI_XOXB": "SLACK_BOT_TOKEN", "SLACK_CLI_XAPP": "SLACK_APP_TOKEN"}
"""The variables in which they are handed over, and those that Studyhall reads; it may have others of its own."""


def main() -> None:
    for theirs, ours in TOKENS.items():
        if token := os.environ.pop(theirs, ""):
            os.environ[ours] = token
    missing = [ours for ours in TOKENS.values() if not os.environ.get(ours)]
    if missing:
        sys.exit(f"studyhall: {' and '.join(missing)} not set. Slack's command line sets them: `slack run`.")
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.argv = ["studyhall", "run", "slack"]
    from bot.__main__ import main as studyhall

    studyhall()


if __name__ == "__main__":
    main()
