"""Reads on articles, each scoped to the viewer."""

from django.db.models import QuerySet
from django.http import Http404

from appliance.accounts.models import User
from appliance.knowledge.models import Article


def access_article(viewer: User, article_id: int) -> Article:
    """The article, with its category. Raises Http404 if not the viewer's to read."""
    articles = Article.objects.visible_to(viewer).select_related("category", "author")
    article = articles.filter(pk=article_id).first()
    if article is None:
        raise Http404
    return article


def list_articles(viewer: User, *, category: str = "", status: str = "") -> QuerySet[Article]:
    """Latest change first, without the content."""
    articles = Article.objects.visible_to(viewer)
    if category:
        articles = articles.filter(category__slug=category)
    if status:
        articles = articles.filter(status=status)
    return articles.select_related("category").defer("content").order_by("-updated_at", "-id")
