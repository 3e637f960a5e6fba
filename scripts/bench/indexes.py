#!/usr/bin/env python3
"""Compare the queries of the product with and without each kind of index.

    python scripts/bench/indexes.py --data DIR --tickets 100000

DIR holds a scratch installation of each size (data.py), created when missing. Each statement of
the product is intercepted and run again with EXPLAIN ANALYZE: the figure is the execution time of
the server, without Python, planning and network. To measure without an index, the index is dropped
in a transaction that is rolled back, so the planner uses the other indexes. Both figures are
medians of warm runs. The size of a partial index is compared with the same index over all rows.
Writes its section of docs/performance.md.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import _environment  # noqa: F401
import data
import numpy as np
import servers
from report import Section, met, table

GOALS = {"B-tree": 0.90, "composite": 0.85, "GIN": 0.95, "HNSW": 0.90}
SMALLER_GOAL = 0.70
PARTIAL = (
    "ticket_open_idx",
    "ticket_unassigned_idx",
    "ticket_category_idx",
    "ticket_due_idx",
    "ticket_held_idx",
    "customer_premium_idx",
)
DEFINITION = "SELECT pg_get_indexdef(%s::regclass), pg_relation_size(%s::regclass)"
Query = Callable[[], object]


def queries() -> list[tuple[str, str, str, Query]]:
    """Return rows of kind, index, description, and the function that runs the query."""
    from django.contrib.postgres.search import SearchQuery

    from appliance.accounts import queries as accounts_queries
    from appliance.accounts.models import Customer, User
    from appliance.core.fields import TEXT_SEARCH_CONFIG
    from appliance.search import retrievers
    from appliance.tickets import queries as tickets
    from appliance.tickets.filters import ANY_STATUS, TicketFilter
    from appliance.tickets.models import Message, Ticket
    from appliance.tickets.sorts import SORTS
    from appliance.triage.models import TicketVector
    from appliance.triage.vector_search import list_nearest

    admin = User.objects.get(role="admin")
    ticket = Ticket.objects.filter(messages__isnull=False).order_by("pk").last()
    customer = Customer.objects.order_by("-pk")[300]  # a scan reaches it late
    vector = TicketVector.objects.order_by("pk").last()
    space = _index_of(vector.space)
    search_query = SearchQuery("printer toner", config=TEXT_SEARCH_CONFIG)

    def ticket_list(sort: str = "newest", **filters: str) -> Query:
        return lambda: list(tickets.list_tickets(admin, TicketFilter(**filters), SORTS[sort])[:50])

    def full_text(model: type[Ticket] | type[Message]) -> Query:
        return lambda: list(
            model.objects.filter(search_vector=search_query).values_list("pk", flat=True)
        )

    def typing_error() -> object:
        with retrievers.query_limits():
            tickets = Ticket.objects.filter(subject__trigram_word_similar="pirnter toner")
            return list(tickets.values_list("pk", flat=True)[:100])

    return [
        (
            "B-tree",
            "customer_email_unique",
            "a customer by e-mail",
            lambda: accounts_queries.find_customer(email=customer.email.upper()),
        ),
        (
            "B-tree",
            "message_ticket_idx",
            "messages of a ticket",
            lambda: list(Message.objects.filter(ticket=ticket)),
        ),
        (
            "B-tree",
            "ticket_created_idx",
            "all tickets, newest first",
            ticket_list(status=ANY_STATUS),
        ),
        (
            "B-tree",
            "ticket_customer_idx",
            "tickets of a customer",
            lambda: list(Ticket.objects.filter(customer=customer).order_by("-created_at")[:50]),
        ),
        (
            "composite",
            "ticket_priority_idx",
            "all tickets by priority",
            ticket_list("priority", status=ANY_STATUS),
        ),
        (
            "composite",
            "ticket_updated_idx",
            "all tickets by last change",
            ticket_list("updated", status=ANY_STATUS),
        ),
        ("composite", "ticket_due_idx", "open tickets by due time", ticket_list("due")),
        ("GIN", "ticket_search_idx", "tickets with two words", full_text(Ticket)),
        ("GIN", "message_search_idx", "messages with two words", full_text(Message)),
        ("GIN", "ticket_subject_trgm_idx", "a subject with a typing error", typing_error),
        (
            "HNSW",
            space,
            "the 60 nearest tickets",
            lambda: list_nearest(
                TicketVector.objects.nearest_to(vector.vector, vector.space).only("pk"),
                60,
                min_cosine=-1,
            ),
        ),
    ]


def _index_of(space: str) -> str:
    from appliance.triage.texts import digest

    return f"ticket_vector_hnsw_{digest(space)[:12]}"


def compare(index: str, query: Query, times: int) -> tuple[float, float]:
    """Return the median milliseconds on the server with and without the index."""
    from django.db import connection, transaction

    with transaction.atomic():
        with_index = _median(query, times)
        with connection.cursor() as cursor:
            cursor.execute(f'DROP INDEX "{index}"')
        without_index = _median(query, max(3, times // 4))
        transaction.set_rollback(True)
    return with_index, without_index


def _median(query: Query, times: int) -> float:
    """Return the median milliseconds on the server; the first call warms up."""
    return float(np.median([_server_time(query) for _ in range(times + 1)][1:]))


def _server_time(query: Query) -> float:
    """Return the execution milliseconds of all SELECTs of a query."""
    from django.db import connection

    times = []

    def explain(execute, sql, params, many, context):
        if sql.lstrip(" (\n").upper().startswith("SELECT") and "set_config" not in sql:
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
                [plan] = cursor.fetchone()[0]
                times.append(plan["Execution Time"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        query()
    return sum(times)


def index_sizes(index: str) -> tuple[int, int]:
    """Return the bytes of a partial index, and of the same index without its condition."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DEFINITION, [index, index])
        definition, _size = cursor.fetchone()
        partial = definition.replace(f"INDEX {index} ", "INDEX bench_partial ")
        full = partial.replace("bench_partial", "bench_whole").split(" WHERE ")[0]
        sizes = []
        for name, statement in (("bench_partial", partial), ("bench_whole", full)):
            cursor.execute(statement)
            cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
            sizes.append(cursor.fetchone()[0])
        transaction.set_rollback(True)
    return sizes[0], sizes[1]


def lines(tickets: int, count: int) -> list[str]:
    """Return the section; each query runs ``count`` times with its index."""
    rows = []
    for kind, index, description, query in queries():
        with_index, without_index = compare(index, query, count)
        faster = 1 - with_index / without_index
        cells = (f"{with_index:.2f}", f"{without_index:.2f}", f"{faster:.1%}", f"{GOALS[kind]:.0%}")
        rows.append((kind, f"`{index}`", description, *cells, met(faster >= GOALS[kind])))
    head = ["kind", "index", "query", "with ms", "without ms", "faster by", "goal", "met"]
    partial_rows = []
    for index in PARTIAL:
        partial, full = index_sizes(index)
        smaller = 1 - partial / full
        cells = (f"{partial / 1024:,.0f} kB", f"{full / 1024:,.0f} kB", f"{smaller:.1%}")
        partial_rows.append(
            (f"`{index}`", *cells, f"{SMALLER_GOAL:.0%}", met(smaller >= SMALLER_GOAL))
        )
    return [
        f"On {tickets:,} tickets. Times are the execution times of the product's statements on the"
        " server (EXPLAIN ANALYZE), without Python, planning and network.",
        "",
        *table(head, rows),
        "",
        "Partial indexes compared with the same index over all rows:",
        "",
        *table(["index", "partial", "over all rows", "smaller by", "goal", "met"], partial_rows),
    ]


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the scratch installations"
    )
    parser.add_argument("--tickets", type=int, default=100_000, help="size of the installation")
    parser.add_argument("--times", type=int, default=20, help="runs of each query")
    args = parser.parse_args()
    section, folder = Section("indexes", "Benefit of indexes"), args.data / str(args.tickets)
    data.in_a_process(folder, args.tickets, args.tickets // 10)
    with servers.running(folder) as installation:
        installation.set_up_django()
        section.write(lines(args.tickets, args.times))


if __name__ == "__main__":
    main()
