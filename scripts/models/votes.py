"""Which article a question needs, asked of its nearest earlier questions: what helpers linked
there counts as votes, the nearer the more, beside the likeness of the titles."""

import numpy as np
from measure import softmax

MAX_NEIGHBOURS = 50  # nearest earlier questions
# Chosen on the questions between LEARN_UNTIL and TEST_FROM (pairs.py).
VOTE_TAU = 0.1  # of cosines: smaller lets the nearest decide
TITLE_TAU = 0.05
TITLE_SHARE = 0.3  # of the score; the votes have the rest


def voted(asked: np.ndarray, earlier: np.ndarray, links: np.ndarray) -> np.ndarray:
    """(questions, articles) votes that sum to about one; links is (earlier, articles), 0 or 1."""
    scores = np.zeros((len(asked), links.shape[1]))
    for row, near in enumerate(asked @ earlier.T):
        nearest = np.argpartition(-near, MAX_NEIGHBOURS)[:MAX_NEIGHBOURS]
        scores[row] = softmax(near[nearest] / VOTE_TAU) @ links[nearest]
    return scores


def ranked(votes: np.ndarray, near_titles: np.ndarray) -> np.ndarray:
    """(questions, articles) scores from votes and cosines with the titles."""
    return (1 - TITLE_SHARE) * votes + TITLE_SHARE * softmax(near_titles / TITLE_TAU)
