"""Vectors: the meaning of what somebody typed, and the rows nearest to it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from appliance.core import cache
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.inference.bundle import InferenceError
from appliance.triage import engine
from appliance.triage.texts import digest

log = structlog.get_logger(__name__)
# Below this a passage or ticket has nothing to do with the text. On the demo desk nonsense and
# recipes stay at 0.13 to 0.35, two in three of them under 0.25; the article that answers lies over
# it 19 times in 20, even by the subject alone. Measured with encoder 2; measure again with another.
MIN_COSINE = 0.25
WALK = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', '200', true)
"""
QUERY_SECONDS = 2.0  # a person waits at most this long for the meaning of what they typed
VECTOR_LIFETIME_SECONDS = 3600
_embedders = DeadlineExecutor("embed", threads=4)


def list_nearest(rows: QuerySet, limit: int, *, least: float = MIN_COSINE) -> list:
    """The first rows of a queryset ordered by ``distance``, walked along the HNSW index.

    Leaves out what is less alike than ``least``. Goes on walking when a filter (the viewer, the
    space) takes many of the nearest away.
    """
    with walking():
        near = [row for row in rows[:limit] if cosine(row.distance) >= least]
    return sorted(near, key=lambda row: row.distance)


@contextmanager
def walking() -> Iterator[None]:
    """Inside, an HNSW index is walked on when a filter takes many of the nearest away. One
    transaction, also for several walks inside one another.
    """
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(WALK)
        yield


def find_query_vector(text: str) -> tuple[np.ndarray, str] | None:
    """float32 (384,) of unit length, and its space; None while nobody can embed.

    From the cache when the same text was asked before. Waits at most QUERY_SECONDS.
    """
    encoder = engine.find_ref("encoder")
    if encoder is None:
        return None

    def embed() -> bytes:
        vector = _embedders.run(
            lambda: engine.current().embed(text, space=encoder.space), seconds=QUERY_SECONDS
        )
        return vector.astype("<f4").tobytes()

    try:
        stored = cache.get_or_compute(
            "query_vector", [encoder.digest, digest(text)], embed, seconds=VECTOR_LIFETIME_SECONDS
        )
    except (InferenceError, BusyError, TimeoutError) as error:
        log.warning("meaning_unavailable", why=type(error).__name__)
        return None
    except Exception:  # onnxruntime and tokenizers raise what they like
        log.exception("meaning_unavailable")
        return None
    return np.frombuffer(stored, dtype="<f4"), encoder.space


def cosine(distance: float) -> float:
    """Cosine distance to a similarity of 0..1."""
    return min(1.0, max(0.0, 1.0 - distance))
