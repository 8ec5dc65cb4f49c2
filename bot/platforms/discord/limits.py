"""What Discord takes, in characters where nothing else is said."""

TEXT = 4000
"""All the text of one message made of components."""
TEXT_BYTES = 10_000
"""In UTF-8. Undocumented: beyond about this much Discord refuses a message that its rules allow."""
COMPONENTS = 40
ROW = 5
"""Buttons side by side."""
LABEL = 80
LINE = 100
"""A button's or a form's id, which holds a command line."""
SUGGESTIONS = 25
SUGGESTION = 100
ABOUT = 100
"""A description of a command, a parameter or a field."""
TITLE = 45
"""A form's title, or a field's label."""
FIELDS = 5
FIELD = 4000
NONCE = 25
FILENAME = 100
