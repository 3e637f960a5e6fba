"""Notifications to the owners of articles that are due for review: once for each review date."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone, translation

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.notifications import badge, texts
from appliance.notifications.models import EmailFrequency, Kind, Notification, OutgoingEmail
from appliance.notifications.recipients import channels_for
from appliance.notifications.services.outbox import build_email


@transaction.atomic
def notify_due_reviews() -> int:
    """Notify owners of each article that became due, by one e-mail for all of theirs.

    Returns the number of articles.
    """
    due: dict[User, list[Article]] = defaultdict(list)
    for article in knowledge_services.claim_due_reviews():
        if article.owner and article.owner.is_agent:
            due[article.owner].append(article)
    for owner, articles in due.items():
        channels = channels_for(owner, Kind.REVIEW)
        if channels.in_window:
            _create_notifications(owner, articles)
        if channels.by_mail != EmailFrequency.NEVER:
            _queue_review_email(owner, articles)
    return sum(map(len, due.values()))


def _create_notifications(owner: User, articles: Sequence[Article]) -> None:
    """Create a notification of each article; an unread one of an earlier date says the same."""
    Notification.objects.bulk_create(
        (Notification(user=owner, article=article, kind=Kind.REVIEW) for article in articles),
        ignore_conflicts=True,
    )
    badge.invalidate([owner.pk])


def _queue_review_email(owner: User, articles: Sequence[Article]) -> None:
    with translation.override(owner.language or core_queries.site_settings().language):
        email = build_email(
            key=f"review:{owner.pk}:{timezone.now().isoformat()}",
            to=owner.email,
            user=owner,
            ticket=None,
            kind=Kind.REVIEW,
            subject=texts.review_subject(articles),
            body=texts.review_body(articles),
        )
    OutgoingEmail.objects.bulk_create([email])
