"""Who may write articles, and the lock every verb on one begins with."""

from django.utils.translation import gettext as _

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core.errors import ForbiddenError
from appliance.knowledge.models import Article


def refuse_unless_writer(by: User | None) -> None:
    """``by=None`` is the box itself."""
    if by is not None and not has_right(by, Right.ARTICLES):
        raise ForbiddenError(_("Only agents with permission to write articles can do this."))


def lock(article: Article) -> Article:
    return Article.objects.select_for_update(of=["self"]).get(pk=article.pk)
