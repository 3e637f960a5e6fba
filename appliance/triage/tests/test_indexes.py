"""Every named index of the room is used by the query it is for, on 40,000 rows."""

from types import SimpleNamespace

import pytest
from django.db import connection

from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket
from appliance.tickets.services import load_default_categories
from appliance.triage import classifier, gaps, suggestions
from appliance.triage.models import Suggestion
from tests.database import acting_as_owner
from tests.query_plans import explain_queries

TICKETS, ARTICLES = 8_000, 400
SUGGESTIONS_SQL = """
INSERT INTO triage_suggestion (ticket_id, article_id, rank, score, why, bundle_digest, state,
    shown_at)
SELECT t.id, a.ids[1 + (t.n * 7 + r * 13) %% cardinality(a.ids)], r, 0.5, '{}', '',
       CASE WHEN t.n %% 50 = 0 THEN 'dismissed' WHEN t.n %% 9 = 0 THEN 'inserted' ELSE 'shown' END,
       now() - t.n * interval '2 hours'
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM tickets_ticket) AS t,
     generate_series(1, 5) AS r, (SELECT array_agg(id ORDER BY id) AS ids FROM knowledge_article)
     AS a
"""
CORRECTIONS_SQL = """
INSERT INTO triage_correction
    (ticket_id, predicted, withheld_label, category_id, bundle_digest, created_at)
SELECT id, '', CASE WHEN id %% 40 = 0 THEN 'access' ELSE '' END,
       (SELECT min(id) FROM tickets_ticketcategory), 'd' || id %% 19, now()
FROM tickets_ticket
"""


@pytest.fixture
def many_rows(ticket):
    load_default_categories()
    Ticket.objects.bulk_create(
        Ticket(customer=ticket.customer, subject="s", description="d") for _ in range(TICKETS)
    )
    Article.objects.bulk_create(
        Article(title=f"Article {n}", content="text", status="published") for n in range(ARTICLES)
    )
    with connection.cursor() as cursor:
        cursor.execute(SUGGESTIONS_SQL, [])
        cursor.execute(CORRECTIONS_SQL, [])
        for table in ("triage_suggestion", "triage_correction", "tickets_ticket"):
            cursor.execute(f"ANALYZE {table}")


def delete_as_owner(article: Article) -> None:
    """Delete an article with its versions, which the application may not."""
    with acting_as_owner():
        article.delete()


def test_each_index_is_used_by_its_query(many_rows, ticket, bob):
    bundle = SimpleNamespace(digest="d3")
    article = Article.objects.order_by("pk")[3]
    queries = {
        "suggestion_once_per_ticket": lambda: suggestions.list_dismissed(bob, ticket),
        "suggestion_shown_idx": lambda: gaps.list_low_performing(bob),
        "suggestion_article_idx": lambda: delete_as_owner(article),
        "correction_withheld_idx": lambda: classifier.is_cold_start(bundle),
    }
    assert Suggestion.objects.count() == 5 * Ticket.objects.count()
    kinds = ("SELECT", "DELETE", "UPDATE")
    missing = [name for name, call in queries.items() if name not in explain_queries(call, kinds)]
    assert missing == []
