"""Who keeps an article true hears that its review is due: once for each date."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone, translation

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.notifications import texts
from appliance.notifications.models import Kind, Mail, Notification, OutgoingEmail
from appliance.notifications.recipients import wish
from appliance.notifications.services.outbox import build_email
from appliance.notifications.texts import changed_for


@transaction.atomic
def notify_due_reviews() -> int:
    """A notice for each article that became due, and one letter a person for all of theirs. How
    many articles.
    """
    due: dict[User, list[Article]] = defaultdict(list)
    for article in knowledge_services.claim_due_reviews():
        if article.owner.is_agent:
            due[article.owner].append(article)
    for owner, articles in due.items():
        how = wish(owner, Kind.REVIEW, getattr(owner, "notice_preference", None))
        if how.in_window:
            _write_notices(owner, articles)
        if how.by_mail != Mail.NEVER:
            _write_letter(owner, articles)
    return sum(map(len, due.values()))


def _write_notices(owner: User, articles: Sequence[Article]) -> None:
    """What they have not read since the date before says the same."""
    Notification.objects.bulk_create(
        (Notification(user=owner, article=article, kind=Kind.REVIEW) for article in articles),
        ignore_conflicts=True,
    )
    changed_for([owner.pk])


def _write_letter(owner: User, articles: Sequence[Article]) -> None:
    with translation.override(owner.language or core_queries.site_settings().language):
        email = build_email(
            key=f"review:{owner.pk}:{timezone.now().isoformat()}",
            to=owner.email,
            user=owner,
            ticket=None,
            kind=Kind.REVIEW,
            subject=texts.reviews_subject(articles),
            body=texts.describe_reviews(articles),
        )
    OutgoingEmail.objects.bulk_create([email])
