"""What Slack takes, in characters where nothing else is said."""

BLOCKS = 50
"""Blocks of one message."""
TEXT = 12_000
"""All the text of one message's blocks, and the most of one Markdown block; Slack fails a little above."""
SECTION = 3000
HEADER = 150
BUTTONS = 25
"""Buttons of one row of actions."""
BUTTON = 75
LINE = 2000
"""A button's value, which holds a command line."""
FALLBACK = 3000
"""The text shown in notifications. Slack takes 40,000, of which nobody reads more than a line."""
TITLE = 24
"""A form's title."""
LABEL = 150
HINT = 150
OPTION = 75
FIELD = 3000
METADATA = 3000
"""What a form carries unseen."""
ROOM = 80
