"""Where an article goes next in its life: draft, in review, published, archived."""

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.knowledge.models import Article
from appliance.knowledge.services.articles import change
from appliance.knowledge.services.rights import lock, refuse_unless_writer

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
