"""The SLA status that people read, and the admin pages of policies."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.http import Http404
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone

from appliance.core.errors import ForbiddenError
from appliance.core.models import AuditEntry
from appliance.sla import queries, services, status
from appliance.sla.forms import EscalationForm, PolicyForm
from appliance.sla.models import SlaPolicy
from appliance.sla.tests.conftest import timer_of
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket

HOUR = timedelta(hours=1)


def cell(ticket: Ticket) -> str:
    html = Template("{% load sla %}{% due ticket %}").render(Context({"ticket": ticket}))
    return " ".join(html.split())


def ago(hours: float):
    return timezone.now() - hours * HOUR


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0.65, "due in 1 h 20 min"),
        (1.98, "due in 1 min"),
        (4.5, "overdue by 2 h 30 min"),
        (50.5, "overdue by 2 days"),
    ],
)
def test_a_row_says_what_is_due_next(promise, opened, hours, said):
    promise()
    row = cell(opened(ago(hours)))
    assert said in row
    assert "first response" in row


def test_a_row_says_that_the_clock_is_paused_or_how_it_ended(promise, opened, bob):
    promise()
    ticket = opened(ago(1))
    tickets_services.set_status(ticket=ticket, status=Status.WAITING, by=bob)
    assert "paused" in cell(Ticket.objects.get(pk=ticket.pk))
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert "met" in cell(Ticket.objects.get(pk=ticket.pk))


def test_a_row_without_a_promise_says_nothing(opened):
    assert cell(opened()) == ""


def test_rows_ask_nothing_of_their_own(promise, opened, django_assert_num_queries):
    promise()
    for _ in range(5):
        opened()
    with django_assert_num_queries(1):
        assert all("due" in cell(ticket) for ticket in queries.with_timers(Ticket.objects.all()))


def test_the_timer_of_a_ticket_answers_204_while_it_says_the_same(
    promise, opened, bob, client, django_assert_max_num_queries
):
    promise()
    ticket = opened(ago(0.5))
    client.force_login(bob)
    path = reverse("ticket-timer", args=[ticket.pk])
    shown = client.get(path)
    assert "First response due in 1 h" in shown.content.decode()
    face = status.describe_timer(queries.find_timer(ticket))
    with django_assert_max_num_queries(5):
        assert client.get(f"{path}?seen={face.key}").status_code == 204


def test_customers_do_not_see_the_clock(promise, opened, alice, client):
    promise()
    client.force_login(alice)
    assert client.get(reverse("ticket-timer", args=[opened().pk])).status_code == 403


@pytest.mark.parametrize(
    ("written", "minutes"),
    [("4 h", 240), ("90 min", 90), ("1 h 30 min", 90), ("1:30", 90), ("2 Std. 5 Min.", 125)],
)
def test_times_are_read_as_people_write_them(db, written, minutes):
    form = PolicyForm({"name": "All", "first_response_minutes": written})
    assert form.is_valid(), form.errors
    assert form.values()["first_response_minutes"] == minutes


@pytest.mark.parametrize("written", ["4", "soon", "h", "-3 h", "0 min", "1:75"])
def test_a_time_without_a_sense_is_asked_for_again(db, written):
    assert (
        "first_response_minutes"
        in PolicyForm({"name": "All", "first_response_minutes": written}).errors
    )


def test_a_policy_is_written_and_read_again(dan, categories):
    form = PolicyForm(
        {
            "name": "Urgent",
            "first_response_minutes": "15 min",
            "priorities": ["4"],
            "is_premium": "yes",
            "categories": [categories["hardware"].pk],
        }
    )
    assert form.is_valid(), form.errors
    policy = form.attempt(services.add_policy, by=dan, **form.values())
    again = PolicyForm(policy=policy)
    assert again["first_response_minutes"].value() == "15 min"
    assert status.describe_policy(policy) == ["Urgent", "VIP customers", "Hardware"]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({}, "first_response_minutes"),
        ({"first_response_minutes": "9 h", "resolution_minutes": "1 h"}, "first_response_minutes"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(dan, terms, field):
    form = PolicyForm({"name": "Odd", **terms})
    assert form.is_valid()
    assert form.attempt(services.add_policy, by=dan, **form.values()) is None
    assert field in form.errors


def test_policies_have_an_order(dan, promise):
    first, second = promise("First"), promise("Second")
    services.move_policy(policy=second, by=dan, up=True)
    services.move_policy(policy=second, by=dan, up=True)
    assert list(queries.list_policies()) == [second, first]
    assert [change.verb for change in AuditEntry.objects.all()].count("moved") == 1


def test_an_escalation_is_written_as_it_is_said(dan, promise):
    form = EscalationForm(
        {
            "metric": "resolution",
            "minutes": "1 h",
            "when": "before",
            "action": "notify",
            "recipients": ["assignee", "admins"],
        }
    )
    assert form.is_valid(), form.errors
    row = form.attempt(services.add_escalation, policy=promise(), by=dan, **form.values())
    assert status.describe_escalation(row) == (
        "1 h before resolution is due: notify the administrators, the assignee"
    )


def test_only_admins_promise(bob, promise):
    policy = promise()
    with pytest.raises(ForbiddenError):
        services.remove_policy(policy=policy, by=bob)
    with pytest.raises(Http404):
        queries.access_policy(bob, policy.pk)
    assert SlaPolicy.objects.get().is_active


def test_a_list_left_open_hears_of_a_line_crossed(promise, opened):
    promise()
    ticket = opened(ago(2) - timedelta(seconds=20))
    assert services.notify_newly_overdue()
    Ticket.objects.filter(pk=ticket.pk).update(due_at=ago(1))
    assert not services.notify_newly_overdue()
    assert timer_of(ticket).running_since


def test_every_state_has_an_icon_of_the_font():
    font = Path(finders.find("bootstrap-icons/font/bootstrap-icons.css")).read_text()
    missing = [icon for icon in status.ICONS.values() if f".bi-{icon}::before" not in font]
    assert missing == []
