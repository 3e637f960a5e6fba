import uuid

import pytest

from appliance.accounts.models import Team
from appliance.core.errors import BadInputError
from appliance.macros import queries, services
from appliance.macros.forms import MacroForm
from appliance.macros.models import CannedResponse, Macro
from appliance.tickets.models import Message, Priority, Status

ALL_ACTIONS = {
    "note": "Told {customer_first_name}.",
    "status": "solved",
    "priority": 3,
    "assignee": "me",
    "add_tags": ["printer"],
}


@pytest.fixture
def macro(bob, hello) -> Macro:
    return services.add_macro(
        by=bob, name="Done", actions=ALL_ACTIONS | {"canned_response": hello.pk}
    )


def test_macro_applies_all_its_actions(macro, ticket, bob):
    services.run_macro(macro=macro, ticket=ticket, by=bob)
    assert (ticket.status, ticket.priority, ticket.assignee) == (Status.SOLVED, Priority.HIGH, bob)
    assert [str(tag) for tag in ticket.tags.all()] == ["printer"]
    messages = [(message.kind, message.body) for message in Message.objects.order_by("id")]
    assert messages == [
        ("note", "Told Alice."),
        ("reply", f"Hello Alice, this is about {ticket.number}."),
    ]


def test_repeated_submission_of_a_macro_creates_its_messages_once(macro, ticket, bob):
    key = uuid.uuid4()
    for _ in range(2):
        services.run_macro(macro=macro, ticket=ticket, by=bob, idempotency_key=key)
    assert Message.objects.count() == 2
    macro.refresh_from_db()
    assert macro.uses == 1


def test_failing_macro_changes_nothing(macro, ticket, bob):
    ticket.status = Status.CLOSED
    ticket.save()
    with pytest.raises(BadInputError, match="closed"):
        services.run_macro(macro=macro, ticket=ticket, by=bob)
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.assignee, Message.objects.count()) == (2, None, 0)
    assert not Macro.objects.get().uses


def test_macro_describes_its_actions(macro, bob):
    assert queries.describe(macro) == [
        "Priority: High",
        "Assignee: the current agent",
        "Add tags: printer",
        "Note: Told {customer_first_name}.",
        "Reply: Hello",
        "Status: Solved",
    ]


def test_macro_puts_a_ticket_on_hold(ticket, bob):
    macro = services.add_macro(by=bob, name="Wait", actions={"hold_days": 3})
    services.run_macro(macro=macro, ticket=ticket, by=bob)
    assert ticket.status == Status.HOLD


@pytest.mark.parametrize(
    ("actions", "field"),
    [
        ({}, ""),
        ({"delete": True}, ""),
        ({"status": "gone"}, "status"),
        ({"status": "hold"}, "hold_days"),
        ({"status": "solved", "hold_days": 2}, "hold_days"),
        ({"hold_days": 10_000}, "hold_days"),
        ({"team": 999}, "team"),
        ({"assignee": "1 or 1"}, "assignee"),
        ({"note": "{secret_key}"}, "note"),
        ({"add_tags": "printer"}, "add_tags"),
        ({"add_tags": ["x" * 41]}, "add_tags"),
        ({"remove_tags": ["x" * 41]}, "remove_tags"),
    ],
)
def test_invalid_macro_is_refused(bob, actions, field):
    with pytest.raises(BadInputError) as error:
        services.add_macro(by=bob, name="No", actions=actions)
    assert error.value.field == field
    assert not Macro.objects.exists()


def test_canned_response_of_a_macro_cannot_be_removed(macro, hello, bob):
    with pytest.raises(BadInputError, match="Done"):
        services.remove_canned_response(canned_response=hello, by=bob)
    assert CannedResponse.objects.exists()


def test_private_macro_of_a_colleague_is_not_named_in_the_error(macro, hello, dan):
    CannedResponse.objects.update(is_shared=True)
    hello.refresh_from_db()
    with pytest.raises(BadInputError, match="A colleague's macro"):
        services.remove_canned_response(canned_response=hello, by=dan)


def test_macro_form_saves_what_it_shows(macro, bob, categories):
    form = MacroForm(viewer=bob, macro=macro)
    data = {name: value for name, value in form.initial.items() if value is not None}
    form = MacroForm(data, viewer=bob, macro=macro)
    assert form.is_valid(), form.errors
    assert form.values()["actions"] == macro.actions


def test_closed_team_is_offered_to_members_and_admins_only(bob, dan):
    Team.objects.create(name="Works council", is_closed=True)
    for viewer, is_offered in ((bob, False), (dan, True)):
        teams = MacroForm(viewer=viewer).fields["to_team"].queryset
        assert teams.filter(name="Works council").exists() == is_offered


def test_two_macros_submitted_with_the_same_key_both_create_messages(bob, ticket):
    key = uuid.uuid4()
    for text in ("One.", "Two."):
        macro = services.add_macro(by=bob, name=text, actions={"note": text})
        services.run_macro(macro=macro, ticket=ticket, by=bob, idempotency_key=key)
    assert {note.body for note in Message.objects.all()} == {"One.", "Two."}
