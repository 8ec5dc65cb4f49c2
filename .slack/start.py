"""What `slack run` starts: Studyhall in Socket Mode, with the tokens of the app that Slack's command line created."""

import os
import sys
from pathlib import Path

TOKENS = {"SLACK_CLI_XOXB": "SLACK_BOT_TOKEN", "SLACK_CLI_XAPP": "SLACK_APP_TOKEN"}
"""The variables that Slack's command line sets, and the ones that Studyhall reads. They replace any that are set."""


def main() -> None:
    for cli_name, name in TOKENS.items():
        if token := os.environ.pop(cli_name, ""):
            os.environ[name] = token
    missing = [name for name in TOKENS.values() if not os.environ.get(name)]
    if missing:
        sys.exit(f"studyhall: {' and '.join(missing)} not set. Start with `slack run`, which sets them.")
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.argv = ["studyhall", "run", "slack"]
    from bot.__main__ import main as studyhall

    studyhall()


if __name__ == "__main__":
    main()
