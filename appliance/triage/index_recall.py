"""Decide whether searches may use a filled space: by index recall and neighbour agreement."""

from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet

from appliance.triage import engine
from appliance.triage.models import Passage, TicketVector
from appliance.triage.models.predictions import PassageQuerySet, TicketVectorQuerySet
from appliance.triage.vector_search import list_nearest

SAMPLE = 50  # vectors of tickets, and as many of passages
NEAREST = 10
MIN_RECALL = 0.95  # of the exactly nearest that an index scan must find
MIN_AGREEMENT = 0.8  # of the pairs nearest in the active space; chance is 0.5
MIN_PAIRS = 10  # fewer prove nothing
SAME_DISTANCE = 1e-4  # half precision cannot tell distances closer than this apart


@dataclass(frozen=True)
class Recall:
    """``recall``: of the ten exactly nearest, the share that an index scan finds.

    ``agreement``: how often a ticket's nearest neighbour in the active space is nearer to it in the
    new space, too, than a random ticket; None when too few tickets have both vectors.
    """

    recall: float
    agreement: float | None

    @property
    def is_acceptable(self) -> bool:
        return self.recall >= MIN_RECALL and (
            self.agreement is None or self.agreement >= MIN_AGREEMENT
        )


def is_recall_acceptable(space: str) -> bool:
    """Whether searches may use this space: see ``measure_recall``."""
    return measure_recall(space).is_acceptable


def measure_recall(space: str) -> Recall:
    """Measure a sample; for each of it, reads every vector of the space."""
    shares = [
        *_recall_shares(TicketVector.objects.all(), space),
        *_recall_shares(Passage.objects.all(), space),
    ]
    recall = float(np.mean(shares)) if shares else 1.0
    return Recall(recall=recall, agreement=_agreement(space))


def _recall_shares(vectors: TicketVectorQuerySet | PassageQuerySet, space: str) -> list[float]:
    shares = []
    sample = vectors.filter(space=space).order_by("?").values_list("vector", flat=True)[:SAMPLE]
    for vector in sample:
        nearest = vectors.nearest_to(vector, space).only("pk")
        by_index = [row.distance for row in list_nearest(nearest, NEAREST, min_cosine=-1.0)]
        exact = _exact_distances(nearest)
        if exact:
            hits = sum(distance <= exact[-1] + SAME_DISTANCE for distance in by_index)
            shares.append(hits / len(exact))
    return shares


def _exact_distances(nearest: QuerySet) -> list[float]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")
        return list(nearest.values_list("distance", flat=True)[:NEAREST])


def _agreement(space: str) -> float | None:
    active = engine.active_space()
    if active in (None, space):
        return None
    sample = TicketVector.objects.filter(space=space).order_by("?")[: 2 * SAMPLE]
    new = {row.ticket_id: _array(row) for row in sample}
    old = TicketVector.objects.filter(space=active, ticket__in=new)
    neighbours = {row.ticket_id: _nearest_ticket_id(row) for row in old}
    rest = TicketVector.objects.filter(space=space, ticket__in=neighbours.values())
    vectors = new | {row.ticket_id: _array(row) for row in rest}
    ids = list(new)
    wins = []
    for ticket_id, neighbour_id in neighbours.items():
        random_id = ids[ids.index(ticket_id) - 1]
        if neighbour_id in vectors and random_id not in (ticket_id, neighbour_id):
            wins.append(_win(vectors[ticket_id], vectors[neighbour_id], vectors[random_id]))
    return float(np.mean(wins)) if len(wins) >= MIN_PAIRS else None


def _nearest_ticket_id(row: TicketVector) -> int | None:
    nearest = TicketVector.objects.nearest_to(row.vector, row.space).exclude(ticket=row.ticket_id)
    rows = list_nearest(nearest.only("pk", "ticket"), 1, min_cosine=-1.0)
    return rows[0].ticket_id if rows else None


def _win(vector: np.ndarray, neighbour: np.ndarray, other: np.ndarray) -> float:
    """Return 1 when the neighbour is nearer, 0 when the other is, 0.5 when they are the same."""
    lead = float(vector @ neighbour - vector @ other)
    return 0.5 if abs(lead) < SAME_DISTANCE else float(lead > 0)


def _array(row: TicketVector) -> np.ndarray:
    return np.asarray(row.vector, dtype="<f4")
