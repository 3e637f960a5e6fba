from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone, translation

from appliance.accounts.models import Team
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import SiteSettings
from appliance.tickets import services
from appliance.tickets.models import BulkChange, Event, Status, Ticket
from appliance.tickets.services import bulk


@pytest.fixture
def three_ids(alice) -> list[int]:
    return [
        services.create_ticket(
            customer=alice.customer, subject=f"Nr {number}", description="…", by=alice
        ).pk
        for number in range(3)
    ]


def count_events(kind: Event.Kind) -> int:
    return Event.objects.filter(kind=kind).count()


def test_bulk_change_writes_one_event_per_ticket_and_property(three_ids, bob):
    changes = {"assignee": bob.pk, "priority": 4, "add_tags": ["storm"]}
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes=changes)
    for ticket in Ticket.objects.filter(pk__in=three_ids):
        assert (ticket.assignee, ticket.priority, ticket.tags.get().name) == (bob, 4, "storm")
    assert (change.total, change.finished_at is not None, change.skipped) == (3, True, [])
    for kind in (Event.Kind.ASSIGNEE, Event.Kind.PRIORITY, Event.Kind.TAGS):
        assert count_events(kind) == 3


def test_same_key_twice_changes_once(three_ids, bob):
    key, changes = uuid4(), {"assignee": bob.pk}
    first = services.start_bulk_change(
        by=bob, tickets=three_ids, changes=changes, idempotency_key=key
    )
    again = services.start_bulk_change(
        by=bob, tickets=three_ids, changes=changes, idempotency_key=key
    )
    assert (again, count_events(Event.Kind.ASSIGNEE)) == (first, 3)


def test_key_used_for_other_changes_is_refused(three_ids, bob):
    key = uuid4()
    services.start_bulk_change(
        by=bob, tickets=three_ids, changes={"priority": 4}, idempotency_key=key
    )
    with pytest.raises(BadInputError, match="already submitted"):
        services.start_bulk_change(
            by=bob, tickets=three_ids, changes={"priority": 1}, idempotency_key=key
        )


def test_undo_restores_everything(three_ids, bob, dan):
    services.assign(ticket=Ticket.objects.get(pk=three_ids[0]), assignee=dan, by=dan)
    changes = {"assignee": bob.pk, "status": Status.SOLVED, "add_tags": ["storm"]}
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes=changes)
    services.undo_bulk_change(change=change, by=bob)
    values = {
        ticket.pk: (ticket.assignee, ticket.status, ticket.tags.count())
        for ticket in Ticket.objects.all()
    }
    assert values == {
        three_ids[0]: (dan, "new", 0),
        three_ids[1]: (None, "new", 0),
        three_ids[2]: (None, "new", 0),
    }
    assert (change.undo_skipped, change.undo_finished_at is not None) == ([], True)


def test_undo_keeps_later_changes_by_others(three_ids, bob, dan):
    change = services.start_bulk_change(
        by=bob, tickets=three_ids, changes={"assignee": bob.pk, "priority": 4}
    )
    services.assign(ticket=Ticket.objects.get(pk=three_ids[1]), assignee=dan, by=dan)
    services.undo_bulk_change(change=change, by=bob)
    ticket = Ticket.objects.get(pk=three_ids[1])
    assert (ticket.assignee, ticket.priority) == (dan, 2)
    assert [ticket_id for ticket_id, _reason in change.undo_skipped] == [three_ids[1]]


@pytest.mark.parametrize("days", [3, None])
def test_undo_restores_the_end_of_a_hold(three_ids, bob, days):
    until = timezone.now() + timedelta(days=days) if days else None
    services.hold_ticket(ticket=Ticket.objects.get(pk=three_ids[0]), until=until, by=bob)
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes={"status": "open"})
    services.undo_bulk_change(change=change, by=bob)
    ticket = Ticket.objects.get(pk=three_ids[0])
    assert (ticket.status, ticket.resume_at) == (Status.HOLD, until)


def test_undo_twice_restores_once(three_ids, bob):
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes={"priority": 4})
    services.undo_bulk_change(change=change, by=bob)
    services.undo_bulk_change(change=change, by=bob)
    assert count_events(Event.Kind.PRIORITY) == 6


def test_undo_is_refused_after_a_minute(three_ids, bob):
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes={"priority": 4})
    BulkChange.objects.update(finished_at=timezone.now() - timedelta(seconds=61))
    assert not services.undo_seconds(BulkChange.objects.get())
    with pytest.raises(BadInputError, match="minute"):
        services.undo_bulk_change(change=change, by=bob)


def test_only_the_author_can_undo(three_ids, bob, dan):
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes={"priority": 4})
    with pytest.raises(ForbiddenError):
        services.undo_bulk_change(change=change, by=dan)


def test_ticket_that_refuses_one_change_is_skipped(three_ids, bob, dan):
    closed = Team.objects.create(name="Personnel", is_closed=True)
    services.set_team(ticket=Ticket.objects.get(pk=three_ids[0]), team=closed, by=dan)
    change = services.start_bulk_change(
        by=dan, tickets=three_ids, changes={"priority": 4, "assignee": bob.pk}
    )
    ticket = Ticket.objects.get(pk=three_ids[0])
    assert (ticket.priority, ticket.assignee) == (2, None)
    assert [ticket_id for ticket_id, _reason in change.skipped] == [three_ids[0]]
    assert Ticket.objects.filter(priority=4).count() == 2


def test_hidden_ticket_is_skipped(three_ids, bob, dan):
    closed = Team.objects.create(name="Personnel", is_closed=True)
    services.set_team(ticket=Ticket.objects.get(pk=three_ids[0]), team=closed, by=dan)
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes={"priority": 4})
    assert Ticket.objects.get(pk=three_ids[0]).priority == 2
    assert [ticket_id for ticket_id, _reason in change.skipped] == [three_ids[0]]


def test_worker_says_why_a_ticket_was_skipped_in_the_language_of_the_author(three_ids, bob, dan):
    bob.language = "de"
    bob.save(update_fields=["language"])
    closed = Team.objects.create(name="Personnel", is_closed=True)
    services.set_team(ticket=Ticket.objects.get(pk=three_ids[0]), team=closed, by=dan)
    with translation.override("en"):
        change = services.start_bulk_change(by=bob, tickets=three_ids, changes={"priority": 4})
    assert change.skipped == [[three_ids[0], "gelöscht oder nicht zugänglich"]]


def test_bulk_change_needs_the_right(three_ids, bob):
    SiteSettings.objects.update_or_create(pk=1, defaults={"agent_rights": []})
    with pytest.raises(ForbiddenError):
        services.start_bulk_change(by=bob, tickets=three_ids, changes={"priority": 4})
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize(
    ("count", "changes", "message"),
    [(0, {"priority": 4}, "at least one"), (3, {}, "at least one change"), (3, {"x": 1}, "x")],
)
def test_invalid_bulk_change_is_refused(three_ids, bob, count, changes, message):
    with pytest.raises(BadInputError, match=message):
        services.start_bulk_change(by=bob, tickets=three_ids[:count], changes=changes)


@pytest.mark.parametrize("name", ["add_tags", "remove_tags"])
@pytest.mark.parametrize("tags", [["x" * 41], [str(number) for number in range(21)]])
def test_tags_that_no_ticket_can_have_are_refused_at_their_field(three_ids, bob, name, tags):
    with pytest.raises(BadInputError) as refusal:
        services.start_bulk_change(by=bob, tickets=three_ids, changes={name: tags})
    assert refusal.value.field == name
    assert not BulkChange.objects.exists()


def test_many_tickets_are_changed_by_the_worker_in_batches(three_ids, bob, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_SYNCHRONOUS", 1)
    monkeypatch.setattr(bulk, "BATCH_SIZE", 2)
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes={"priority": 4})
    assert (change.finished_at, len(change.pending)) == (None, 3)
    with pytest.raises(BadInputError, match="still running"):
        services.undo_bulk_change(change=change, by=bob)
    services.finish_bulk_change(change.pk)
    assert Ticket.objects.filter(priority=4).count() == 3


def test_abandoned_bulk_change_is_finished(three_ids, bob, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_SYNCHRONOUS", 0)
    services.start_bulk_change(by=bob, tickets=three_ids, changes={"priority": 4})
    assert services.finish_abandoned_bulk_changes() == 0
    BulkChange.objects.update(at=timezone.now() - timedelta(minutes=2))
    assert services.finish_abandoned_bulk_changes() == 1
    assert Ticket.objects.filter(priority=4).count() == 3


def test_registered_change_is_applied_and_undone(three_ids, bob, monkeypatch):
    monkeypatch.setattr(bulk, "_registered_setters", {})
    monkeypatch.setattr(bulk, "_registered_labels", {})
    bulk.register_bulk_change(
        "raise",
        lambda ticket, value, by, key: services.set_priority(ticket=ticket, priority=value, by=by),
        label=str,
    )
    change = services.start_bulk_change(by=bob, tickets=three_ids, changes={"raise": 4})
    assert Ticket.objects.filter(priority=4).count() == 3
    services.undo_bulk_change(change=change, by=bob)
    assert Ticket.objects.filter(priority=4).count() == 0
