import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import ProgrammingError, connection, transaction

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import SiteSettings
from appliance.tickets import event_data, queries, services
from appliance.tickets.models import Event, Message, Priority, Status, Ticket
from appliance.tickets.tests.conftest import kinds


def test_creating_a_ticket_writes_one_event(ticket):
    assert ticket.status == Status.NEW
    assert kinds(ticket) == [Event.Kind.OPENED]


def test_same_key_twice_creates_one_ticket(alice):
    values = {"customer": alice.customer, "subject": "Twice", "description": "…", "by": alice}
    key = uuid.uuid4()
    first = services.create_ticket(**values, idempotency_key=key)
    second = services.create_ticket(**values, idempotency_key=key)
    assert first == second
    assert Event.objects.filter(ticket=first).count() == 1


def test_key_of_another_customer_is_refused(ticket, carol):
    with pytest.raises(BadInputError):
        services.create_ticket(
            customer=carol.customer,
            subject="My tickets",
            description="…",
            by=carol,
            idempotency_key=ticket.idempotency_key,
        )


@pytest.mark.django_db(transaction=True)
def test_ten_simultaneous_requests_create_one_ticket(alice):
    key = uuid.uuid4()

    def create(_number: int) -> int:
        try:
            return services.create_ticket(
                customer=alice.customer,
                subject="Once",
                description="…",
                by=alice,
                idempotency_key=key,
            ).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(create, range(10)))) == 1
    assert Ticket.objects.count() == 1


def test_agents_first_reply_opens_a_new_ticket(ticket, bob):
    services.reply(ticket=ticket, by=bob, body="Which printer?")
    assert ticket.status == Status.OPEN
    assert ticket.assignee == bob
    assert kinds(ticket) == [
        Event.Kind.OPENED,
        Event.Kind.REPLIED,
        Event.Kind.ASSIGNEE,
        Event.Kind.STATUS,
    ]


def test_site_can_leave_a_ticket_unassigned_when_an_agent_replies(ticket, bob):
    SiteSettings.objects.create(is_assigned_on_reply=False)
    services.reply(ticket=ticket, by=bob, body="Which printer?")
    assert ticket.assignee is None


def test_only_a_reply_to_the_customer_assigns_and_nobody_is_replaced(ticket, alice, bob, dan):
    services.add_note(ticket=ticket, by=bob, body="Old driver.")
    services.reply(ticket=ticket, by=alice, body="Still blank.")
    assert ticket.assignee is None
    services.assign(ticket=ticket, assignee=dan, by=dan)
    services.reply(ticket=ticket, by=bob, body="Which printer?")
    assert ticket.assignee == dan


@pytest.mark.parametrize("status", [Status.SOLVED, Status.WAITING])
def test_customers_reply_reopens_the_ticket(ticket, alice, bob, status):
    services.reply(ticket=ticket, by=bob, body="Try now.", status=status)
    services.reply(ticket=ticket, by=alice, body="Still blank.")
    assert ticket.status == Status.OPEN


def test_customer_cannot_set_a_status_with_a_reply(ticket, alice):
    with pytest.raises(ForbiddenError):
        services.reply(ticket=ticket, by=alice, body="Done", status=Status.CLOSED)
    assert not ticket.messages.exists()


def test_closed_ticket_refuses_replies(ticket, alice, bob):
    services.set_status(ticket=ticket, status=Status.CLOSED, by=bob)
    with pytest.raises(BadInputError, match="closed"):
        services.reply(ticket=ticket, by=alice, body="One more thing")


def test_reply_sent_twice_is_stored_once(ticket, bob):
    key = uuid.uuid4()
    services.reply(ticket=ticket, by=bob, body="Hello", idempotency_key=key)
    services.reply(ticket=ticket, by=bob, body="Hello", idempotency_key=key)
    assert ticket.messages.count() == 1
    assert kinds(ticket).count(Event.Kind.REPLIED) == 1


def test_customer_cannot_write_notes(ticket, alice):
    with pytest.raises(ForbiddenError):
        services.add_note(ticket=ticket, by=alice, body="psst")


def test_customer_cannot_read_notes(ticket, alice, bob):
    services.add_note(ticket=ticket, by=bob, body="third time this week")
    services.reply(ticket=ticket, by=bob, body="On my way.")
    assert [message.kind for message in queries.list_messages(bob, ticket)] == ["note", "reply"]
    assert [message.kind for message in queries.list_messages(alice, ticket)] == ["reply"]


def test_unchanged_property_writes_no_event(ticket, bob):
    services.set_priority(ticket=ticket, priority=Priority.NORMAL, by=bob)
    services.set_status(ticket=ticket, status=Status.NEW, by=bob)
    services.assign(ticket=ticket, assignee=None, by=bob)
    assert kinds(ticket) == [Event.Kind.OPENED]


def test_ticket_cannot_be_assigned_to_a_customer(ticket, bob, alice):
    with pytest.raises(BadInputError, match="agent"):
        services.assign(ticket=ticket, assignee=alice, by=bob)


def test_event_has_old_and_new_value(ticket, bob, categories):
    services.set_category(ticket=ticket, category=categories["hardware"], by=bob)
    event = ticket.events.get(kind=Event.Kind.CATEGORY)
    assert (event.before, event.after) == ("", "Hardware")
    assert (event.data["from_id"], event.data["to_id"]) == (None, categories["hardware"].pk)
    assert event.actor == bob


def test_anonymised_event_has_no_values(ticket):
    data = {"from": None, "to": None, "from_id": None, "to_id": None}
    event = Event(ticket=ticket, kind=Event.Kind.ASSIGNEE, data=data)
    assert (event.before, event.after) == ("", "")


def test_classification_keeps_a_category_set_by_a_person(ticket, bob, categories):
    services.set_category(ticket=ticket, category=categories["hardware"], by=bob)
    services.record_classification(
        ticket=ticket,
        category=categories["email"],
        sentiment_score=-0.5,
        bundles="m",
        data={},
    )
    ticket.refresh_from_db()
    assert ticket.category == categories["hardware"]
    assert ticket.sentiment_score == -0.5


@pytest.mark.parametrize(
    "statement", ["UPDATE tickets_event SET kind = 'x'", "DELETE FROM tickets_event"]
)
def test_database_refuses_to_change_events(ticket, statement):
    refusal = pytest.raises(ProgrammingError, match="permission denied")
    with refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_failed_reply_writes_nothing(ticket, bob, monkeypatch):
    monkeypatch.setattr(services.messages, "change_status", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.reply(ticket=ticket, by=bob, body="lost?")
    assert not Message.objects.exists()
    assert kinds(ticket) == [Event.Kind.OPENED]


def test_default_categories_are_loaded_once(categories):
    services.load_default_categories()
    assert len(categories) == len(queries.list_categories()) == 10


def test_every_kind_of_event_has_a_type_for_its_data():
    shapes = {f"{kind.capitalize()}Data" for kind in Event.Kind.values}
    assert shapes <= vars(event_data).keys()
