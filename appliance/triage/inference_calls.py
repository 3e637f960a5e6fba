"""Run the bundles on one text. No database here: a call may take long, or hang."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import structlog

from appliance.inference import languages
from appliance.inference.bundle import InferenceError
from appliance.inference.languages import RecognisedLanguage
from appliance.inference.learned import LearnedHead
from appliance.inference.predictions import CategoryPrediction, SentimentPrediction
from appliance.triage import engine, language

log = structlog.get_logger(__name__)


@dataclass
class TextPredictions:
    """The results of the bundles that were called and available."""

    category: CategoryPrediction | None = None
    sentiment: SentimentPrediction | None = None
    vector: np.ndarray | None = None
    language: RecognisedLanguage | None = None
    errors: list[str] = field(default_factory=list)  # "role: message" of bundles that failed

    @property
    def is_empty(self) -> bool:
        results = (self.category, self.sentiment, self.vector, self.language)
        return all(result is None for result in results)


def predict(
    text: str,
    roles: Collection[str],
    labels: Mapping[str, str],
    space: str | None = None,
    *,
    cold_start: bool = True,
    desk_languages: Collection[str] = (),
    learned: LearnedHead | None = None,
) -> TextPredictions:
    """Call the bundles of these roles; the vector is of ``space``. Never raises.

    A missing bundle gives no result, a failing one an entry in ``errors``. ``labels``,
    ``cold_start`` and ``learned`` are for the classifier, ``desk_languages`` for the language.
    """
    models = engine.current()
    predictions = TextPredictions()

    def embed() -> None:
        predictions.vector = models.embed(text, space=space)

    def classify() -> None:
        predictions.category = models.classify(text, labels, cold_start=cold_start, learned=learned)

    def classify_sentiment() -> None:
        predictions.sentiment = models.classify_sentiment(text)

    def recognise_language() -> None:
        predictions.language = languages.recognise(text, desk_languages)

    calls: dict[str, Callable[[], None]] = {
        "encoder": embed,
        "classifier": classify,
        "sentiment": classify_sentiment,
        language.ROLE: recognise_language,
    }
    for role, call in calls.items():
        if role not in roles:
            continue
        try:
            call()
        except InferenceError as error:
            log.warning("bundle_unavailable", role=role, reason=str(error))
        except Exception as error:  # onnxruntime and tokenizers share no base class of errors
            log.exception("bundle_failed", role=role)
            predictions.errors.append(f"{role}: {error}")
    return predictions
