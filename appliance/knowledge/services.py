"""Verbs on articles."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, User
from appliance.accounts.queries import has_right
from appliance.core import cache
from appliance.core.errors import BadInputError, RefusedError
from appliance.knowledge.models import Article
from appliance.tickets.models import TicketCategory


def write_article(
    *,
    by: User | None,
    title: str,
    content: str,
    category: TicketCategory | None = None,
    status: Article.Status = Article.Status.DRAFT,
) -> Article:
    _refuse_unless_writer(by)
    article = Article.objects.create(
        title=title, content=content, category=category, status=status, author=by
    )
    cache.changed(cache.ARTICLES)
    return article


@transaction.atomic
def edit_article(
    *,
    article: Article,
    by: User,
    title: str,
    content: str,
    category: TicketCategory | None,
    status: Article.Status,
    seen_at: object,
) -> None:
    """Replace the text. ``seen_at`` is the ``updated_at`` the editor started from.

    Raises BadInputError when somebody else saved in between, so that neither text is lost.
    """
    _refuse_unless_writer(by)
    locked = Article.objects.select_for_update().get(pk=article.pk)
    if locked.updated_at != seen_at:
        raise BadInputError(
            _(
                "Somebody else saved this article while you were writing. Open it in another tab, "
                "bring the two together here, and save again."
            ),
            field="content",
        )
    locked.title, locked.content = title, content
    locked.category, locked.status = category, status
    locked.updated_at = timezone.now()
    locked.save(update_fields=["title", "content", "category", "status", "updated_at"])
    cache.changed(cache.ARTICLES)


def _refuse_unless_writer(by: User | None) -> None:
    if by is not None and not has_right(by, Right.ARTICLES):
        raise RefusedError(_("Only agents who may write articles do."))
