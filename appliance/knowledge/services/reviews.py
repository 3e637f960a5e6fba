"""Articles whose owners are to be told that it is time to look through them."""

from django.db import transaction
from django.db.models import F, Q

from appliance.knowledge.models import Article
from appliance.knowledge.models.article import today

MAX_ARTICLES_PER_RUN = 500


@transaction.atomic
def claim_due_reviews() -> list[Article]:
    """Published, due, owned by somebody, and not told of this date yet; from now on they are.

    Two workers at the same moment get different ones. Without their text, with their owners.
    """
    not_told = Q(review_told_on=None) | ~Q(review_told_on=F("review_on"))
    due = Article.objects.published().filter(
        not_told, review_on__lte=today(), owner__is_active=True
    )
    rows = due.select_related("owner__notice_preference").defer("content", "search_vector")
    found = list(
        rows.order_by("review_on", "pk").select_for_update(of=["self"], skip_locked=True)[
            :MAX_ARTICLES_PER_RUN
        ]
    )
    Article.objects.filter(pk__in=[one.pk for one in found]).update(review_told_on=F("review_on"))
    return found
