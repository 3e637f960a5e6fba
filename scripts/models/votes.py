"""Rank articles for a question by the articles linked to the nearest earlier questions.

A nearer question gives more votes; the similarity of the titles has a smaller share.
"""

import numpy as np
from measure import softmax

MAX_NEIGHBOURS = 50  # nearest earlier questions
# The values below were chosen on the questions between LEARN_UNTIL and TEST_FROM (pairs.py).
VOTE_TAU = 0.1  # temperature of cosines; a smaller one gives the nearest questions more weight
TITLE_TAU = 0.05
TITLE_SHARE = 0.3  # of the score; the votes have the rest


def vote_scores(questions: np.ndarray, earlier: np.ndarray, links: np.ndarray) -> np.ndarray:
    """Return votes (questions, articles) that sum to about one.

    ``questions`` and ``earlier`` are unit vectors; ``links`` is (earlier, articles), 0 or 1.
    """
    scores = np.zeros((len(questions), links.shape[1]))
    for row, cosines in enumerate(questions @ earlier.T):
        nearest = np.argpartition(-cosines, MAX_NEIGHBOURS)[:MAX_NEIGHBOURS]
        scores[row] = softmax(cosines[nearest] / VOTE_TAU) @ links[nearest]
    return scores


def combined_scores(votes: np.ndarray, title_cosines: np.ndarray) -> np.ndarray:
    """Return scores (questions, articles) from votes and cosines with the titles."""
    return (1 - TITLE_SHARE) * votes + TITLE_SHARE * softmax(title_cosines / TITLE_TAU)
