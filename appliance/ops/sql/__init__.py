"""The queries of this room: each has a file with its name and says what it is for."""

from functools import cache
from pathlib import Path
from typing import TypeVar

from django.db import connection

Row = TypeVar("Row")
HERE = Path(__file__).parent


@cache
def text(name: str) -> str:
    return (HERE / f"{name}.sql").read_text()


def rows(name: str, of: type[Row], **values: object) -> list[Row]:
    """What the query answers, each row as ``of``, whose fields are its columns."""
    with connection.cursor() as cursor:
        cursor.execute(text(name), values)
        columns = [column.name for column in cursor.description]
        return [of(**dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]
