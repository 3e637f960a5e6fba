"""What runs every minute asks an index, on 100,000 tickets with their clocks and alarms."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from appliance.sla.models import Escalation, ScheduledEscalation
from appliance.sla.policies import load_policies
from appliance.sla.services import timers

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# nine in ten tickets are closed, as on a desk that has been at work for years
CROWD = """
INSERT INTO tickets_ticket
    (customer_id, subject, description, status, priority, due_at, idempotency_key)
SELECT %(customer)s, 'Scanner', '', CASE WHEN n %% 10 = 0 THEN 'open' ELSE 'closed' END, 2,
       CASE WHEN n %% 10 = 0 THEN now() + (n - 50000) * interval '1 minute' END, gen_random_uuid()
FROM generate_series(1, 100000) AS n;
INSERT INTO sla_slatimer (ticket_id, policy_id, policies_digest, used_seconds, is_open)
SELECT id, %(policy)s, %(policies)s, 0, status = 'open' FROM tickets_ticket;
INSERT INTO sla_scheduledescalation (timer_id, escalation_id, at, done_at, was_skipped)
SELECT id, %(escalation)s, coalesce(due_at, now()),
       CASE WHEN due_at IS NULL OR due_at < now() THEN now() END, false
FROM tickets_ticket;
ANALYZE tickets_ticket, sla_slatimer, sla_scheduledescalation;
"""


@pytest.fixture
def crowded(alice, promise):
    policy = promise()
    escalation = Escalation.objects.create(policy=policy)
    with connection.cursor() as cursor:
        cursor.execute(
            CROWD,
            {
                "customer": alice.customer.pk,
                "policy": policy.pk,
                "escalation": escalation.pk,
                "policies": load_policies().digest,
            },
        )


def plan_of(rows: QuerySet) -> str:
    return rows.explain(analyze=True)


def test_every_minute_asks_an_index(crowded):
    now = timezone.now()
    pending = ScheduledEscalation.objects.filter(done_at=None, at__lte=now + timedelta(minutes=1))
    for index, rows in {
        "escalation_pending_idx": pending.order_by("at")[:200],
        "timer_outdated_idx": timers._list_outdated(load_policies())[:100],
        "ticket_due_idx": timers._list_newly_past(now)[:1],
    }.items():
        plan_escalations = plan_of(rows)
        assert index in plan_escalations, plan_escalations
        assert "Seq Scan" not in plan_escalations, plan_escalations
