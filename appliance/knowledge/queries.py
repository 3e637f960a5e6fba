"""The orders a list of articles can stand in, each as it lies in an index."""

from dataclasses import dataclass, field
from typing import TypeVar

from django.contrib.postgres.search import SearchQuery
from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Role, User
from appliance.core import cache
from appliance.core.fields import TEXT_SEARCH_CONFIG
from appliance.core.models import AuditEntry
from appliance.knowledge.models import (
    Article,
    ArticleFile,
    ArticleLink,
    ArticleVersion,
    ArticleVote,
    PendingImport,
)
from appliance.knowledge.models.article import today
from appliance.knowledge.services.votes import of_session
from appliance.tickets.models import Ticket, TicketCategory
from appliance.tickets.sorts import Sort


@dataclass(frozen=True, kw_only=True)
class ArticleSort(Sort):
    """``only`` leaves out what has no place in this order."""

    only: Q = field(default_factory=Q)


_VOTED = Q(helpful__gt=0) | Q(unhelpful__gt=0)
CHANGED = ArticleSort(keys=("updated_at", "pk"), name="changed", label=_("Recently updated"))
SORTS = {
    sort.name: sort
    for sort in (
        CHANGED,
        ArticleSort(keys=("usefulness", "pk"), name="useful", label=_("Most helpful"), only=_VOTED),
        ArticleSort(
            keys=("usefulness", "pk"),
            name="useless",
            label=_("Least helpful"),
            is_descending=False,
            only=_VOTED,
        ),
        ArticleSort(
            keys=("review_on", "pk"),
            name="review",
            label=_("Next review date"),
            is_descending=False,
            only=Q(status="published", review_on__isnull=False),
        ),
    )
}

ARTICLES_PER_SECTION = 6  # titles of a category on the first page of the portal
T = TypeVar("T")


@dataclass(frozen=True)
class CategorySection:
    """A category of the portal with its first articles; no category: what is in none."""

    category: TicketCategory | None
    articles: tuple[Article, ...]
    count: int


def access_article(viewer: User, article_id: int) -> Article:
    """The article, with its category. Raises Http404 if not the viewer's to read."""
    articles = Article.objects.visible_to(viewer).select_related("category", "author", "owner")
    return _access_or_404(articles.filter(pk=article_id).first())


def access_file(viewer: User, article_id: int, file_id: int) -> ArticleFile:
    """A file of an article the viewer may read."""
    readable = Article.objects.visible_to(viewer).filter(pk=article_id)
    files = ArticleFile.objects.filter(article__in=readable).select_related("file")
    return _access_or_404(files.filter(pk=file_id).first())


def access_version(viewer: User, article: Article, number: int) -> ArticleVersion:
    """For agents: what an article said once was perhaps never meant for its readers."""
    versions = article.versions.select_related("by") if viewer.is_agent else None
    return _access_or_404(versions and versions.filter(number=number).first())


def list_articles(
    viewer: User,
    *,
    category: str = "",
    status: str = "",
    audience: str = "",
    owner: int | None = None,
    is_due: bool = False,
    text: str = "",
    sort: ArticleSort = CHANGED,
) -> QuerySet[Article]:
    """Without the content, in the order of ``sort``. The archive is left out unless asked for."""
    articles = Article.objects.visible_to(viewer).filter(sort.only)
    articles = articles.filter(status=status) if status else articles.in_use()
    if category:
        articles = articles.filter(category__slug=category)
    if audience:
        articles = articles.filter(audience=audience)
    if owner:
        articles = articles.filter(owner=owner)
    if is_due:
        articles = articles.filter(_due())
    if text:
        words = SearchQuery(text, search_type="websearch", config=TEXT_SEARCH_CONFIG)
        articles = articles.filter(Q(search_vector=words) | Q(title__icontains=text))
    return sort.apply(articles.select_related("category", "owner").defer("content"))


def count_due(viewer: User) -> int:
    """How many articles should be looked through again; of agents alone."""
    return Article.objects.filter(_due()).count() if viewer.is_agent else 0


def list_category_sections(viewer: User) -> list[CategorySection]:
    """The portal: what readers see, category after category. Remembered a minute."""
    readable = Article.objects.visible_to(viewer).for_customers()
    sees = "public" if viewer.is_anonymous else "customers"
    return cache.get_or_compute(
        "help_shelves",
        [sees],
        lambda: _shelves(readable),
        depends_on=[cache.ARTICLES, cache.CATEGORIES, cache.SITE_SETTINGS],
    )


def _shelves(readable: QuerySet[Article]) -> list[CategorySection]:
    """A query a category: each reads the few titles it shows, however many there are."""
    counts = dict(readable.values_list("category").annotate(n=Count("pk")).order_by())
    named = TicketCategory.objects.in_bulk([pk for pk in counts if pk])
    titles = readable.only("title", "category").order_by("title", "pk")
    sections = [
        CategorySection(
            named.get(pk), tuple(titles.filter(category=pk)[:ARTICLES_PER_SECTION]), count
        )
        for pk, count in counts.items()
    ]
    return sorted(
        sections,
        key=lambda shelf_row: (shelf_row.category is None, str(shelf_row.category or "").lower()),
    )


def list_versions(viewer: User, article: Article) -> QuerySet[ArticleVersion]:
    """Newest first, without their texts; for agents."""
    versions = article.versions.select_related("by").defer("content")
    return versions if viewer.is_agent else versions.none()


def list_changes(viewer: User, article: Article, limit: int = 100) -> list[AuditEntry]:
    """What happened to it besides its text, newest first; for agents."""
    if not viewer.is_agent:
        return []
    return list(AuditEntry.objects.filter(kind="article", subject_id=str(article.pk))[:limit])


def list_tickets_of(viewer: User, article: Article, limit: int = 10) -> list[ArticleLink]:
    """Tickets the article belongs to, of those the viewer may see, the newest first; for agents."""
    if not viewer.is_agent:
        return []
    seen = article.links.filter(ticket__in=Ticket.objects.visible_to(viewer))
    return list(seen.select_related("ticket__customer", "by")[:limit])


def list_articles_of(viewer: User, ticket: Ticket) -> list[ArticleLink]:
    """Articles that belong to a ticket the viewer may see, of those the viewer may read."""
    readable = Article.objects.visible_to(viewer)
    links = ArticleLink.objects.filter(ticket=ticket, article__in=readable)
    return list(links.select_related("article", "by").defer("article__content"))


def list_comments(viewer: User, article: Article, limit: int = 20) -> list[ArticleVote]:
    """What readers wrote with their votes; for agents."""
    rows = article.votes_cast.exclude(comment="").select_related("user")
    return list(rows[:limit]) if viewer.is_agent else []


def find_vote(viewer: User, article: Article, session: str) -> ArticleVote | None:
    """What this reader said before."""
    if viewer.is_authenticated:
        return article.votes_cast.filter(user=viewer).first()
    return (
        article.votes_cast.filter(session_sha256=of_session(session)).first() if session else None
    )


def list_owners() -> QuerySet[User]:
    """Who can keep an article true."""
    return User.objects.filter(is_active=True, role__in=[Role.AGENT, Role.ADMIN]).order_by(
        "first_name", "last_name", "pk"
    )


def _due() -> Q:
    return Q(status=Article.Status.PUBLISHED, review_on__lte=today())


def _access_or_404(row: T | None) -> T:
    if row is None:
        raise Http404
    return row


def access_pending_import(viewer: User, pending_id: int) -> PendingImport:
    """What the viewer looked at, and nobody else."""
    return _access_or_404(
        PendingImport.objects.filter(by=viewer, pk=pending_id).select_related("file").first()
    )
