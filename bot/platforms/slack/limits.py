"""What Slack takes, in characters where nothing else is said."""

BLOCKS = 50
"""Blocks of one message."""
HOME = 100
"""Blocks of an App Home view, or of a modal."""
PAGES = 4
"""Our own limit: messages that one reply may take."""
TEXT = 12_000
"""All the Markdown of one message, and our own limit for all its text: Slack fails at about 13,200."""
HOME_TEXT = 30_000
"""Our own limit: all the text of an App Home view."""
SECTION = 3000
FIELDS = 2000
"""One field of a section."""
HEADER = 150
BESIDE = 1000
"""Our own limit: text that has its button at its side."""
BUTTONS = 25
"""Buttons of one row of actions."""
BUTTON = 75
LINE = 2000
"""A button's value, which holds a command line."""
ACTION = 255
"""An element's id."""
BLOCK_ID = 255
ENTRIES = 100
"""Entries of a menu."""
VALUE = 150
"""What an entry of a menu stands for."""
ROWS = 100
"""Rows of a table, its head among them."""
COLUMNS = 20
CELLS = 10_000
"""All the text of a table."""
FALLBACK = 3000
"""The text that notifications show and screen readers read. Slack takes 40,000."""
ALT = 1000
"""Our own limit: what a picture says to those who cannot see it."""
TITLE = 24
"""A form's title."""
LABEL = 150
HINT = PLACEHOLDER = 150
OPTION = 75
FIELD = 3000
METADATA = 3000
"""What a form carries unseen."""
