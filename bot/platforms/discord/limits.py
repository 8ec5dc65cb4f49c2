"""What Discord takes, in characters where nothing else is said."""

TEXT = 4000
"""All the text of one message made of components."""
TEXT_BYTES = 10_000
"""In UTF-8. Undocumented: beyond about this much Discord refuses a message that its rules allow."""
COMPONENTS = 40
PAGES = 5
"""Our own limit: messages that one reply may take."""
ROW = 5
"""Buttons side by side."""
BESIDE = 1000
"""Our own limit: text that has its button at its side."""
FILES = 10
"""Files of one message."""
ALT = 1024
"""What a picture says to those who cannot see it."""
LABEL = 80
LINE = 100
"""A button's, a menu's or a form's id, which holds a command line."""
ENTRIES = 25
"""Entries of a menu."""
SUGGESTIONS = 25
SUGGESTION = 100
ABOUT = 100
"""A description of a command, a parameter or a field."""
SHORTCUT = 32
TITLE = 45
"""A form's title, or a field's label."""
FIELDS = 5
FIELD = 4000
NONCE = 25
FILENAME = 100
THREAD = 100
"""A thread's name."""
