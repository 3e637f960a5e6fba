from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.tickets import queries, services
from appliance.tickets.forms import FieldsForm, TagsForm, TicketForm
from appliance.tickets.models import CustomField, Event, Status, Tag
from appliance.tickets.tests.conftest import kinds


def tag_names(ticket) -> list[str]:
    return sorted(tag.name for tag in ticket.tags.all())


# --- tags


def test_tags_are_created_when_they_are_used(ticket, bob):
    services.set_tags(ticket=ticket, names=["VIP", "toner"], by=bob)
    assert tag_names(ticket) == ["VIP", "toner"]
    assert ticket.events.last().data == {"added": ["VIP", "toner"], "removed": []}


def test_tag_has_one_spelling(ticket, other, bob):
    services.set_tags(ticket=ticket, names=["Toner"], by=bob)
    services.set_tags(ticket=other, names=["#TONER", " toner "], by=bob)
    assert tag_names(other) == ["Toner"] and Tag.objects.count() == 1


def test_tag_names_with_special_letters_are_compared_without_case(ticket, bob):
    services.set_tags(ticket=ticket, names=["Straße"], by=bob)
    services.set_tags(ticket=ticket, names=["Straße", "Größe"], by=bob)
    assert tag_names(ticket) == ["Größe", "Straße"]


def test_unchanged_tags_write_no_event(ticket, bob):
    services.set_tags(ticket=ticket, names=["toner"], by=bob)
    services.set_tags(ticket=ticket, names=["TONER"], by=bob)
    services.add_tags(ticket=ticket, names=["toner"], by=bob)
    services.remove_tags(ticket=ticket, names=["unknown"], by=bob)
    assert kinds(ticket).count("tags") == 1


def test_adding_and_removing_tags_keeps_the_others(ticket, bob):
    services.set_tags(ticket=ticket, names=["a", "b"], by=bob)
    services.add_tags(ticket=ticket, names=["c"], by=bob)
    services.remove_tags(ticket=ticket, names=["A"], by=bob)
    assert tag_names(ticket) == ["b", "c"]


def test_ticket_has_at_most_twenty_tags(ticket, bob):
    with pytest.raises(BadInputError, match="at most 20"):
        services.set_tags(ticket=ticket, names=[f"t{n}" for n in range(21)], by=bob)
    assert not Tag.objects.exists()


def test_long_tag_is_refused(ticket, bob):
    with pytest.raises(BadInputError, match="40 characters") as error:
        services.set_tags(ticket=ticket, names=["x" * 41], by=bob)
    assert error.value.field == "tags"


def test_customer_cannot_set_or_list_tags(ticket, alice):
    with pytest.raises(ForbiddenError):
        services.set_tags(ticket=ticket, names=["urgent"], by=alice)
    assert queries.list_tags(alice) == []


def test_tags_are_found_by_prefix(ticket, bob):
    services.set_tags(ticket=ticket, names=["printer", "Print server", "toner"], by=bob)
    assert [tag.name for tag in queries.list_tags(bob, "PRI")] == ["Print server", "printer"]


def test_tags_form_splits_at_commas(db):
    form = TagsForm({"tags": " a, b ,,c"})
    assert form.is_valid() and form.names() == ["a", "b", "c"]


@pytest.mark.django_db(transaction=True)
def test_new_tag_set_twice_at_once_is_created_once(ticket, other, bob):
    def set_new_tag(ticket) -> None:
        try:
            services.set_tags(ticket=ticket, names=["new"], by=bob)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(set_new_tag, [ticket, other]))
    assert tag_names(ticket) == tag_names(other) == ["new"]


# --- custom fields


@pytest.fixture
def asset(db) -> CustomField:
    return CustomField.objects.create(key="asset", label="Asset tag", is_for_customers=True)


@pytest.fixture
def cause(categories) -> CustomField:
    """A required field of the category hardware, for agents."""
    field = CustomField.objects.create(
        key="cause", label="Cause", kind="choice", choices=["worn", "dropped"], is_required=True
    )
    field.categories.add(categories["hardware"])
    return field


@pytest.fixture
def hardware(ticket, categories, bob):
    services.set_category(ticket=ticket, category=categories["hardware"], by=bob)
    return ticket


def test_field_value_set_twice_writes_one_event(ticket, asset, bob):
    services.set_fields(ticket=ticket, values={"asset": " LX-4711 "}, by=bob)
    services.set_fields(ticket=ticket, values={"asset": "LX-4711"}, by=bob)
    assert ticket.fields == {"asset": "LX-4711"}
    event = ticket.events.get(kind=Event.Kind.FIELD)
    names = {"field": "Asset tag", "key": "asset", "kind": "text"}
    assert event.data == {**names, "from": None, "to": "LX-4711"}


def test_empty_value_removes_the_stored_one(ticket, asset, bob):
    services.set_fields(ticket=ticket, values={"asset": "LX-4711"}, by=bob)
    services.set_fields(ticket=ticket, values={"asset": ""}, by=bob)
    assert ticket.fields == {} and ticket.events.last().data["to"] is None


@pytest.mark.parametrize(
    ("kind", "value", "stored", "text"),
    [
        ("text", "ward 3", "ward 3", "ward 3"),
        ("number", "12.50", 12.5, "12.5"),
        ("number", 7, 7, "7"),
        ("choice", "dropped", "dropped", "dropped"),
        ("date", "2028-02-29", "2028-02-29", "29 Feb 2028"),
        ("date", date(2026, 1, 5), "2026-01-05", "5 Jan 2026"),
    ],
)
def test_field_value_is_stored_and_shown_by_kind(ticket, bob, kind, value, stored, text):
    choices = ["worn", "dropped"]
    CustomField.objects.create(key="k", label="K", kind=kind, choices=choices)
    services.set_fields(ticket=ticket, values={"k": value}, by=bob)
    assert ticket.fields["k"] == stored
    assert [answer.text for answer in queries.list_answers(bob, ticket)] == [text]


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
def test_invalid_field_value_is_refused(ticket, bob, kind, value):
    CustomField.objects.create(key="k", label="K", kind=kind, choices=["worn"])
    with pytest.raises(BadInputError) as error:
        services.set_fields(ticket=ticket, values={"k": value}, by=bob)
    assert error.value.field == "field_k" and "K" in str(error.value)


def test_field_of_another_category_is_unknown(ticket, cause, bob):
    with pytest.raises(BadInputError, match="no field"):
        services.set_fields(ticket=ticket, values={"cause": "worn"}, by=bob)
    assert queries.list_fields(bob, None) == []


def test_fields_are_those_of_the_category_and_of_all_categories(hardware, asset, cause, bob, alice):
    assert queries.list_fields(bob, hardware.category) == [asset, cause]
    assert queries.list_fields(alice, hardware.category) == [asset]


def test_solving_needs_the_required_fields(hardware, cause, bob):
    with pytest.raises(BadInputError, match="Required before solving: Cause"):
        services.set_status(ticket=hardware, status=Status.SOLVED, by=bob)
    services.set_fields(ticket=hardware, values={"cause": "worn"}, by=bob)
    services.set_status(ticket=hardware, status=Status.SOLVED, by=bob)
    assert hardware.status == Status.SOLVED


def test_reply_cannot_solve_without_the_required_fields(hardware, cause, bob):
    with pytest.raises(BadInputError):
        services.reply(ticket=hardware, by=bob, body="Done.", status=Status.SOLVED)
    assert not hardware.messages.exists()


def test_customer_must_fill_in_required_fields(alice, asset):
    CustomField.objects.update(is_required=True)
    values = {"customer": alice.customer, "subject": "s", "description": "d"}
    with pytest.raises(BadInputError, match="Asset tag"):
        services.create_ticket(**values, by=alice)
    ticket = services.create_ticket(**values, by=alice, fields={"asset": "LX-1"})
    assert ticket.fields == {"asset": "LX-1"}


def test_customer_cannot_fill_in_agents_fields(alice, asset):
    CustomField.objects.update(is_for_customers=False)
    with pytest.raises(BadInputError, match="no field"):
        services.create_ticket(
            customer=alice.customer, subject="s", description="d", by=alice, fields={"asset": "x"}
        )


def test_ticket_form_has_the_customers_fields(alice, asset):
    CustomField.objects.update(is_required=True)
    values = {"subject": "s", "description": "d"}
    assert "field_asset" in TicketForm(values, viewer=alice).errors
    form = TicketForm(values | {"field_asset": "LX-1"}, viewer=alice)
    assert form.is_valid() and form.custom_values() == {"asset": "LX-1"}


def test_only_fields_changed_on_the_page_are_saved(ticket, asset, bob):
    CustomField.objects.create(key="floor", label="Floor", kind="number", position=1)
    services.set_fields(ticket=ticket, values={"asset": "LX-1", "floor": 3}, by=bob)
    data = {
        "field_asset": "LX-1",
        "initial-field_asset": "LX-1",
        "field_floor": "4",
        "initial-field_floor": "3",
    }
    form = FieldsForm(data, ticket=ticket, viewer=bob)
    assert form.is_valid() and form.changed_values() == {"floor": 4}
