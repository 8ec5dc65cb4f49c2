"""Slack's limits, in characters unless it says otherwise."""

BLOCKS = 50
"""Blocks of one message."""
HOME_BLOCKS = 100
"""Blocks of an App Home view, or of a modal."""
PAGES = 4
"""Our own limit: messages of one reply."""
MESSAGE_TEXT = 12_000
"""All the Markdown of one message, and our own limit for all its text: Slack fails at about 13,200."""
HOME_TEXT = 30_000
"""Our own limit: all the text of an App Home view."""
SECTION = 3000
HEADER = 150
TEXT_WITH_BUTTON = 1000
"""Our own limit: text that has a button beside it."""
BUTTONS = 25
"""Buttons in one row."""
BUTTON_LABEL = 75
BUTTON_VALUE = 2000
"""A button's value is a command line."""
OPTIONS = 100
"""Options of a menu."""
OPTION_LABEL = 75
OPTION_VALUE = 150
TABLE_ROWS = 100
"""Rows of a table, including its header."""
TABLE_COLUMNS = 20
TABLE_TEXT = 10_000
"""All the text of a table."""
FALLBACK = 3000
"""Our own limit: the text of a message for notifications and screen readers. Slack takes 40,000."""
ALT_TEXT = 1000
"""Our own limit: what a picture says to people who can't see it."""
FORM_TITLE = 24
LABEL = 150
HINT = PLACEHOLDER = 150
INPUT_TEXT = 3000
METADATA = 3000
"""A form's private metadata."""
