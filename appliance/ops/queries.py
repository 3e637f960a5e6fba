"""What the box says about itself."""

from dataclasses import asdict, dataclass

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection

from appliance import fence
from appliance.core import cache as stored
from appliance.core.bounded import Bounded, BusyError
from appliance.core.database import on_own_connection
from appliance.triage import queries as triage

PROBE_SECONDS = 2.0  # a database that is frozen does not answer, however long one waits
_prober = Bounded("health", threads=2)


@dataclass(frozen=True)
class Health:
    """One word for each part: ``ok``, or what is wrong with it."""

    database: str
    cache: str
    models: dict[str, str]

    @property
    def is_serving(self) -> bool:
        """Tickets can be taken and answered. Cache and models only make that faster and better."""
        return self.database == "ok"

    def as_json(self) -> dict:
        whole = all(part == "ok" for part in [self.database, self.cache, *self.models.values()])
        status = "ok" if whole else "degraded" if self.is_serving else "down"
        return {"status": status, **asdict(self)}


def check_health() -> Health:
    return Health(database=_database(), cache=_cache(), models=_models())


def _database() -> str:
    try:
        _prober.run(lambda: on_own_connection(_ask_database), seconds=PROBE_SECONDS)
    except (DatabaseError, TimeoutError, BusyError):
        return "does not answer"
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> str:
    cache.set("healthz", 1, 10)
    return "ok" if cache.get("healthz") == 1 else "does not answer"


def _models() -> dict[str, str]:
    working = ("ready", "not_loaded")  # not_loaded: nothing has asked for it yet
    return {
        status.role: "ok" if status.state in working else status.state
        for status in triage.list_bundles()
    }


def cache_rates() -> list[dict]:
    """Hits, misses and the share of hits for each thing the cache holds."""
    rates = []
    for name, count in stored.counts().items():
        asked = count["hits"] + count["misses"]
        share = count["hits"] / asked if asked else None
        rates.append({"name": name.replace("_", " "), **count, "share": share})
    return rates


def list_ways_out() -> list[dict]:
    """What tried to reach a host nobody configured on this machine, newest first."""
    return fence.refusals(settings.REFUSED_WAYS_OUT)[::-1]
