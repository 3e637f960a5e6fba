"""Each named index of the room serves a query of the room, on 20,000 rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from appliance.core.pagination import paginate
from appliance.notifications.models import Notification, OutgoingEmail
from appliance.notifications.queries import (
    EMAIL_ORDERING,
    NOTIFICATION_ORDERING,
    EmailFilter,
    list_emails,
    list_notifications,
)
from appliance.notifications.recipients import Kind
from appliance.notifications.services import delivery, emails
from tests.query_plans import explain_queries

ROWS = 20_000
INSERT_NOTIFICATIONS = """
INSERT INTO notifications_notification
    (user_id, ticket_id, kind, actor_name, count, since, at, read_at)
SELECT (SELECT array_agg(id) FROM accounts_user)[1 + n %% 40], %s, 'answered', 'A', 1,
       now() - n * interval '3 minutes', now() - n * interval '3 minutes', now()
FROM generate_series(1, %s) AS n
"""
INSERT_EMAILS = """
INSERT INTO notifications_outgoingemail (key, state, "to", user_id, kind, subject, body, message_id,
    thread, is_for_digest, is_digest, created_at, not_before, attempts, reason)
SELECT 'k' || n, CASE WHEN n %% 500 = 0 THEN 'waiting' WHEN n %% 300 = 0 THEN 'failed'
       ELSE 'sent' END, 'a@example.org',
       (SELECT array_agg(id) FROM accounts_user)[1 + n %% 40], 'answered', 's', 'b', '<m>', '',
       false, false, now() - n * interval '2 minutes', now() - n * interval '2 minutes', 0, ''
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def many_rows(ticket, bob, dan):
    type(bob).objects.bulk_create(
        type(bob)(email=f"a{n}@example.org", first_name="A") for n in range(40)
    )
    Notification.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(INSERT_NOTIFICATIONS, [ticket.pk, ROWS])
        cursor.execute(INSERT_EMAILS, [ROWS])
        cursor.execute("ANALYZE notifications_notification")
        cursor.execute("ANALYZE notifications_outgoingemail")


def test_each_index_serves_its_query(many_rows, ticket, bob, dan):
    cursor = f"{(timezone.now() - timedelta(days=9)).isoformat()}_9"
    state = EmailFilter(state="failed")
    index_queries = {
        "notification_user_idx": lambda: paginate(list_notifications(bob), NOTIFICATION_ORDERING),
        "notification_at_idx": delivery.purge,
        "notification_unread_ticket_unique": lambda: list(
            Notification.objects.filter(user__in=[bob, dan], ticket=ticket, read_at=None)
        ),
        "notification_unread_article_unique": lambda: list(
            Notification.objects.filter(user__in=[bob, dan], article=1, read_at=None)
        ),
        "mail_due_idx": delivery.claim,
        "mail_user_idx": lambda: emails._users_over_hourly_limit({bob: Kind.ANSWERED}),
        "mail_created_idx": lambda: paginate(
            list_emails(dan, EmailFilter()), EMAIL_ORDERING, after=cursor
        ),
        "mail_state_idx": lambda: paginate(list_emails(dan, state), EMAIL_ORDERING),
    }
    assert OutgoingEmail.objects.count() == ROWS
    kinds = ("SELECT", "DELETE")
    missing = [
        name for name, call in index_queries.items() if name not in explain_queries(call, kinds)
    ]
    assert missing == []
