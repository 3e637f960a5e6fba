"""The jobs of every minute use an index on 100,000 tickets with timers and escalations."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from appliance.sla.models import Escalation, ScheduledEscalation
from appliance.sla.policies import load_policies
from appliance.sla.services import timers

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# nine in ten tickets are closed, as after years of use
INSERT_TICKETS = """
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
def many_tickets(alice, add_policy):
    policy = add_policy()
    escalation = Escalation.objects.create(policy=policy)
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT_TICKETS,
            {
                "customer": alice.customer.pk,
                "policy": policy.pk,
                "escalation": escalation.pk,
                "policies": load_policies().digest,
            },
        )


def test_jobs_of_every_minute_use_an_index(many_tickets):
    now = timezone.now()
    pending = ScheduledEscalation.objects.filter(done_at=None, at__lte=now + timedelta(minutes=1))
    for index, queryset in {
        "escalation_pending_idx": pending.order_by("at")[:200],
        "timer_outdated_idx": timers._list_outdated(load_policies())[:100],
        "ticket_due_idx": timers._list_newly_past(now)[:1],
    }.items():
        plan = queryset.explain(analyze=True)
        assert index in plan, plan
        assert "Seq Scan" not in plan, plan
