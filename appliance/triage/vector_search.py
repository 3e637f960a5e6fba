"""Semantic search: the vector of a typed text, and the rows nearest to it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from appliance.core import cache
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.inference.bundle import DEFAULT_FLOORS, InferenceError
from appliance.triage import engine
from appliance.triage.texts import digest

log = structlog.get_logger(__name__)
ITERATIVE_SCAN_SQL = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', '200', true)
"""
QUERY_SECONDS = 2.0  # the longest wait for the vector of a typed text
VECTOR_LIFETIME_SECONDS = 3600
_executor = DeadlineExecutor("embed", threads=4)


def find_floor(name: str) -> float:
    """Return the cosine below which the active encoder's matches are not offered.

    ``name`` is one of ``inference.bundle.DEFAULT_FLOORS``, where each is explained. The bundle
    brings the values, because those of two encoders are not comparable.
    """
    try:
        return engine.current().floors()[name]
    except InferenceError:  # without an encoder, vectors of an earlier one may still be there
        return DEFAULT_FLOORS[name]


def list_nearest(vectors: QuerySet, limit: int, *, min_cosine: float | None = None) -> list:
    """Return the first rows of a queryset ordered by ``distance``, by an iterative index scan.

    Leaves out rows less similar than ``min_cosine``, by default the floor of a hit.
    """
    min_cosine = find_floor("hit") if min_cosine is None else min_cosine
    with iterative_scan():
        nearest = [row for row in vectors[:limit] if cosine(row.distance) >= min_cosine]
    return sorted(nearest, key=lambda row: row.distance)


@contextmanager
def iterative_scan() -> Iterator[None]:
    """Let HNSW scans go on while a filter (viewer, space) removes many of the nearest rows.

    One transaction, also for nested calls.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(ITERATIVE_SCAN_SQL)
        yield


def find_query_vector(text: str) -> tuple[np.ndarray, str] | None:
    """Return float32 (384,) of unit length and its space; None without a usable encoder.

    Cached by text. Waits at most QUERY_SECONDS.
    """
    encoder = engine.find_ref("encoder")
    if encoder is None:
        return None
    space = encoder.space

    def embed() -> bytes:
        vector = _executor.run(
            lambda: engine.current().embed(text, space=space), seconds=QUERY_SECONDS
        )
        return vector.astype("<f4").tobytes()

    try:
        stored = cache.get_or_compute(
            "query_vector", [encoder.digest, digest(text)], embed, seconds=VECTOR_LIFETIME_SECONDS
        )
    except (InferenceError, BusyError, TimeoutError) as error:
        log.warning("query_vector_unavailable", error=type(error).__name__)
        return None
    except Exception:  # onnxruntime and tokenizers share no base class of errors
        log.exception("query_vector_unavailable")
        return None
    return np.frombuffer(stored, dtype="<f4"), space


def find_floor_for(name: str, text: str) -> float:
    """Return the floor for this text: higher if the encoder knows none of its words."""
    return raise_floor(find_floor(name), text)


def raise_floor(min_cosine: float, text: str) -> float:
    """Return the cosine, raised for a text of which the encoder knows no word."""
    try:
        knows_words = engine.current().knows_words(text)
    except InferenceError:
        return min_cosine
    return min_cosine if knows_words else max(min_cosine, find_floor("unknown_words"))


def cosine(distance: float) -> float:
    """Convert a cosine distance to a similarity in 0..1."""
    return min(1.0, max(0.0, 1.0 - distance))
