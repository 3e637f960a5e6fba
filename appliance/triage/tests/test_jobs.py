"""Jobs are queued with the transaction, at most one per text."""

from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from appliance.triage import services, tasks


@pytest.fixture(autouse=True)
def _empty_queue(db):
    """Jobs that tests with real commits left behind."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def test_ticket_queued_twice_is_one_job(ticket):
    with transaction.atomic():
        services.queue_annotation(ticket)
        services.queue_annotation(ticket)
    job = ProcrastinateJob.objects.get()
    assert (job.task_name, job.args) == ("triage.annotate_ticket", {"ticket_id": ticket.pk})


def test_rolled_back_ticket_leaves_no_job(ticket):
    @transaction.atomic
    def queue_and_fail() -> None:
        services.queue_annotation(ticket)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        queue_and_fail()
    assert not ProcrastinateJob.objects.exists()


def test_every_queued_task_exists(db):
    assert {
        "triage.annotate_ticket",
        "triage.refresh_article",
        "triage.catch_up",
        "triage.maintain_spaces",
        "triage.fill_space",
        "triage.delete_space",
        "triage.retry_stalled_jobs",
        "triage.remove_old_jobs",
    } <= set(app.tasks)


def test_worker_catches_up_every_minute():
    crons = {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}
    assert crons["triage.catch_up"] == "* * * * *"


@pytest.mark.django_db(transaction=True)
def test_stalled_job_is_started_again_unless_the_next_of_its_kind_waits():
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH dead AS (
                INSERT INTO procrastinate_workers (last_heartbeat)
                VALUES (now() - interval '1 hour') RETURNING id
            )
            INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, status, worker_id)
            SELECT 'default', name, name, status::procrastinate_job_status, dead.id
            FROM dead, (
                VALUES ('locked', 'doing'), ('locked', 'todo'), ('alone', 'doing')
            ) AS jobs (name, status)"""
        )
    context = SimpleNamespace(app=app)
    async_to_sync(tasks.retry_stalled_jobs.func)(context, 0)
    jobs = ProcrastinateJob.objects.values_list("task_name", "status").order_by("task_name")
    assert [*jobs] == [("alone", "todo"), ("locked", "todo")]
