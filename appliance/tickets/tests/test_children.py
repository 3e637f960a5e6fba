"""A parent and its parts: linked in two levels, answered and solved together a minute later."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404

from appliance.accounts.models import Team, User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.files.models import StoredFile
from appliance.notifications.models import OutgoingEmail
from appliance.tickets import queries, services
from appliance.tickets.models import ChildUpdate, Draft, Event, Message, Status, Ticket, TicketLink
from appliance.tickets.services import children as children_services

CHILD_OF = TicketLink.Kind.CHILD_OF


def link(child: Ticket, parent: Ticket, by: User) -> TicketLink:
    return services.link_tickets(source=child, target=parent, kind=CHILD_OF, by=by)


@pytest.fixture
def children(ticket, alice, carol, bob) -> list[Ticket]:
    """Three tickets that are part of Alice's ticket, one of them Carol's."""
    tickets = [
        services.create_ticket(customer=user.customer, subject=f"s{n}", description="d", by=user)
        for n, user in enumerate([carol, alice, alice])
    ]
    for child in tickets:
        link(child, ticket, bob)
    return tickets


@pytest.fixture
def finish(monkeypatch):
    """Return a function that finishes an update as if its minute had passed."""

    def finish(update: ChildUpdate) -> ChildUpdate:
        ChildUpdate.objects.filter(pk=update.pk).update(due_at=update.at)
        assert services.finish_due_child_updates() == 1
        update.refresh_from_db()
        return update

    return finish


def reply_to_all(ticket: Ticket, bob: User, **more: object) -> ChildUpdate:
    return services.reply_to_children(parent=ticket, by=bob, body="It works again.", **more)


def replies(ticket: Ticket) -> list[str]:
    return list(ticket.messages.filter(kind=Message.Kind.REPLY).values_list("body", flat=True))


def test_parts_are_shown_on_both_sides_and_in_both_histories(ticket, children, bob):
    assert list(queries.list_children(bob, ticket)) == children
    assert queries.find_parent(bob, children[0]) == ticket
    assert str(queries.list_links(bob, ticket)[0].label) == "has the part"
    for side in (ticket, children[0]):
        assert side.events.filter(kind=Event.Kind.LINKED).exists()


def test_there_are_two_levels_and_one_parent(ticket, children, alice, bob):
    other = services.create_ticket(customer=alice.customer, subject="s", description="d", by=alice)
    with pytest.raises(BadInputError, match="already part of"):
        link(children[0], other, bob)
    with pytest.raises(BadInputError, match="parts of its own"):
        link(ticket, other, bob)
    with pytest.raises(BadInputError, match="itself part of"):
        link(other, children[0], bob)


def test_nothing_is_sent_for_a_minute(ticket, children, bob):
    update = reply_to_all(ticket, bob)
    services.finish_child_update(update.pk)
    assert services.finish_due_child_updates() == 0
    assert 55 <= update.undo_seconds <= 60
    assert not Message.objects.exists()


def test_everybody_gets_the_reply_on_their_own_ticket(ticket, children, bob, finish):
    update = finish(reply_to_all(ticket, bob, status=Status.SOLVED))
    for answered in (ticket, *children):
        answered.refresh_from_db()
        assert replies(answered) == ["It works again."]
        assert answered.status == Status.SOLVED
    assert len(update.changed) == 4 and update.body == ""
    sent = OutgoingEmail.objects.filter(messages__in=Message.objects.all())
    assert {email.ticket_id for email in sent} == {ticket.pk, *(child.pk for child in children)}


def test_files_are_on_every_ticket(ticket, children, bob, finish):
    upload = SimpleUploadedFile("plan.txt", b"words")
    finish(reply_to_all(ticket, bob, files=[upload]))
    for answered in (ticket, *children):
        assert answered.messages.get().attachments.get().file.name == "plan.txt"
    assert StoredFile.objects.count() == 1


def test_undo_sends_nothing_and_keeps_the_text_as_a_draft(ticket, children, bob, finish):
    update = reply_to_all(ticket, bob, files=[SimpleUploadedFile("plan.txt", b"words")])
    services.undo_child_update(update=update, by=bob)
    ChildUpdate.objects.update(due_at=update.at)
    assert services.finish_due_child_updates() == 0
    services.finish_child_update(update.pk)
    assert not Message.objects.exists() and not StoredFile.objects.exists()
    assert Draft.objects.get(ticket=ticket, user=bob).body == "It works again."


def test_what_went_out_cannot_be_undone(ticket, children, bob, finish):
    update = finish(reply_to_all(ticket, bob))
    with pytest.raises(BadInputError):
        services.undo_child_update(update=update, by=bob)


def test_others_cannot_undo_it(ticket, children, bob, frank):
    with pytest.raises(ForbiddenError):
        services.undo_child_update(update=reply_to_all(ticket, bob), by=frank)


def test_closed_and_merged_parts_are_skipped_and_named(ticket, children, alice, bob, finish):
    closed, merged, open_child = children
    services.set_status(ticket=closed, status=Status.CLOSED, by=bob)
    services.merge_tickets(source=merged, target=open_child, by=bob)
    update = finish(reply_to_all(ticket, bob))
    skipped = dict(queries.list_visible_skips(bob, update))
    assert set(skipped) == {closed.pk, merged.pk}
    assert "closed" in skipped[closed.pk] and "merged" in skipped[merged.pk]
    assert update.changed == [ticket.pk, open_child.pk]


def test_killed_worker_neither_loses_nor_repeats_a_ticket(ticket, children, bob, monkeypatch):
    update = reply_to_all(ticket, bob)
    ChildUpdate.objects.update(due_at=update.at)
    change, calls = children_services._change, []

    def die_at_the_third(update: ChildUpdate, ticket_id: int) -> None:
        calls.append(ticket_id)
        change(update, ticket_id)
        if len(calls) == 3:
            raise KeyboardInterrupt  # after the reply was written, before it was taken off

    monkeypatch.setattr(children_services, "_change", die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        services.finish_child_update(update.pk)
    monkeypatch.undo()
    assert services.finish_due_child_updates() == 1
    assert [len(replies(answered)) for answered in (ticket, *children)] == [1, 1, 1, 1]


def test_form_sent_twice_is_one_reply(ticket, children, bob, finish):
    update = reply_to_all(ticket, bob)
    again = reply_to_all(ticket, bob, idempotency_key=update.pk)
    assert again == update and ChildUpdate.objects.count() == 1


def test_reply_of_somebody_else_is_read_first(ticket, children, alice, bob):
    services.reply(ticket=ticket, by=alice, body="Any news?")
    with pytest.raises(BadInputError, match="replied while"):
        reply_to_all(ticket, bob, seen_message_id=0)


def test_unlinked_part_gets_no_reply(ticket, children, bob, finish):
    update = reply_to_all(ticket, bob)
    services.unlink_tickets(link=children[0].links.get(), by=bob)
    assert children[0].pk not in finish(update).changed
    assert replies(children[0]) == []


def test_solving_the_parts_can_be_undone_for_a_minute(ticket, children, bob, finish):
    update = services.solve_children(parent=ticket, by=bob)
    services.undo_child_update(update=update, by=bob)
    assert {child.status for child in queries.list_children(bob, ticket)} == {Status.NEW}
    finish(services.solve_children(parent=ticket, by=bob))
    assert {child.status for child in queries.list_children(bob, ticket)} == {Status.SOLVED}
    ticket.refresh_from_db()
    assert ticket.status == Status.NEW


def test_parts_of_a_closed_team_are_neither_counted_nor_answered(ticket, children, bob, frank):
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    services.set_team(ticket=children[0], team=team, by=bob)
    assert queries.list_children(frank, ticket).count() == 2
    assert children[0].pk not in reply_to_all(ticket, frank).pending


def test_customer_sees_no_reply_to_all(ticket, children, alice, bob):
    update = reply_to_all(ticket, bob)
    assert queries.find_child_update(alice, ticket) is None
    with pytest.raises(Http404):
        queries.access_child_update(alice, update.pk)
    with pytest.raises(ForbiddenError):
        reply_to_all(ticket, alice)


def test_result_is_shown_for_an_hour(ticket, children, bob):
    update = reply_to_all(ticket, bob)
    assert queries.find_child_update(bob, ticket) == update
    ChildUpdate.objects.update(at=update.at - timedelta(hours=2))
    assert queries.find_child_update(bob, ticket) is None
