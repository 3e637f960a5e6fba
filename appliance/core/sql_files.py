"""Hand-written SQL that lives in files: ``appliance/<room>/sql/<name>.sql``."""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

Row = TypeVar("Row")
# What psycopg passes to PostgreSQL; a datetime is a date.
SqlValue = bool | int | float | Decimal | str | bytes | date | UUID | list[Any] | None


@cache
def read_sql(room: str, name: str) -> str:
    """Return the statement of ``appliance/<room>/sql/<name>.sql`` without its comment lines."""
    path = Path(__file__).parents[1] / room / "sql" / f"{name}.sql"
    lines = path.read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


def fetch_rows(room: str, name: str, **parameters: SqlValue) -> list[tuple[Any, ...]]:
    """Run a named query and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(read_sql(room, name), parameters)
        return cursor.fetchall()


def fetch_objects(room: str, name: str, row_type: type[Row], **parameters: SqlValue) -> list[Row]:
    """Run a named query and return its rows as ``row_type``, whose fields are its columns."""
    with connection.cursor() as cursor:
        cursor.execute(read_sql(room, name), parameters)
        columns = [column.name for column in cursor.description]
        return [row_type(**dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]


def execute(room: str, name: str, **parameters: SqlValue) -> int:
    """Run a named statement and return the number of rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(read_sql(room, name), parameters)
        return cursor.rowcount
