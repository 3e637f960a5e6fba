"""Read the gaps in the knowledge base and the articles that perform poorly as suggestions."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import User
from appliance.knowledge.models import Article
from appliance.tickets.models import Ticket
from appliance.triage.models import Gap, GapTicket, Suggestion

MAX_SHOWN = 50
EXAMPLES = 3
DAYS = 90
MIN_DISMISSED, MIN_SHOWN = 2, 10  # before an article counts as low-performing
State = Suggestion.State


@dataclass(frozen=True)
class LowPerformingArticle:
    """An article that agents dismiss or never insert, with its numbers of the last DAYS."""

    article: Article
    shown: int  # number of tickets
    inserted: int
    dismissed: int


def list_gaps(viewer: User, *, dismissed: bool = False) -> QuerySet[Gap]:
    """Return gaps, the largest first, each with a few tickets in ``examples``. Three queries."""
    gaps = Gap.objects.visible_to(viewer)
    gaps = gaps.filter(dismissed_at__isnull=False) if dismissed else gaps.open()
    visible = Ticket.objects.visible_to(viewer)
    members = GapTicket.objects.filter(rank__lt=EXAMPLES, ticket__in=visible)
    members = members.select_related("ticket").defer("ticket__description", "ticket__search_vector")
    examples = Prefetch("members", members, to_attr="examples")
    return gaps.select_related("article", "translation_of").prefetch_related(examples)[:MAX_SHOWN]


def access_gap(viewer: User, gap_id: int) -> Gap:
    """Return a gap; raises Http404 when the viewer may not see it, or it is closed."""
    gap = Gap.objects.visible_to(viewer).filter(pk=gap_id).first()
    if gap is None:
        raise Http404
    return gap


def list_low_performing(viewer: User) -> list[LowPerformingArticle]:
    """Return articles dismissed more often than inserted, or shown often and never inserted.

    On the tickets the viewer may see, the least helpful articles first. Two queries.
    """
    since = timezone.now() - timedelta(days=DAYS)
    suggestions = Suggestion.objects.filter(shown_at__gte=since)
    if hidden := accounts_queries.hidden_team_ids(viewer):
        suggestions = suggestions.exclude(ticket__team__in=hidden)
    counts = (
        suggestions.order_by()
        .values("article")
        .annotate(
            shown=Count("pk"),
            inserted=Count("pk", filter=Q(state=State.INSERTED)),
            dismissed=Count("pk", filter=Q(state=State.DISMISSED)),
        )
    )
    is_dismissed = Q(dismissed__gte=MIN_DISMISSED, dismissed__gt=F("inserted"))
    is_never_inserted = Q(shown__gte=MIN_SHOWN, inserted=0)
    counts = counts.filter(is_dismissed | is_never_inserted).order_by("-dismissed", "-shown")
    by_article = {row["article"]: row for row in counts[:MAX_SHOWN]}
    articles = Article.objects.visible_to(viewer).published().filter(pk__in=by_article)
    articles = articles.defer("content", "search_vector").select_related("category", "owner")
    low_performing = [
        LowPerformingArticle(
            article=article,
            shown=by_article[article.pk]["shown"],
            inserted=by_article[article.pk]["inserted"],
            dismissed=by_article[article.pk]["dismissed"],
        )
        for article in articles
    ]
    return sorted(
        low_performing, key=lambda row: (row.article.usefulness, -row.dismissed, -row.shown)
    )
