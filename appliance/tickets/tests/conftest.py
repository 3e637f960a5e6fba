"""Fixtures of ticket tests: a closed team, a second ticket, files."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from appliance.accounts.models import Team, User
from appliance.tickets import services
from appliance.tickets.models import Ticket

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def upload(name: str = "screen.png", data: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def kinds(ticket: Ticket) -> list[str]:
    return list(ticket.events.values_list("kind", flat=True))


@pytest.fixture
def night_shift(bob: User) -> Team:
    """A closed team with Bob as a member and without Frank."""
    team = Team.objects.create(name="Night shift", is_closed=True)
    team.members.add(bob)
    return team


@pytest.fixture
def secret(ticket: Ticket, night_shift: Team, bob: User) -> Ticket:
    """Alice's ticket in the closed team."""
    services.set_team(ticket=ticket, team=night_shift, by=bob)
    return ticket


@pytest.fixture
def other(alice: User) -> Ticket:
    """Alice's second ticket."""
    return services.create_ticket(
        customer=alice.customer, subject="Blank again", description="Same printer.", by=alice
    )
