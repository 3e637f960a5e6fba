import uuid

import pytest
from django.contrib.auth.models import AnonymousUser

from appliance.accounts.models import Right
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import DEFAULT_AGENT_RIGHTS, SiteSettings
from appliance.tickets import queries, services
from appliance.tickets.forms import LinkForm, MergeForm
from appliance.tickets.models import Event, Status, Ticket, TicketLink
from appliance.tickets.tests.conftest import kinds, upload

Kind = TicketLink.Kind


@pytest.fixture
def third(alice) -> Ticket:
    return services.create_ticket(customer=alice.customer, subject="3", description="…", by=alice)


@pytest.fixture
def carols(carol) -> Ticket:
    return services.create_ticket(customer=carol.customer, subject="C", description="…", by=carol)


@pytest.fixture
def merged(ticket, other, alice, bob) -> Ticket:
    """Alice's second ticket, with a reply and a note, merged into her first."""
    services.reply(ticket=ticket, by=bob, body="Which printer?")
    services.reply(ticket=other, by=bob, body="The same one?", files=[upload()])
    services.add_note(ticket=other, by=bob, body="A duplicate.")
    services.merge_tickets(source=other, target=ticket, by=bob)
    return other


def test_merge_closes_the_source_and_writes_events_on_both(merged, ticket):
    assert (merged.status, merged.merged_into) == (Status.CLOSED, ticket)
    assert merged.events.last().data == {"target": ticket.pk, "was": "open"}
    assert ticket.events.last().data == {"source": merged.pk}


def test_target_lists_the_messages_of_both_in_order(merged, ticket, bob):
    messages = queries.list_messages(bob, ticket)
    assert [message.body for message in messages] == [
        "Blank again\n\nSame printer.",
        "Which printer?",
        "The same one?",
        "A duplicate.",
    ]
    assert [message.pk is None for message in messages] == [True, False, False, False]
    assert [len(message.files) for message in messages] == [0, 0, 1, 0]
    assert queries.list_merged(bob, ticket) == [merged]
    assert [message.body for message in queries.list_messages(bob, merged)] == [
        "The same one?",
        "A duplicate.",
    ]


def test_customer_reads_a_merged_conversation_without_notes(merged, ticket, alice):
    for viewer in (alice, AnonymousUser()):
        assert len(queries.list_messages(viewer, ticket)) == 3
    assert queries.find_merge_target(alice, merged) == ticket


def test_merging_twice_writes_one_event(merged, ticket, bob):
    services.merge_tickets(source=merged, target=ticket, by=bob)
    assert kinds(merged).count("merged") == kinds(ticket).count("merged") == 1


def test_unmerging_restores_status_and_messages(merged, ticket, bob):
    services.unmerge_ticket(ticket=merged, by=bob)
    assert (merged.status, merged.merged_into, merged.solved_at) == (Status.OPEN, None, None)
    assert [message.body for message in queries.list_messages(bob, ticket)] == ["Which printer?"]
    assert merged.events.filter(kind=Event.Kind.MERGED).last().data["undone"] is True
    services.unmerge_ticket(ticket=merged, by=bob)
    assert kinds(merged).count("merged") == 2


def test_reply_on_a_merged_ticket_is_refused_with_its_target(merged, ticket, alice):
    with pytest.raises(BadInputError, match=f"merged into {ticket.number}"):
        services.reply(ticket=merged, by=alice, body="Hello?")


def test_merged_ticket_cannot_be_reopened(merged, bob):
    with pytest.raises(BadInputError, match="Undo the merge"):
        services.set_status(ticket=merged, status=Status.OPEN, by=bob)


def test_guests_ticket_cannot_be_merged_into_another(ticket, third, bob):
    Ticket.objects.filter(pk=third.pk).update(guest_token_sha256="0" * 64)
    third.refresh_from_db()
    with pytest.raises(BadInputError, match="belongs to a guest"):
        services.merge_tickets(source=third, target=ticket, by=bob)
    services.merge_tickets(source=ticket, target=third, by=bob)
    assert ticket.merged_into == third


def test_circular_merges_are_refused(merged, ticket, third, bob):
    with pytest.raises(BadInputError, match="itself merged"):
        services.merge_tickets(source=ticket, target=merged, by=bob)
    with pytest.raises(BadInputError, match="already"):
        services.merge_tickets(source=merged, target=third, by=bob)
    with pytest.raises(BadInputError, match="itself"):
        services.merge_tickets(source=ticket, target=ticket, by=bob)


def test_merge_of_a_merge_target_includes_all_messages(merged, ticket, third, bob):
    services.merge_tickets(source=ticket, target=third, by=bob)
    assert queries.list_merged(bob, third) == [ticket, merged]
    assert len(queries.list_messages(bob, third)) == 5


def test_tickets_of_two_customers_cannot_be_merged(ticket, carols, bob):
    with pytest.raises(BadInputError, match="Link the tickets instead") as error:
        services.merge_tickets(source=carols, target=ticket, by=bob)
    assert error.value.field == "target"


def test_merge_into_a_closed_ticket_is_refused(ticket, other, bob):
    services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    with pytest.raises(BadInputError, match="is closed"):
        services.merge_tickets(source=other, target=ticket, by=bob)


def test_closed_teams_ticket_stays_hidden_in_a_merge(ticket, other, night_shift, bob, frank):
    services.set_team(ticket=other, team=night_shift, by=bob)
    services.merge_tickets(source=other, target=ticket, by=bob)
    assert queries.list_merged(bob, ticket) == [other]
    assert queries.list_merged(frank, ticket) == queries.list_messages(frank, ticket) == []


def test_merging_and_splitting_need_a_right(ticket, other, bob, alice):
    SiteSettings.objects.create(
        agent_rights=[right for right in DEFAULT_AGENT_RIGHTS if right != Right.MERGE]
    )
    message = services.reply(ticket=ticket, by=bob, body="x")
    for by in (bob, alice):
        with pytest.raises(ForbiddenError):
            services.merge_tickets(source=other, target=ticket, by=by)
        with pytest.raises(ForbiddenError):
            services.split_ticket(message=message, subject="s", by=by)


# --- split


def test_message_is_split_into_a_new_ticket(ticket, alice, bob):
    message = services.reply(ticket=ticket, by=alice, body="And the fax?", files=[upload()])
    split = services.split_ticket(message=message, subject="Fax", by=bob)
    assert (split.customer, split.description) == (ticket.customer, "And the fax?")
    assert len(queries.list_first_message_files(split)) == 1
    assert [linked.other for linked in queries.list_links(bob, split)] == [ticket]
    assert [linked.label for linked in queries.list_links(bob, ticket)] == ["was split into"]
    assert message in queries.list_messages(bob, ticket)
    assert kinds(split) == ["opened", "split"] and kinds(ticket)[-1] == "split"


def test_same_key_twice_splits_once(ticket, alice, bob):
    message = services.reply(ticket=ticket, by=alice, body="And the fax?")
    key = uuid.uuid4()
    values = {"message": message, "subject": "Fax", "by": bob, "idempotency_key": key}
    assert services.split_ticket(**values) == services.split_ticket(**values)


def test_note_cannot_be_split(ticket, bob):
    note = services.add_note(ticket=ticket, by=bob, body="Difficult person.")
    with pytest.raises(BadInputError, match="would see it"):
        services.split_ticket(message=note, subject="s", by=bob)


# --- links


def test_link_is_listed_on_both_tickets(ticket, other, bob):
    services.link_tickets(source=other, target=ticket, kind=Kind.CAUSED_BY, by=bob)
    [link], [reverse_link] = queries.list_links(bob, other), queries.list_links(bob, ticket)
    assert (link.other, link.label) == (ticket, "is caused by")
    assert (reverse_link.other, reverse_link.label) == (other, "causes")
    assert kinds(ticket)[-1] == kinds(other)[-1] == "linked"


def test_same_link_is_created_once(ticket, other, bob):
    first = services.link_tickets(source=other, target=ticket, kind=Kind.RELATED, by=bob)
    again = services.link_tickets(source=ticket, target=other, kind=Kind.RELATED, by=bob)
    assert first == again and TicketLink.objects.count() == 1


def test_circular_causes_are_refused(ticket, other, third, bob):
    services.link_tickets(source=ticket, target=other, kind=Kind.CAUSED_BY, by=bob)
    services.link_tickets(source=other, target=third, kind=Kind.CAUSED_BY, by=bob)
    with pytest.raises(BadInputError, match="both ways"):
        services.link_tickets(source=third, target=ticket, kind=Kind.CAUSED_BY, by=bob)


def test_unlinking_twice_writes_one_event(ticket, other, bob):
    link = services.link_tickets(source=other, target=ticket, kind=Kind.DUPLICATE, by=bob)
    services.unlink_tickets(link=TicketLink.objects.get(), by=bob)
    services.unlink_tickets(link=link, by=bob)
    assert queries.list_links(bob, ticket) == []
    assert kinds(ticket).count("unlinked") == 1


def test_customer_can_neither_link_nor_see_links_to_others_tickets(ticket, carols, alice, bob):
    with pytest.raises(ForbiddenError):
        services.link_tickets(source=ticket, target=carols, kind=Kind.RELATED, by=alice)
    services.link_tickets(source=ticket, target=carols, kind=Kind.RELATED, by=bob)
    assert queries.list_links(alice, ticket) == []


@pytest.mark.parametrize("number", ["SKR-{}", "skr-{}", " #{} ", "{}"])
def test_ticket_number_is_accepted_in_usual_spellings(other, bob, number):
    form = MergeForm({"target": number.format(other.pk)}, viewer=bob)
    assert form.is_valid() and form.cleaned_data["target"] == other


@pytest.mark.parametrize("number", ["0", "SKR-x", "9" * 40, "", "SKR-99999999"])
def test_unknown_ticket_number_is_refused(bob, db, number):
    form = LinkForm({"target": number, "kind": "related"}, viewer=bob)
    assert not form.is_valid() and form.errors["target"]


def test_number_of_a_hidden_ticket_is_unknown(secret, frank):
    form = MergeForm({"target": secret.number}, viewer=frank)
    assert "No ticket" in form.errors["target"][0]


def test_key_used_for_another_ticket_is_refused(ticket, other, carols, bob):
    key = uuid.uuid4()
    message = services.reply(ticket=ticket, by=bob, body="Here", idempotency_key=key)
    for service in (services.reply, services.add_note):
        with pytest.raises(BadInputError):
            service(ticket=other, by=bob, body="There", idempotency_key=key)
    with pytest.raises(BadInputError):
        services.split_ticket(
            message=message, subject="Apart", by=bob, idempotency_key=carols.idempotency_key
        )
