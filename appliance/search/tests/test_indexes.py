"""Query plans on 100,000 rows: every named index serves a query of the product."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.test import Client

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, Organisation, Role, Team, User
from appliance.core.fields import SEARCH_WINDOW_ROWS
from appliance.core.pagination import fetch_by_ids
from appliance.knowledge import queries as knowledge_queries
from appliance.knowledge.models import Article
from appliance.knowledge.queries import SORTS as ARTICLE_SORTS
from appliance.search import corpora, fulltext, query_parser, retrievers
from appliance.search.corpora import SearchFilters
from appliance.search.models import VocabularyWord
from appliance.tickets import queries as tickets_queries
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import ANY_STATUS, TicketFilter
from appliance.tickets.models import Event, Message, Status, Ticket, TicketCategory
from appliance.tickets.sorts import SORTS, Sort
from appliance.triage import engine, matching
from appliance.triage import queries as triage_queries
from appliance.triage.models import DIMENSIONS, TicketVector
from appliance.triage.services import index_space
from tests.database import acting_as_owner
from tests.query_plans import explain_queries

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
LARGE_DATABASE_SQL = Path(__file__).with_name("large_database.sql").read_text()
VECTORS = 5000
FAR_POSITION = 3000
SPACE = "crowd"
_TRUNCATED_MODELS = (User, Customer, Ticket, Article, Team, TicketCategory, VocabularyWord)
_REINDEXED_MODELS = (Ticket, Message, Article)


@pytest.fixture(scope="module")
def large_database(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Load 100,000 rows of each kind, and remove them after this module."""
    with django_db_blocker.unblock():
        assert connection.settings_dict["NAME"].startswith("test_")
        with transaction.atomic(), acting_as_owner():
            _load()
        with acting_as_owner(), connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    yield
    with django_db_blocker.unblock(), acting_as_owner(), connection.cursor() as cursor:
        tables = ", ".join(model._meta.db_table for model in _TRUNCATED_MODELS)
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")


@pytest.fixture
def agent(large_database, db, monkeypatch) -> User:
    monkeypatch.setattr(engine, "active_space", lambda: SPACE)
    return User.objects.create(email="agent@crowd.example", first_name="Ada", role=Role.AGENT)


def _load() -> None:
    """Load rows before their indexes, which takes a third of the time."""
    indexes = [(model, index) for model in _REINDEXED_MODELS for index in model._meta.indexes]
    with connection.schema_editor(atomic=False) as editor, connection.cursor() as cursor:
        for model, index in indexes:
            editor.remove_index(model, index)
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        # without seals, which take half a minute
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER auditentry_seal")
        cursor.execute(LARGE_DATABASE_SQL)
        _load_vectors(cursor)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE core_auditentry ENABLE TRIGGER auditentry_seal")
        for model, index in indexes:
            editor.add_index(model, index)
        index_space(SPACE)


def _load_vectors(cursor) -> None:
    vectors = np.random.default_rng(7).standard_normal((VECTORS, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = ["[" + ",".join(f"{x:.4f}" for x in vector) + "]" for vector in vectors]
    for table, owner, more, value in (
        ("triage_ticketvector", Ticket, "", ""),
        ("triage_passage", Article, ", position, text", ", 0, 'text'"),
    ):
        cursor.execute(
            f"INSERT INTO {table} ({owner._meta.model_name}_id, space, text_sha256, vector{more})"
            f" SELECT id, %s, '', vector::halfvec{value} FROM"
            f" (SELECT id, row_number() OVER (ORDER BY id) AS n FROM {owner._meta.db_table}"
            f"  ORDER BY id LIMIT {VECTORS}) AS owner"
            " JOIN unnest(%s::text[]) WITH ORDINALITY AS texts(vector, n) USING (n)",
            [SPACE, texts],
        )


def _customer() -> User:
    customer = Customer.objects.order_by("pk")[500]
    customer.user = User.objects.filter(role=Role.CUSTOMER).first()
    customer.save(update_fields=["user"])
    return customer.user


def _colleague() -> User:
    """Return a customer whose organisation shares its tickets."""
    person = _customer()
    person.customer.organisation = Organisation.objects.create(name="Ward", shares_tickets=True)
    person.customer.save(update_fields=["organisation"])
    return person


def _ticket() -> Ticket:
    return TicketVector.objects.select_related("ticket").first().ticket


def _guest_ticket() -> None:
    with suppress(Http404):
        tickets_queries.access_guest_ticket("guess")


def _list_tickets(agent: User, sort: str = "newest", **filters) -> None:
    rows = tickets_queries.list_tickets(agent, TicketFilter(**filters), SORTS[sort])
    list(rows[:50])


def _pages(rows: QuerySet, order: Sort, position: tuple) -> None:
    """Load the first page, one far behind, and the page before that."""
    list(rows[:50])
    for sort in (order, order.reversed()):
        fetch_by_ids(sort.after(sort.apply(rows), position), 50, of=rows)


def _category(position: int) -> str:
    return TicketCategory.objects.order_by("pk")[position].slug


def _corpus(agent: User, kind: str) -> corpora.Corpus:
    return corpora.find_corpus(corpora.list_corpora(agent, "all", SearchFilters()), kind)


def _by_words(agent: User, kind: str) -> None:
    retrievers.find_by_words(
        _corpus(agent, kind), fulltext.build_tsqueries(QUERY, fulltext.active_configs()).all_words
    )


def _by_similar_title(agent: User, kind: str) -> None:
    """Search with typos although the corpus is large."""
    with patch.object(retrievers, "MAX_TITLE_ROWS", 1_000_000):
        retrievers.find_by_similar_title(_corpus(agent, kind), QUERY)


def _correct_spelling() -> None:
    with retrievers.query_limits():
        retrievers.correct_spelling(query_parser.parse_query("pirnter"))


def _by_messages(agent: User) -> None:
    retrievers.find_by_messages(
        _corpus(agent, "ticket"),
        fulltext.build_tsqueries(QUERY, fulltext.active_configs()).all_words,
    )


def _articles(agent: User, sort: str, **filters: object) -> QuerySet:
    return knowledge_queries.list_articles(agent, sort=ARTICLE_SORTS[sort], **filters)


VECTOR = np.full(DIMENSIONS, DIMENSIONS**-0.5, dtype=np.float32)
QUERY = query_parser.parse_query("printer backupcd")
NAME_QUERY = query_parser.parse_query("last77123")


def _admin_page(path: str) -> Callable[[User], object]:
    def open_page(agent: User) -> object:
        client = Client()
        admin = User.objects.create(email="admin@crowd.example", first_name="Dan", role=Role.ADMIN)
        client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
        response = client.get(path)
        assert response.status_code == 200
        return response

    return open_page


def _day_of_events() -> str:
    at = Event.objects.order_by("pk")[50_000].at
    return f"/admin/tickets/event/?at__year={at.year}&at__month={at.month}&at__day={at.day}"


QUERIES: dict[str, Callable[[User], object]] = {
    "user_email_unique": lambda agent: accounts_queries.find_user(email="Person77@crowd.example"),
    "customer_email_unique": lambda agent: accounts_queries.find_customer(
        email="Person77@crowd.example"
    ),
    "ticket_open_idx": lambda agent: _list_tickets(agent),
    "ticket_priority_idx": lambda agent: _list_tickets(agent, "priority", status=ANY_STATUS),
    "ticket_updated_idx": lambda agent: _list_tickets(agent, "stale", status=ANY_STATUS),
    "ticket_open_priority_idx": lambda agent: _list_tickets(agent, "priority"),
    "ticket_open_updated_idx": lambda agent: _list_tickets(agent, "updated"),
    "ticket_due_idx": lambda agent: _list_tickets(agent, "due"),
    "ticket_category_idx": lambda agent: _list_tickets(agent, category=_category(0)),
    "ticket_team_idx": lambda agent: _list_tickets(agent, team=str(Team.objects.first().pk)),
    "ticket_unassigned_idx": lambda agent: _list_tickets(agent, assignee="nobody"),
    "ticket_language_idx": lambda agent: fulltext.active_configs(),
    "article_language_idx": lambda agent: fulltext.active_configs(),
    "article_group_idx": lambda agent: list(Article.objects.for_reader("de").order_by("-pk")[:50]),
    "ticket_customer_idx": lambda agent: _list_tickets(_customer()),
    "ticket_created_idx": lambda agent: _list_tickets(agent, status=Status.CLOSED),
    "ticket_held_idx": lambda agent: tickets_services.resume_held_tickets(),
    "ticket_solved_idx": lambda agent: tickets_services.close_solved_tickets(),
    "ticket_guest_idx": lambda agent: _guest_ticket(),
    "tickets_ticket_pkey": lambda agent: tickets_queries.access_ticket(agent, _ticket().pk),
    "customer_premium_idx": _admin_page("/admin/accounts/customer/?is_premium__exact=1"),
    "customer_name_idx": _admin_page("/admin/accounts/customer/"),
    "event_at_brin": lambda agent: _admin_page(_day_of_events())(agent),
    "article_status_idx": lambda agent: list(knowledge_queries.list_articles(_customer())[:50]),
    "article_changed_idx": lambda agent: list(knowledge_queries.list_articles(agent)[:50]),
    "article_category_idx": lambda agent: knowledge_queries.list_category_sections(_customer()),
    "article_review_idx": lambda agent: list(_articles(agent, "review", is_due=True)[:50]),
    "article_usefulness_idx": lambda agent: list(_articles(agent, "useful")[:50]),
    "auditentry_subject_idx": lambda agent: knowledge_queries.list_changes(
        agent, Article.objects.latest("pk")
    ),
    "article_link_once": lambda agent: knowledge_queries.list_articles_of(agent, _ticket()),
    "ticket_search_idx": lambda agent: _by_words(agent, "ticket"),
    "article_search_idx": lambda agent: _by_words(agent, "article"),
    "ticket_subject_trgm_idx": lambda agent: _by_similar_title(agent, "ticket"),
    "article_title_trgm_idx": lambda agent: _by_similar_title(agent, "article"),
    "message_search_idx": _by_messages,
    "customer_search_text_trgm_idx": lambda agent: retrievers.find_by_customer_name(
        _corpus(agent, "customer"), NAME_QUERY
    ),
    "vocabulary_word_trgm_idx": lambda agent: _correct_spelling(),
    "ticket_vector_hnsw": lambda agent: triage_queries.list_similar_tickets(agent, _ticket()),
    "passage_vector_hnsw": lambda agent: matching.gather_evidence(agent, "", VECTOR, SPACE),
}


@pytest.mark.parametrize("sort", SORTS)
def test_pages_of_a_list_read_from_an_index_without_sorting(agent: User, sort: str) -> None:
    order = SORTS[sort]
    for status in [""] if order.only_open else ["", ANY_STATUS, Status.CLOSED]:
        rows = tickets_queries.list_tickets(agent, TicketFilter(status=status), order)
        position = order.parse(rows, order.cursor_of(rows[FAR_POSITION]))
        plans = explain_queries(lambda pages=(rows, order, position): _pages(*pages))
        assert "Seq Scan on tickets_ticket " not in plans
        assert not re.search(r"^\s*(->\s+)?Sort ", plans, re.MULTILINE), plans


@pytest.mark.parametrize(
    "list_tickets",
    [
        lambda agent: _list_tickets(agent, due="overdue", status=ANY_STATUS),
        lambda agent: _list_tickets(agent, due="soon", status=ANY_STATUS),
        lambda agent: _list_tickets(_colleague(), status=ANY_STATUS),
    ],
    ids=["overdue", "soon", "of an organisation"],
)
def test_selective_filters_use_an_index(agent: User, list_tickets: Callable) -> None:
    assert "Seq Scan on tickets_ticket " not in explain_queries(lambda: list_tickets(agent))


@pytest.mark.parametrize("index", QUERIES)
def test_index_serves_its_query(agent: User, index: str) -> None:
    assert index in explain_queries(lambda: QUERIES[index](agent))


COMMON, RARE, BOTH = "printer", "phonepb", "printer badge"


@pytest.mark.parametrize("text", [COMMON, RARE, BOTH, "printer OR badge", "printer -badge"])
@pytest.mark.parametrize("kind", ["ticket", "article"])
def test_words_use_the_full_text_index(agent: User, kind: str, text: str) -> None:
    """Also common words: no sequential scan."""

    def retrieve() -> None:
        tsquery = fulltext.build_tsqueries(
            query_parser.parse_query(text), fulltext.active_configs()
        ).all_words
        with retrievers.query_limits():
            retrievers.find_by_words(_corpus(agent, kind), tsquery)
            retrievers.find_by_messages(_corpus(agent, "ticket"), tsquery)

    plans = explain_queries(retrieve)
    assert "_search_idx" in plans
    assert not re.search(r"Seq Scan on (tickets_|knowledge_)", plans), plans


def test_common_words_match_the_newest_rows(agent: User) -> None:
    """100,000 rows match; only the newest windows are read."""
    corpus = _corpus(agent, "ticket")
    tsquery = fulltext.build_tsqueries(
        query_parser.parse_query("closed OR solved OR open"), fulltext.active_configs()
    ).all_words
    with retrievers.query_limits():
        matches = retrievers.find_by_messages(corpus, tsquery)
    last_id = Ticket.objects.order_by("-pk").first().pk
    assert len(matches) == retrievers.MAX_MATCHES
    assert min(pk for pk, _, _ in matches) > last_id - 9 * SEARCH_WINDOW_ROWS
