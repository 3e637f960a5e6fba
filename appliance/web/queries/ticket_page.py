"""What there is on a ticket, so that its page asks for nothing that is not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from pgvector.django import CosineDistance

from appliance.accounts.models import User
from appliance.core import cache
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket
from appliance.triage.models import Passage
from appliance.triage.vector_search import list_nearest

SQL = (Path(__file__).parents[1] / "sql" / "traces.sql").read_text()


@dataclass(frozen=True)
class Traces:
    """In the order of the columns of traces.sql."""

    last_event: int  # 0 before any; a page that knows it has seen everything
    events: int
    was_category_set_by_agent: bool  # by a person
    tags: Sequence[str]  # by name
    suggested: Sequence[int]  # articles, the dismissed ones too
    dismissed: Sequence[int]
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


MIN_COSINE = 0.4  # nearer than what merely shares a category
NEAREST = 40  # passages looked at to find a few articles


def list_related(viewer: User, article: Article, limit: int = 4) -> list[Article]:
    """Nearest in meaning to how the article begins, of those readers see; remembered a minute."""
    sees = "public" if viewer.is_anonymous else "customers"
    ids = cache.get_or_compute(
        "related_articles",
        [article.pk, sees, limit],
        lambda: _nearest(viewer, article)[:limit],
        depends_on=[cache.ARTICLES],
    )
    shown = Article.objects.visible_to(viewer).for_customers().defer("content", "search_vector")
    rows = shown.in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def _nearest(viewer: User, article: Article) -> list[int]:
    own = article.passages.first()
    if own is None:
        return []
    readable = Article.objects.visible_to(viewer).for_customers()
    near = (
        Passage.objects.filter(space=own.space, article__in=readable)
        .exclude(article=article)
        .annotate(distance=CosineDistance("vector", own.vector))
        .only("pk", "article")
        .order_by("distance")
    )
    rows = list_nearest(near, NEAREST, min_cosine=MIN_COSINE)
    return [*dict.fromkeys(row.article_id for row in rows)]
