"""Rows that admins put in an order."""

from django.db import models


def move(row: models.Model, *, up: bool) -> bool:
    """Trade places with the neighbour; all rows get fresh positions. False at either end."""
    rows = list(type(row).objects.select_for_update().order_by(*row._meta.ordering, "pk"))
    at = rows.index(row)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(rows):
        return False
    rows[at], rows[to] = rows[to], rows[at]
    for position, one in enumerate(rows):
        one.position = position
    type(row).objects.bulk_update(rows, ["position"])
    return True


def last(model: type[models.Model]) -> int:
    """The position behind all others."""
    most = model.objects.aggregate(most=models.Max("position"))["most"]
    return 0 if most is None else most + 1
