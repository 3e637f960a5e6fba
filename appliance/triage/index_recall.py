"""Whether a filled space may be read: its index finds what is near, and near means the same."""

from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet

from appliance.triage import engine
from appliance.triage.models import Passage, TicketVector
from appliance.triage.vector_search import list_nearest

SAMPLE = 50  # vectors of tickets, and as many passages
NEAREST = 10
MIN_RECALL = 0.95  # of the nearest that a walk along the index must find
MIN_PRESERVED = 0.8  # of the pairs nearest in the old space; chance is 0.5
FEWEST = 10  # pairs that say something
SAME = 1e-4  # two distances closer than this are one: half precision tells no more


@dataclass(frozen=True)
class Recall:
    """``recall``: of the ten exactly nearest, the share that the index finds. ``preserved``: how
    often a
    ticket's nearest neighbour in the space read now is nearer to it in the new space, too, than
    another ticket picked at random; None when too few tickets have both.
    """

    recall: float
    preserved: float | None

    @property
    def agrees(self) -> bool:
        return self.recall >= MIN_RECALL and (
            self.preserved is None or self.preserved >= MIN_PRESERVED
        )


def recall_agrees(space: str) -> bool:
    """Whether reads may go to this space: see ``measure_recall``."""
    return measure_recall(space).agrees


def measure_recall(space: str) -> Recall:
    """From a sample. Reads every vector of the space for each of it."""
    shares = [
        share
        for rows in (TicketVector.objects.all(), Passage.objects.all())
        for share in _recalls(rows, space)
    ]
    return Recall(recall=float(np.mean(shares)) if shares else 1.0, preserved=_preserved(space))


def _recalls(rows: QuerySet, space: str) -> list[float]:
    shares = []
    for vector in rows.filter(space=space).order_by("?").values_list("vector", flat=True)[:SAMPLE]:
        near = rows.nearest_to(vector, space).only("pk")
        walked = [row.distance for row in list_nearest(near, NEAREST, least=-1.0)]
        exact = _exactly(near)
        if exact:
            close = sum(distance <= exact[-1] + SAME for distance in walked)
            shares.append(close / len(exact))
    return shares


def _exactly(near: QuerySet) -> list[float]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")
        return list(near.values_list("distance", flat=True)[:NEAREST])


def _preserved(space: str) -> float | None:
    reading = engine.reading_space()
    if reading in (None, space):
        return None
    sample = TicketVector.objects.filter(space=space).order_by("?")[: 2 * SAMPLE]
    new = {row.ticket_id: _array(row) for row in sample}
    old = TicketVector.objects.filter(space=reading, ticket__in=new)
    neighbours = {row.ticket_id: _neighbour(row) for row in old}
    beside = TicketVector.objects.filter(space=space, ticket__in=neighbours.values())
    known = new | {row.ticket_id: _array(row) for row in beside}
    ids = list(new)
    wins = [
        _win(known[pk], known[near], known[other])
        for pk, near in neighbours.items()
        if near in known and (other := ids[ids.index(pk) - 1]) not in (pk, near)
    ]
    return float(np.mean(wins)) if len(wins) >= FEWEST else None


def _neighbour(row: TicketVector) -> int | None:
    near = TicketVector.objects.nearest_to(row.vector, row.space).exclude(ticket=row.ticket_id)
    rows = list_nearest(near.only("pk", "ticket"), 1, least=-1.0)
    return rows[0].ticket_id if rows else None


def _win(vector: np.ndarray, near: np.ndarray, other: np.ndarray) -> float:
    """1 when ``near`` is nearer, 0 when ``other`` is, a half when it cannot be told."""
    lead = float(vector @ near - vector @ other)
    return 0.5 if abs(lead) < SAME else float(lead > 0)


def _array(row: TicketVector) -> np.ndarray:
    return np.asarray(row.vector, dtype="<f4")
