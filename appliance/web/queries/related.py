"""Articles near an article, for whoever has read it and is not done."""

from pgvector.django import CosineDistance

from appliance.accounts.models import User
from appliance.core import cache
from appliance.knowledge.models import Article
from appliance.triage.models import Passage
from appliance.triage.vector_search import list_nearest

LEAST_COSINE = 0.4  # nearer than what merely shares a category
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
    found = shown.in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


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
    rows = list_nearest(near, NEAREST, least=LEAST_COSINE)
    return [*dict.fromkeys(row.article_id for row in rows)]
