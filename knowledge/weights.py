"""What each measure counts in a search. Fitted: `python benchmarks/fit_search.py` prints these lines anew."""

SIGNALS = {
    "wording": 5.21,
    "wording_tokens": 4.69,
    "body_tokens": 3.81,
    "wording_words": 8.14,
    "near_wordings": 6.93,
}
NOTHING = {"constant": 10.13, "unknown": 3.93, "any_unknown": -1.78, "brevity": 9.1}

NOTHING_ABOVE = 0.5
"""From this probability of nothing answering on, nothing is said to answer."""
CLEAR_ABOVE = 0.6
CLEAR_TIMES = 3.0
"""The first is clear when its probability is at least the one above, and this many times the second's."""
