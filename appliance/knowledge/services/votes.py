"""Votes of readers whether an article was helpful."""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import ForbiddenError
from appliance.knowledge.models import Article, ArticleVote
from appliance.knowledge.queries import session_digest
from appliance.knowledge.services.articles import lock_article


@transaction.atomic
def vote(
    *, article: Article, by: User | None, session: str = "", is_helpful: bool, comment: str = ""
) -> ArticleVote:
    """Save the vote of a user or of an anonymous session (``by=None``); it replaces an earlier one.

    It counts for the article and its translations together. Raises ForbiddenError for agents.
    """
    if by is not None and by.is_agent:
        raise ForbiddenError(_("Agents cannot vote; only readers' votes count."))
    locked = lock_article(article)
    new_vote = ArticleVote(
        article=locked, user=by, session_sha256="" if by else session_digest(session)
    )
    group = Article.objects.in_groups([locked.group_id]).values("pk")
    votes = ArticleVote.objects.filter(article__in=group)
    earlier_vote = votes.filter(user=by, session_sha256=new_vote.session_sha256).first()
    _update_counts(locked, earlier_vote.is_helpful if earlier_vote else None, is_helpful)
    saved_vote = earlier_vote or new_vote
    saved_vote.article = locked
    saved_vote.is_helpful, saved_vote.comment = is_helpful, comment
    saved_vote.save()
    return saved_vote


def _update_counts(locked: Article, was_helpful: bool | None, is_helpful: bool) -> None:
    """Update the counts in the rows of the group, so that no list has to count votes."""
    if was_helpful == is_helpful:
        return
    changes = {"helpful" if is_helpful else "unhelpful": 1}
    if was_helpful is not None:
        changes["helpful" if was_helpful else "unhelpful"] = -1
    counts = {name: F(name) + change for name, change in changes.items()}
    Article.objects.in_groups([locked.group_id]).update(**counts)
