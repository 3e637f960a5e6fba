#!/usr/bin/env python3
"""What each kind of index is worth: the product's own queries with it and without it.

    python scripts/bench/indexes.py --data DIR --tickets 100000

DIR holds a scratch desk of each size (data.py), made when missing: a desk in DIR/1000000 is taken
as it is. What the product asks is caught on its way, and each statement asked again as EXPLAIN
ANALYZE: the time is the server's own, that of executing it, without Python, planning and the way.
Without: the index is dropped inside a transaction that is rolled back, so the planner does the best
it can with all others; nothing is built again. Both ways are asked warm, and the median is taken. A
partial index is compared in size with the same index over all rows, built in the same way. Writes
its section of docs/performance.md.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

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
Ask = Callable[[], object]


def queries() -> list[tuple[str, str, str, Ask]]:
    """Kind, index, what is asked, and the product's function that asks it."""
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
    customer = Customer.objects.order_by("-pk")[300]  # late: not met at once by a walk
    own = TicketVector.objects.order_by("pk").last()
    space = _index_of(own.space)
    words = SearchQuery("printer toner", config=TEXT_SEARCH_CONFIG)

    def listed(sort: str = "newest", **filters: str) -> Ask:
        return lambda: list(tickets.list_tickets(admin, TicketFilter(**filters), SORTS[sort])[:50])

    def holding(model: type) -> Ask:
        return lambda: list(model.objects.filter(search_vector=words).values_list("pk", flat=True))

    def mistyped() -> object:
        with retrievers.query_limits():
            found = Ticket.objects.filter(subject__trigram_word_similar="pirnter toner")
            return list(found.values_list("pk", flat=True)[:100])

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
            "the conversation of a ticket",
            lambda: list(Message.objects.filter(ticket=ticket)),
        ),
        ("B-tree", "ticket_created_idx", "all tickets, newest first", listed(status=ANY_STATUS)),
        (
            "B-tree",
            "ticket_customer_idx",
            "the tickets of a customer",
            lambda: list(Ticket.objects.filter(customer=customer).order_by("-created_at")[:50]),
        ),
        (
            "composite",
            "ticket_priority_idx",
            "all tickets by priority",
            listed("priority", status=ANY_STATUS),
        ),
        (
            "composite",
            "ticket_updated_idx",
            "all tickets by their last change",
            listed("updated", status=ANY_STATUS),
        ),
        ("composite", "ticket_due_idx", "open tickets by what is due", listed("due")),
        ("GIN", "ticket_search_idx", "tickets that hold two words", holding(Ticket)),
        ("GIN", "message_search_idx", "messages that hold two words", holding(Message)),
        ("GIN", "ticket_subject_trgm_idx", "a subject with a typo", mistyped),
        (
            "HNSW",
            space,
            "the nearest 60 in meaning",
            lambda: list_nearest(
                TicketVector.objects.nearest_to(own.vector, own.space).only("pk"), 60, min_cosine=-1
            ),
        ),
    ]


def _index_of(space: str) -> str:
    from appliance.triage.texts import digest

    return f"ticket_vector_hnsw_{digest(space)[:12]}"


def with_and_without(index: str, ask: Ask, times: int) -> tuple[float, float]:
    """Milliseconds in the server, medians."""
    from django.db import connection, transaction

    with transaction.atomic():
        having = _median(ask, times)
        with connection.cursor() as cursor:
            cursor.execute(f'DROP INDEX "{index}"')
        missing = _median(ask, max(3, times // 4))
        transaction.set_rollback(True)
    return having, missing


def _median(ask: Ask, times: int) -> float:
    """Of the server's own time; the first call only warms up."""
    return float(np.median([_in_server(ask) for _ in range(times + 1)][1:]))


def _in_server(ask: Ask) -> float:
    """Milliseconds all that ``ask`` reads takes to execute."""
    from django.db import connection

    spent = []

    def explain(execute, sql, params, many, context):
        if sql.lstrip(" (\n").upper().startswith("SELECT") and "set_config" not in sql:
            with context["connection"].connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
                [plan] = cursor.fetchone()[0]
                spent.append(plan["Execution Time"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        ask()
    return sum(spent)


def sizes(index: str) -> tuple[int, int]:
    """Bytes of a partial index, and of the same without its condition."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DEFINITION, [index, index])
        definition, _grown = cursor.fetchone()
        partial = definition.replace(f"INDEX {index} ", "INDEX bench_partial ")
        whole = partial.replace("bench_partial", "bench_whole").split(" WHERE ")[0]
        found = []
        for name, statement in (("bench_partial", partial), ("bench_whole", whole)):
            cursor.execute(statement)
            cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
            found.append(cursor.fetchone()[0])
        transaction.set_rollback(True)
    return found[0], found[1]


def lines(tickets: int, times: int) -> list[str]:
    rows = []
    for kind, index, what, ask in queries():
        having, missing = with_and_without(index, ask, times)
        faster = 1 - having / missing
        cells = (f"{having:.2f}", f"{missing:.2f}", f"{faster:.1%}", f"{GOALS[kind]:.0%}")
        rows.append((kind, f"`{index}`", what, *cells, met(faster >= GOALS[kind])))
    head = ["kind", "index", "what is asked", "with ms", "without ms", "faster by", "goal", "met"]
    compared = []
    for index in PARTIAL:
        partial, whole = sizes(index)
        smaller = 1 - partial / whole
        cells = (f"{partial / 1024:,.0f} kB", f"{whole / 1024:,.0f} kB", f"{smaller:.1%}")
        compared.append((f"`{index}`", *cells, f"{SMALLER_GOAL:.0%}", met(smaller >= SMALLER_GOAL)))
    return [
        f"On {tickets:,} tickets. Times are the server's own: what executing the statements of the"
        " product's functions takes by EXPLAIN ANALYZE, without Python, planning and the way.",
        "",
        *table(head, rows),
        "",
        "Partial indexes, beside the same index over all rows:",
        "",
        *table(["index", "partial", "over all rows", "smaller by", "goal", "met"], compared),
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the scratch desks")
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    args = parser.parse_args()
    section, folder = Section("indexes", "What indexes are worth"), args.data / str(args.tickets)
    data.in_a_process(folder, args.tickets, args.tickets // 10)
    with servers.running(folder) as desk:
        desk.enter()
        section.write(lines(args.tickets, args.times))


if __name__ == "__main__":
    main()
