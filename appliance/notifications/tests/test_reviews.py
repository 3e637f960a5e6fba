"""Owners hear when an article of theirs is due for review."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from appliance.accounts.models import Role
from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.notifications import services
from appliance.notifications.models import Kind, Notification, OutgoingEmail
from appliance.notifications.queries import count_unread, list_notifications

YESTERDAY = timezone.localdate() - timedelta(days=1)


@pytest.fixture
def due(bob) -> Article:
    return write(bob, "Reset your password")


def write(owner, title: str, on: date = YESTERDAY, status: str = "published") -> Article:
    return knowledge_services.write_article(
        by=owner, title=title, content="…", status=status, review_on=on
    )


def test_the_owner_is_told_in_the_window_and_by_mail_and_nobody_else(due, bob, mei, client):
    assert services.notify_due_reviews() == 1
    (notice,) = list_notifications(bob)
    assert (notice.kind, notice.article) == (Kind.REVIEW, due)
    (email,) = OutgoingEmail.objects.all()
    assert email.to == bob.email and due.title in email.body and str(YESTERDAY) in email.body
    assert list(list_notifications(mei)) == []
    client.force_login(bob)
    assert due.title in client.get("/notifications/").content.decode()


def test_each_date_is_told_once(due, bob):
    services.notify_due_reviews()
    Notification.objects.all().delete()
    assert services.notify_due_reviews() == 0
    Article.objects.filter(pk=due.pk).update(review_on=YESTERDAY - timedelta(days=3))
    assert services.notify_due_reviews() == 1


def test_several_articles_are_several_notices_and_one_letter(due, bob):
    write(bob, "Order a monitor")
    assert services.notify_due_reviews() == 2
    assert count_unread(bob) == 2
    assert "Order a monitor" in OutgoingEmail.objects.get().body


def test_what_is_not_due_or_not_published_is_not_told(bob):
    write(bob, "Later", on=timezone.localdate() + timedelta(days=1))
    write(bob, "Draft", status="draft")
    assert services.notify_due_reviews() == 0


def test_who_opens_the_article_knows(due, bob, client):
    services.notify_due_reviews()
    client.force_login(bob)
    client.get(f"/articles/{due.pk}/")
    assert count_unread(bob) == 0


def test_who_wants_no_mail_gets_none(due, bob):
    services.set_preferences(
        user=bob,
        in_window={Kind.REVIEW: True},
        by_mail={Kind.REVIEW: "never"},
        is_quiet_when_away=True,
    )
    services.notify_due_reviews()
    assert count_unread(bob) == 1 and not OutgoingEmail.objects.exists()


def test_the_letter_is_sent_with_its_frame_and_not_to_who_left_the_desk(due, bob, smtp, mailoutbox):
    services.notify_due_reviews()
    services.send_due()
    assert due.title in mailoutbox[0].body and bob.first_name in mailoutbox[0].body
    Article.objects.filter(pk=due.pk).update(notified_review_on=None)
    services.notify_due_reviews()
    type(bob).objects.filter(pk=bob.pk).update(role=Role.CUSTOMER)
    services.send_due()
    assert len(mailoutbox) == 1
    assert OutgoingEmail.objects.filter(state="dropped").count() == 1
