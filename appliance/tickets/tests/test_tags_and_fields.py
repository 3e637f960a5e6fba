from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.tickets import queries, services
from appliance.tickets.forms import FieldsForm, TagsForm, TicketForm
from appliance.tickets.models import CustomField, Event, Status, Tag
from appliance.tickets.tests.conftest import kinds


def names(ticket) -> list[str]:
    return sorted(tag.name for tag in ticket.tags.all())


# --- tags


def test_tags_are_made_as_they_are_used(ticket, bob):
    services.set_tags(ticket=ticket, names=["VIP", "toner"], by=bob)
    assert names(ticket) == ["VIP", "toner"]
    assert ticket.events.last().data == {"added": ["VIP", "toner"], "removed": []}


def test_a_tag_has_one_spelling(ticket, other, bob):
    services.set_tags(ticket=ticket, names=["Toner"], by=bob)
    services.set_tags(ticket=other, names=["#TONER", " toner "], by=bob)
    assert names(other) == ["Toner"] and Tag.objects.count() == 1


def test_letters_that_have_no_capital_of_their_own(ticket, bob):
    services.set_tags(ticket=ticket, names=["Straße"], by=bob)
    services.set_tags(ticket=ticket, names=["Straße", "Größe"], by=bob)
    assert names(ticket) == ["Größe", "Straße"]


def test_same_tags_again_are_no_event(ticket, bob):
    services.set_tags(ticket=ticket, names=["toner"], by=bob)
    services.set_tags(ticket=ticket, names=["TONER"], by=bob)
    services.add_tags(ticket=ticket, names=["toner"], by=bob)
    services.remove_tags(ticket=ticket, names=["unknown"], by=bob)
    assert kinds(ticket).count("tags") == 1


def test_adding_and_removing_leave_the_others(ticket, bob):
    services.set_tags(ticket=ticket, names=["a", "b"], by=bob)
    services.add_tags(ticket=ticket, names=["c"], by=bob)
    services.remove_tags(ticket=ticket, names=["A"], by=bob)
    assert names(ticket) == ["b", "c"]


def test_a_ticket_has_twenty_tags_at_most(ticket, bob):
    with pytest.raises(BadInputError, match="at most 20"):
        services.set_tags(ticket=ticket, names=[f"t{n}" for n in range(21)], by=bob)
    assert not Tag.objects.exists()


def test_a_tag_that_is_a_sentence_is_refused(ticket, bob):
    with pytest.raises(BadInputError, match="40 characters") as refused:
        services.set_tags(ticket=ticket, names=["x" * 41], by=bob)
    assert refused.value.field == "tags"


def test_customers_put_no_tags(ticket, alice):
    with pytest.raises(ForbiddenError):
        services.set_tags(ticket=ticket, names=["urgent"], by=alice)
    assert queries.list_tags(alice) == []


def test_tags_are_found_by_how_they_begin(ticket, bob):
    services.set_tags(ticket=ticket, names=["printer", "Print server", "toner"], by=bob)
    assert [tag.name for tag in queries.list_tags(bob, "PRI")] == ["Print server", "printer"]


def test_tags_form_takes_commas(db):
    form = TagsForm({"tags": " a, b ,,c"})
    assert form.is_valid() and [name.strip() for name in form.names()] == ["a", "b", "c"]


@pytest.mark.django_db(transaction=True)
def test_same_new_tag_of_two_agents_at_once_is_one(ticket, other, bob):
    def tag(one) -> None:
        try:
            services.set_tags(ticket=one, names=["new"], by=bob)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(tag, [ticket, other]))
    assert names(ticket) == names(other) == ["new"]


# --- custom fields


@pytest.fixture
def asset(db) -> CustomField:
    return CustomField.objects.create(key="asset", label="Asset tag", is_for_customers=True)


@pytest.fixture
def cause(categories) -> CustomField:
    """Asked of agents, on hardware only, and needed to solve."""
    field = CustomField.objects.create(
        key="cause", label="Cause", kind="choice", choices=["worn", "dropped"], is_required=True
    )
    field.categories.add(categories["hardware"])
    return field


@pytest.fixture
def hardware(ticket, categories, bob):
    services.set_category(ticket=ticket, category=categories["hardware"], by=bob)
    return ticket


def test_answer_to_a_field_is_one_event(ticket, asset, bob):
    services.set_fields(ticket=ticket, values={"asset": " LX-4711 "}, by=bob)
    services.set_fields(ticket=ticket, values={"asset": "LX-4711"}, by=bob)
    assert ticket.fields == {"asset": "LX-4711"}
    event = ticket.events.get(kind=Event.Kind.FIELD)
    assert event.data == {"field": "Asset tag", "key": "asset", "from": "", "to": "LX-4711"}


def test_empty_answer_takes_the_old_one_away(ticket, asset, bob):
    services.set_fields(ticket=ticket, values={"asset": "LX-4711"}, by=bob)
    services.set_fields(ticket=ticket, values={"asset": ""}, by=bob)
    assert ticket.fields == {} and ticket.events.last().data["to"] == ""


@pytest.mark.parametrize(
    ("kind", "value", "kept", "shown"),
    [
        ("text", "ward 3", "ward 3", "ward 3"),
        ("number", "12.50", 12.5, "12.5"),
        ("number", 7, 7, "7"),
        ("choice", "dropped", "dropped", "dropped"),
        ("date", "2028-02-29", "2028-02-29", "Feb. 29, 2028"),
        ("date", date(2026, 1, 5), "2026-01-05", "Jan. 5, 2026"),
    ],
)
def test_each_kind_keeps_what_it_is_and_shows_it(ticket, bob, kind, value, kept, shown):
    choices = ["worn", "dropped"]
    CustomField.objects.create(key="k", label="K", kind=kind, choices=choices)
    services.set_fields(ticket=ticket, values={"k": value}, by=bob)
    assert ticket.fields["k"] == kept
    assert [answer.text for answer in queries.list_answers(bob, ticket)] == [shown]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "x" * 1001),
        ("text", "a\0b"),
        ("number", "many"),
        ("number", "NaN"),
        ("number", "1e999"),
        ("choice", "lost"),
        ("date", "2027-02-29"),
        ("date", "soon"),
    ],
)
def test_what_is_not_of_its_kind_is_refused(ticket, bob, kind, value):
    CustomField.objects.create(key="k", label="K", kind=kind, choices=["worn"])
    with pytest.raises(BadInputError) as refused:
        services.set_fields(ticket=ticket, values={"k": value}, by=bob)
    assert refused.value.field == "field_k" and "K" in str(refused.value)


def test_field_of_another_category_is_not_there(ticket, cause, bob):
    with pytest.raises(BadInputError, match="no field"):
        services.set_fields(ticket=ticket, values={"cause": "worn"}, by=bob)
    assert queries.list_fields(bob, None) == []


def test_fields_are_those_of_the_category_and_those_of_all(hardware, asset, cause, bob, alice):
    assert queries.list_fields(bob, hardware.category) == [asset, cause]
    assert queries.list_fields(alice, hardware.category) == [asset]


def test_required_field_is_asked_for_when_solving(hardware, cause, bob):
    with pytest.raises(BadInputError, match="Required before solving: Cause"):
        services.set_status(ticket=hardware, status=Status.SOLVED, by=bob)
    services.set_fields(ticket=hardware, values={"cause": "worn"}, by=bob)
    services.set_status(ticket=hardware, status=Status.SOLVED, by=bob)
    assert hardware.status == Status.SOLVED


def test_answer_that_would_solve_without_a_required_field_is_not_sent(hardware, cause, bob):
    with pytest.raises(BadInputError):
        services.reply(ticket=hardware, by=bob, body="Done.", status=Status.SOLVED)
    assert not hardware.messages.exists()


def test_customer_must_answer_what_is_required_of_customers(alice, asset):
    CustomField.objects.update(is_required=True)
    words = {"customer": alice.customer, "subject": "s", "description": "d"}
    with pytest.raises(BadInputError, match="Asset tag"):
        services.create_ticket(**words, by=alice)
    opened = services.create_ticket(**words, by=alice, fields={"asset": "LX-1"})
    assert opened.fields == {"asset": "LX-1"}


def test_customer_answers_no_field_of_the_agents(alice, asset):
    CustomField.objects.update(is_for_customers=False)
    with pytest.raises(BadInputError, match="no field"):
        services.create_ticket(
            customer=alice.customer, subject="s", description="d", by=alice, fields={"asset": "x"}
        )


def test_form_of_a_new_ticket_asks_what_is_meant_for_customers(alice, asset):
    CustomField.objects.update(is_required=True)
    words = {"subject": "s", "description": "d"}
    assert "field_asset" in TicketForm(words, viewer=alice).errors
    form = TicketForm(words | {"field_asset": "LX-1"}, viewer=alice)
    assert form.is_valid() and form.custom_values() == {"asset": "LX-1"}


def test_only_fields_changed_on_the_page_are_written(ticket, asset, bob):
    CustomField.objects.create(key="floor", label="Floor", kind="number", position=1)
    services.set_fields(ticket=ticket, values={"asset": "LX-1", "floor": 3}, by=bob)
    page = {
        "field_asset": "LX-1",
        "initial-field_asset": "LX-1",
        "field_floor": "4",
        "initial-field_floor": "3",
    }
    form = FieldsForm(page, ticket=ticket, viewer=bob)
    assert form.is_valid() and form.changed_values() == {"floor": 4}
