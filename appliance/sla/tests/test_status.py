"""The SLA status in lists and on the ticket page."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone, translation

from appliance.sla import queries, services, status
from appliance.sla.tests.conftest import timer_of
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket

HOUR = timedelta(hours=1)


def cell(ticket: Ticket) -> str:
    html = Template("{% load sla %}{% due ticket %}").render(Context({"ticket": ticket}))
    return " ".join(html.split())


def ago(hours: float) -> datetime:
    return timezone.now() - hours * HOUR


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0.65, "due in 1 h 20 min"),
        (1.98, "due in 1 min"),
        (4.5, "overdue by 2 h 30 min"),
        (50.5, "overdue by 2 days"),
    ],
)
def test_cell_shows_the_next_target(add_policy, open_ticket, hours, text):
    add_policy()
    html = cell(open_ticket(ago(hours)))
    assert text in html
    assert "first response" in html


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("minutes", [18, 80, 26 * 60, 20 * 24 * 60])
def test_no_line_breaks_a_duration(language, minutes):
    with translation.override(language):
        text = status.describe_span(minutes * 60)
    assert "\N{NO-BREAK SPACE}" in text and " " not in text


def test_cell_shows_a_paused_timer_and_its_result(add_policy, open_ticket, bob):
    add_policy()
    ticket = open_ticket(ago(1))
    tickets_services.set_status(ticket=ticket, status=Status.WAITING, by=bob)
    assert "paused" in cell(Ticket.objects.get(pk=ticket.pk))
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    assert "met" in cell(Ticket.objects.get(pk=ticket.pk))


def test_cell_without_policy_is_empty(open_ticket):
    assert cell(open_ticket()) == ""


def test_cells_of_a_list_need_one_query(add_policy, open_ticket, django_assert_num_queries):
    add_policy()
    for _ in range(5):
        open_ticket()
    with django_assert_num_queries(1):
        assert all("due" in cell(ticket) for ticket in queries.with_timers(Ticket.objects.all()))


def test_unchanged_timer_is_answered_with_204(
    add_policy, open_ticket, bob, client, django_assert_max_num_queries
):
    add_policy()
    ticket = open_ticket(ago(0.5))
    client.force_login(bob)
    path = reverse("ticket-timer", args=[ticket.pk])
    response = client.get(path)
    assert "First response due in 1\xa0h" in response.content.decode()
    timer_status = status.describe_timer(queries.find_timer(ticket))
    with django_assert_max_num_queries(5):
        assert client.get(f"{path}?seen={timer_status.key}").status_code == 204


def test_customer_cannot_see_the_timer(add_policy, open_ticket, alice, client):
    add_policy()
    client.force_login(alice)
    assert client.get(reverse("ticket-timer", args=[open_ticket().pk])).status_code == 403


def test_newly_overdue_ticket_invalidates_lists_once(add_policy, open_ticket):
    add_policy()
    ticket = open_ticket(ago(2) - timedelta(seconds=20))
    assert services.notify_newly_overdue()
    Ticket.objects.filter(pk=ticket.pk).update(due_at=ago(1))
    assert not services.notify_newly_overdue()
    assert timer_of(ticket).running_since


def test_every_state_has_an_icon_in_the_font():
    font = Path(finders.find("bootstrap-icons/font/bootstrap-icons.css")).read_text()
    missing = [icon for icon in status.ICONS.values() if f".bi-{icon}::before" not in font]
    assert missing == []
