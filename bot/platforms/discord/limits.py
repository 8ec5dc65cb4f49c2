"""Discord's limits, in characters unless it says otherwise."""

TEXT = 4000
"""All the text of one message made of components."""
TEXT_BYTES = 10_000
"""In UTF-8. Undocumented: beyond roughly this, Discord refuses a message that its rules allow."""
COMPONENTS = 40
PAGES = 5
"""Our own limit: messages per reply."""
ROW = 5
"""Buttons side by side."""
SECTION = 1000
"""Our own limit: text with a button at its side."""
FILES = 10
"""Files per message."""
ALT = 1024
"""A picture's alternative text."""
LABEL = 80
CUSTOM_ID = 100
"""The id of a button, a menu or a form, which holds a command line."""
MENU_OPTIONS = 25
SUGGESTIONS = 25
SUGGESTION = 100
DESCRIPTION = 100
"""Of a command, a parameter or a field."""
TITLE = 45
"""A form's title, or a field's label."""
FORM_FIELDS = 5
FIELD = 4000
NONCE = 25
FILENAME = 100
THREAD = 100
"""A thread's name."""
