"""A date is a date: whoever chose it, wherever it is read."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.dates import site_date, start_of_day
from appliance.core.models import SiteSettings
from appliance.tickets import services
from appliance.tickets.models import CustomField, Ticket

ZONES = ["Pacific/Auckland", "Pacific/Honolulu", "Europe/London", "America/Santiago", "Asia/Beirut"]
# the last three are days on which the clocks change, in Santiago and Beirut at midnight
DAYS = ["2099-01-02", "2026-12-31", "2027-03-28", "2027-09-05", "2027-03-28"]


def hold(client, person, ticket: Ticket, day: str) -> None:
    """Put the ticket on hold as the page does."""
    client.force_login(person)
    values = {"status": ticket.status, "priority": 2, "category": "", "team": "", "assignee": ""}
    data = {f"initial-{name}": value for name, value in values.items()} | values
    data |= {"status": "hold", "resume_at": day, "initial-resume_at": ""}
    assert client.post(reverse("update-ticket", args=[ticket.pk]), data).status_code == 302


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)


@pytest.mark.parametrize(("zone", "day"), [*zip(ZONES, DAYS, strict=True)])
def test_day_of_a_hold_is_the_same_for_every_reader(client, ticket, bob, frank, zone, day):
    bob.time_zone = zone
    bob.save()
    hold(client, bob, ticket, day)
    ticket.refresh_from_db()
    assert ticket.resume_on == date.fromisoformat(day)
    assert timezone.localdate(ticket.resume_at, ZoneInfo(zone)) == ticket.resume_on
    for reader_zone in ZONES:
        frank.time_zone = reader_zone
        frank.save()
        client.force_login(frank)
        page = client.get(reverse("ticket", args=[ticket.pk]))
        assert page.context["properties"].form["resume_at"].value() == ticket.resume_on
        assert f"until {date_format(ticket.resume_on)}" in page.content.decode()


@given(day=st.dates(date(1990, 1, 1), date(2090, 1, 1)), zone=st.sampled_from(ZONES))
def test_start_of_a_day_lies_on_that_day(day, zone):
    with timezone.override(ZoneInfo(zone)):
        assert timezone.localdate(start_of_day(day)) == day


def test_saving_another_property_in_another_zone_leaves_the_day(client, ticket, bob, frank):
    bob.time_zone, frank.time_zone = "Pacific/Auckland", "Pacific/Honolulu"
    bob.save(), frank.save()
    hold(client, bob, ticket, "2099-01-02")
    ticket.refresh_from_db()
    resume_at = ticket.resume_at
    client.force_login(frank)
    values = {"status": "hold", "resume_at": "2099-01-02", "category": "", "team": ""}
    data = {f"initial-{name}": value for name, value in values.items()} | values
    data |= {"priority": 4, "initial-priority": 2, "assignee": "", "initial-assignee": ""}
    client.post(reverse("update-ticket", args=[ticket.pk]), data)
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.resume_on, ticket.resume_at) == (
        4,
        date(2099, 1, 2),
        resume_at,
    )


def test_undoing_a_bulk_change_elsewhere_restores_the_day(ticket, bob, dan):
    with timezone.override(ZoneInfo("Pacific/Auckland")):
        services.hold_ticket(ticket=ticket, until=start_of_day(date(2099, 1, 2)), by=bob)
    change = services.start_bulk_change(by=dan, tickets=[ticket.pk], changes={"status": "open"})
    with timezone.override(ZoneInfo("Pacific/Honolulu")):
        services.undo_bulk_change(change=change, by=dan)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resume_on) == ("hold", date(2099, 1, 2))


def test_date_of_a_custom_field_is_the_same_for_every_reader(client, ticket, bob, frank):
    CustomField.objects.create(key="delivery", label="Delivery", kind="date")
    bob.time_zone, frank.time_zone = "Pacific/Auckland", "Pacific/Honolulu"
    bob.save(), frank.save()
    client.force_login(bob)
    client.post(reverse("ticket-fields", args=[ticket.pk]), {"field_delivery": "2026-12-01"})
    client.force_login(frank)
    page = client.get(reverse("ticket", args=[ticket.pk])).content.decode()
    assert 'value="2026-12-01"' in page
    ticket.refresh_from_db()
    assert ticket.fields == {"delivery": "2026-12-01"}


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Pacific/Honolulu"])
def test_date_of_the_site_is_the_same_for_every_reader_and_the_worker(db, zone):
    SiteSettings.objects.create(pk=1, time_zone="Pacific/Auckland")
    with timezone.override(ZoneInfo(zone)):
        assert site_date() == date(2026, 11, 30)
