"""Articles whose owners are to be told that it is time to look through them."""

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.knowledge.models import Article
from appliance.knowledge.models.article import today
from appliance.knowledge.services.articles import change
from appliance.knowledge.services.files import lock, refuse_unless_writer

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
    items = list(
        rows.order_by("review_on", "pk").select_for_update(of=["self"], skip_locked=True)[
            :MAX_ARTICLES_PER_RUN
        ]
    )
    Article.objects.filter(pk__in=[row.pk for row in items]).update(review_told_on=F("review_on"))
    return items


Status = Article.Status


def submit_for_review(*, article: Article, by: User) -> None:
    """Somebody else should read the draft before it is published."""
    _move(article, by, Status.REVIEW, {Status.DRAFT})


def publish_article(*, article: Article, by: User) -> None:
    """From now on its audience reads it."""
    _move(article, by, Status.PUBLISHED, {Status.DRAFT, Status.REVIEW})


def archive_article(*, article: Article, by: User) -> None:
    """Agents alone can still open it; nothing offers it any more."""
    _move(article, by, Status.ARCHIVED, {Status.DRAFT, Status.REVIEW, Status.PUBLISHED})


def reopen_article(*, article: Article, by: User) -> None:
    """Back to a draft, from wherever it was."""
    _move(article, by, Status.DRAFT, {Status.REVIEW, Status.PUBLISHED, Status.ARCHIVED})


@transaction.atomic
def _move(article: Article, by: User, to: Status, start: set[Status]) -> None:
    """Asked for twice it happens once. Raises BadInputError when the way there is closed."""
    refuse_unless_writer(by)
    locked = lock(article)
    if locked.status == to:
        return
    if locked.status not in start:
        raise BadInputError(
            _("The status of “%(title)s” is now %(state)s. Reload the page and try again.")
            % {"title": locked, "state": locked.get_status_display()}
        )
    change(locked, by, status=to)
    article.status = to
