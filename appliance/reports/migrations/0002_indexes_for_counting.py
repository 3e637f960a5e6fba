"""Indexes on the tables of other rooms that only the counting of days asks for."""

from django.db import migrations

# serve facts.sql: what was answered, solved, promised or rated within some days
INDEXES = {
    "report_answered_idx": "tickets_ticket (first_answered_at) WHERE first_answered_at IS NOT NULL",
    "report_solved_idx": "tickets_ticket (solved_at) WHERE solved_at IS NOT NULL",
    "report_rated_idx": "tickets_rating (at)",
    "report_answer_clock_idx": (
        "agreements_clock (least(answer_met_at, answer_due_at)) WHERE answer_due_at IS NOT NULL"
    ),
    "report_solution_clock_idx": (
        "agreements_clock (least(solution_met_at, solution_due_at)) "
        "WHERE solution_due_at IS NOT NULL"
    ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0001_days_and_progress"),
        ("agreements", "0001_promises"),
        ("tickets", "0003_work_on_tickets"),
    ]

    operations = [
        migrations.RunSQL(f"CREATE INDEX {name} ON {on}", f"DROP INDEX {name}")
        for name, on in INDEXES.items()
    ]
