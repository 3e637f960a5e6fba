"""What every page knows."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from appliance.core import queries


def desk(request: HttpRequest) -> dict:
    return {"desk": SimpleLazyObject(queries.desk)}
