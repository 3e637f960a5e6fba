"""The queries of reports use their indexes, shown on 20,000 tickets."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from appliance.core.dates import site_date
from appliance.core.languages import Language
from appliance.reports import periods, queries
from appliance.reports.models import CountingProgress, Day
from appliance.sla.models import SlaPolicy
from appliance.tickets.models import Channel
from appliance.tickets.queries import SENTIMENT_THRESHOLD

TICKET_COUNT = 20_000
MANY_TICKETS = """
INSERT INTO tickets_ticket (customer_id, subject, description, status, priority, created_at,
    updated_at, first_response_at, solved_at, idempotency_key)
SELECT %(customer)s, 's', 'd', 'closed', 2, at, at, at + interval '1 hour', at + interval '1 day',
       gen_random_uuid()
FROM (SELECT now() - interval '2 days' - n * interval '50 minutes' AS at
      FROM generate_series(1, %(rows)s) AS n) AS moments;
INSERT INTO tickets_rating (ticket_id, is_good, comment, at)
SELECT id, true, '', solved_at FROM tickets_ticket WHERE solved_at IS NOT NULL;
INSERT INTO sla_slatimer (ticket_id, policy_id, policies_digest, used_seconds, is_open,
    first_response_due_at, first_response_met_at, resolution_due_at, resolution_met_at)
SELECT id, %(policy)s, '', 0, false, created_at + interval '2 hours', first_response_at,
       created_at + interval '2 days', solved_at
FROM tickets_ticket WHERE solved_at IS NOT NULL;
INSERT INTO reports_day ("on", dimension, opened, solved,
    first_response_seconds, resolution_seconds, first_responses_met, first_responses_missed,
    resolutions_met, resolutions_missed, rated_good, rated_bad, sentiment_count, negative, positive)
SELECT current_date - n / 200, CASE WHEN n %% 200 < 5 THEN 'all' ELSE 'agent' END, 1, 1, '{}', '{}',
       0, 0, 0, 0, 0, 0, 0, 0, 0
FROM generate_series(200, %(rows)s) AS n;
"""
TABLES = ("tickets_ticket", "tickets_rating", "sla_slatimer", "reports_day")


@pytest.fixture
def many_tickets(ticket):
    policy = SlaPolicy.objects.create(name="P", first_response_minutes=60)
    parameters = {"customer": ticket.customer_id, "policy": policy.pk, "rows": TICKET_COUNT}
    with connection.cursor() as cursor:
        cursor.execute(MANY_TICKETS, parameters)
        for table in TABLES:
            cursor.execute(f"ANALYZE {table}")


def plan_of(query: str, parameters: dict) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}", parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_counting_a_day_uses_the_indexes(many_tickets):
    day = datetime.now(UTC).date() - timedelta(days=90)
    plan = plan_of(
        queries.compose_sql("facts"),
        {
            "since": periods.start_of_day(day, "UTC"),
            "until": periods.start_of_day(day + timedelta(days=1), "UTC"),
            "zone": "UTC",
            "sentiment": SENTIMENT_THRESHOLD,
            "channels": Channel.values,
            "languages": Language.values,
        },
    )
    names = ("answered", "solved", "rated", "response_timer", "resolution_timer")
    assert [name for name in names if f"report_{name}_idx" not in plan] == []


def test_report_reads_only_the_days_of_its_period(many_tickets, dan):
    today = site_date()
    counted = today - timedelta(days=1)
    CountingProgress.objects.create(time_zone="UTC", counted_through=counted)
    report_query = queries.ReportQuery(periods.Period(today - timedelta(days=29), today))
    plan = plan_of(
        queries.compose_sql("sums"),
        queries._query_parameters(report_query, report_query.period, []),
    )
    assert "report_day_idx" in plan, plan
    query, params = Day.objects.filter(on__range=(counted, counted)).query.sql_with_params()
    assert "report_on_idx" in plan_of(query, params)
