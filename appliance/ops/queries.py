"""Health of the services, and what PostgreSQL, the cache and the disk report."""

import functools
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Max
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from appliance import egress_guard
from appliance.core import cache as app_cache
from appliance.core import disk_space
from appliance.core.database import run_and_close_connection
from appliance.core.deadline_pool import BusyError, DeadlineExecutor
from appliance.core.sql_files import fetch_objects
from appliance.ops import index_purposes
from appliance.ops.models import Sample
from appliance.tickets.models import Event
from appliance.triage import queries as triage_queries

STATE_FILE = "run/launcher.json"  # written by the launcher before it starts the web processes
CLOCK_TOLERANCE = timedelta(minutes=5)
PROBE_SECONDS = 2.0  # a frozen database never answers
SMALL_ROWS = 1000  # a sequential scan is right for a smaller table
_prober = DeadlineExecutor("health", threads=2)


@dataclass(frozen=True)
class Health:
    """The state of each service: ``ok``, or what is wrong with it."""

    database: str
    cache: str
    disks: str
    models: dict[str, str]

    @property
    def is_serving(self) -> bool:
        """Return whether pages can be read; cache and models may be down, disks may be full."""
        return self.database == "ok"

    def as_json(self) -> dict[str, object]:
        states = [self.database, self.cache, self.disks, *self.models.values()]
        is_healthy = all(state == "ok" for state in states)
        status = "ok" if is_healthy else "degraded" if self.is_serving else "down"
        return {"status": status, **asdict(self)}


@functools.cache
def desk_id() -> str:
    """Return the random id of this start, by which the launcher knows its own desk."""
    try:
        state = json.loads((settings.DATA / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(state.get("desk", ""))


def check_health() -> Health:
    return Health(
        database=_database_state(),
        cache=_cache_state(),
        disks=_disk_states(),
        models=_model_states(),
    )


def _disk_states() -> str:
    bad_disks = [disk for disk in disk_space.list_disks() if not disk.is_writable]
    return "; ".join(f"{', '.join(disk.uses)}: {disk.state}" for disk in bad_disks) or "ok"


def _database_state() -> str:
    try:
        _prober.run(lambda: run_and_close_connection(_ping_database), seconds=PROBE_SECONDS)
    except (DatabaseError, TimeoutError, BusyError):
        return "does not answer"
    return "ok"


def _ping_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache_state() -> str:
    cache.set("healthz", 1, 10)
    return "ok" if cache.get("healthz") == 1 else "does not answer"


def _model_states() -> dict[str, str]:
    working = ("ready", "not_loaded")  # not_loaded: not used yet
    return {
        status.role: "ok" if status.state in working else status.state
        for status in triage_queries.list_bundles()
    }


def list_cache_rates() -> list[dict[str, object]]:
    """Return the label, hits, misses and share of hits of each kind of value in the cache."""
    rates: list[dict[str, object]] = []
    for name, count in app_cache.hit_counts().items():
        hit_share = share(count["hits"], count["misses"])
        rates.append({"label": app_cache.VALUE_LABELS[name], **count, "share": hit_share})
    return rates


def list_blocked_connections() -> list[dict[str, object]]:
    """Return the blocked outgoing connections, newest first."""
    return egress_guard.blocked_connections(settings.BLOCKED_CONNECTIONS_LOG)[::-1]


@dataclass(frozen=True)
class Totals:
    """What PostgreSQL counted since its statistics were reset, at ``since``."""

    pages_hit: int
    pages_read: int
    database_bytes: int
    index_scans: int
    sequential_scans: int
    small_tables: int
    since: datetime

    @property
    def cache_hit_share(self) -> float | None:
        return share(self.pages_hit, self.pages_read)

    @property
    def index_share(self) -> float | None:
        """Return the share of scans that used an index, on tables of SMALL_ROWS and more."""
        return share(self.index_scans, self.sequential_scans)


@dataclass(frozen=True)
class Index:
    """One index; a unique one enforces a rule, so it is needed even when no query uses it."""

    name: str
    table_name: str
    scans: int
    last_used_at: datetime | None
    size: int
    is_unique: bool
    is_valid: bool

    @property
    def purpose(self) -> str:
        return index_purposes.purpose_of(self.name)

    @property
    def is_idle(self) -> bool:
        return self.scans == 0 and not self.is_unique


@dataclass(frozen=True)
class Table:
    name: str
    rows: int
    size: int
    index_size: int
    index_scans: int
    sequential_scans: int
    dead_rows: int
    vacuumed_at: datetime | None

    @property
    def is_small(self) -> bool:
        return self.rows < SMALL_ROWS

    @property
    def index_share(self) -> float | None:
        return share(self.index_scans, self.sequential_scans)


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


def read_totals() -> Totals:
    return fetch_objects("ops", "totals", Totals, small_rows=SMALL_ROWS)[0]


def list_indexes() -> list[Index]:
    """Return all indexes, the largest first."""
    return fetch_objects("ops", "indexes", Index)


def list_tables() -> list[Table]:
    """Return the tables larger than 64 kB, the largest first."""
    return fetch_objects("ops", "tables", Table)


def find_future_time() -> datetime | None:
    """Return the time of the newest data if the clock of this machine has not reached it yet.

    All samples count, because a clock that is behind soon adds newer rows with older times.
    """
    newest = [
        Event.objects.order_by("-pk").values_list("at", flat=True).first(),
        Sample.objects.aggregate(Max("at"))["at__max"],
    ]
    latest_at = max((at for at in newest if at), default=None)
    is_future = latest_at is not None and latest_at > timezone.now() + CLOCK_TOLERANCE
    return latest_at if is_future else None


def read_disk() -> Disk:
    usage = shutil.disk_usage(settings.DATA)
    return Disk(free=usage.free, total=usage.total)


def cache_hit_share() -> float | None:
    """Return the share of hits of all reads since the cache was started."""
    counts = app_cache.hit_counts().values()
    return share(sum(count["hits"] for count in counts), sum(count["misses"] for count in counts))


def count_queued_texts() -> int:
    """Count tickets and articles without predictions, up to a thousand of each."""
    backlog = triage_queries.count_backlog()
    return backlog.tickets + backlog.articles


def list_routes() -> list[str]:
    """Return every route of the URL configuration, such as ``tickets/<int:ticket_id>/``.

    Routes that are regular expressions are left out.
    """
    return sorted({route for route in _walk(get_resolver().url_patterns, "") if "^" not in route})


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route
