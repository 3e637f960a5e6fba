"""Tickets answered and solved before these moments were written down get them from what is known."""

from django.db import migrations

ANSWERED = """
UPDATE tickets_ticket SET first_answered_at = said.at
FROM (
    SELECT ticket_id, min(created_at) AS at FROM tickets_message
    WHERE kind = 'reply' AND NOT is_from_customer GROUP BY ticket_id
) AS said
WHERE said.ticket_id = tickets_ticket.id AND first_answered_at IS NULL
"""
SOLVED = """
UPDATE tickets_ticket SET solved_at = updated_at
WHERE status IN ('solved', 'closed') AND solved_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0005_names_may_be_taken_from_events"),
    ]

    operations = [
        migrations.RunSQL(ANSWERED, migrations.RunSQL.noop),
        migrations.RunSQL(SOLVED, migrations.RunSQL.noop),
    ]
