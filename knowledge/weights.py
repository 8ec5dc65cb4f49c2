"""What each measure counts in a search. Fitted: `python benchmarks/fit_search.py` prints the first two anew.

On the half of the development set (200 queries that one of 40 questions answers, 74 that none does, most of them near)
that took no part in fitting: recall@1 .876, recall@3 .959, AUROC of the top score .936.
"""

SIGNALS = {
    "wording_tokens": 1.68,
    "wording_words": 4.01,
    "near_wordings": 0.93,
    "fitted_wording": 5.62,
    "near_fitted": 6.99,
    "fitted_point": 2.34,
    "body_tokens": 0.77,
    "fitted_body": 1.83,
    "words": 5.78,
}
NOTHING = {"constant": 10.1, "unknown": 3.9, "any_unknown": -1.79, "brevity": 9.19}

NOTHING_ABOVE = 0.4
"""From this probability of nothing answering on, nothing is said to answer: here false answers are about as frequent as
missed ones on the fitted half."""
CLEAR_ABOVE = 0.6
CLEAR_TIMES = 3.0
"""The first is clear when its probability is at least the one above, and this many times the second's."""
