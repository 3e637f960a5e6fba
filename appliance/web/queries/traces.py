"""What there is on a ticket, so that its page asks for nothing that is not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from appliance.accounts.models import User
from appliance.tickets.models import Ticket

SQL = (Path(__file__).parents[1] / "sql" / "traces.sql").read_text()


@dataclass(frozen=True)
class Traces:
    """In the order of the columns of traces.sql."""

    last_event: int  # 0 before any; a page that knows it has seen everything
    events: int
    was_category_set_by_agent: bool  # by a person
    tags: Sequence[str]  # by name
    offered: Sequence[int]  # articles, the refused ones too
    refused: Sequence[int]
    has_merged: bool  # tickets merged into it
    has_files: bool
    has_links: bool
    has_rating: bool
    has_draft: bool  # of the viewer's
    has_news: bool  # notices the viewer has not read
    has_macros: bool  # the desk, whoever may use them


def find_traces(viewer: User, ticket: Ticket) -> Traces:
    """The ticket must be the viewer's to see. One query; what is there is read by the queries
    of its room, which say what of it the viewer sees.
    """
    with connection.cursor() as cursor:
        cursor.execute(SQL, {"ticket": ticket.pk, "viewer": viewer.pk})
        return Traces(*cursor.fetchone())
