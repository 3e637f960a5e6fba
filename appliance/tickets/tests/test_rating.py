from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import SiteSettings
from appliance.tickets import queries, services
from appliance.tickets.models import Rating, Status
from appliance.tickets.tests.conftest import kinds


@pytest.fixture
def solved_ticket(ticket, bob):
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    return ticket


def test_customer_rates_a_solved_ticket(solved_ticket, alice):
    services.rate_ticket(ticket=solved_ticket, by=alice, is_good=True, comment="Quick!")
    assert (solved_ticket.rating.is_good, solved_ticket.rating.comment) == (True, "Quick!")
    assert solved_ticket.events.last().data == {"is_good": True}


def test_same_rating_twice_writes_one_event(solved_ticket, alice):
    for _ in range(2):
        services.rate_ticket(ticket=solved_ticket, by=alice, is_good=True)
    assert kinds(solved_ticket).count("rated") == 1


def test_customer_can_change_a_rating_for_a_week(solved_ticket, alice):
    services.rate_ticket(ticket=solved_ticket, by=alice, is_good=True)
    services.rate_ticket(ticket=solved_ticket, by=alice, is_good=False, comment="Broken again.")
    eight_days_ago = timezone.now() - timedelta(days=8)
    Rating.objects.update(at=eight_days_ago)
    type(solved_ticket).objects.update(solved_at=eight_days_ago)
    with pytest.raises(BadInputError, match="7 days"):
        services.rate_ticket(ticket=solved_ticket, by=alice, is_good=True)
    solved_ticket.refresh_from_db()
    assert not queries.can_rate(alice, solved_ticket)


def test_ticket_solved_again_can_be_rated_again(solved_ticket, alice):
    services.rate_ticket(ticket=solved_ticket, by=alice, is_good=False)
    Rating.objects.update(at=timezone.now() - timedelta(days=30))
    services.rate_ticket(ticket=solved_ticket, by=alice, is_good=True)
    assert Rating.objects.get().is_good


def test_only_the_requester_can_rate(solved_ticket, carol, bob):
    for by in (carol, bob):
        with pytest.raises(ForbiddenError):
            services.rate_ticket(ticket=solved_ticket, by=by, is_good=True)


def test_open_ticket_cannot_be_rated(ticket, alice):
    assert not queries.can_rate(alice, ticket)
    with pytest.raises(BadInputError):
        services.rate_ticket(ticket=ticket, by=alice, is_good=True)


def test_guest_can_rate(solved_ticket):
    services.rate_ticket(ticket=solved_ticket, by=None, is_good=True)
    assert solved_ticket.events.last().actor_name == "Alice Test"
    assert queries.can_rate(AnonymousUser(), solved_ticket)


def test_requester_is_asked_for_a_rating_if_the_site_enables_it(solved_ticket, alice, bob):
    assert queries.can_rate(alice, solved_ticket) and not queries.can_rate(bob, solved_ticket)
    SiteSettings.objects.create(is_rating_enabled=False)
    assert not queries.can_rate(alice, solved_ticket)


def test_imported_rating_keeps_its_time(solved_ticket, alice):
    at = solved_ticket.solved_at + timedelta(hours=1)
    rating = services.rate_ticket(ticket=solved_ticket, by=alice, is_good=True, at=at)
    assert (rating.at, solved_ticket.events.last().at) == (at, at)
