from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from appliance.accounts.models import Team
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import SiteSettings
from appliance.tickets import services
from appliance.tickets.models import BulkChange, Event, Status, Ticket
from appliance.tickets.services import bulk


@pytest.fixture
def three(alice) -> list[int]:
    return [
        services.create_ticket(
            customer=alice.customer, subject=f"Nr {number}", description="…", by=alice
        ).pk
        for number in range(3)
    ]


def events(kind: Event.Kind) -> int:
    return Event.objects.filter(kind=kind).count()


def test_every_ticket_is_changed_with_one_event_a_change(three, bob):
    asked = {"assignee": bob.pk, "priority": 4, "add_tags": ["storm"]}
    change = services.start_bulk_change(by=bob, tickets=three, changes=asked)
    for ticket in Ticket.objects.filter(pk__in=three):
        assert (ticket.assignee, ticket.priority, ticket.tags.get().name) == (bob, 4, "storm")
    assert (change.total, change.finished_at is not None, change.skipped) == (3, True, [])
    for kind in (Event.Kind.ASSIGNEE, Event.Kind.PRIORITY, Event.Kind.TAGS):
        assert events(kind) == 3


def test_the_same_form_sent_twice_changes_once(three, bob):
    key, asked = uuid4(), {"assignee": bob.pk}
    first = services.start_bulk_change(by=bob, tickets=three, changes=asked, idempotency_key=key)
    again = services.start_bulk_change(by=bob, tickets=three, changes=asked, idempotency_key=key)
    assert (again, events(Event.Kind.ASSIGNEE)) == (first, 3)


def test_a_key_that_was_used_for_something_else_is_told(three, bob):
    key = uuid4()
    services.start_bulk_change(by=bob, tickets=three, changes={"priority": 4}, idempotency_key=key)
    with pytest.raises(BadInputError, match="already submitted"):
        services.start_bulk_change(
            by=bob, tickets=three, changes={"priority": 1}, idempotency_key=key
        )


def test_undo_puts_everything_back(three, bob, dan):
    services.assign(ticket=Ticket.objects.get(pk=three[0]), assignee=dan, by=dan)
    asked = {"assignee": bob.pk, "status": Status.SOLVED, "add_tags": ["storm"]}
    change = services.start_bulk_change(by=bob, tickets=three, changes=asked)
    services.undo_bulk_change(change=change, by=bob)
    found = {t.pk: (t.assignee, t.status, t.tags.count()) for t in Ticket.objects.all()}
    assert found == {
        three[0]: (dan, "new", 0),
        three[1]: (None, "new", 0),
        three[2]: (None, "new", 0),
    }
    assert (change.undo_skipped, change.undo_finished_at is not None) == ([], True)


def test_undo_leaves_what_somebody_changed_since(three, bob, dan):
    change = services.start_bulk_change(
        by=bob, tickets=three, changes={"assignee": bob.pk, "priority": 4}
    )
    services.assign(ticket=Ticket.objects.get(pk=three[1]), assignee=dan, by=dan)
    services.undo_bulk_change(change=change, by=bob)
    touched = Ticket.objects.get(pk=three[1])
    assert (touched.assignee, touched.priority) == (dan, 2)
    assert [ticket for ticket, _why in change.undo_skipped] == [three[1]]


def test_undo_brings_back_the_date_of_a_ticket_on_hold(three, bob):
    until = timezone.now() + timedelta(days=3)
    services.hold_ticket(ticket=Ticket.objects.get(pk=three[0]), until=until, by=bob)
    change = services.start_bulk_change(by=bob, tickets=three, changes={"status": "open"})
    services.undo_bulk_change(change=change, by=bob)
    held = Ticket.objects.get(pk=three[0])
    assert (held.status, held.resume_at) == (Status.HOLD, until)


def test_undo_sent_twice_is_done_once(three, bob):
    change = services.start_bulk_change(by=bob, tickets=three, changes={"priority": 4})
    services.undo_bulk_change(change=change, by=bob)
    services.undo_bulk_change(change=change, by=bob)
    assert events(Event.Kind.PRIORITY) == 6


def test_undo_is_over_after_a_minute(three, bob):
    change = services.start_bulk_change(by=bob, tickets=three, changes={"priority": 4})
    BulkChange.objects.update(finished_at=timezone.now() - timedelta(seconds=61))
    assert not services.undo_seconds(BulkChange.objects.get())
    with pytest.raises(BadInputError, match="minute"):
        services.undo_bulk_change(change=change, by=bob)


def test_nobody_takes_back_what_another_did(three, bob, dan):
    change = services.start_bulk_change(by=bob, tickets=three, changes={"priority": 4})
    with pytest.raises(ForbiddenError):
        services.undo_bulk_change(change=change, by=dan)


def test_a_ticket_that_cannot_follow_is_left_whole_and_told(three, bob, dan):
    closed = Team.objects.create(name="Personnel", is_closed=True)
    services.set_team(ticket=Ticket.objects.get(pk=three[0]), team=closed, by=dan)
    change = services.start_bulk_change(
        by=dan, tickets=three, changes={"priority": 4, "assignee": bob.pk}
    )
    left = Ticket.objects.get(pk=three[0])
    assert (left.priority, left.assignee) == (2, None)
    assert [ticket for ticket, _why in change.skipped] == [three[0]]
    assert Ticket.objects.filter(priority=4).count() == 2


def test_what_the_agent_does_not_see_stays_as_it_is(three, bob, dan):
    closed = Team.objects.create(name="Personnel", is_closed=True)
    services.set_team(ticket=Ticket.objects.get(pk=three[0]), team=closed, by=dan)
    change = services.start_bulk_change(by=bob, tickets=three, changes={"priority": 4})
    assert Ticket.objects.get(pk=three[0]).priority == 2
    assert [ticket for ticket, _why in change.skipped] == [three[0]]


def test_without_the_right_nothing_is_changed(three, bob):
    SiteSettings.objects.update_or_create(pk=1, defaults={"agent_rights": []})
    with pytest.raises(ForbiddenError):
        services.start_bulk_change(by=bob, tickets=three, changes={"priority": 4})
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize(
    ("chosen", "changes", "said"),
    [(0, {"priority": 4}, "at least one"), (3, {}, "at least one change"), (3, {"x": 1}, "x")],
)
def test_senseless_changes_name_the_remedy(three, bob, chosen, changes, said):
    with pytest.raises(BadInputError, match=said):
        services.start_bulk_change(by=bob, tickets=three[:chosen], changes=changes)


def test_many_are_left_to_the_worker_step_by_step(three, bob, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_SYNCHRONOUS", 1)
    monkeypatch.setattr(bulk, "BATCH_SIZE", 2)
    change = services.start_bulk_change(by=bob, tickets=three, changes={"priority": 4})
    assert (change.finished_at, len(change.pending)) == (None, 3)
    with pytest.raises(BadInputError, match="still running"):
        services.undo_bulk_change(change=change, by=bob)
    services.finish_bulk_change(change.pk)
    assert Ticket.objects.filter(priority=4).count() == 3


def test_what_a_dead_process_left_is_finished(three, bob, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_SYNCHRONOUS", 0)
    services.start_bulk_change(by=bob, tickets=three, changes={"priority": 4})
    assert services.finish_abandoned_bulk_changes() == 0
    BulkChange.objects.update(at=timezone.now() - timedelta(minutes=2))
    assert services.finish_abandoned_bulk_changes() == 1
    assert Ticket.objects.filter(priority=4).count() == 3


def test_a_room_above_may_offer_a_verb_and_undo_takes_it_back(three, bob, monkeypatch):
    monkeypatch.setattr(bulk, "_registered_setters", {})
    monkeypatch.setattr(bulk, "_registered_labels", {})
    bulk.register_bulk_change(
        "raise",
        lambda ticket, value, by, key: services.set_priority(ticket=ticket, priority=value, by=by),
        label=str,
    )
    change = services.start_bulk_change(by=bob, tickets=three, changes={"raise": 4})
    assert Ticket.objects.filter(priority=4).count() == 3
    services.undo_bulk_change(change=change, by=bob)
    assert Ticket.objects.filter(priority=4).count() == 0
