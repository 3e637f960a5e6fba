"""Whether an article helped, said once by each reader."""

from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import ForbiddenError
from appliance.knowledge.models import Article, ArticleVote
from appliance.knowledge.services.files import lock


@transaction.atomic
def vote(
    *, article: Article, by: User | None, session: str = "", is_helpful: bool, comment: str = ""
) -> ArticleVote:
    """A customer's, or of the stranger (``by=None``) with this session; said again, it replaces
    what they said before. Agents write articles and do not vote.
    """
    if by is not None and by.is_agent:
        raise ForbiddenError(_("Agents cannot vote; only readers' votes count."))
    locked = lock(article)
    reader = {"user": by} if by else {"user": None, "session_sha256": of_session(session)}
    row = locked.votes_cast.filter(**reader).first()
    _count(locked, row.is_helpful if row else None, is_helpful)
    row = row or ArticleVote(article=locked, **reader)
    row.is_helpful, row.comment = is_helpful, comment
    row.save()
    return row


def of_session(session: str) -> str:
    """What is kept of a stranger: enough to know them again, not to become them."""
    return salted_hmac("knowledge.vote", session, algorithm="sha256").hexdigest()


def _count(locked: Article, before: bool | None, after: bool) -> None:
    """Counted in the row of the article, so that no list has to count votes."""
    if before == after:
        return
    more = {"helpful" if after else "unhelpful": 1}
    if before is not None:
        more["helpful" if before else "unhelpful"] = -1
    Article.objects.filter(pk=locked.pk).update(**{name: F(name) + n for name, n in more.items()})
