"""What an author can work from: gaps, and articles that do not fit where they are offered."""

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
MIN_REFUSED, MIN_OFFERED = 2, 10  # before an article is called into question
State = Suggestion.State


@dataclass(frozen=True)
class LowPerformingArticle:
    """An article agents do not want where it is offered, or readers do not find helpful."""

    article: Article
    offered: int  # on so many tickets in the last DAYS
    accepted: int
    refused: int


def list_gaps(viewer: User, *, dismissed: bool = False) -> QuerySet[Gap]:
    """The largest first, with a few tickets each in ``examples``; three queries."""
    gaps = Gap.objects.visible_to(viewer)
    gaps = gaps.filter(dismissed_at__isnull=False) if dismissed else gaps.open()
    seen = Ticket.objects.visible_to(viewer)
    members = GapTicket.objects.filter(rank__lt=EXAMPLES, ticket__in=seen)
    members = members.select_related("ticket").defer("ticket__description", "ticket__search_vector")
    examples = Prefetch("members", members, to_attr="examples")
    return gaps.select_related("article").prefetch_related(examples)[:MAX_SHOWN]


def access_gap(viewer: User, gap_id: int) -> Gap:
    """Raises Http404 when it is not the viewer's to see, or the worker found it filled."""
    gap = Gap.objects.visible_to(viewer).filter(pk=gap_id).first()
    if gap is None:
        raise Http404
    return gap


def list_low_performing(viewer: User) -> list[LowPerformingArticle]:
    """Refused more often than accepted, or offered often and never accepted, on the tickets the
    viewer sees; those that readers vote against first. Two queries.
    """
    since = timezone.now() - timedelta(days=DAYS)
    rows = Suggestion.objects.filter(offered_at__gte=since)
    if hidden := accounts_queries.hidden_team_ids(viewer):
        rows = rows.exclude(ticket__team__in=hidden)
    counted = (
        rows.order_by()
        .values("article")
        .annotate(
            offered=Count("pk"),
            accepted=Count("pk", filter=Q(state=State.ACCEPTED)),
            refused=Count("pk", filter=Q(state=State.REFUSED)),
        )
    )
    refused = Q(refused__gte=MIN_REFUSED, refused__gt=F("accepted"))
    in_vain = Q(offered__gte=MIN_OFFERED, accepted=0)
    counted = counted.filter(refused | in_vain).order_by("-refused", "-offered")[:MAX_SHOWN]
    by_article = {row["article"]: row for row in counted}
    articles = Article.objects.visible_to(viewer).published().filter(pk__in=by_article)
    items = [
        LowPerformingArticle(
            item, *(by_article[item.pk][name] for name in ("offered", "accepted", "refused"))
        )
        for item in articles.defer("content", "search_vector").select_related("category", "owner")
    ]
    return sorted(items, key=lambda item: (item.article.usefulness, -item.refused, -item.offered))
