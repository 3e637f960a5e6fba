"""The slowest queries and their plans: shown without constants and never executed."""

import re
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, connection, transaction

from appliance.core.database import statement_timeout
from appliance.core.sql_files import fetch_objects

MAX_STATEMENTS = 30
ORDERS = ("total", "mean", "calls")
PLAN_MILLISECONDS = 2000
PLANNABLE = re.compile(r"^\s*(SELECT|WITH)\b", re.IGNORECASE)
# pg_stat_statements writes $1 for a constant, but keeps the original text when its table of texts
# overflows: quoted text is masked here once more.
QUOTED = re.compile(
    r"(?:\b[eEbBxXuUnN]&?)?'(?:[^'\\]|''|\\.)*'|\$([A-Za-z_]\w*)?\$.*?\$\1\$", re.DOTALL
)
MASK = "'…'"


@dataclass(frozen=True)
class Statement:
    """One normalised query with the statistics of all its calls."""

    id: str
    text: str
    calls: int
    rows: int
    total_ms: float
    mean_ms: float
    max_ms: float
    pages_hit: int
    pages_read: int

    @property
    def masked_text(self) -> str:
        return mask_constants(self.text)

    @property
    def has_plan(self) -> bool:
        return bool(PLANNABLE.match(self.text)) and ";" not in mask_constants(self.text)


def is_available() -> bool:
    """Return whether pg_stat_statements is installed and was loaded when the server started."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_stat_statements LIMIT 1")
    except DatabaseError:
        return False
    return True


def list_slowest(order: str) -> list[Statement]:
    """Return statements by total time, by mean time or by number of calls (ORDERS)."""
    order = order if order in ORDERS else ORDERS[0]
    return _fetch_statements(order=order, limit=MAX_STATEMENTS)


def find_statement(statement_id: str) -> Statement | None:
    return next(iter(_fetch_statements(statement_id, order=ORDERS[0], limit=1)), None)


def _fetch_statements(
    statement_id: str | None = None, *, order: str, limit: int
) -> list[Statement]:
    return fetch_objects("ops", "statements", Statement, id=statement_id, order=order, limit=limit)


def explain(statement: Statement) -> list[str]:
    """Return the generic plan, without executing the query; empty when there is none."""
    if not statement.has_plan:
        return []
    try:
        with transaction.atomic():
            with statement_timeout(milliseconds=PLAN_MILLISECONDS):
                plan = _plan_of(statement.text)
            transaction.set_rollback(True)  # ends READ ONLY, too
            return plan
    except (DatabaseError, psycopg.Error):
        return []


def _plan_of(text: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    # With parameters, even none, the protocol allows one statement only; a raw cursor keeps $1.
    with psycopg.RawCursor(connection.connection) as cursor:
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {text}", [])
        return [mask_constants(line) for (line,) in cursor.fetchall()]


def mask_constants(text: str) -> str:
    """Return the text with every quoted constant masked."""
    return QUOTED.sub(MASK, text)
