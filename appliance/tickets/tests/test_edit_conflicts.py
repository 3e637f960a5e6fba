"""Two people edit one ticket at the same time."""

import pytest
from django.urls import reverse

from appliance.core.errors import BadInputError
from appliance.tickets import services
from appliance.tickets.forms import AgentReplyForm, PropertiesForm
from appliance.tickets.models import Priority, Status


def submitted_data(form: PropertiesForm, **changes: object) -> dict[str, str]:
    """Return what a browser sends for a page with this form, with some fields changed."""
    values = {name: form[name].value() for name in form.fields}
    data = {f"initial-{name}": value for name, value in values.items()}
    data |= values | changes
    return {name: "" if value is None else str(value) for name, value in data.items()}


def test_reply_is_refused_until_the_agent_has_seen_a_colleagues_reply(ticket, bob, dan):
    newest = services.reply(ticket=ticket, by=dan, body="Use tray 2.")
    with pytest.raises(BadInputError, match="Dan replied while you were writing") as error:
        services.reply(ticket=ticket, by=bob, body="Use tray 3.", seen_message_id=0)
    assert error.value.field == "body"
    services.reply(ticket=ticket, by=bob, body="Use tray 3.", seen_message_id=newest.pk)
    assert ticket.messages.count() == 2


def test_own_reply_and_a_note_cause_no_conflict(ticket, bob, dan):
    services.reply(ticket=ticket, by=bob, body="First.", seen_message_id=0)
    services.add_note(ticket=ticket, by=dan, body="Well done.")
    services.reply(ticket=ticket, by=bob, body="Second.", seen_message_id=0)
    assert ticket.messages.count() == 3


def test_reply_sent_twice_conflicts_neither_with_itself_nor_with_later_replies(ticket, bob, dan):
    from uuid import uuid4

    key = uuid4()
    values = {"ticket": ticket, "by": bob, "body": "Hello", "idempotency_key": key}
    first = services.reply(**values, seen_message_id=0)
    services.reply(ticket=ticket, by=dan, body="Hello, too")
    assert services.reply(**values, seen_message_id=0) == first


def test_refused_reply_form_sent_again_confirms_the_newest_message(db):
    form = AgentReplyForm({"body": "x", "kind": "reply", "seen_message": "0"})
    assert form.is_valid()
    form.show_newest(7)
    assert form["seen_message"].value() == "7" and form["body"].value() == "x"


def test_change_by_somebody_else_is_refused_with_their_name(ticket, bob, dan):
    services.set_priority(ticket=ticket, priority=Priority.URGENT, by=dan)
    with pytest.raises(
        BadInputError, match="Dan changed this to “Urgent” in the meantime"
    ) as error:
        services.require_unchanged(ticket=ticket, shown={"priority": 2}, changes={"priority": 3})
    assert error.value.field == "priority"


def test_two_equal_changes_cause_no_conflict(ticket, dan):
    services.set_priority(ticket=ticket, priority=Priority.URGENT, by=dan)
    services.require_unchanged(ticket=ticket, shown={"priority": 2}, changes={"priority": 4})


def test_unchanged_ticket_causes_no_conflict(ticket, bob):
    services.assign(ticket=ticket, assignee=bob, by=bob)
    shown = {"status": Status.NEW, "assignee": bob, "team": None, "category": None}
    services.require_unchanged(ticket=ticket, shown=shown)


def test_form_returns_shown_and_changed_values(ticket, bob, dan):
    data = submitted_data(PropertiesForm(ticket=ticket, viewer=bob), assignee=bob.pk, priority=3)
    services.assign(ticket=ticket, assignee=dan, by=dan)
    form = PropertiesForm(data, ticket=ticket, viewer=bob)
    assert form.is_valid()
    assert form.shown_values() == {"priority": 2, "assignee": None}
    assert form.changed_values() == {"priority": 3, "assignee": bob}
    with pytest.raises(BadInputError, match="Dan changed this to “Dan”"):
        services.require_unchanged(
            ticket=ticket, shown=form.shown_values(), changes=form.changed_values()
        )


def test_refused_form_sent_again_passes(ticket, bob, dan):
    data = submitted_data(PropertiesForm(ticket=ticket, viewer=bob), assignee=bob.pk)
    services.assign(ticket=ticket, assignee=dan, by=dan)
    form = PropertiesForm(data, ticket=ticket, viewer=bob)
    assert form.is_valid()
    form.show_current()
    again = PropertiesForm(form.data, ticket=ticket, viewer=bob)
    assert again.is_valid() and again.shown_values() == {"assignee": dan}


def test_deactivated_assignee_stays_selectable(ticket, bob, dan):
    services.assign(ticket=ticket, assignee=bob, by=dan)
    type(bob).objects.filter(pk=bob.pk).update(is_active=False)
    form = PropertiesForm(
        submitted_data(PropertiesForm(ticket=ticket, viewer=dan)), ticket=ticket, viewer=dan
    )
    assert form.is_valid() and form.shown_values() == {}


def test_form_requires_a_date_for_on_hold(ticket, bob):
    data = submitted_data(PropertiesForm(ticket=ticket, viewer=bob), status="hold")
    form = PropertiesForm(data, ticket=ticket, viewer=bob)
    assert "until which" in form.errors["resume_at"][0]
    form = PropertiesForm(data | {"resume_at": "2099-01-02"}, ticket=ticket, viewer=bob)
    assert form.is_valid() and form.hold_until().isoformat() == "2099-01-02T00:00:00+00:00"


def test_form_sent_twice_changes_the_ticket_once(client, ticket, bob):
    data = submitted_data(PropertiesForm(ticket=ticket, viewer=bob), priority=4)
    client.force_login(bob)
    path = reverse("update-ticket", args=[ticket.pk])
    assert [client.post(path, data).status_code for _ in range(2)] == [302, 302]
    assert ticket.events.filter(kind="priority").count() == 1


def test_stale_page_is_refused_and_passes_when_sent_again(client, ticket, bob, dan):
    data = submitted_data(PropertiesForm(ticket=ticket, viewer=bob), priority=4)
    services.set_priority(ticket=ticket, priority=Priority.LOW, by=dan)
    client.force_login(bob)
    path = reverse("update-ticket", args=[ticket.pk])
    response = client.post(path, data)
    assert response.status_code == 400 and "Dan changed this" in response.content.decode()
    assert client.post(path, data | {"initial-priority": "1"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.priority == Priority.URGENT
