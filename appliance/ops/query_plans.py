"""The slowest queries and their plans. Shown with their constants taken out, never run again."""

import re
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, connection, transaction

from appliance.core.database import statement_timeout
from appliance.core.sql_files import fetch_objects

MAX_STATEMENTS = 30
ORDERS = ("total", "mean", "calls")
PLAN_MILLISECONDS = 2000
PLANNED = re.compile(r"^\s*(SELECT|WITH)\b", re.IGNORECASE)
# pg_stat_statements writes $1 for a constant, but may keep a text as it came when its table of
# texts overflows: whatever stands in quotes is hidden here once more.
QUOTED = re.compile(
    r"(?:\b[eEbBxXuUnN]&?)?'(?:[^'\\]|''|\\.)*'|\$([A-Za-z_]\w*)?\$.*?\$\1\$", re.DOTALL
)
HIDDEN = "'…'"


@dataclass(frozen=True)
class Statement:
    """One query, in all its calls."""

    id: str
    text: str
    calls: int
    rows: int
    total_ms: float
    mean_ms: float
    most_ms: float
    pages_hit: int
    pages_read: int

    @property
    def shown(self) -> str:
        return hide(self.text)

    @property
    def has_plan(self) -> bool:
        return bool(PLANNED.match(self.text)) and ";" not in hide(self.text)


def is_available() -> bool:
    """Whether this server keeps statements: the extension is there, and was loaded at its start."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_stat_statements LIMIT 1")
    except DatabaseError:
        return False
    return True


def list_slowest(by: str) -> list[Statement]:
    """By the time all calls took, by the time of one, or by the number of calls."""
    order = by if by in ORDERS else ORDERS[0]
    return _fetch_statements(by=order, most=MAX_STATEMENTS)


def find_statement(statement_id: str) -> Statement | None:
    return next(iter(_fetch_statements(statement_id, by=ORDERS[0], most=1)), None)


def _fetch_statements(statement_id: str | None = None, *, by: str, most: int) -> list[Statement]:
    return fetch_objects("ops", "statements", Statement, id=statement_id, by=by, most=most)


def explain(statement: Statement) -> list[str]:
    """How PostgreSQL would answer, for any constants; it is not run. Empty: it cannot be said."""
    if not statement.has_plan:
        return []
    try:
        with transaction.atomic():
            with statement_timeout(milliseconds=PLAN_MILLISECONDS):
                plan = _plan_of(statement.text)
            transaction.set_rollback(True)  # and with it, that it could only read
            return plan
    except (DatabaseError, psycopg.Error):
        return []


def _plan_of(text: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    # parameters, even none, make it one statement by protocol; the raw cursor leaves $1 alone
    with psycopg.RawCursor(connection.connection) as cursor:
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {text}", [])
        return [hide(line) for (line,) in cursor.fetchall()]


def hide(text: str) -> str:
    """Without anything that stood in quotes."""
    return QUOTED.sub(HIDDEN, text)
