"""Read articles, as far as the viewer may see them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypedDict, TypeVar, Unpack

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import Role, User, Viewer
from appliance.core import cache
from appliance.core.dates import site_date
from appliance.core.fields import LANGUAGE_CONFIGS, AnyLanguageQuery
from appliance.core.models import AuditEntry
from appliance.core.reader_language import get_reader_language
from appliance.knowledge.models import (
    Article,
    ArticleFile,
    ArticleLink,
    ArticleQuerySet,
    ArticleVersion,
    ArticleVote,
    PendingImport,
)
from appliance.tickets.models import Ticket, TicketCategory
from appliance.tickets.sorts import Sort


@dataclass(frozen=True, kw_only=True)
class ArticleSort(Sort):
    """A sort order of articles, each served by an index."""

    condition: Q = field(default_factory=Q)  # leaves out articles without a place in this order


_HAS_VOTES = Q(helpful__gt=0) | Q(unhelpful__gt=0)
CHANGED = ArticleSort(keys=("updated_at", "pk"), name="changed", label=_("Recently updated"))
SORTS = {
    sort.name: sort
    for sort in (
        CHANGED,
        ArticleSort(
            keys=("usefulness", "pk"), name="useful", label=_("Most helpful"), condition=_HAS_VOTES
        ),
        ArticleSort(
            keys=("usefulness", "pk"),
            name="useless",
            label=_("Least helpful"),
            is_descending=False,
            condition=_HAS_VOTES,
        ),
        ArticleSort(
            keys=("review_on", "pk"),
            name="review",
            label=_("Next review date"),
            is_descending=False,
            condition=Q(status="published", review_on__isnull=False),
        ),
    )
}

ARTICLES_PER_SECTION = 6  # titles of a category on the first page of the help centre
T = TypeVar("T")


class ArticleFilters(TypedDict, total=False):
    """Filters of a list of articles; an empty value does not filter."""

    text: str
    category: str  # a slug
    language: str  # ISO 639-1 code
    status: str  # empty: all except archived
    audience: str
    owner: int | None
    is_due: bool  # only those due for review


@dataclass(frozen=True)
class CategorySection:
    """A category of the help centre with its first articles; None: uncategorised articles."""

    category: TicketCategory | None
    articles: tuple[Article, ...]
    count: int


def access_article(viewer: Viewer, article_id: int) -> Article:
    """Return the article with its category. Raises Http404 unless the viewer may read it."""
    articles = Article.objects.visible_to(viewer).select_related(
        "category", "author", "owner", "original"
    )
    return _access_or_404(articles.filter(pk=article_id).first())


def access_file(viewer: Viewer, article_id: int, file_id: int) -> ArticleFile:
    """Return a file of an article. Raises Http404 unless the viewer may read the article."""
    readable = Article.objects.visible_to(viewer).filter(pk=article_id)
    files = ArticleFile.objects.filter(article__in=readable).select_related("file")
    return _access_or_404(files.filter(pk=file_id).first())


def access_version(viewer: User, article: Article, number: int) -> ArticleVersion:
    """Return a version. Raises Http404 for readers: an old text may be internal."""
    versions = list_versions(viewer, article).defer(None)
    return _access_or_404(versions.filter(number=number).first())


def list_articles(
    viewer: Viewer,
    *,
    sort: ArticleSort = CHANGED,
    for_customers: bool = False,
    with_translations: bool = False,
    **filters: Unpack[ArticleFilters],
) -> QuerySet[Article]:
    """Return articles without their content; ``for_customers`` only those customers may read.

    Of an article and its translations, the one in the reader's language; ``with_translations`` all.
    """
    articles = Article.objects.visible_to(viewer).filter(sort.condition)
    if for_customers:
        articles = articles.for_customers()
    status = filters.get("status")
    articles = articles.filter(status=status) if status else articles.in_use()
    if category := filters.get("category"):
        articles = articles.filter(category__slug=category)
    if audience := filters.get("audience"):
        articles = articles.filter(audience=audience)
    if owner := filters.get("owner"):
        articles = articles.filter(owner=owner)
    if filters.get("is_due"):
        articles = articles.filter(_due())
    if text := filters.get("text"):
        words = AnyLanguageQuery(text, list_languages())
        articles = articles.filter(Q(search_vector=words) | Q(title__icontains=text))
    if language := filters.get("language"):
        articles = articles.filter(language=language)
    if not with_translations:
        articles = choose_for_reader(articles)
    articles = articles.select_related("category", "owner", "original")
    return sort.apply(articles.defer("content", "original__content", "original__search_vector"))


def list_languages() -> list[str]:
    """Return the known languages of all articles, sorted. Cached for a minute."""
    return _facts()[0]


def has_translations() -> bool:
    """Return whether any article is a translation. Cached for a minute."""
    return _facts()[1]


def _facts() -> tuple[list[str], bool]:
    """Return the languages of all articles, and whether there are translations."""
    languages = Article.objects.exclude(language="").order_by("language")
    return cache.get_or_compute(
        "article_facts",
        [],
        lambda: (
            list(languages.values_list("language", flat=True).distinct()),
            Article.objects.filter(original__isnull=False).exists(),
        ),
        depends_on=[cache.ARTICLES],
    )


def choose_for_reader(articles: ArticleQuerySet) -> ArticleQuerySet:
    """Keep one article of each group of translations: that in the reader's language wins."""
    return articles.for_reader(get_reader_language()) if has_translations() else articles


def map_to_groups(article_ids: Collection[int]) -> dict[int, int]:
    """Return article id → group, for those of the articles that have translations."""
    if not article_ids or not has_translations():
        return {}
    is_in_group = Q(original__isnull=False) | Q(translations__isnull=False)
    articles = Article.objects.filter(is_in_group, pk__in=article_ids)
    return {pk: original_id or pk for pk, original_id in articles.values_list("pk", "original_id")}


def find_preferred(articles: QuerySet[Article], groups: Collection[int]) -> dict[int, int]:
    """Return group → the id of the article that its reader gets, among ``articles``."""
    if not groups or not has_translations():
        return {}
    members = Article.objects.filter(pk__in=articles.order_by().values("pk")).in_groups(groups)
    chosen = members.for_reader(get_reader_language()).values_list("pk", "original_id")
    return {original_id or pk: pk for pk, original_id in chosen}


def list_translations(viewer: Viewer, article: Article) -> list[Article]:
    """Return the other articles of its group that the viewer may read, the original first."""
    if not has_translations():
        return []
    members = Article.objects.visible_to(viewer).in_use().in_groups([article.group_id])
    members = members.exclude(pk=article.pk)
    return list(members.defer("content", "search_vector").order_by("original", "language"))


def list_missing_languages(article: Article) -> list[str]:
    """Return the languages in which no article of its group is written."""
    group = Article.objects.in_groups([article.group_id])
    existing = set(group.values_list("language", flat=True))
    return [language for language in LANGUAGE_CONFIGS if language not in existing]


def count_due(viewer: User) -> int:
    """Count the articles due for review; 0 for readers."""
    return Article.objects.filter(_due()).count() if viewer.is_agent else 0


def list_category_sections(viewer: Viewer) -> list[CategorySection]:
    """Return the help centre: the articles for customers by category. Cached for a minute."""
    readable = choose_for_reader(Article.objects.visible_to(viewer).for_customers())
    audience = "public" if viewer.is_anonymous else "customers"
    rows = cache.get_or_compute(
        "help_centre",
        [audience, get_reader_language()],
        lambda: [_row_of(section) for section in _load_category_sections(readable)],
        depends_on=[cache.ARTICLES, cache.CATEGORIES, cache.SITE_SETTINGS],
    )
    return [
        CategorySection(
            TicketCategory(**category) if category else None,
            tuple(Article(pk=pk, title=title) for pk, title in articles),
            count,
        )
        for category, articles, count in rows
    ]


def _row_of(section: CategorySection) -> tuple[dict[str, object] | None, list[tuple], int]:
    """Return what a page shows of a section, as values that can be cached."""
    category = section.category
    values = {"pk": category.pk, "slug": category.slug, "name": category.name} if category else None
    return values, [(article.pk, article.title) for article in section.articles], section.count


def _load_category_sections(readable: ArticleQuerySet) -> list[CategorySection]:
    """Load the sections with one query for each category, which reads only the titles shown."""
    counts = dict(readable.values_list("category").annotate(n=Count("pk")).order_by())
    categories = TicketCategory.objects.in_bulk([pk for pk in counts if pk])
    titles = readable.only("title", "category").order_by("title", "pk")
    sections = [
        CategorySection(
            categories.get(pk), tuple(titles.filter(category=pk)[:ARTICLES_PER_SECTION]), count
        )
        for pk, count in counts.items()
    ]
    return sorted(
        sections,
        key=lambda section: (section.category is None, str(section.category or "").lower()),
    )


def list_versions(viewer: User, article: Article) -> QuerySet[ArticleVersion]:
    """Return the versions, newest first, without their content; none for readers."""
    versions = article.versions.select_related("by").defer("content")
    return versions if viewer.is_agent else versions.none()


def list_changes(viewer: User, article: Article, limit: int = 100) -> list[AuditEntry]:
    """Return the changes of its properties, newest first; none for readers."""
    if not viewer.is_agent:
        return []
    return list(AuditEntry.objects.filter(kind="article", subject_id=str(article.pk))[:limit])


def list_tickets_of(viewer: User, article: Article, limit: int = 10) -> list[ArticleLink]:
    """Return the links to tickets the viewer may see, newest first; none for readers."""
    if not viewer.is_agent:
        return []
    links = article.links.filter(ticket__in=Ticket.objects.visible_to(viewer))
    return list(links.select_related("ticket__customer", "by")[:limit])


def list_articles_of(viewer: User, ticket: Ticket) -> list[ArticleLink]:
    """Return the links of a ticket to articles the viewer may read."""
    readable = Article.objects.visible_to(viewer)
    links = ArticleLink.objects.filter(ticket=ticket, article__in=readable)
    return list(links.select_related("article", "by").defer("article__content"))


def list_comments(viewer: User, article: Article, limit: int = 20) -> list[ArticleVote]:
    """Return the votes with comments, newest first; none for readers."""
    votes = article.votes_cast.exclude(comment="").select_related("user")
    return list(votes[:limit]) if viewer.is_agent else []


def find_vote(viewer: Viewer, article: Article, session: str) -> ArticleVote | None:
    """Return the vote of a user, or of the session of an anonymous visitor, in its group."""
    group = Article.objects.in_groups([article.group_id]).values("pk")
    votes = ArticleVote.objects.filter(article__in=group)
    if viewer.is_authenticated:
        return votes.filter(user=viewer).first()
    if not session:
        return None
    return votes.filter(session_sha256=session_digest(session)).first()


def session_digest(session: str) -> str:
    """Return what a vote stores of a session: it recognises the session, but cannot open it."""
    return salted_hmac("knowledge.vote", session, algorithm="sha256").hexdigest()


def list_owners() -> QuerySet[User]:
    """Return the users who can own an article: active agents and admins."""
    return User.objects.filter(is_active=True, role__in=[Role.AGENT, Role.ADMIN]).order_by(
        "first_name", "last_name", "pk"
    )


def access_pending_import(viewer: User, pending_id: int) -> PendingImport:
    """Return an import the viewer has previewed. Raises Http404 for those of others."""
    pending = PendingImport.objects.filter(by=viewer, pk=pending_id).select_related("file")
    return _access_or_404(pending.first())


def _due() -> Q:
    return Q(status=Article.Status.PUBLISHED, review_on__lte=site_date())


def _access_or_404(instance: T | None) -> T:
    if instance is None:
        raise Http404
    return instance
