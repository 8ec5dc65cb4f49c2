"""What each measure counts in a search. Fitted: `python benchmarks/fit_search.py` prints these lines anew."""

SIGNALS = {
    "wording": 4.46,
    "body": 1.02,
    "wording_tokens": 3.26,
    "body_tokens": 2.26,
    "wording_words": 4.71,
    "near_wordings": 3.89,
}
NOTHING = {"constant": 7.71, "unknown": 1.61, "any_unknown": -0.69, "brevity": 4.2}

NOTHING_ABOVE = 0.5
"""From this probability of nothing answering on, nothing is said to answer."""
CLEAR_ABOVE = 0.5
CLEAR_TIMES = 2.0
"""The first is clear when its probability is at least the one above, and this many times the second's."""
