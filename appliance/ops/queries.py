"""What the box says about itself."""

import shutil
from dataclasses import asdict, dataclass
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection

from appliance import egress_guard
from appliance.core import cache as stored
from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.core.sql_files import fetch_objects
from appliance.ops import index_purposes
from appliance.triage import queries as triage_queries

PROBE_SECONDS = 2.0  # a database that is frozen does not answer, however long one waits
SMALL_ROWS = 1000  # PostgreSQL rightly reads a smaller table whole
_prober = DeadlineExecutor("health", threads=2)


@dataclass(frozen=True)
class Health:
    """One word for each part: ``ok``, or what is wrong with it."""

    database: str
    cache: str
    models: dict[str, str]

    @property
    def is_serving(self) -> bool:
        """Whether tickets can be created and answered; that works without cache and models."""
        return self.database == "ok"

    def as_json(self) -> dict:
        is_healthy = all(
            part == "ok" for part in [self.database, self.cache, *self.models.values()]
        )
        status = "ok" if is_healthy else "degraded" if self.is_serving else "down"
        return {"status": status, **asdict(self)}


def check_health() -> Health:
    return Health(database=_database(), cache=_cache(), models=_models())


def _database() -> str:
    try:
        _prober.run(lambda: run_and_close_connection(_ask_database), seconds=PROBE_SECONDS)
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
        for status in triage_queries.list_bundles()
    }


def cache_rates() -> list[dict]:
    """Hits, misses and the share of hits for each thing the cache holds."""
    rates = []
    for name, count in stored.hit_counts().items():
        hit_share = share(count["hits"], count["misses"])
        rates.append({"name": name.replace("_", " "), **count, "share": hit_share})
    return rates


def list_blocked_connections() -> list[dict]:
    """Return the blocked outgoing connections, newest first."""
    return egress_guard.blocked_connections(settings.BLOCKED_CONNECTIONS_LOG)[::-1]


@dataclass(frozen=True)
class Totals:
    """What PostgreSQL counted since its statistics began (``since``)."""

    pages_hit: int
    pages_read: int
    database_bytes: int
    index_scans: int
    whole_scans: int
    small_tables: int
    since: datetime

    @property
    def from_memory(self) -> float | None:
        return share(self.pages_hit, self.pages_read)

    @property
    def by_index(self) -> float | None:
        """Of the looks into tables of SMALL_ROWS and more, those an index answered."""
        return share(self.index_scans, self.whole_scans)


@dataclass(frozen=True)
class Index:
    """``keeps_rule``: unique, so it is needed even when no query ever asks it."""

    name: str
    table_name: str
    scans: int
    last_used_at: datetime | None
    size: int
    keeps_rule: bool
    is_valid: bool

    @property
    def purpose(self) -> str:
        return index_purposes.purpose_of(self.name)

    @property
    def is_idle(self) -> bool:
        return self.scans == 0 and not self.keeps_rule


@dataclass(frozen=True)
class Table:
    name: str
    rows: int
    size: int
    index_size: int
    index_scans: int
    whole_scans: int
    rows_read_whole: int
    dead_rows: int
    vacuumed_at: datetime | None

    @property
    def is_small(self) -> bool:
        return self.rows < SMALL_ROWS

    @property
    def by_index(self) -> float | None:
        return share(self.index_scans, self.whole_scans)


@dataclass(frozen=True)
class Disk:
    """Bytes of the disk that holds the data directory."""

    free: int
    total: int

    @property
    def free_share(self) -> float:
        return self.free / self.total if self.total else 0.0


def share(hits: int, misses: int) -> float | None:
    """Return the share of hits, 0..1; None while nothing was counted."""
    return float(hits / (hits + misses)) if hits + misses else None


def totals() -> Totals:
    return fetch_objects("ops", "totals", Totals, rows=SMALL_ROWS)[0]


def list_indexes() -> list[Index]:
    """The largest first."""
    return fetch_objects("ops", "indexes", Index)


def list_tables() -> list[Table]:
    """The largest first; those of 64 kB and less are left out."""
    return fetch_objects("ops", "tables", Table)


def disk() -> Disk:
    usage = shutil.disk_usage(settings.DATA)
    return Disk(free=usage.free, total=usage.total)


def answers_from_cache() -> float | None:
    """Of all that was asked of the cache since it was started."""
    counts = stored.hit_counts().values()
    return share(sum(c["hits"] for c in counts), sum(c["misses"] for c in counts))


def waiting_texts() -> int:
    """Tickets and articles that no model has read yet; counted up to a thousand each."""
    backlog = triage_queries.count_backlog()
    return backlog.tickets + backlog.articles
