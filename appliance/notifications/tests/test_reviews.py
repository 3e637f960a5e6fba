"""Owners are notified when an article of theirs is due for review."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from appliance.accounts.models import Role
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.notifications import services
from appliance.notifications.badge import count_unread
from appliance.notifications.models import Kind, Notification, OutgoingEmail
from appliance.notifications.queries import list_notifications

YESTERDAY = timezone.localdate() - timedelta(days=1)


@pytest.fixture
def due(bob) -> Article:
    return write(bob, "Reset your password")


def write(owner, title: str, on: date = YESTERDAY, status: str = "published") -> Article:
    return knowledge_services.write_article(
        by=owner, title=title, content="…", status=status, review_on=on
    )


def test_only_the_owner_is_notified_in_the_app_and_by_email(due, bob, mei, client):
    assert services.notify_due_reviews() == 1
    (notification,) = list_notifications(bob)
    assert (notification.kind, notification.article) == (Kind.REVIEW, due)
    (email,) = OutgoingEmail.objects.all()
    assert (
        email.to == bob.email and due.title in email.body and date_format(YESTERDAY) in email.body
    )
    assert list(list_notifications(mei)) == []
    client.force_login(bob)
    assert due.title in client.get("/notifications/").content.decode()


def test_each_review_date_is_notified_once(due, bob):
    services.notify_due_reviews()
    Notification.objects.all().delete()
    assert services.notify_due_reviews() == 0
    Article.objects.filter(pk=due.pk).update(review_on=YESTERDAY - timedelta(days=3))
    assert services.notify_due_reviews() == 1


def test_several_articles_are_several_notifications_and_one_email(due, bob):
    write(bob, "Order a monitor")
    assert services.notify_due_reviews() == 2
    assert count_unread(bob) == 2
    assert "Order a monitor" in OutgoingEmail.objects.get().body


def test_articles_not_due_or_not_published_are_not_notified(bob):
    write(bob, "Later", on=timezone.localdate() + timedelta(days=1))
    write(bob, "Draft", status="draft")
    assert services.notify_due_reviews() == 0


def test_opening_the_article_marks_the_notification_as_read(due, bob, client):
    services.notify_due_reviews()
    client.force_login(bob)
    client.get(f"/articles/{due.pk}/")
    assert count_unread(bob) == 0


def test_owner_without_emails_gets_none(due, bob):
    services.set_preferences(
        user=bob,
        in_window={Kind.REVIEW: True},
        by_mail={Kind.REVIEW: "never"},
        is_quiet_when_away=True,
    )
    services.notify_due_reviews()
    assert count_unread(bob) == 1 and not OutgoingEmail.objects.exists()


def test_email_is_not_sent_to_a_former_agent(due, bob, smtp, mailoutbox):
    services.notify_due_reviews()
    services.send_due()
    assert due.title in mailoutbox[0].body and bob.first_name in mailoutbox[0].body
    Article.objects.filter(pk=due.pk).update(notified_review_on=None)
    services.notify_due_reviews()
    type(bob).objects.filter(pk=bob.pk).update(role=Role.CUSTOMER)
    services.send_due()
    assert len(mailoutbox) == 1
    assert OutgoingEmail.objects.filter(state="dropped").count() == 1
