import uuid

import pytest

from appliance.accounts.models import Team
from appliance.core.errors import BadInputError
from appliance.macros import queries, services
from appliance.macros.forms import MacroForm
from appliance.macros.models import CannedResponse, Macro
from appliance.tickets.models import Message, Priority, Status

WHOLE = {
    "note": "Told {customer_first_name}.",
    "status": "solved",
    "priority": 3,
    "assignee": "me",
    "add_tags": ["printer"],
}


@pytest.fixture
def macro(bob, hello) -> Macro:
    return services.add_macro(by=bob, name="Done", actions=WHOLE | {"canned_response": hello.pk})


def test_macro_does_everything_it_says(macro, ticket, bob):
    services.run_macro(macro=macro, ticket=ticket, by=bob)
    found = (ticket.status, ticket.priority, ticket.assignee, [str(t) for t in ticket.tags.all()])
    assert found == (Status.SOLVED, Priority.HIGH, bob, ["printer"])
    said = [(message.kind, message.body) for message in Message.objects.order_by("id")]
    assert said == [
        ("note", "Told Alice."),
        ("reply", f"Hello Alice, this is about {ticket.number}."),
    ]


def test_macro_sent_twice_says_it_once(macro, ticket, bob):
    key = uuid.uuid4()
    for _ in range(2):
        services.run_macro(macro=macro, ticket=ticket, by=bob, idempotency_key=key)
    assert Message.objects.count() == 2
    macro.refresh_from_db()
    assert macro.uses == 1


def test_macro_that_fails_half_way_does_nothing(macro, ticket, bob):
    ticket.status = Status.CLOSED
    ticket.save()
    with pytest.raises(BadInputError, match="closed"):
        services.run_macro(macro=macro, ticket=ticket, by=bob)
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.assignee, Message.objects.count()) == (2, None, 0)
    assert not Macro.objects.get().uses


def test_macro_says_what_it_will_do(macro, bob):
    assert queries.describe(macro) == [
        "Priority: High",
        "Assignee: the current agent",
        "Add tags: printer",
        "Note: Told {customer_first_name}.",
        "Reply: Hello",
        "Status: Solved",
    ]


def test_macro_holds_a_ticket_for_some_days(ticket, bob):
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
    ],
)
def test_macro_that_means_nothing_is_refused(bob, actions, field):
    with pytest.raises(BadInputError) as no:
        services.add_macro(by=bob, name="No", actions=actions)
    assert no.value.field == field
    assert not Macro.objects.exists()


def test_reply_a_macro_sends_is_not_removed(macro, hello, bob):
    with pytest.raises(BadInputError, match="Done"):
        services.remove_canned_response(canned_response=hello, by=bob)
    assert CannedResponse.objects.exists()


def test_macro_of_a_colleague_is_not_named(macro, hello, dan):
    CannedResponse.objects.update(is_shared=True)
    hello.refresh_from_db()
    with pytest.raises(BadInputError, match="A colleague's macro"):
        services.remove_canned_response(canned_response=hello, by=dan)


def test_what_the_form_shows_is_what_it_saves(macro, bob, categories):
    shown = MacroForm(viewer=bob, macro=macro)
    sent = {name: value for name, value in shown.initial.items() if value is not None}
    form = MacroForm(sent, viewer=bob, macro=macro)
    assert form.is_valid(), form.errors
    assert form.values()["actions"] == macro.actions


def test_closed_team_of_others_is_not_offered(bob, dan):
    Team.objects.create(name="Works council", is_closed=True)
    for viewer, is_offered in ((bob, False), (dan, True)):
        offered = MacroForm(viewer=viewer).fields["to_team"].queryset
        assert offered.filter(name="Works council").exists() == is_offered


def test_two_macros_of_one_page_both_write(bob, ticket):
    key = uuid.uuid4()
    for words in ("One.", "Two."):
        macro = services.add_macro(by=bob, name=words, actions={"note": words})
        services.run_macro(macro=macro, ticket=ticket, by=bob, idempotency_key=key)
    assert {note.body for note in Message.objects.all()} == {"One.", "Two."}
