"""The audit log as CSV or as one JSON object a line, with the seals that prove it."""

import json
from collections.abc import Callable, Iterator
from itertools import chain

from django.db.models import QuerySet

from appliance.core.models import AuditEntry
from appliance.reports.export import csv_of_rows

BATCH_ROWS = 1000
COLUMNS = (
    "id",
    "at",
    "actor",
    "verb",
    "kind",
    "subject",
    "subject_id",
    "data",
    "seal_position",
    "seal_sha256",
)


def as_csv(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    return csv_of_rows(chain([COLUMNS], map(_cells, _rows(entries))))


def _cells(values: dict[str, object]) -> list[object]:
    row = values | {"data": json.dumps(values["data"], ensure_ascii=False)}
    return ["" if value is None else value for value in row.values()]


def as_json_lines(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    return (json.dumps(values, ensure_ascii=False) + "\n" for values in _rows(entries))


FORMATS: dict[str, Callable[[QuerySet[AuditEntry]], Iterator[str]]] = {
    "csv": as_csv,
    "jsonl": as_json_lines,
}


def _rows(entries: QuerySet[AuditEntry]) -> Iterator[dict[str, object]]:
    for entry in entries.select_related("seal").iterator(chunk_size=BATCH_ROWS):
        seal = getattr(entry, "seal", None)
        values = (
            entry.pk,
            entry.at.isoformat(),
            entry.actor_name,
            entry.verb,
            entry.kind,
            entry.subject,
            entry.subject_id,
            entry.data,
            seal.position if seal else None,
            seal.sha256 if seal else "",
        )
        yield dict(zip(COLUMNS, values, strict=True))
