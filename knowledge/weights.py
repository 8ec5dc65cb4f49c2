"""What each measure counts in a search. Fitted: `python benchmarks/fit_search.py` prints the first two anew.

On the half of the development set (775 queries, 115 of which none of the 299 questions answers) that took no part in
fitting: recall@1 .92, recall@3 .97 to .99, AUROC of the top score .98, whichever half it is.
"""

SIGNALS = {
    "wording_tokens": 1.81,
    "wording_words": 3.59,
    "near_wordings": 3.21,
    "fitted_wording": 5.24,
    "near_fitted": 6.26,
    "fitted_point": 1.59,
    "body_tokens": 0.0,
    "fitted_body": 1.94,
    "words": 6.83,
}
NOTHING = {"constant": 14.65, "unknown": -0.63, "any_unknown": -1.01, "brevity": 4.58}

NOTHING_ABOVE = 0.55
"""From this probability of nothing answering on, nothing is said to answer. On the halves that were not fitted, .045 of
the answers are missed and .096 are false; thresholds from .45 to .65 give .062 to .030 and .087 to .096."""
CLEAR_ABOVE = 0.6
CLEAR_TIMES = 3.0
"""The first is clear when its probability is at least the one above, and this many times the second's."""
