"""The tables whose words are searched."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Model

from appliance.core.fields import INDEXED_CHARACTERS
from appliance.knowledge.models import Article
from appliance.tickets.models import Message, Ticket

SLICE = 500  # rows written or looked at in one statement


@dataclass(frozen=True)
class Table:
    name: str
    model: type[Model]
    body: str  # writing this as it is makes PostgreSQL write the words anew
    title: str = ""

    @property
    def table(self) -> str:
        return connection.ops.quote_name(self.model._meta.db_table)

    @property
    def text(self) -> str:
        """All of it that is searched, as SQL."""
        body = f"left({self.body}, {INDEXED_CHARACTERS})"
        return f"{self.title} || ' ' || {body}" if self.title else body

    def next_numbers(self, position: int) -> list[int]:
        """The numbers of the next rows, in order."""
        rows = self.model._base_manager.filter(pk__gt=position).order_by("pk")
        return list(rows.values_list("pk", flat=True)[:SLICE])

    def stale(self, numbers: list[int]) -> list[int]:
        """Those whose words are not what the text says now."""
        words, arguments = self.model._meta.get_field("search_vector").generated_sql(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM {self.table} WHERE id = ANY(%s)"  # noqa: S608
                f" AND search_vector IS DISTINCT FROM ({words})",
                [numbers, *arguments],
            )
            return [number for (number,) in cursor.fetchall()]

    def write_anew(self, numbers: list[int]) -> int:
        body = connection.ops.quote_name(self.body)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self.table} SET {body} = {body} WHERE id = ANY(%s)",  # noqa: S608
                [numbers],
            )
            return cursor.rowcount


TABLES = [
    Table("tickets", Ticket, "description", "subject"),
    Table("messages", Message, "body"),
    Table("articles", Article, "content", "title"),
]
