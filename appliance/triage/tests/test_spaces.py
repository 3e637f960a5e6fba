"""Several embedding spaces are in one table; every search uses one of them."""

import numpy as np
import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection

from appliance.core.audit import ANONYMOUS
from appliance.knowledge import services as knowledge_services
from appliance.search import queries as search_queries
from appliance.tickets import services as tickets_services
from appliance.triage import engine, queries, services, spaces, suggestions, work_queue
from appliance.triage.models import DIMENSIONS, Passage, TicketVector
from appliance.triage.services.spaces import INDEX_PREFIXES, drop_indexes, index_name
from tests.database import acting_as_owner

OTHER = "another space"


@pytest.fixture
def second(alice):
    """Another ticket of Alice's, about something else."""
    return tickets_services.create_ticket(
        customer=alice.customer, subject="Holidays", description="Whom do I ask?", by=alice
    )


def create_vector_in_other_space(ticket, vector) -> None:
    TicketVector.objects.create(ticket=ticket, space=OTHER, vector=vector, text_sha256="x")


def create_equal_vectors_in_other_space(*tickets) -> None:
    for ticket in tickets:
        create_vector_in_other_space(ticket, np.full(DIMENSIONS, DIMENSIONS**-0.5))


@pytest.mark.usefixtures("bundles")
def test_tickets_near_only_in_another_space_are_not_similar(ticket, second, bob):
    services.catch_up()
    create_equal_vectors_in_other_space(ticket, second)
    assert queries.list_similar_tickets(bob, ticket) == []


@pytest.mark.usefixtures("bundles")
def test_ticket_with_a_vector_only_in_another_space_is_not_found(ticket, second, bob):
    services.annotate(ticket.pk)
    own = TicketVector.objects.get(ticket=ticket)
    create_vector_in_other_space(second, own.vector)
    assert queries.list_similar_tickets(bob, ticket) == []
    assert queries.list_similar_tickets(bob, second) == []
    duplicates = suggestions.list_probable_duplicates(
        bob, ticket.customer, ticket.subject, ticket.description
    )
    assert [duplicate.ticket for duplicate in duplicates] == [ticket]
    results = search_queries.search(bob, "empty pages come out", kind="tickets")
    assert second not in [hit.object for hit in results.hits]


@pytest.mark.usefixtures("bundles")
def test_passage_of_another_space_is_not_suggested(ticket, bob):
    article = knowledge_services.write_article(
        by=bob, title="Printer prints blank pages", content="Pull the strip.", status="published"
    )
    services.refresh_article(article.pk)
    services.annotate(ticket.pk)
    own = TicketVector.objects.get()
    Passage.objects.create(
        article=article,
        position=1,
        text="elsewhere",
        space=OTHER,
        vector=own.vector,
        text_sha256="x",
    )
    assert [hit.passage for hit in suggestions.list_suggestions(bob, ticket)] == ["Pull the strip."]


def test_without_an_encoder_no_space_is_active(ticket, settings, tmp_path):
    create_equal_vectors_in_other_space(ticket)
    settings.MODELS = tmp_path
    assert engine.active_space() is None
    assert not TicketVector.objects.in_active_space().exists()


def test_each_space_gets_its_indexes_once(db):
    assert services.index_space(OTHER) == 2
    assert services.index_space(OTHER) == 0
    assert services.index_space("a third; 'odd' % one") == 2


def test_nearest_vectors_of_a_space_are_found_by_its_index(ticket, second):
    services.index_space(OTHER)
    services.index_space("a third")
    create_equal_vectors_in_other_space(ticket, second)
    rows = TicketVector.objects.nearest_to(np.ones(DIMENSIONS), OTHER)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    plan = rows[:5].explain()
    assert index_name(INDEX_PREFIXES[TicketVector], OTHER) in plan
    assert len(rows) == 2


@pytest.mark.django_db(transaction=True)
def test_invalid_index_is_built_again():
    """An older version built it without blocking writers, and was killed."""
    name = index_name(INDEX_PREFIXES[TicketVector], OTHER)
    create = f"CREATE INDEX CONCURRENTLY {name} ON triage_ticketvector (id)"
    with psycopg.connect(**connection.get_connection_params()) as writer:
        writer.execute("LOCK TABLE triage_ticketvector IN ROW EXCLUSIVE MODE")
        with acting_as_owner(), connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 100")
            with pytest.raises(OperationalError, match="lock timeout"):
                cursor.execute(create)
            cursor.execute("RESET lock_timeout")
    assert services.index_space(OTHER) == 2
    assert services.index_space(OTHER) == 0
    assert drop_indexes(OTHER)


@pytest.mark.parametrize(
    "arguments",
    [
        ("core_auditentry", "ticket_vector_hnsw_0123456789ab", "a"),
        ("triage_ticketvector", "auditentry_at_idx", "a"),
        ("triage_ticketvector", "passage_vector_hnsw_0123456789ab", "a"),
    ],
)
def test_function_makes_only_indexes_of_spaces(db, arguments):
    with pytest.raises(DatabaseError, match="not an index"), connection.cursor() as cursor:
        cursor.execute("SELECT triage_create_space_index(%s, %s, %s)", arguments)


def test_function_drops_only_indexes_of_spaces(db):
    with pytest.raises(DatabaseError, match="not an index"), connection.cursor() as cursor:
        cursor.execute("SELECT triage_drop_space_index('auditentry_at_idx')")


def test_space_name_cannot_leave_its_literal(db):
    assert services.index_space("x' OR true; DROP TABLE triage_passage; --") == 2


def test_readable_tickets_are_counted(ticket, second):
    type(ticket).objects.filter(pk=second.pk).update(subject=ANONYMOUS, description="")
    assert spaces._count_readable_tickets() == work_queue.readable_tickets().count() == 1


def test_one_space_is_not_several(ticket):
    assert not spaces.has_several()
    for space in (OTHER, "a-third-one"):
        ticket.vectors.create(space=space, vector=[1.0] * 384, text_sha256="x")
    assert spaces.has_several()
