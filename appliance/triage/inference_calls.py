"""Asks the bundles about one text. No database: this may take long, or hang."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import structlog

from appliance.inference.bundle import InferenceError
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction
from appliance.triage import engine

log = structlog.get_logger(__name__)


@dataclass
class Answers:
    """What each bundle said, as far as it was asked and could answer."""

    category: CategoryPrediction | None = None
    sentiment: SentimentPrediction | None = None
    vector: np.ndarray | None = None
    broken: list[str] = field(default_factory=list)  # a bundle that is there, but not for this text

    @property
    def is_empty(self) -> bool:
        return self.category is None and self.sentiment is None and self.vector is None


def ask(
    text: str,
    roles: set[str],
    labels: Mapping[str, str],
    space: str | None = None,
    *,
    careful: bool = True,
) -> Answers:
    """One answer a role, the vector in this space. Never raises: a missing bundle says nothing, a
    broken one is named. ``careful`` is for the classifier (``caution.py``).
    """
    models = engine.current()
    answers = Answers()
    calls: dict[str, tuple[str, Callable[[], object]]] = {
        "encoder": ("vector", lambda: models.embed(text, space=space)),
        "classifier": ("category", lambda: models.classify(text, labels, cold_start=careful)),
        "sentiment": ("sentiment", lambda: models.classify_sentiment(text)),
    }
    for role, (name, call) in calls.items():
        if role not in roles:
            continue
        try:
            setattr(answers, name, call())
        except InferenceError as error:
            log.warning("bundle_unavailable", role=role, reason=str(error))
        except Exception as error:  # onnxruntime and tokenizers raise what they like
            log.exception("bundle_broke", role=role)
            answers.broken.append(f"{role}: {error}")
    return answers
