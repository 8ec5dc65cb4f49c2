"""Counts with their nouns."""


def plural(count: int, noun: str) -> str:
    """Return the count with its noun, in the plural unless it's one: "1 day", "3 days"."""
    return f"{count} {noun}{'s' * (count != 1)}"
