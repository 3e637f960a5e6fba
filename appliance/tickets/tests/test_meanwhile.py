"""Two people at one ticket: what the second did not see is told, not lost."""

import pytest
from django.urls import reverse

from appliance.core.errors import BadInputError
from appliance.tickets import services
from appliance.tickets.forms import AgentReplyForm, PropertiesForm
from appliance.tickets.models import Priority, Status


def sent(form: PropertiesForm, **changes: object) -> dict[str, str]:
    """What a browser sends for a page that shows this form."""
    values = {name: form[name].value() for name in form.fields}
    data = {f"initial-{name}": value for name, value in values.items()}
    return {name: "" if v is None else str(v) for name, v in (data | values | changes).items()}


def test_answer_of_somebody_else_is_seen_before_ones_own_is_sent(ticket, bob, dan):
    theirs = services.reply(ticket=ticket, by=dan, body="Use tray 2.")
    with pytest.raises(BadInputError, match="Dan replied while you were writing") as refused:
        services.reply(ticket=ticket, by=bob, body="Use tray 3.", seen_message_id=0)
    assert refused.value.field == "body"
    services.reply(ticket=ticket, by=bob, body="Use tray 3.", seen_message_id=theirs.pk)
    assert ticket.messages.count() == 2


def test_ones_own_answer_and_a_note_stop_nobody(ticket, bob, dan):
    services.reply(ticket=ticket, by=bob, body="First.", seen_message_id=0)
    services.add_note(ticket=ticket, by=dan, body="Well done.")
    services.reply(ticket=ticket, by=bob, body="Second.", seen_message_id=0)
    assert ticket.messages.count() == 3


def test_answer_sent_twice_is_not_stopped_by_itself_or_by_what_came_after(ticket, bob, dan):
    from uuid import uuid4

    key = uuid4()
    words = {"ticket": ticket, "by": bob, "body": "Hello", "idempotency_key": key}
    first = services.reply(**words, seen_message_id=0)
    services.reply(ticket=ticket, by=dan, body="Hello, too")
    assert services.reply(**words, seen_message_id=0) == first


def test_form_that_was_refused_confirms_when_sent_again(db):
    form = AgentReplyForm({"body": "x", "kind": "reply", "seen_message": "0"})
    assert form.is_valid()
    form.show_newest(7)
    assert form["seen_message"].value() == "7" and form["body"].value() == "x"


def test_change_of_somebody_else_is_told(ticket, bob, dan):
    services.set_priority(ticket=ticket, priority=Priority.URGENT, by=dan)
    with pytest.raises(
        BadInputError, match="Dan changed this to “Urgent” in the meantime"
    ) as refused:
        services.require_unchanged(ticket=ticket, shown={"priority": 2}, changes={"priority": 3})
    assert refused.value.field == "priority"


def test_two_who_want_the_same_do_not_meet(ticket, dan):
    services.set_priority(ticket=ticket, priority=Priority.URGENT, by=dan)
    services.require_unchanged(ticket=ticket, shown={"priority": 2}, changes={"priority": 4})


def test_unchanged_ticket_is_refused_to_nobody(ticket, bob):
    services.assign(ticket=ticket, assignee=bob, by=bob)
    shown = {"status": Status.NEW, "assignee": bob, "team": None, "category": None}
    services.require_unchanged(ticket=ticket, shown=shown)


def test_form_knows_what_was_seen_and_what_is_wanted(ticket, bob, dan):
    page = sent(PropertiesForm(ticket=ticket, viewer=bob), assignee=bob.pk, priority=3)
    services.assign(ticket=ticket, assignee=dan, by=dan)
    form = PropertiesForm(page, ticket=ticket, viewer=bob)
    assert form.is_valid()
    assert form.shown_values() == {"priority": 2, "assignee": None}
    assert form.changed_values() == {"priority": 3, "assignee": bob}
    with pytest.raises(BadInputError, match="Dan changed this to “Dan”"):
        services.require_unchanged(
            ticket=ticket, shown=form.shown_values(), changes=form.changed_values()
        )


def test_form_sent_again_after_it_was_told_passes(ticket, bob, dan):
    page = sent(PropertiesForm(ticket=ticket, viewer=bob), assignee=bob.pk)
    services.assign(ticket=ticket, assignee=dan, by=dan)
    form = PropertiesForm(page, ticket=ticket, viewer=bob)
    assert form.is_valid()
    form.show_current()
    again = PropertiesForm(form.data, ticket=ticket, viewer=bob)
    assert again.is_valid() and again.shown_values() == {"assignee": dan}


def test_who_was_deactivated_stays_on_the_form(ticket, bob, dan):
    services.assign(ticket=ticket, assignee=bob, by=dan)
    type(bob).objects.filter(pk=bob.pk).update(is_active=False)
    form = PropertiesForm(
        sent(PropertiesForm(ticket=ticket, viewer=dan)), ticket=ticket, viewer=dan
    )
    assert form.is_valid() and form.shown_values() == {}


def test_hold_on_the_form_needs_its_date(ticket, bob):
    page = sent(PropertiesForm(ticket=ticket, viewer=bob), status="hold")
    form = PropertiesForm(page, ticket=ticket, viewer=bob)
    assert "until which" in form.errors["resume_at"][0]
    form = PropertiesForm(page | {"resume_at": "2099-01-02"}, ticket=ticket, viewer=bob)
    assert form.is_valid() and form.hold_until().isoformat() == "2099-01-02T00:00:00+00:00"


def test_same_page_sent_twice_changes_once_and_meets_nobody(client, ticket, bob):
    page = sent(PropertiesForm(ticket=ticket, viewer=bob), priority=4)
    client.force_login(bob)
    path = reverse("update-ticket", args=[ticket.pk])
    assert [client.post(path, page).status_code for _ in range(2)] == [302, 302]
    assert ticket.events.filter(kind="priority").count() == 1


def test_stale_page_is_told_and_passes_when_sent_again(client, ticket, bob, dan):
    page = sent(PropertiesForm(ticket=ticket, viewer=bob), priority=4)
    services.set_priority(ticket=ticket, priority=Priority.LOW, by=dan)
    client.force_login(bob)
    path = reverse("update-ticket", args=[ticket.pk])
    answer = client.post(path, page)
    assert answer.status_code == 400 and "Dan changed this" in answer.content.decode()
    assert client.post(path, page | {"initial-priority": "1"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.priority == Priority.URGENT
