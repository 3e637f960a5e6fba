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
def solved(ticket, bob):
    services.set_status(ticket=ticket, status=Status.SOLVED, by=bob)
    return ticket


def test_customer_rates_what_was_solved(solved, alice):
    services.rate_ticket(ticket=solved, by=alice, is_good=True, comment="Quick!")
    assert (solved.rating.is_good, solved.rating.comment) == (True, "Quick!")
    assert solved.events.last().data == {"is_good": True}


def test_same_rating_twice_is_one_event(solved, alice):
    for _ in range(2):
        services.rate_ticket(ticket=solved, by=alice, is_good=True)
    assert kinds(solved).count("rated") == 1


def test_customer_may_change_their_mind_for_a_week(solved, alice):
    services.rate_ticket(ticket=solved, by=alice, is_good=True)
    services.rate_ticket(ticket=solved, by=alice, is_good=False, comment="Broken again.")
    long_ago = timezone.now() - timedelta(days=8)
    Rating.objects.update(at=long_ago)
    type(solved).objects.update(solved_at=long_ago)
    with pytest.raises(BadInputError, match="7 days"):
        services.rate_ticket(ticket=solved, by=alice, is_good=True)
    solved.refresh_from_db()
    assert not queries.can_rate(alice, solved)


def test_what_was_solved_anew_can_be_rated_anew(solved, alice):
    services.rate_ticket(ticket=solved, by=alice, is_good=False)
    Rating.objects.update(at=timezone.now() - timedelta(days=30))
    services.rate_ticket(ticket=solved, by=alice, is_good=True)
    assert Rating.objects.get().is_good


def test_only_who_asked_rates(solved, carol, bob):
    for by in (carol, bob):
        with pytest.raises(ForbiddenError):
            services.rate_ticket(ticket=solved, by=by, is_good=True)


def test_open_ticket_has_no_solution_to_rate(ticket, alice):
    assert not queries.can_rate(alice, ticket)
    with pytest.raises(BadInputError):
        services.rate_ticket(ticket=ticket, by=alice, is_good=True)


def test_guest_rates_by_the_secret_link(solved):
    services.rate_ticket(ticket=solved, by=None, is_good=True)
    assert solved.events.last().actor_name == "Alice Test"
    assert queries.can_rate(AnonymousUser(), solved)


def test_who_is_asked_for_a_rating(solved, alice, bob):
    assert queries.can_rate(alice, solved) and not queries.can_rate(bob, solved)
    SiteSettings.objects.create(is_rating_enabled=False)
    assert not queries.can_rate(alice, solved)


def test_rating_that_is_brought_in_has_the_time_it_was_given(solved, alice):
    at = solved.solved_at + timedelta(hours=1)
    rating = services.rate_ticket(ticket=solved, by=alice, is_good=True, at=at)
    assert (rating.at, solved.events.last().at) == (at, at)
