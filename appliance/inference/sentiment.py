"""From three logits to a sentiment between -1 and 1."""

import numpy as np

from appliance.inference.answers import SentimentAnswer
from appliance.inference.bundle import Bundle
from appliance.inference.classify import softmax


def sentiment_answer(bundle: Bundle, logits: np.ndarray) -> SentimentAnswer:
    """The likeliest sentiment; the score is P(positive) - P(negative)."""
    shares = softmax(logits / bundle.calibration["temperature"])
    by_label = dict(zip(bundle.labels, shares.tolist(), strict=True))
    label = max(by_label, key=by_label.__getitem__)
    score = by_label["positive"] - by_label["negative"]
    return SentimentAnswer(label, score, by_label[label], bundle.ref)
